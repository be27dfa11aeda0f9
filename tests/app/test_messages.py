"""Every refusal names what is wrong in a person's words, those of the endpoint, too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import app
from app.errors import InvalidInput
from app.messages import FIELDS, REASONS, sentence
from sync.server.problems import KINDS

TOLD_BY_THE_PHONE = {"gate-required", "gate-wrong", "link-recalled", "link-expired"}


def named() -> Iterator[tuple[str, str]]:
    """(file, field) of every InvalidInput whose field stands in the code."""
    for path in Path(app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("InvalidInput") and node.args:
                field = node.args[0]
                if isinstance(field, ast.Constant) and isinstance(field.value, str):
                    yield path.name, field.value


def test_every_field_that_is_refused_has_words() -> None:
    found = list(named())
    assert len(found) > 20
    assert [one for one in found if one[1] not in FIELDS] == []


def test_every_refusal_a_desktop_can_meet_has_words() -> None:
    assert set(KINDS) - TOLD_BY_THE_PHONE <= set(REASONS)


def test_a_column_that_is_missing_is_told_as_a_list_calls_it() -> None:
    assert sentence(InvalidInput("contact", "column-missing")).startswith("手机、邮箱或工号：")
    assert sentence(InvalidInput("full_name", "column-missing")).startswith("姓名：")
