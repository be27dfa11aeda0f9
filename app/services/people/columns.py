"""Which column holds which field: known headings, then likely ones, then what the cells look like."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from app.config import RESOURCES
from app.services.people.faults import EXACT_DIGITS, PHONE, is_damaged
from app.services.sheets import NumberText

FIELDS = ("name", "phone", "email", "employee_no", "department")
CONTACTS = ("phone", "email", "employee_no")
"""One of these must have a column: without it two people of one name cannot be told apart."""
KNOWN, GUESSED, CHOSEN = "known", "guessed", "chosen"

TABLE = json.loads((RESOURCES / "people" / "headings.json").read_text(encoding="utf-8"))
ALIASES: dict[str, list[str]] = TABLE["fields"]
"""Field → its headings in both languages, the clearer one first."""
ID_NUMBERS: list[str] = TABLE["id_numbers"]
OTHERS: list[str] = TABLE["others"]
"""Words in a heading that make it about somebody or something else."""
SUM = re.compile(rf"(?:{'|'.join(TABLE['totals'])})(?:[0-9].*)?")
FIELD_OF = {alias: field for field, aliases in ALIASES.items() for alias in aliases}
LIKELY = 82
SHORTEST_DAMAGED = 6
SAMPLE_ROWS = 200
LETTERS = 26
MOSTLY = 0.8
NOISE = re.compile(r"\(.*?\)|\[.*?\]|\u3010.*?\u3011|[\s*:_\-./'\"#]+")
ID_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]")
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
HAN_NAME = re.compile(r"[\u4e00-\u9fff·]{2,6}")
EMPLOYEE_NO = re.compile(r"[A-Za-z]{0,4}[0-9]{2,10}")


@dataclass(frozen=True, slots=True)
class Match:
    """A field's column (0-based); `state` is known, guessed or chosen."""

    column: int
    state: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A column whose long numbers a spreadsheet has damaged: it is not read."""

    column: int
    heading: str
    count: int


def plain_heading(heading: str) -> str:
    """A heading without marks, blanks and remarks: `*Name (needed)` → `name`, `E-mail` → `email`."""
    return NOISE.sub("", unicodedata.normalize("NFKC", heading).lower())


def is_total(cells: Sequence[str]) -> bool:
    """Whether a line sums a list up instead of naming somebody in it."""
    return any(cell and SUM.fullmatch(plain_heading(cell)) for cell in cells)


def is_heading(cell: str) -> bool:
    """Whether a cell names a column of a list of people."""
    plain = plain_heading(cell)
    return plain in FIELD_OF or plain in ID_NUMBERS


def matches(headings: Sequence[str], rows: Sequence[list[str]], *, refused: Sequence[int] = ()) -> dict[str, Match]:
    """Each field's best column. `rows` are the first body rows, looked at where headings say nothing."""
    plain = [plain_heading(heading) for heading in headings]
    width = max([len(plain), *(len(row) for row in rows[:SAMPLE_ROWS])])
    plain += [""] * (width - len(plain))
    free = [column for column in range(width) if column not in refused and plain[column] not in ID_NUMBERS]
    found: dict[str, Match] = {}
    for judge, state in ((_known, KNOWN), (_likely, GUESSED)):
        for _, column, field in sorted(
            (score, column, field) for column in free for field in FIELDS if (score := judge(plain[column], field)) >= 0
        ):
            if field not in found and all(match.column != column for match in found.values()):
                found[field] = Match(column, state)
    return _by_look(found, free, rows)


def _known(plain: str, field: str) -> int:
    """Place in the table of headings; -1 is none. The earlier heading is the clearer one."""
    return ALIASES[field].index(plain) if FIELD_OF.get(plain) == field else -1


def _likely(plain: str, field: str) -> int:
    """0 is nearly known, higher is farther; -1 is unlike. `Phone 2` is as likely as `Phone`."""
    plain = plain.rstrip("0123456789")
    if len(plain) < 2 or any(word in plain for word in OTHERS):
        return -1
    if any(len(alias) > 1 and plain.endswith(alias) for alias in ALIASES[field]):
        return 0
    score = max(fuzz.ratio(plain, alias) for alias in ALIASES[field])
    return int(100 - score) if score >= LIKELY else -1


def _by_look(found: dict[str, Match], free: Sequence[int], rows: Sequence[list[str]]) -> dict[str, Match]:
    """Fields still without a column get the first one whose cells look like them."""
    looks = {"phone": _looks_like_phone, "email": _looks_like_email, "name": _looks_like_name}
    if not found:
        looks["employee_no"] = _looks_like_employee_no
    for field, look in looks.items():
        taken = {match.column for match in found.values()}
        if (
            field not in found
            and (column := next((c for c in free if c not in taken and look(_cells(rows, c))), None)) is not None
        ):
            found[field] = Match(column, GUESSED)
    return {field: found[field] for field in FIELDS if field in found}


def _cells(rows: Sequence[list[str]], column: int) -> list[str]:
    cells = [row[column] for row in rows[:SAMPLE_ROWS] if len(row) > column]
    return [cell.strip() for cell in cells if cell.strip()]


def _mostly(cells: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return bool(cells) and sum(bool(pattern.fullmatch(cell)) for cell in cells) >= MOSTLY * len(cells)


def _looks_like_phone(cells: Sequence[str]) -> bool:
    return _mostly([re.sub(r"^(\+|00)?86|[\s\-]", "", cell) for cell in cells], PHONE)


def _looks_like_email(cells: Sequence[str]) -> bool:
    return _mostly(cells, re.compile(r"[^@\s]+@[^@\s]+\.[a-zA-Z]+"))


def _looks_like_name(cells: Sequence[str]) -> bool:
    return _mostly(cells, HAN_NAME) and len(set(cells)) >= MOSTLY * len(cells)


def _looks_like_employee_no(cells: Sequence[str]) -> bool:
    return _mostly(cells, EMPLOYEE_NO) and len(set(cells)) == len(cells)


def remembered(headings: Sequence[str], kept: Mapping[str, str]) -> dict[str, Match] | None:
    """A mapping used before for these headings (field → heading); None if a heading is not there any more."""
    plain = [plain_heading(heading) for heading in headings]
    if not all(heading in plain for heading in kept.values()):
        return None
    return {field: Match(plain.index(kept[field]), KNOWN) for field in FIELDS if field in kept}


def refused_columns(headings: Sequence[str], rows: Sequence[list[str]]) -> tuple[Refused, ...]:
    """Columns of long numbers (ID cards, accounts) whose last digits a spreadsheet turned into zeros."""
    counts: dict[int, int] = {}
    for row in rows:
        for column, cell in enumerate(row):
            if len(cell) > SHORTEST_DAMAGED and (_is_rounded(cell) or _is_zeroed_id(cell)):
                counts[column] = counts.get(column, 0) + 1
    return tuple(Refused(column, column_name(headings, column), counts[column]) for column in sorted(counts))


def column_name(headings: Sequence[str], column: int) -> str:
    """A column's heading, or its letters as a spreadsheet shows them."""
    return (headings[column].strip() if column < len(headings) else "") or column_letters(column)


def _is_rounded(cell: str) -> bool:
    """A long number without its last digits; a rounded phone is a matter of its row, not of the column."""
    if isinstance(cell, NumberText):
        return len(cell) > EXACT_DIGITS and is_damaged(cell)
    return ("E+" in cell or "e+" in cell) and is_damaged(cell) and int(cell.strip()[-2:]) >= EXACT_DIGITS - 1


def _is_zeroed_id(cell: str) -> bool:
    """18 digits that end in 000 and fail the check digit of GB 11643: the tail is a spreadsheet's, not the person's."""
    if len(cell) != 18 or not cell.endswith("000") or not ID_NUMBER.fullmatch(cell):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(cell, ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] != "0"


def column_letters(column: int) -> str:
    """0 → A, 26 → AA."""
    letters, rest = "", column + 1
    while rest:
        rest, letter = divmod(rest - 1, LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters


def is_likely_heading(cell: str) -> bool:
    """Whether a cell resembles a heading, for lists where none is known."""
    plain = plain_heading(cell)
    return any(_likely(plain, field) >= 0 for field in FIELDS)
