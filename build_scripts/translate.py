"""Keeps the two languages level: every shown text has its Chinese, and no Chinese is left over.

`python build_scripts/translate.py` prints what is missing, by noun, ready to be pasted into resources/i18n;
`--check` says yes or no for check.py.
"""

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from build_scripts.house_rules.texts import CHINESE
from build_scripts.house_rules.tree import Source, Tree, called, calls, dotted

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "resources/i18n/zh_CN"
TABLES_BY_NAME = {"app/messages.py": {"WORDS", "NOUNS", "FIELDS", "REASONS"}}
PASSES_ON = ("app/words.py", "app/messages.py", "app/vocabulary.py", "app/acts.py")  # show texts that stand in tables
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;!?](?=[\u4e00-\u9fff]|$)")
FORBIDDEN = {"您": "the reader is 你", "！": "no exclamation marks", "Coming soon": "only what works is shown"}


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """An English source text and the first place that shows it."""

    path: str
    line: int
    english: str

    @property
    def noun(self) -> str:
        """The catalog file it belongs to: views/batches/page.py and services/batches.py both say `batches`."""
        parts = self.path.removesuffix(".py").split("/")
        if parts[1] in {"views", "services", "models"} and len(parts) > 2:
            return parts[2]
        return "errors" if parts[1] == "messages" else parts[1]


def shown_texts(tree: Tree) -> tuple[list[Text], list[str]]:
    """Every text that app/ shows, and what is wrong with the way it is written."""
    texts: dict[str, Text] = {}
    wrong: list[str] = []
    for source in tree.below("app"):
        for node, english in [*_in_calls(source, wrong), *_in_tables(source)]:
            texts.setdefault(english, Text(source.path, node.lineno, english))
    wrong.extend(f"{text.path}:{text.line} Chinese in an English text" for text in _with_chinese(texts))
    return sorted(texts.values()), wrong


def _with_chinese(texts: dict[str, Text]) -> Iterator[Text]:
    return (text for english, text in texts.items() if CHINESE.search(english))


def _in_calls(source: Source, wrong: list[str]) -> Iterator[tuple[ast.expr, str]]:
    if source.path in PASSES_ON:
        return
    for call in calls(source):
        name = called(call)
        if name not in {"tr", "ntr"}:
            continue
        for argument in call.args[: 2 if name == "ntr" else 1]:
            literals = list(_literals(argument))
            if not literals and not source.allows("not-literal", argument.lineno):
                wrong.append(f"{source.path}:{argument.lineno} {name}() takes a literal; closed lists are Words tables")
            for literal in literals:
                yield literal, str(literal.value)


def _literals(node: ast.expr) -> Iterator[ast.Constant]:
    """A literal, or both sides of `"…" if … else "…"`; nothing when a side is not one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.IfExp):
        sides = [list(_literals(node.body)), list(_literals(node.orelse))]
        if all(sides):
            yield from (literal for side in sides for literal in side)


def _in_tables(source: Source) -> Iterator[tuple[ast.expr, str]]:
    """Values of module-level dicts annotated `Words`, and of the tables of app/messages.py."""
    for node in source.module.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        is_words = dotted(node.annotation).rsplit(".", 1)[-1] == "Words"
        if is_words or dotted(node.target) in TABLES_BY_NAME.get(source.path, ()):
            for value in node.value.values:
                if isinstance(value, ast.Constant):
                    yield value, str(value.value)


def catalog(root: Path) -> tuple[dict[str, str], list[str]]:
    """The merged Chinese catalog, and where two files contradict each other or a file repeats itself."""
    merged: dict[str, str] = {}
    owner: dict[str, str] = {}
    wrong: list[str] = []
    for path in sorted((root / FOLDER).glob("*.json")):
        pairs = json.loads(path.read_text("utf-8"), object_pairs_hook=list)
        for english, chinese in pairs:
            if merged.get(english, chinese) != chinese:
                wrong.append(f"{path.name} and {owner[english]} disagree on {english!r}: {chinese} / {merged[english]}")
            merged.setdefault(english, chinese)
            owner.setdefault(english, path.name)
    return merged, wrong


def faults(english: str, chinese: str) -> Iterator[str]:
    """What is wrong with one entry."""
    if _fields(english) != _fields(chinese):
        yield f"placeholders differ: {sorted(_fields(english))} / {sorted(_fields(chinese))}"
    if chinese == english and re.search(r"[a-z]{3}", re.sub(r"\{.*?\}|\.[a-z]+", "", english)):
        yield "not translated"
    if HALF_WIDTH.search(chinese):
        yield "half-width punctuation after Chinese"
    for mark, why in FORBIDDEN.items():
        if mark in chinese or mark in english:
            yield why


def _fields(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def problems(root: Path) -> tuple[list[str], list[Text]]:
    """Every finding in words, and the texts that have no Chinese yet."""
    texts, wrong = shown_texts(Tree(root))
    chinese, contradictions = catalog(root)
    missing = [text for text in texts if text.english not in chinese]
    wrong += contradictions
    wrong += [f"{text.path}:{text.line} no Chinese for {text.english!r}" for text in missing]
    wrong += [
        f"{FOLDER}: {english!r} is shown nowhere" for english in chinese.keys() - {text.english for text in texts}
    ]
    wrong += [f"{FOLDER}: {english!r} {fault}" for english in chinese for fault in faults(english, chinese[english])]
    return sorted(wrong), missing


def main() -> int:
    wrong, missing = problems(ROOT)
    if "--check" in sys.argv[1:]:
        print("\n".join([*wrong, f"{len(wrong)} findings"]))
        return 1 if wrong else 0
    by_noun: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for text in missing:
        by_noun[text.noun][text.english] = ""
    for noun, entries in by_noun.items():
        print(f"--- {FOLDER}/{noun}.json lacks {len(entries)}")
        print(json.dumps(entries, ensure_ascii=False, indent=2))
    print("\n".join(line for line in wrong if "no Chinese for" not in line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
