"""What is done with the selected rows of a table: added up, or written for the clipboard."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelection, QItemSelectionRange, QModelIndex
from PySide6.QtGui import QFontMetrics

from app.views.widgets.row_table.columns import PADDING, Column, Kind, as_tsv
from app.views.widgets.row_table.model import Fetch, RowModel
from app.words import ntr, tr, yuan

SUM_LIMIT = 2_000
LOT = 500
"""Rows read at once for the clipboard."""


def sum_of(model: RowModel, ranges: Sequence[QItemSelectionRange], *, count: int) -> int | None:
    """Σ of the first money column in fen; None without one, over 2,000 rows, or while a row is not loaded."""
    money = next((at for at, column in enumerate(model.columns) if column.kind is Kind.MONEY), None)
    if money is None or count > SUM_LIMIT:
        return None
    total = 0
    for part in ranges:
        for row in range(part.top(), part.bottom() + 1):
            line = model.line_at(row)
            if line is None:
                return None
            value = line.values[money]
            total += value if isinstance(value, int) else 0
    return total


def read_tsv(
    fetch: Fetch, ids: Sequence[int], *, columns: Sequence[Column], id_of: Callable[[Any], int], headers: bool
) -> str:
    """Fetch the rows page by page, in the order of `ids`, and write them as TSV."""
    rows: list[Any] = []
    for start in range(0, len(ids), LOT):
        some = list(ids[start : start + LOT])
        by_id = {id_of(row): row for row in fetch(some)}
        rows += [by_id[one] for one in some if one in by_id]
    return as_tsv(columns, rows, headers=headers)


def selection_of(model: RowModel, ids: Sequence[int]) -> QItemSelection:
    """The rows of those ids that are still in the list."""
    selection = QItemSelection()
    last = len(model.columns) - 1
    for one in ids:
        if one in model.ids:
            row = model.ids.index(one)
            selection.select(model.index(row, 0), model.index(row, last))
    return selection


def tip_of(model: RowModel, index: QModelIndex, width: int, metrics: QFontMetrics) -> str:
    """The column's own tip, else the whole text of a cell that is cut."""
    line = model.line_at(index.row()) if index.isValid() else None
    if line is None:
        return ""
    column = model.columns[index.column()]
    if column.tip is not None:
        return column.tip(line.row)
    text = line.texts[index.column()]
    return text if metrics.horizontalAdvance(text) > width - 2 * PADDING else ""


def summary_of(count: int, selected: int, *, total_minor: int | None) -> str:
    """`12,306 rows · 3 selected · total ¥600.00`; one selected row is not worth adding up."""
    parts = [ntr("{count} row", "{count} rows", count)]
    if selected > 1:
        parts.append(tr("{count} selected", count=f"{selected:,}"))
        if total_minor is not None:
            parts.append(tr("total {amount}", amount=yuan(total_minor)))
    return " · ".join(parts)
