"""Tables as files: CSV that no spreadsheet runs, XLSX with text cells, and the AES ZIP around either."""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.services.progress import Progress, unwatched
from app.services.secret import Secret
from app.services.writers import atomically, making

BOM = b"\xef\xbb\xbf"
FORMULA_SIGNS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""A cell that begins with one of these is run as a formula by some spreadsheet."""
GUARDED = re.compile("'*[" + re.escape("".join(FORMULA_SIGNS)) + "]")
"""What `safe_cell` puts a `'` before; its own marks too, so that taking one away gives back the very text."""
EVERY = 1000
"""Rows between two progress calls."""
WIDEST = 60
MEASURED = 200
"""Rows looked at for the widths of columns."""
HEAD = {"bold": True, "bg_color": "#E8F1FE", "bottom": 1, "bottom_color": "#7F899B"}


@dataclass(frozen=True, slots=True)
class SheetOut:
    """One sheet of a workbook. Cells of `money_columns` (indices) hold fen and are shown in yuan."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[object]]
    widths: Sequence[float] | None = None
    """In characters; measured from the header when left out."""
    money_columns: frozenset[int] = frozenset()


def safe_cell(value: object) -> str:
    """A cell's text with `'` before what a spreadsheet would run; None is an empty cell."""
    text = "" if value is None else str(value)
    return f"'{text}" if GUARDED.match(text) else text


def bare_cell(text: str) -> str:
    """The text that `safe_cell` made safe."""
    return text[1:] if text.startswith("'") and GUARDED.match(text) else text


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Lines of a CSV in UTF-8, safe cells and CRLF, without the BOM."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def write_csv(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    progress: Progress = unwatched,
    total: int = 0,
) -> None:
    """UTF-8 with BOM and CRLF, as Excel and WPS open it by double click."""
    with atomically(path) as beside, beside.open("wb") as file:
        stream_csv(file, header, rows, progress=progress, total=total)


def stream_csv(
    file: IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    progress: Progress = unwatched,
    total: int = 0,
) -> None:
    """`write_csv` into an open file, or into memory when nothing plain may touch the disk."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    file.write(BOM)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_cell(cell) for cell in header])
    for done, row in enumerate(rows, 1):
        writer.writerow([safe_cell(cell) for cell in row])
        if done % EVERY == 0:
            progress(done, max(done, total))
    text.flush()
    text.detach()


def write_xlsx(path: Path, sheets: Sequence[SheetOut], *, progress: Progress = unwatched) -> None:
    """Every cell is text except money and counts, so no long number loses digits and nothing is run."""
    with (
        atomically(path) as beside,
        # the parts may be plain codes: they lie where the file will lie, not in the system's folder for everybody
        tempfile.TemporaryDirectory(prefix=making(path), dir=path.parent) as scratch,
        beside.open("wb") as file,
    ):
        _make_book(_Target(file), {"constant_memory": True, "tmpdir": scratch}, sheets, progress)


def stream_xlsx(target: IO[bytes], sheets: Sequence[SheetOut], *, progress: Progress = unwatched) -> None:
    """`write_xlsx` into memory, for a member of a ZIP."""
    _make_book(target, {"in_memory": True}, sheets, progress)


class _Target:
    """The file under a workbook. What the disk has refused once is not asked for again, only counted: the ZIP that
    the library leaves behind writes its end when it is thrown away, and nobody could hear of the second refusal.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._refused = False
        self._at = 0

    def write(self, part: bytes) -> int:
        self._asked(self._file.write, part)
        self._at += len(part)
        return len(part)

    def seek(self, at: int) -> int:
        self._asked(self._file.seek, at)
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        self._asked(self._file.flush)

    def _asked(self, call: Callable[..., object], *values: object) -> None:
        if self._refused or self._file.closed:
            return
        try:
            call(*values)
        except OSError:
            self._refused = True
            raise


def _make_book(target: object, options: Mapping[str, Any], sheets: Sequence[SheetOut], progress: Progress) -> None:
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    try:
        with xlsxwriter.Workbook(target, {**options, "strings_to_formulas": False}) as book:
            formats = {
                "head": book.add_format(HEAD),
                "head_right": book.add_format({**HEAD, "align": "right"}),
                "text": book.add_format({"num_format": "@"}),
                "count": book.add_format({"num_format": "#,##0"}),
                "money": book.add_format({"num_format": "#,##0.00"}),
            }
            for sheet in sheets:
                _fill_sheet(book.add_worksheet(_sheet_name(sheet.name)), sheet, formats, progress)
    except FileCreateError as error:  # what the file system said, in a wrapper that tells nobody what to do
        raise error.args[0] from error


def _fill_sheet(target: Any, sheet: SheetOut, formats: Mapping[str, Any], progress: Progress) -> None:
    for column, width in enumerate(sheet.widths or [_width(title) for title in sheet.header]):
        target.set_column(column, column, width)
    target.freeze_panes(1, 0)
    for column, title in enumerate(sheet.header):
        target.write_string(0, column, title, formats["head_right" if column in sheet.money_columns else "head"])
    done = 0
    for done, row in enumerate(sheet.rows, 1):
        for column, value in enumerate(row):
            if column in sheet.money_columns and isinstance(value, int):
                target.write_number(done, column, value / 100, formats["money"])
            elif isinstance(value, int):
                target.write_number(done, column, value, formats["count"])
            elif value is not None and value != "":
                target.write_string(done, column, str(value), formats["text"])
        if done % EVERY == 0:
            progress(done, done)
    target.autofilter(0, 0, done, len(sheet.header) - 1)


@contextmanager
def zip_member(path: Path, name: str, password: Secret) -> Iterator[IO[bytes]]:
    """The one member of an AES-256 ZIP, to write into: what goes in lies on the disk encrypted, and never in memory."""
    import pyzipper

    with (
        atomically(path) as beside,
        pyzipper.AESZipFile(beside, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as bundle,
    ):
        bundle.setpassword(password.reveal().encode())
        with bundle.open(name, "w", force_zip64=True) as member:  # how long it gets is not known yet
            yield member


def _sheet_name(name: str) -> str:
    """Excel's rules: at most 31 signs, none of []:*?/\\."""
    kept = "".join(" " if sign in "[]:*?/\\" else sign for sign in name).strip("' ")
    return kept[:31] or "1"


def fitting(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[float]:
    """Widths at which the header and the first rows can be read whole."""
    widths = []
    for column, title in enumerate(header):
        texts = [str(row[column]) for row in rows[:MEASURED] if row[column] is not None]
        widths.append(max([_width(title), *(min(WIDEST, _signs(text) + 2) for text in texts)]))
    return widths


def _width(title: str) -> float:
    """Room for a header in characters; the filter's arrow takes three more."""
    return min(WIDEST, max(10, _signs(title) + 3))


def _signs(text: str) -> int:
    """A Chinese sign takes the room of two."""
    return sum(2 if ord(sign) > 255 else 1 for sign in text)
