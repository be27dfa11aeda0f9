"""The control sheet of printed cards: the list in the order of the envelopes, with room to sign."""

from collections.abc import Sequence
from pathlib import Path

from app.services.writers import atomically


def write_control_sheet(
    path: Path, *, title: str, merchant: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str
) -> None:
    """A4 upright. `columns` are the titles, as many as each row has cells: the first counts, the last is signed in."""
    from app.services.writers.paper import Column, Sheet, Table

    with atomically(path) as beside:
        sheet = Sheet(beside, title)
        shares = _shares(columns, rows)
        laid_out = [
            Column(column, share, right=at == 0) for at, (column, share) in enumerate(zip(columns, shares, strict=True))
        ]
        Table(sheet, laid_out, title=title, under=merchant, note=note).draw(rows)
        sheet.save()


def _shares(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Widths by the longest texts, within reason, so that no column starves."""
    shares = []
    for at, column in enumerate(columns):
        longest = max([_signs(column), *(_signs(row[at]) for row in rows)])
        shares.append(float(min(max(longest, 6 if at else 4), 24)))
    shares[-1] = max(shares[-1], 16.0)
    return shares


def _signs(text: str) -> int:
    """Half-width places a text takes."""
    return sum(2 if ord(sign) > 255 else 1 for sign in text)
