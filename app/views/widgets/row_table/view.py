"""The table every list stands on: a million rows, keyboard first, its look saved by the caller."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QMenu, QProgressBar, QTableView, QWidget

from app.errors import AppError
from app.views.jobs import Job, JobRunner
from app.views.theme import theme
from app.views.widgets.row_table.arrangement import ROW_PX, Arrangement
from app.views.widgets.row_table.columns import Column
from app.views.widgets.row_table.model import PAGE, Fetch, RowModel
from app.views.widgets.row_table.painter import CellPainter, HeadPainter
from app.views.widgets.row_table.picking import Picked, summary_of, tip_of
from app.words import tr

SLOW_MS = 300
Rows = QItemSelectionModel.SelectionFlag.Rows
FillMenu = Callable[[QMenu, "array[int]"], object]


class RowTable(QTableView):
    """`fetch(ids)` gives the rows of those ids in any order; it runs on a worker, a page at a time.

    Sorting and filtering are the caller's: hear `sort_changed`, ask the service for the ids, call `show_ids`.
    """

    opened = Signal(object)  # id: Enter or double click
    sort_changed = Signal(str, bool)  # column key, descending
    selection_changed = Signal(int, object)  # count, sum in fen of the first money column or None if unknown
    summary_changed = Signal(str)  # the sentence for the status bar
    state_changed = Signal()  # columns moved, resized, hidden, row height: save_state() is worth keeping

    def __init__(
        self,
        columns: Sequence[Column],
        fetch: Fetch,
        *,
        jobs: JobRunner,
        name: str,
        id_of: Callable[[Any], int] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.rows = RowModel(columns, fetch, jobs=jobs, id_of=id_of)
        self.rows.setParent(self)
        self._columns = self.rows.columns
        self._cells = CellPainter(self.rows, self)
        self._head = HeadPainter(self._columns, self)
        self._fill_menu: FillMenu | None = None
        self._empty: QWidget | None = None
        self._coming: Job | None = None
        self._busy, self._unfitted = False, False
        self.lent = False
        """Its columns are those of a view for now: nobody is told to remember them."""
        self.setAccessibleName(name)
        self._set_up_view()
        self.picked = Picked(self, self.rows, jobs)
        self.picked.changed.connect(self._tell_selection)
        self.arrangement = Arrangement(self, self._head, columns=self._columns, cells=self._cells)
        self.arrangement.changed.connect(self._rearranged)
        self._hairline = QProgressBar(self)
        self._hairline.setProperty("role", "hairline")
        self._hairline.setRange(0, 0)
        self._hairline.setTextVisible(False)
        self._hairline.hide()
        self._slow = QTimer(self, interval=SLOW_MS, singleShot=True)
        self._slow.timeout.connect(self._show_slow)
        self.rows.loading.connect(self._set_busy)
        self.rows.arrived.connect(self._fit_to_first)
        self.selectionModel().selectionChanged.connect(self.picked.tell)
        theme().changed.connect(self.viewport().update)

    # --- what is shown ---

    @property
    def count(self) -> int:
        return len(self.rows.ids)

    def show_ids(self, ids: Sequence[int], *, keep_place: bool = False) -> None:
        """Replace the contents; the old rows stay, dimmed, until the first rows of the new ones are there.

        `keep_place` is for a refresh: scroll position, current row and selection stay where they are by id.
        """
        self._drop_coming()
        if not len(ids) or not self.count:
            self.rows.replace(ids)
            self._after_replace()
            return
        first = self.rowAt(0) if keep_place else 0
        pages = range(max(0, first) // PAGE, max(0, first + self._rows_in_view()) // PAGE + 1)
        asked = {page: list(ids[page * PAGE : (page + 1) * PAGE]) for page in pages if page * PAGE < len(ids)}
        self._dim(True)
        self._coming = self._jobs.start(
            lambda: {page: self.rows.fetch(some) for page, some in asked.items()},
            on_done=lambda known: self._swap(ids, known, keep_place=keep_place),
            on_refused=self._keep_old,
            owner=self,
        )
        self._set_busy(True)

    def refresh_rows(self) -> None:
        """The ids are the same, what they stand for changed."""
        self.rows.reread()
        self.viewport().update()

    def set_waiting(self) -> None:
        """The caller is asking for new ids: dim what is shown."""
        self._dim(True)
        self._set_busy(True)

    def set_empty(self, widget: QWidget) -> None:
        """What stands in place of the rows when there are none."""
        if self._empty is not None:
            self._empty.deleteLater()
        self._empty = widget
        widget.setParent(self.viewport())
        self._place_overlays()

    def set_menu(self, fill: FillMenu) -> None:
        """`fill(menu, ids)` puts the actions for the selected rows into the context menu."""
        self._fill_menu = fill

    # --- what is chosen ---

    def current_id(self) -> int | None:
        row = self.currentIndex().row()
        return self.rows.ids[row] if 0 <= row < self.count else None

    def current_row(self) -> Any | None:
        """The fetched row object under the cursor, None while it is loading."""
        row = self.currentIndex().row()
        return self.rows.row_at(row) if 0 <= row < self.count else None

    def selected_ids(self) -> "array[int]":
        return self.picked.ids()

    def selected_count(self) -> int:
        return self.picked.count

    def in_sight(self) -> range:
        """The rows on the screen now: what is meant by this page of a list that has no pages."""
        last = self.rowAt(self.viewport().height() - 1)
        return range(max(0, self.rowAt(0)), (last if last >= 0 else self.count - 1) + 1)

    def select_page(self) -> None:
        self.picked.choose(self.in_sight())

    def go_to_row(self, row: int) -> None:
        """Make a row the current and only selected one, and scroll to it."""
        if 0 <= row < self.count:
            self.setCurrentIndex(self.rows.index(row, self._head.logicalIndex(0)))

    def go_to_id(self, one: int) -> bool:
        """False if the id is not in the list."""
        if one not in self.rows.ids:
            return False
        self.go_to_row(self.rows.ids.index(one))
        return True

    def step(self, by: int) -> int | None:
        """Move the current row up or down (the drawer's arrows) and give the id there."""
        self.go_to_row(min(max(self.currentIndex().row() + by, 0), self.count - 1))
        return self.current_id()

    def set_sort(self, key: str, *, descending: bool) -> None:
        """Show the arrow; the caller brings the ids in that order."""
        keys = [column.key for column in self._columns]
        self._head.sorted_by = (keys.index(key), descending) if key in keys else None
        self._head.viewport().update()
        if (at := keys.index(key) if key in keys else -1) != self._cells.sorted_column:
            self._cells.sorted_column = at
            self._cells.measure_anew()
            self.arrangement.fit()

    def summary(self) -> str:
        """Rows, selection and its sum, for the status bar."""
        return summary_of(self.count, self.selected_count(), total_minor=self.picked.total_minor)

    # --- how it looks, to be kept ---

    def save_state(self) -> str:
        """Order, widths and hidden columns by key, and the row height, as one line of JSON."""
        return self.arrangement.saved()

    def restore_state(self, saved: str) -> None:
        """Columns that are new since then keep their place; unknown ones are ignored."""
        self.arrangement.restore(saved)

    # --- set-up ---

    def _set_up_view(self) -> None:
        self.setModel(self.rows)
        self.setItemDelegate(self._cells)
        self.setHorizontalHeader(self._head)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setMouseTracking(True)
        lines = self.verticalHeader()
        lines.hide()
        lines.setSectionResizeMode(lines.ResizeMode.Fixed)
        lines.setMinimumSectionSize(ROW_PX["compact"])
        lines.setDefaultSectionSize(ROW_PX["compact"])
        self._head.sectionClicked.connect(self._sort_by)
        self.doubleClicked.connect(lambda index: self.opened.emit(self.rows.ids[index.row()]))

    def _rearranged(self) -> None:
        self._cells.first_column = self._head.logicalIndex(0)
        self.viewport().update()
        if not self.lent:
            self.state_changed.emit()

    def _sort_by(self, at: int) -> None:
        column = self._columns[at]
        if column.sortable:
            before = self._head.sorted_by
            descending = not before[1] if before and before[0] == at else column.right
            self.set_sort(column.key, descending=descending)
            self.sort_changed.emit(column.key, descending)

    # --- loading ---

    def _rows_in_view(self) -> int:
        return self.viewport().height() // self.verticalHeader().defaultSectionSize() + 1

    def _swap(self, ids: Sequence[int], known: dict[int, Sequence[Any]], *, keep_place: bool) -> None:
        self._coming = None
        offset = self.verticalScrollBar().value()
        kept = self.picked.to_keep(ids) if keep_place else None
        current = self.current_id() if keep_place else None
        self.rows.replace(ids, known)
        self.picked.put_back(kept, current)
        self._after_replace()
        self.verticalScrollBar().setValue(offset if keep_place else 0)

    def _after_replace(self) -> None:
        self._dim(False)
        self._set_busy(False)
        self._cells.hovered = -1
        self._place_overlays()
        self._unfitted = True
        self._fit_to_first()
        self.picked.tell()

    def _keep_old(self, error: AppError) -> None:
        self._coming = None
        self._dim(False)
        self._set_busy(False)
        self._jobs.refused.emit(error)

    def _fit_to_first(self) -> None:
        """Widths by what is in the first rows of a list that come; scrolling measures nothing."""
        if self._unfitted and self.rows.row_at(max(0, self.rowAt(0))) is not None:
            self._unfitted = False
            self._cells.measure_anew()
            self.arrangement.fit()

    def _drop_coming(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _dim(self, on: bool) -> None:
        self._cells.dimmed = on and self.count > 0
        self.viewport().update()

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        if not busy:
            self._slow.stop()
            self._hairline.hide()
        elif not self._slow.isActive():
            self._slow.start()

    def _show_slow(self) -> None:
        self._hairline.setVisible(self._busy)
        self._hairline.raise_()

    # --- selection ---

    def _tell_selection(self, count: int, total_minor: object) -> None:
        self.selection_changed.emit(count, total_minor)
        self.summary_changed.emit(self.summary())

    def copy_selection(self, *, headers: bool) -> None:
        """The selected rows as TSV on the clipboard, in the columns that are shown."""
        self.picked.copy(self.arrangement.shown(), headers=headers)

    def copy(self) -> None:
        """What the edit menu calls."""
        self.copy_selection(headers=False)

    # --- Qt calls ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = event.key(), event.modifiers()
        control = bool(held & Qt.KeyboardModifier.ControlModifier)
        shift = bool(held & Qt.KeyboardModifier.ShiftModifier)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not control:
            if (one := self.current_id()) is not None:
                self.opened.emit(one)
        elif key == Qt.Key.Key_Space:
            flags = QItemSelectionModel.SelectionFlag.Toggle | Rows
            self.selectionModel().select(self.currentIndex(), flags)
        elif key == Qt.Key.Key_C and control:
            self.copy_selection(headers=shift)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and not shift:
            self.go_to_row(0 if key == Qt.Key.Key_Home else self.count - 1)
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Typing does not search: Qt would walk every row on the GUI thread."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.context_menu()
        if not menu.isEmpty():
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
            below = self.visualRect(self.currentIndex()).bottomLeft()
            menu.popup(self.viewport().mapToGlobal(below) if by_key else event.globalPos())

    def context_menu(self) -> QMenu:
        """The actions for the selected rows, then copying and choosing more of them."""
        menu = QMenu(self)
        ids = self.selected_ids()
        if len(ids) and self._fill_menu is not None:
            self._fill_menu(menu, ids)
        if len(ids):
            menu.addSeparator()
            menu.addAction(tr("Copy"), lambda: self.copy_selection(headers=False))
            menu.addAction(tr("Copy with headers"), lambda: self.copy_selection(headers=True))
            menu.addSeparator()
            menu.addAction(tr("Select this page"), self.select_page)
            menu.addAction(tr("Select all"), self.selectAll)
        return menu

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._cells.hover(self.rowAt(event.position().toPoint().y()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._cells.hover(-1)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            index = self.indexAt(event.pos())  # type: ignore[attr-defined]  # a ToolTip event is a QHelpEvent
            self.viewport().setToolTip(tip_of(self.rows, index, self.columnWidth(index.column()), self.fontMetrics()))
        return super().viewportEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        self._cells.paint_rows(painter, event.rect())
        painter.end()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        if dy and (first := self.rowAt(0)) >= 0:
            self.rows.bring(first, first + self._rows_in_view())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrangement.fit()
        self._place_overlays()

    def _place_overlays(self) -> None:
        if self._empty is not None:
            self._empty.setGeometry(self.viewport().rect())
            self._empty.setVisible(not self.count)
        self._hairline.setGeometry(1, self._head.height() - 1, self.width() - 2, 2)
