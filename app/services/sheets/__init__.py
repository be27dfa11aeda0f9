"""Files of rows, as people have them: CSV and text in any Chinese encoding, workbooks, web tables, pasted cells."""

import codecs
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from app.errors import FileUnreadable, InvalidInput
from app.services.sheets.apart import sheets_apart
from app.services.sheets.html import tables_of
from app.services.sheets.rows import DateText, NumberText, Sheet, SheetFile
from app.services.sheets.text import decoded, delimiter_of, is_binary, rows_of
from app.services.sheets.workbook import UnreadableWorkbook, kind_of, sheets_of

LARGEST = 200 * 1024 * 1024
"""Bytes of the largest file that is read."""
HEADER_ROWS = 20
"""How far down a header is looked for."""
HTML = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype html|html|table|head|meta|body)\b", re.IGNORECASE | re.DOTALL)


def read_sheet_file(path: Path, *, encoding: str | None = None) -> SheetFile:
    """Read a file by what it holds, whatever its name says. `encoding` overrides the guess for text.

    Raises FileUnreadable, and InvalidInput for an encoding that does not exist.
    """
    data = _bytes_of(path)
    digest = hashlib.sha256(data).hexdigest()
    try:
        kind = kind_of(data)
        sheets = (sheets_apart(data) if kind == "xls" else sheets_of(data, kind)) if kind else ()
    except UnreadableWorkbook as error:
        raise FileUnreadable(str(path), error.reason) from error
    file = SheetFile(kind, "", "", sheets, digest) if kind else _text_file(path, data, encoding)
    if not any(sheet.filled for sheet in file.sheets):
        raise FileUnreadable(str(path), "file-empty")
    return file


def read_pasted(text: str) -> SheetFile:
    """Cells pasted from Excel or a chat: the same rules as for a text file. Empty text gives an empty sheet."""
    delimiter = delimiter_of(text)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return SheetFile("paste", "utf-8", delimiter, (Sheet("", rows_of(text, delimiter)),), digest)


def guess_header(sheet: Sheet, is_heading: Callable[[str], bool]) -> int | None:
    """0-based row of the header: of the first 20 rows the one with most headings; None when no row has any."""
    best, most = None, 0
    for no, row in enumerate(sheet.rows[:HEADER_ROWS]):
        headings = sum(1 for cell in row if cell.strip() and is_heading(cell.strip()))
        if headings > most:
            best, most = no, headings
    return best


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise FileUnreadable(str(path), "file-too-large")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileUnreadable(str(path), "file-missing") from error
    except OSError as error:
        raise FileUnreadable(str(path), "file-not-opened") from error
    if not data.strip(b"\0\t\r\n "):
        raise FileUnreadable(str(path), "file-empty")
    return data


def _text_file(path: Path, data: bytes, encoding: str | None) -> SheetFile:
    try:
        text, name = decoded(data, codecs.lookup(encoding).name if encoding else None)
    except LookupError as error:
        raise InvalidInput("encoding", "unknown-kind") from error
    if is_binary(text):
        raise FileUnreadable(str(path), "file-no-table")
    digest = hashlib.sha256(data).hexdigest()
    if HTML.match(text):
        if not (tables := tables_of(text)):
            raise FileUnreadable(str(path), "file-no-table")
        return SheetFile("html", name, "", tables, digest)
    delimiter = delimiter_of(text)
    kind = "csv" if path.suffix.lower() == ".csv" or delimiter in (",", ";") else "txt"
    return SheetFile(kind, name, delimiter, (Sheet(path.stem, rows_of(text, delimiter)),), digest)


__all__ = ["DateText", "NumberText", "Sheet", "SheetFile", "guess_header", "read_pasted", "read_sheet_file"]
