"""Is a row a code that can be given to somebody? What Excel has damaged is refused, with the reason."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from app.config import RESOURCES
from app.models.base import now
from app.services.sheets import DateText, NumberText
from app.services.supplier_imports.rows import CODE_FIELDS, Problem, SupplierCode, Table, Terms, masked
from app.words import end_of_local_day

EXACT_DIGITS = 15
"""Decimal digits a number in a workbook keeps."""
LONGEST = 2_000
LARGEST_MINOR = 100_000_000
BLANK = " \t\r\n\u00a0\u3000\ufeff"
SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]{1,3}")
ODD = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffd\ufffe\uffff]")
HIDDEN = re.compile(r"[*\uff0a\u2022\u25cf]{3,}")
DAY = re.compile(r"(20\d\d|19\d\d)[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?(?:[ T](\d{1,2}):(\d\d)(?::(\d\d))?)?")
PLAIN_DAY = re.compile(r"(20\d\d)(\d\d)(\d\d)")
SERIAL_DAY = re.compile(r"[34567]\d{4}(\.\d+)?")
EXCEL_EPOCH = date(1899, 12, 30)
FOREVER = frozenset(json.loads((RESOURCES / "imports" / "headings.json").read_text(encoding="utf-8"))["forever"])
"""What suppliers write where a code never ends."""
AMOUNT = re.compile(
    r"[\u00a5\uffe5]?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]{1,2})0*)?\s*(?:\u5143|rmb|cny)?", re.IGNORECASE
)
MOSTLY = 0.6
SHORTEST_CHECKED = 6
LOST_DIGITS = 6
"""So many zeros beyond the 15th place, over a column, do not come by chance (1 in a million)."""


class Checker:
    """Looks at each column once, then judges row by row."""

    def __init__(self, table: Table, *, from_workbook: bool) -> None:
        self._mapping = table.mapping
        self._widest = math.inf if from_workbook else table.width
        self._terms: dict[tuple[str, str], Terms | str] = {}
        self._used: list[str] = []
        self._eaten: dict[str, int] = {}
        self._rounded: set[str] = set()
        for name in (name for name in CODE_FIELDS if name in table.mapping):
            at = table.mapping[name]
            cells = [_stripped(row[at]) for _, row in table.rows if at < len(row)]
            if any(cells):
                self._used.append(name)
            if name != "link":
                self._look(name, cells, from_workbook=from_workbook)

    @property
    def used(self) -> tuple[str, ...]:
        """Code fields that have any value at all; a row must then have all of them."""
        return tuple(self._used)

    def judged(self, line: int, row: Sequence[str]) -> SupplierCode | Problem:
        cells = {name: _stripped(row[at]) if at < len(row) else "" for name, at in self._mapping.items()}
        values = tuple(cells[name] for name in self._used)
        if len(row) > self._widest:
            return Problem(line, "code-parts-differ", masked(next(filter(None, values), "")))
        for name, value in zip(self._used, values, strict=True):
            if reason := self._fault(name, value):
                return Problem(line, reason, masked(value or next(filter(None, values), "")))
        terms = self._terms_of(cells.get("valid_until", ""), cells.get("face", ""))
        if isinstance(terms, str):
            return Problem(line, terms, masked(values[0]))
        return SupplierCode(tuple(str(value) for value in values), terms)

    def _fault(self, name: str, value: str) -> str:
        if not value:
            return "code-missing"
        if ODD.search(value):
            return "code-unreadable"
        if HIDDEN.search(value):
            return "code-hidden"
        if len(value) > LONGEST:
            return "code-too-long"
        return "" if name == "link" else self._damage(name, value)

    def _damage(self, name: str, value: str) -> str:
        """What Excel makes of codes that are not text: it cannot be undone, so it is never stored."""
        number = isinstance(value, NumberText)
        if isinstance(value, DateText):
            return "code-became-date"
        if SCIENTIFIC.fullmatch(value):
            return "code-scientific"
        if number and (not value.isdecimal() or len(value) > EXACT_DIGITS):
            return "code-digits-lost"
        if name in self._rounded and _is_digits(value) and len(value) > EXACT_DIGITS:
            return "code-digits-lost"
        if name in self._eaten and _is_digits(value) and not value.startswith("0") and len(value) < self._eaten[name]:
            return "code-zeros-lost"
        return ""

    def _look(self, name: str, cells: Sequence[str], *, from_workbook: bool) -> None:
        digits = [cell for cell in cells if _is_digits(cell)]
        if not digits:
            return
        tails = [cell[EXACT_DIGITS:] for cell in digits if len(cell) > EXACT_DIGITS]
        if not "".join(tails).strip("0") and sum(map(len, tails)) >= LOST_DIGITS:
            self._rounded.add(name)
        length, _ = Counter(map(len, digits)).most_common(1)[0]
        zeros = any(cell.startswith("0") and len(cell) == length for cell in digits)
        if (zeros and from_workbook) or (not zeros and _random(digits, length)):
            self._eaten[name] = length

    def _terms_of(self, until: str, face: str) -> Terms | str:
        if (until, face) not in self._terms:
            self._terms[until, face] = _read_terms(until, face)
        return self._terms[until, face]


def judged(table: Table, checker: Checker) -> Iterator[SupplierCode | Problem]:
    for line, row in table.rows:
        yield checker.judged(line, row)


def _random(digits: Sequence[str], length: int) -> bool:
    """Numbers of mostly one length that are spread all over: shorter ones then began with zeros.

    Counted-up numbers (9998, 9999, 10000) lie close together and pass.
    """
    of_length = [int(cell) for cell in digits if len(cell) == length]
    if (
        length < SHORTEST_CHECKED
        or len(of_length) < max(5, len(digits) * MOSTLY)
        or any(len(d) > length for d in digits)
    ):
        return False
    return max(of_length) - min(of_length) > int("1".ljust(length, "0"))


def _read_terms(until: str, face: str) -> Terms | str:
    try:
        ends = read_end(until)
    except ValueError:
        return "not-a-date"
    if ends is not None and ends <= now():
        return "in-the-past"
    face_minor: int | None = None
    if face:
        amount = AMOUNT.fullmatch(face)
        if amount is None:
            return "not-a-number"
        face_minor = int(amount[1].replace(",", "")) * 100 + int((amount[2] or "").ljust(2, "0"))
        if not 0 < face_minor <= LARGEST_MINOR:
            return "out-of-range"
    return Terms(ends, face_minor, dated=bool(until))


def read_end(text: str) -> datetime | None:
    """The end of a validity; a bare day is inclusive, "长期" and the like are None. Raises ValueError."""
    if not text or text.casefold() in FOREVER:
        return None
    text = re.split(r"\s*(?:\u81f3|\u5230|~|\uff5e|\u2014|--)\s*", text)[-1].strip()
    if match := PLAIN_DAY.fullmatch(text):
        return end_of_local_day(date(*map(int, match.groups())))
    if match := DAY.fullmatch(text):
        return _instant(match)
    if SERIAL_DAY.fullmatch(text):
        return end_of_local_day(EXCEL_EPOCH + timedelta(days=int(float(text))))
    raise ValueError("not a date")


def _instant(match: re.Match[str]) -> datetime:
    day = date(int(match[1]), int(match[2]), int(match[3]))
    end = end_of_local_day(day)
    if match[4] is None or (match[4], match[5], match[6] or "00") in (("0", "00", "00"), ("00", "00", "00")):
        return end
    hours, minutes, seconds = int(match[4]), int(match[5]), int(match[6] or 59)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("not a time")
    return end - timedelta(hours=23 - hours, minutes=59 - minutes, seconds=59 - seconds)


def _is_digits(value: str) -> bool:
    return value.isascii() and value.isdecimal()


def _stripped(cell: str) -> str:
    """Without blanks around it, still knowing whether it was a number or a date."""
    return cell if isinstance(cell, NumberText | DateText) else cell.strip(BLANK)
