"""The rows that were left out, as a file: with the reason, and ready to be imported again once mended."""

from collections.abc import Iterator
from pathlib import Path

from app.services.people.columns import column_name
from app.services.people.roster import Checked, CheckedRow, Roster
from app.services.writers.tables import SheetOut, fitting, write_csv, write_xlsx
from app.vocabulary import FIELDS, ROW_FAULTS, Words, word
from app.words import tr

SELF_EVIDENT = frozenset(
    {
        "name-missing", "not-a-name", "name-odd", "name-normalised", "total-line", "no-contact", "email-normalised",
        "email-typo", "duplicate-phone", "duplicate-email", "duplicate-employee-no", "person-left", "person-removed",
    }
)  # fmt: skip
"""Kinds whose words name their field already, or are about the whole row."""


def write_problems(checked: Checked, path: Path) -> int:
    """Write every faulty row as XLSX or, for any other ending, as CSV; how many there are.

    Cells are those of the list with the edits of the check in place; the reason stands in a column of its own.
    """
    roster = checked.roster
    faulty = [row for row in checked.rows if row.faults]
    width = max([len(roster.headings), *(len(cells) for _, cells in roster.body())])
    header = [*_header(roster, width), tr("Reason")]
    rows = [_cells(roster, row, width) for row in faulty]
    if path.suffix.lower() == ".xlsx":
        write_xlsx(path, [SheetOut(tr("To be mended"), header, rows, widths=fitting(header, rows))])
    else:
        write_csv(path, header, rows, total=len(faulty))
    return len(faulty)


def told(words: Words, field: str, kind: str) -> str:
    """`Mobile phone: Not a mobile number`, but `The name is empty`."""
    what = word(words, kind)
    return what if kind in SELF_EVIDENT else tr("{field}: {what}", field=word(FIELDS, field), what=what)


def reasons(row: CheckedRow) -> str:
    """What is wrong with a row, in words."""
    return "; ".join(told(ROW_FAULTS, fault.field, fault.kind) for fault in row.faults)


def _header(roster: Roster, width: int) -> Iterator[str]:
    """The list's own headings; a field's name where it had none, so that the file explains itself."""
    fields = {match.column: name for name, match in roster.mapping.items()}
    for column in range(width):
        unnamed = column >= len(roster.headings) or not roster.headings[column]
        yield word(FIELDS, fields[column]) if unnamed and column in fields else column_name(roster.headings, column)


def _cells(roster: Roster, row: CheckedRow, width: int) -> list[str]:
    cells = [str(cell) for cell in roster.rows[row.line - 1]]
    cells += [""] * (width - len(cells))
    for name, match in roster.mapping.items():
        if match.column < width:
            cells[match.column] = row.values[name]
    return [*cells, reasons(row)]
