"""Everything we ship is told with its licence, and nothing under a licence we do not take slips in."""

import json
from pathlib import Path

from build_scripts import notices


def test_every_locked_package_is_told_with_its_licence() -> None:
    assert notices.findings() == []


def test_a_package_left_out_a_missing_licence_and_a_gpl_one_are_found(tmp_path: Path) -> None:
    told = json.loads(notices.TARGET.read_text("utf-8"))
    items = {item["name"]: item for item in told["items"]}
    told["items"].remove(items["alembic"])
    items["anyio"]["licence"] = ""
    items["click"]["licence"] = "GPL-3.0-only"
    planted = tmp_path / "notices.json"
    planted.write_text(json.dumps(told), "utf-8")

    assert notices.findings(planted) == [
        "alembic is not told as locked",
        "anyio has no licence",
        "click is under GPL-3.0-only",
    ]


def test_every_licence_text_that_is_named_is_there() -> None:
    told = json.loads(notices.TARGET.read_text("utf-8"))
    named = {key for item in told["items"] for key in item["texts"]}

    assert named == told["texts"].keys()
