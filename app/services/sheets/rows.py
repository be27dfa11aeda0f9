"""What reading a file of rows gives: its sheets, cell by cell as text, and how the file was understood."""

from dataclasses import dataclass, field


class NumberText(str):
    """A cell that was a number in the workbook: its text as Excel would show all of it.

    Beyond 15 digits the tail is lost already: the file itself no longer holds it.
    """

    __slots__ = ()


class DateText(str):
    """A cell that was a date: ISO text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows[i]` is line i + 1 of the sheet.

    NUL is gone, trailing empty cells are cut, and empty rows are kept as [] so that line numbers stay true. Bytes that
    could not be read stand as U+FFFD.
    """

    name: str
    rows: list[list[str]] = field(repr=False)
    is_hidden: bool = False

    @property
    def filled(self) -> int:
        """Rows that are not empty."""
        return sum(1 for row in self.rows if row)

    @property
    def is_seen(self) -> bool:
        """Whether whoever opens the file sees rows in it."""
        return not self.is_hidden and bool(self.filled)


@dataclass(frozen=True, slots=True)
class SheetFile:
    """`kind` is csv, txt, html, xlsx, xls, ods or paste. No `encoding` for workbooks, no `delimiter` for one column."""

    kind: str
    encoding: str
    delimiter: str
    sheets: tuple[Sheet, ...]
    sha256: str

    @property
    def main(self) -> Sheet:
        """The sheet with most filled rows; the first of them. What nobody sees (last year's list) comes last."""
        return max(self.sheets, key=lambda sheet: (sheet.is_seen, sheet.filled))


def trimmed(row: list[str]) -> list[str]:
    """The same list without NUL and without the empty cells at its end; blanks alone count as empty there."""
    if "\0" in "".join(row):
        row[:] = [cell.replace("\0", "") for cell in row]
    while row and not row[-1].strip():
        row.pop()
    return row


def without_empty_end(rows: list[list[str]]) -> list[list[str]]:
    while rows and not rows[-1]:
        rows.pop()
    return rows
