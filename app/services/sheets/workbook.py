"""Rows out of workbooks (XLSX, XLS, ODS): every cell as the text a person sees in it."""

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from app.services.sheets.rows import DateText, NumberText, Sheet, trimmed, without_empty_end

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
LARGEST_UNPACKED = 1 << 30
LARGEST_GRID = 20_000_000
"""Cells between the first and the last one of a sheet: the reader makes room for all, filled or not."""
EXACT = 10**15
WIDE = re.compile(rb"""\br\s*=\s*["']([A-Z]{2,3})[0-9]""")
TALL = re.compile(rb"""\br\s*=\s*["'][A-Z]{0,3}([0-9]{6,9})["']""")
REPEATED = re.compile(rb"""<table:table-cell\b(?=[^>]*\boffice:)[^>]*number-columns-repeated\s*=\s*["']([0-9]{4,})""")
Value = float | str | bool | time | date | datetime | timedelta


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
    try:
        if kind != "xls":
            _refuse_giant_grids(data, kind)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return tuple(
            Sheet(about.name, _rows(book.get_sheet_by_index(no).to_python(skip_empty_area=False)))
            for no, about in enumerate(book.sheets_metadata)
            if about.typ == SheetTypeEnum.WorkSheet
        )
    except PasswordError as error:
        raise UnreadableWorkbook("file-locked") from error
    except (CalamineError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise UnreadableWorkbook("file-damaged") from error


def _refuse_giant_grids(data: bytes, kind: str) -> None:
    """A cell in the last row and column makes the reader ask for 550 GB, which ends the whole program."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if kind == "xlsx" and re.match(r"xl/worksheets/.*\.xml$", member.filename, re.IGNORECASE):
                page = _unpacked(archive, member)
                width = max((_column(match[1]) for match in WIDE.finditer(page)), default=26)
                height = max((int(match[1]) for match in TALL.finditer(page)), default=0)
                if width * height > LARGEST_GRID:
                    raise UnreadableWorkbook("file-bomb")
            elif kind == "ods" and member.filename == "content.xml" and REPEATED.search(_unpacked(archive, member)):
                raise UnreadableWorkbook("file-bomb")


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


def _rows(values: list[list[Value]]) -> list[list[str]]:
    return without_empty_end([trimmed([v if type(v) is str else _shown(v) for v in row]) for row in values])


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return DateText(value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds"))
    if isinstance(value, date):
        return DateText(value.isoformat())
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    return str(value)


def number_text(value: float) -> NumberText:
    """All digits Excel knows of a number, never an exponent: 1.23E+17 → 123000000000000000."""
    if value == int(value) and abs(value) < EXACT:
        return NumberText(int(value))
    return NumberText(format(Decimal(f"{value:.15g}"), "f"))
