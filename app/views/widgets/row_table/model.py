"""The rows of a table of any size: the ids of the current filter and order, and a bounded cache of pages."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from time import monotonic
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal

from app.views.jobs import Job, JobRunner
from app.views.widgets.row_table.columns import Column, written

PAGE = 32
"""A screenful or less: a jump waits for no more rows than it shows, and for a part of a page."""
KEPT_PAGES = 300
AT_ONCE = 2
AT_MOST_S = 0.012
"""So long a scroll waits for its rows, to paint them once instead of a row of dots first."""
Index = QModelIndex | QPersistentModelIndex
Fetch = Callable[[list[int]], Sequence[Any]]
TEXT_ROLE = Qt.ItemDataRole.DisplayRole
VALUE_ROLE = Qt.ItemDataRole.UserRole
NOWHERE = QModelIndex()
LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class Line:
    """One fetched row with its cells written once, so that scrolling formats nothing again.

    `cut` keeps what fits into each column: (width, text).
    """

    __slots__ = ("cut", "row", "texts", "values")

    def __init__(self, row: object, columns: Sequence[Column]) -> None:
        self.row = row
        self.values = tuple(column.of(row) for column in columns)
        self.cut: dict[int, tuple[int, str]] = {}
        self.texts = tuple(written(column.kind, value) for column, value in zip(columns, self.values, strict=True))


class RowModel(QAbstractTableModel):
    """Asks for a page when one of its rows is about to be painted; the newest wish is served first."""

    loading = Signal(bool)
    arrived = Signal(int, int)  # first and last row whose contents came

    def __init__(
        self, columns: Sequence[Column], fetch: Fetch, *, jobs: JobRunner, id_of: Callable[[Any], int] | None = None
    ) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.fetch, self._jobs = fetch, jobs
        self.id_of = id_of or attrgetter("id")
        self._ids: Sequence[int] = range(0)
        self._pages: OrderedDict[int, list[Any]] = OrderedDict()
        self._stale: dict[int, list[Any]] = {}
        self._wanted: list[int] = []
        self._running: dict[int, Job] = {}
        self._age = 0
        self._soon = QTimer(self, interval=0, singleShot=True)
        self._soon.timeout.connect(self._load_wanted)

    @property
    def ids(self) -> Sequence[int]:
        return self._ids

    def replace(self, ids: Sequence[int], pages: dict[int, Sequence[Any]] | None = None) -> None:
        """Show other ids; `pages` are rows that are already known, by page number."""
        self.beginResetModel()
        self._forget_requests()
        self._ids = ids
        self._pages.clear()
        self._stale.clear()
        for page, rows in (pages or {}).items():
            self._keep((page,), rows)
        self.endResetModel()

    def reread(self) -> None:
        """Fetch the rows again and keep the old ones on the screen, dimmed, until the new ones are there."""
        self._forget_requests()
        self._stale = dict(self._pages)
        self._pages.clear()
        self._tell_changed(0, len(self._ids) - 1)

    def rows_of_page(self, page: int) -> list[int]:
        return list(self._ids[page * PAGE : (page + 1) * PAGE])

    def row_at(self, row: int) -> Any | None:
        """The fetched row, or None while it is on its way (or gone)."""
        line = self.line_at(row)
        return line.row if line else None

    def line_at(self, row: int) -> Line | None:
        page = self._pages.get(row // PAGE)
        return self._written(page, row % PAGE) if page is not None else None

    def line_or_old(self, row: int) -> tuple[Line | None, bool]:
        """The line to paint, and whether it is fresh; asks for its page if it is not."""
        number = row // PAGE
        page = self._pages.get(number)
        if page is not None:
            return self._written(page, row % PAGE), True
        self.want(number)
        old = self._stale.get(number)
        return (self._written(old, row % PAGE) if old is not None and row % PAGE < len(old) else None), False

    def _written(self, page: list[Any], at: int) -> Line | None:
        """A row becomes a line when it is first looked at: most of a page never is."""
        found = page[at]
        if found is None or isinstance(found, Line):
            return found
        page[at] = line = Line(found, self.columns)
        return line

    def bring(self, first: int, last: int) -> None:
        """Rows that scrolled into sight: wait a moment for theirs; when they are there, ask for the pages beside."""
        final = (len(self._ids) - 1) // PAGE
        pages = range(first // PAGE, min(last // PAGE, final) + 1)
        missing = [page for page in pages if page not in self._pages]
        beside = [page for page in (pages[0] - 1, pages[-1] + 1) if 0 <= page <= final and page not in self._pages]
        if not missing or self._stale or self._is_busy:
            for page in missing or beside:
                self.want(page)
            return
        if asked := [page for page in missing if page not in self._running]:
            self._load(asked)  # in one question: a step that lands on a seam costs no more than another
        until = monotonic() + AT_MOST_S
        for page in missing:
            if (job := self._running.get(page)) is not None:
                self._jobs.deliver_soon(job, until - monotonic())

    def want(self, page: int) -> None:
        if page in self._running or (self._wanted and self._wanted[-1] == page):
            return
        if page in self._wanted:
            self._wanted.remove(page)
        self._wanted.append(page)
        del self._wanted[: -AT_ONCE * 2]
        if not self._soon.isActive():
            self._soon.start()

    def _load_wanted(self) -> None:
        while self._wanted and not self._is_busy:
            page = self._wanted.pop()
            if page not in self._pages and page not in self._running and page * PAGE < len(self._ids):
                self._load([page])

    @property
    def _is_busy(self) -> bool:
        return len(set(self._running.values())) >= AT_ONCE

    def _load(self, pages: Sequence[int]) -> None:
        self.loading.emit(True)  # before there is a thread that would take the interpreter from us
        job = self._jobs.start(
            self.fetch,
            [one for page in pages for one in self.rows_of_page(page)],
            on_done=partial(self._take, pages, age=self._age),
            on_refused=partial(self._give_up, pages, age=self._age),
            owner=self,
        )
        self._running.update(dict.fromkeys(pages, job))

    def _take(self, pages: Sequence[int], rows: Sequence[Any], *, age: int) -> None:
        if age != self._age:
            return
        for page in pages:
            self._running.pop(page, None)
            self._stale.pop(page, None)
        self._keep(pages, rows)
        first, last = min(pages) * PAGE, min((max(pages) + 1) * PAGE, len(self._ids)) - 1
        self._tell_changed(first, last)
        self.arrived.emit(first, last)
        self.loading.emit(bool(self._running))
        if self._wanted:
            self._load_wanted()

    def _give_up(self, pages: Sequence[int], error: object, *, age: int) -> None:
        if age == self._age:
            self._keep(pages, ())
            for page in pages:
                self._running.pop(page, None)
            self.loading.emit(bool(self._running))
            self._jobs.refused.emit(error)

    def _keep(self, pages: Sequence[int], rows: Sequence[Any]) -> None:
        by_id = {self.id_of(row): row for row in rows}
        for page in pages:
            self._pages[page] = [by_id.get(one) for one in self.rows_of_page(page)]
            self._pages.move_to_end(page)
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)

    def _forget_requests(self) -> None:
        self._age += 1
        self._wanted.clear()
        for job in self._running.values():
            job.cancel()
        self._running.clear()
        self.loading.emit(False)

    def _tell_changed(self, first: int, last: int) -> None:
        if last >= first:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))

    # --- Qt asks ---

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = TEXT_ROLE) -> Any:
        if role in (TEXT_ROLE, Qt.ItemDataRole.AccessibleTextRole):
            line = self.line_or_old(index.row())[0]
            return line.texts[index.column()] if line else ""
        if role == VALUE_ROLE:
            line = self.line_at(index.row())
            return line.values[index.column()] if line else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self.columns[index.column()].right else LEFT
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = TEXT_ROLE) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return str(section + 1) if role == Qt.ItemDataRole.AccessibleTextRole else None
        if role in (TEXT_ROLE, Qt.ItemDataRole.AccessibleTextRole):
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self.columns[section].right else LEFT
        return None
