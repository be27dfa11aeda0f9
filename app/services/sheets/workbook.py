"""Rows out of workbooks (XLSX, XLS, ODS): every cell as the text a person sees in it."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from app.services.sheets.rows import DateText, NumberText, Sheet, trimmed, without_empty_end

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
LARGEST_UNPACKED = 1 << 30
LARGEST_GRID = 20_000_000
"""Cells between the first and the last one of a sheet: the reader makes room for all, filled or not."""
EXACT = 10**15
CELL = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,9})["']""")
WIDE = re.compile(rb'r="([A-Z]{2,3})[0-9]')
ODD_SPELLINGS = (b" r='", b" r =", b"\tr=", b"\nr=", b" r= ")
REPEATED_CELL = re.compile(rb"""<table:table-cell\b(?=[^>]*\soffice:)[^>]*number-columns-repeated="([0-9]{2,})\"""")
REPEATED_ROW = re.compile(
    rb"""<table:table-row\b[^>]*number-rows-repeated="([0-9]{3,})"[^/>]*>(.*?)</table:table-row>""", re.DOTALL
)


Cells = list[tuple[str, bool, list[list[Any]]]]
"""(sheet's name, whether it is hidden, rows of values), sheet by sheet."""


class UnreadableWorkbook(Exception):
    """`reason` is a key of messages.REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def kind_of(data: bytes) -> str:
    """xlsx, xls or ods by content; "" for everything else. Raises UnreadableWorkbook."""
    if data.startswith(OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise UnreadableWorkbook("file-locked")
        return "xls"
    if not data.startswith(ZIP):
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _kind_of_archive(archive)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise UnreadableWorkbook("file-damaged") from error


def _kind_of_archive(archive: zipfile.ZipFile) -> str:
    members = archive.infolist()
    if sum(member.file_size for member in members) > LARGEST_UNPACKED:
        raise UnreadableWorkbook("file-bomb")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableWorkbook("file-locked")
    names = {member.filename for member in members}
    if "content.xml" in names:
        return "ods"
    if any(name.lower().startswith("xl/") for name in names):
        return "xlsx"
    raise UnreadableWorkbook("file-no-table")


def sheets_of(data: bytes, kind: str) -> tuple[Sheet, ...]:
    """The worksheets in the workbook's order, hidden ones too. Raises UnreadableWorkbook."""
    return shown(cells_of(data, kind))


def shown(cells: Cells) -> tuple[Sheet, ...]:
    return tuple(Sheet(name, _rows(values), is_hidden) for name, is_hidden, values in cells)


def cells_of(data: bytes, kind: str) -> Cells:
    """What the cells of each worksheet hold, row by row. Raises UnreadableWorkbook."""
    try:
        if kind != "xls":
            _refuse_giant_grids(data, kind)
        with _Panics():
            book = CalamineWorkbook.from_filelike(io.BytesIO(data))
            return [
                (
                    about.name,
                    about.visible != SheetVisibleEnum.Visible,
                    book.get_sheet_by_index(no).to_python(skip_empty_area=False),
                )
                for no, about in enumerate(book.sheets_metadata)
                if about.typ == SheetTypeEnum.WorkSheet
            ]
    except PasswordError as error:
        raise UnreadableWorkbook("file-locked") from error
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise UnreadableWorkbook("file-damaged") from error


class _Panics:
    """The reader is Rust: where it meets a bug of its own it panics, and that exception has no importable class."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None and kind.__name__ == "PanicException":
            raise UnreadableWorkbook("file-damaged") from error


def _refuse_giant_grids(data: bytes, kind: str) -> None:
    """A cell in the last row and column makes the reader ask for 550 GB, which ends the whole program."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if kind == "xlsx" and re.match(r"xl/worksheets/.*\.xml$", member.filename, re.IGNORECASE):
                size = _grid(_unpacked(archive, member))
            elif kind == "ods" and member.filename == "content.xml":
                size = _repeats(_unpacked(archive, member))
            else:
                continue
            if size > LARGEST_GRID:
                raise UnreadableWorkbook("file-bomb")


def _grid(page: bytes) -> int:
    """Columns × rows the reader makes room for: up to the widest cell of all, and down to the last cell written."""
    pattern = CELL if any(spelling in page for spelling in ODD_SPELLINGS) else WIDE
    widest = max({match[1] for match in pattern.finditer(page)}, key=_column, default=b"Z")
    end = max(page.rfind(b"<c "), page.rfind(b":c "))
    last = CELL.search(page, end) if end >= 0 else None
    return _column(widest) * (int(last[2]) if last else 0)


def _repeats(page: bytes) -> int:
    """The same for ODS, where one filled cell can stand for millions."""
    widest = max((int(match[1]) for match in REPEATED_CELL.finditer(page)), default=1)
    filled = (int(match[1]) for match in REPEATED_ROW.finditer(page) if b" office:" in match[2])
    return widest * (sum(filled) + page.count(b"<table:table-row"))


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        page = stream.read(LARGEST_UNPACKED + 1)
    if len(page) > LARGEST_UNPACKED:
        raise UnreadableWorkbook("file-bomb")
    return page


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _rows(values: list[list[Any]]) -> list[list[str]]:
    """In place: a million new cells in new lists would cost more in the garbage collector than in reading them."""
    for row in values:
        for at, value in enumerate(row):
            if type(value) is not str:
                row[at] = SHOWN[type(value)](value)
        trimmed(row)
    return without_empty_end(values)


def number_text(value: float) -> NumberText:
    """All digits Excel knows of a number, never an exponent: 1.23E+17 → 123000000000000000."""
    if value % 1 == 0 and abs(value) < EXACT:
        return NumberText(int(value))
    return NumberText(format(Decimal(f"{value:.15g}"), "f"))


def _moment(value: datetime) -> DateText:
    midnight = value.time() == time()
    return DateText(value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds"))


SHOWN: dict[type, Callable[[Any], str]] = {
    float: number_text,
    int: number_text,
    bool: lambda value: "TRUE" if value else "FALSE",
    datetime: _moment,
    date: lambda value: DateText(value.isoformat()),
    time: lambda value: value.isoformat(timespec="seconds"),
    timedelta: str,
    DateText: DateText,
}
