"""What is done with the selected rows of a table: counted, added up, written for the clipboard."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QTableView

from app.services.progress import Progress, unwatched
from app.views.jobs import Job, JobRunner
from app.views.widgets.row_table.columns import PADDING, Column, Kind, as_tsv
from app.views.widgets.row_table.model import Fetch, RowModel
from app.words import ntr, tr, yuan

AT_ONCE = 2_000
"""Selected rows that are added up while the key is still down; more of them on a worker."""
MOST = 100_000
"""Rows that are copied or added up."""
SUM_AFTER_MS = 150
KEPT = 500
"""Selected rows that are looked up again by their ids; any number where the ids are the same as before."""
Spans = list[tuple[int, int]]
LOT = 500
"""Rows read at once for the clipboard or a sum."""


class Picked(QObject):
    """The selection of one table. `changed` carries the count and Σ of the first money column in fen.

    The sum is None without such a column, for more than 100,000 rows, and until it is known.
    """

    changed = Signal(int, object)

    def __init__(self, view: QTableView, rows: RowModel, jobs: JobRunner) -> None:
        super().__init__(view)
        self._view, self._rows, self._jobs = view, rows, jobs
        self._money = next((at for at, column in enumerate(rows.columns) if column.kind is Kind.MONEY), None)
        self._adding: Job | None = None
        self.total_minor: int | None = None
        self._soon = QTimer(self, interval=SUM_AFTER_MS, singleShot=True)
        self._soon.timeout.connect(self._add_up)
        rows.arrived.connect(self._fill_in)

    @property
    def count(self) -> int:
        return sum(part.height() for part in self._ranges())

    def ids(self) -> "array[int]":
        ids = array("q")
        for part in self._ranges():
            ids.extend(self._rows.ids[part.top() : part.bottom() + 1])
        return ids

    def choose(self, rows: range) -> None:
        """Neighbours, and nothing else."""
        self._select(_spanned(self._rows, [(rows.start, rows.stop - 1)] if rows else []))

    def to_keep(self, coming: Sequence[int]) -> "Spans | array[int]":
        """What is put back once other ids are shown."""
        if coming == self._rows.ids:
            return [(part.top(), part.bottom()) for part in self._ranges()]
        return self.ids() if self.count <= KEPT else array("q")

    def put_back(self, kept: "Spans | array[int] | None", current: int | None) -> None:
        """Select what was kept, as far as it is still there, and put the cursor where it was."""
        if current is not None and current in self._rows.ids:
            index = self._rows.index(self._rows.ids.index(current), 0)
            self._view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        self._select(_spanned(self._rows, kept) if isinstance(kept, list) else selection_of(self._rows, kept or ()))

    def _select(self, chosen: QItemSelection) -> None:
        self._view.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def tell(self, *_: object) -> None:
        """The selection changed, or what it stands for."""
        self._soon.stop()
        if self._adding is not None:
            self._adding.cancel()
            self._adding = None
        self.total_minor = self._known_total()
        if self.total_minor is None and self._money is not None and 1 < self.count <= MOST:
            self._soon.start()
        self.changed.emit(self.count, self.total_minor)

    def copy(self, columns: Sequence[Column], *, headers: bool) -> None:
        """As TSV on the clipboard; rows not on the screen yet are fetched first."""
        ids = list(self.ids()[:MOST])
        if ids:
            read = partial(_read_tsv, self._rows.fetch, ids, columns=columns, id_of=self._rows.id_of, headers=headers)
            self._jobs.start(read, on_done=QGuiApplication.clipboard().setText, owner=self)

    def _fill_in(self) -> None:
        """Rows came that may have been missing in the sum."""
        if self.total_minor is None and self._adding is None:
            self.tell()

    def _add_up(self) -> None:
        assert self._money is not None, "asked for with a money column only"
        column, ids = self._rows.columns[self._money], list(self.ids())

        def done(total_minor: int) -> None:
            if self._adding is job:
                self.total_minor = total_minor
                self._adding = None
                self.changed.emit(self.count, total_minor)

        read = partial(_read_total, self._rows.fetch, ids, column)
        job = self._jobs.start(read, on_done=done, owner=self, watch=True)
        self._adding = job

    def _known_total(self) -> int | None:
        if self._money is None or self.count > AT_ONCE:
            return None
        total = 0
        for part in self._ranges():
            for row in range(part.top(), part.bottom() + 1):
                line = self._rows.line_at(row)
                if line is None:
                    return None
                total += _minor(line.values[self._money])
        return total

    def _ranges(self) -> list[QItemSelectionRange]:
        chosen = self._view.selectionModel().selection()
        return [chosen.at(at) for at in range(chosen.size())]


def _lots(ids: Sequence[int]) -> Iterator[list[int]]:
    return (list(ids[start : start + LOT]) for start in range(0, len(ids), LOT))


def _read_total(fetch: Fetch, ids: Sequence[int], column: Column, progress: Progress = unwatched) -> int:
    """Σ of a column over rows that are fetched lot by lot."""
    total = 0
    for at, some in enumerate(_lots(ids)):
        progress(at * LOT, len(ids))
        total += sum(_minor(column.of(row)) for row in fetch(some))
    return total


def _minor(value: object) -> int:
    return value if isinstance(value, int) else 0


def _read_tsv(
    fetch: Fetch, ids: Sequence[int], *, columns: Sequence[Column], id_of: Callable[[Any], int], headers: bool
) -> str:
    """Fetch the rows lot by lot, in the order of `ids`, and write them as TSV."""
    rows: list[Any] = []
    for some in _lots(ids):
        by_id = {id_of(row): row for row in fetch(some)}
        rows += [by_id[one] for one in some if one in by_id]
    return as_tsv(columns, rows, headers=headers)


def _spanned(model: RowModel, spans: Spans) -> QItemSelection:
    selection = QItemSelection()
    for first, last in spans:
        selection.select(model.index(first, 0), model.index(last, len(model.columns) - 1))
    return selection


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
