"""Which rows are codes, and which column holds which field: headings, labels, `卡号----密码` lines, looks."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from app.config import RESOURCES
from app.errors import InvalidInput
from app.services.sheets import DateText, Sheet, SheetFile, guess_header
from app.services.supplier_imports.rows import CODE_FIELDS, FIELDS, Table

ALIASES: dict[str, list[str]] = json.loads((RESOURCES / "imports" / "headings.json").read_text(encoding="utf-8"))[
    "fields"
]
"""Field → its headings in both languages, without marks and blanks."""
FIELD_OF = {alias: name for name, aliases in ALIASES.items() for alias in aliases}
NOISE = re.compile(r"\(.*?\)|\[.*?\]|\u3010.*?\u3011|[\s*:_\-./'\"#]+")
LABEL = re.compile(r"\s*([^\s:\uff1a]{1,12})\s*[:\uff1a]\s*(?!//)(.*)", re.DOTALL)
DASHES = re.compile(r"\s*(?:-{3,}|\u2014{2,}|={3,})\s*")
BLANKS = re.compile(r"[ \t\u3000]+")
LABELLED = re.compile(r"[\s,;\uff0c\uff1b|]+(?=[^\s:\uff1a,;\uff0c\uff1b|]{1,12}[:\uff1a](?!//))")
URL = re.compile(r"https?://", re.IGNORECASE)
DATE = re.compile(r"20\d\d([-/.\u5e74]\d{1,2}){1,2}.*|20\d\d[01]\d[0-3]\d")
SPARE = ("pin", "code", "password")
"""Fields for a further part of a code, in the order they are given."""
SAMPLE_ROWS = 200
MOSTLY = 0.8
LONGEST_GROUP = 5
"""`ABCD EFGH` is one code in groups, not a number and a password."""


def table_of(sheet: Sheet, mapping: Mapping[str, int] | None = None) -> Table:
    """Raises InvalidInput when no column holds a code, or `mapping` names what is not there."""
    table = whole_table(sheet, mapping)
    if not any(name in table.mapping for name in CODE_FIELDS):
        raise InvalidInput("mapping", "no-code-column")
    return table


def whole_table(sheet: Sheet, mapping: Mapping[str, int] | None = None) -> Table:
    """The same, even where nobody knows yet which column holds the code."""
    rows = [(no, row) for no, row in enumerate(sheet.rows, 1) if row]
    head = _header_of(sheet, rows)
    names = None if head is None else tuple(cell.strip() for cell in sheet.rows[head])
    rows = [(no, row) for no, row in rows if head is None or no > head + 1]
    if max((len(row) for _, row in rows), default=0) == 1:
        rows, names = _cut(rows, names)
    rows, labels = _unlabelled(rows)
    chosen = _checked(mapping, rows, names) if mapping is not None else _guessed(rows, names, labels)
    return Table(names, rows, chosen, len(names) if names else _usual_width(rows))


def code_sheet(file: SheetFile) -> Sheet:
    """The fullest sheet of those whose headings name codes, so that a page of notes is not taken for one.

    Of several the ones that are seen come first: a hidden one may hold codes that went elsewhere.
    """
    return max(file.sheets, key=lambda sheet: (len(_fields_named(sheet)) > 1, sheet.is_seen, sheet.filled))


def _fields_named(sheet: Sheet) -> set[str]:
    head = guess_header(sheet, lambda cell: bool(field_of(cell)))
    return set() if head is None else {field for cell in sheet.rows[head] if (field := field_of(cell))}


def _usual_width(rows: list[tuple[int, list[str]]]) -> int:
    return Counter(len(row) for _, row in rows).most_common(1)[0][0] if rows else 0


def field_of(heading: str) -> str:
    """The field a heading names; "" for none."""
    return FIELD_OF.get(NOISE.sub("", unicodedata.normalize("NFKC", heading).casefold()), "")


def _header_of(sheet: Sheet, rows: list[tuple[int, list[str]]]) -> int | None:
    """0-based row of the header. Unknown headings count, too, when the first row looks like nothing below it."""
    head = guess_header(sheet, lambda cell: bool(field_of(cell)) or any(map(field_of, DASHES.split(cell))))
    if head is not None or len(rows) < 3:
        return head
    (no, first), rest = rows[0], rows[1 : SAMPLE_ROWS + 1]
    text = "".join(first)
    with_digits = sum(1 for _, row in rest if any(sign.isdigit() for sign in "".join(row)))
    if any(sign.isdigit() for sign in text) or with_digits < len(rest) * 0.9:
        return None
    lengths = [len("".join(row)) for _, row in rest]
    wordy = any("\u4e00" <= sign <= "\u9fff" for sign in text) or not min(lengths) <= len(text) <= max(lengths)
    return no - 1 if wordy else None


def _cut(
    rows: list[tuple[int, list[str]]], names: tuple[str, ...] | None
) -> tuple[list[tuple[int, list[str]]], tuple[str, ...] | None]:
    """One column of `卡号----密码`, `卡号 密码` or `卡号:… 密码:…` lines becomes several."""
    mark = _mark_of([row[0].strip() for _, row in rows[:SAMPLE_ROWS]])
    if mark is None:
        return rows, names
    cut = [(no, [part for part in mark.split(row[0].strip()) if part]) for no, row in rows]
    if names is not None and len(names) == 1:
        apart = tuple(part for part in DASHES.split(names[0]) if part)
        names = apart if len(apart) > 1 else tuple(BLANKS.split(names[0].strip()))
    return cut, names


def _mark_of(lines: Sequence[str]) -> re.Pattern[str] | None:
    half = len(lines) / 2
    if sum(1 for line in lines if len(parts := LABELLED.split(line)) > 1 and all(map(_label_of, parts))) > half:
        return LABELLED
    if sum(1 for line in lines if len(DASHES.split(line)) > 1) > half:
        runs = Counter(match[0].strip() for match in map(DASHES.search, lines) if match)
        return re.compile(
            rf"\s*{re.escape(runs.most_common(1)[0][0])}\s*"
        )  # a password may go on with a dash of its own
    parts = [BLANKS.split(line) for line in lines]
    pairs = sum(1 for part in parts if len(part) == 2)
    grouped = all(len(piece) <= LONGEST_GROUP for part in parts for piece in part)
    return BLANKS if parts and pairs >= len(parts) * MOSTLY and not grouped else None


def _unlabelled(rows: list[tuple[int, list[str]]]) -> tuple[list[tuple[int, list[str]]], dict[int, str]]:
    """Cells like `密码:abc` lose their label, and the column gains a field."""
    votes: dict[int, Counter[str]] = {}
    for _, row in rows[:SAMPLE_ROWS]:
        for at, cell in enumerate(row):
            if name := _label_of(cell):
                votes.setdefault(at, Counter())[name] += 1
    sampled = min(len(rows), SAMPLE_ROWS)
    labels = {at: count.most_common(1)[0][0] for at, count in votes.items() if count.total() * 2 > sampled}
    if not labels:
        return rows, {}
    return [(no, [_bare(cell) if at in labels else cell for at, cell in enumerate(row)]) for no, row in rows], labels


def _label_of(cell: str) -> str:
    match = LABEL.fullmatch(cell)
    return field_of(match[1]) if match else ""


def _bare(cell: str) -> str:
    match = LABEL.fullmatch(cell)
    return match[2] if match and field_of(match[1]) else cell


def _checked(
    mapping: Mapping[str, int], rows: list[tuple[int, list[str]]], names: tuple[str, ...] | None
) -> dict[str, int]:
    width = max([len(row) for _, row in rows] + [len(names or ())])
    if any(name not in FIELDS for name in mapping):
        raise InvalidInput("mapping", "unknown-kind")
    if any(not 0 <= column < width for column in mapping.values()):
        raise InvalidInput("mapping", "out-of-range")
    return dict(mapping)


def _guessed(
    rows: list[tuple[int, list[str]]], names: tuple[str, ...] | None, labels: Mapping[int, str]
) -> dict[str, int]:
    mapping: dict[str, int] = {}
    for at, name in labels.items():
        mapping.setdefault(name, at)
    for at, heading in enumerate(names or ()):
        if name := field_of(heading):
            mapping.setdefault(name, at)
    _give_more(mapping, names or ())
    if any(name in mapping for name in CODE_FIELDS):
        return mapping
    looks = _looks(rows)
    codes = [at for at, look in enumerate(looks) if look == "code" and at not in mapping.values()]
    if names is not None and len(codes) != 1:
        return mapping  # unknown headings over several columns: a person must say which
    names_in_order = ("card_no", "password", "pin") if len(codes) > 1 else ("code",)
    mapping |= dict(zip(names_in_order, codes, strict=False))
    for name in ("link", "valid_until"):
        if name in looks:
            mapping.setdefault(name, looks.index(name))
    return mapping


def _give_more(mapping: dict[str, int], names: Sequence[str]) -> None:
    """A second `密码`, or `密码2`, is a part of the code like the first: it gets a field that is free."""
    for at, heading in enumerate(names):
        field = field_of(heading.rstrip("0123456789"))
        free = next((name for name in SPARE if name not in mapping), None)
        if field in CODE_FIELDS and field in mapping and free and at not in mapping.values():
            mapping[free] = at


def _looks(rows: list[tuple[int, list[str]]]) -> list[str]:
    """What the cells of each column look like: link, valid_until, code, or "" where empty."""
    width = _usual_width(rows)
    return [
        _look([row[at] for _, row in rows[:SAMPLE_ROWS] if at < len(row) and row[at].strip()]) for at in range(width)
    ]


def _look(cells: Sequence[str]) -> str:
    if not cells:
        return ""
    if sum(1 for cell in cells if URL.match(cell.strip())) >= len(cells) * MOSTLY:
        return "link"
    dates = sum(1 for cell in cells if isinstance(cell, DateText) or DATE.fullmatch(cell.strip()))
    return "valid_until" if dates >= len(cells) * MOSTLY else "code"
