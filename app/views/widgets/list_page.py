"""A screen that is one list: loads its ids on a worker, follows the topics, tells the status bar."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QVBoxLayout

from app.services.list_views import ListViewService
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.page import Page
from app.views.widgets.row_table import Column, RowTable
from app.views.widgets.row_table.model import Fetch
from app.views.widgets.selection_bar import OF_ROWS, SelectionBar, SelectionWords
from app.views.widgets.toast import take_back_last
from app.views.widgets.view_tabs import ViewTabs
from app.words import tr

Answer = TypeVar("Answer")
Load = Callable[[], Sequence[int]]
LoadIds = Callable[[str, bool], Load]


class ListPage(Page):
    """`load(sort, descending)` reads the boxes and gives what a worker runs for the ids; `fetch(ids)`: one page's rows.

    A worker never reads a widget: it may just be gone, or say something newer than what was asked.
    """

    def __init__(
        self,
        title: str,
        line: str = "",
        *,
        jobs: JobRunner,
        changes: Changes,
        topics: Sequence[Topic],
        columns: Sequence[Column],
        load: LoadIds,
        fetch: Fetch,
        sort: tuple[str, bool] = ("", True),
        views: ListViewService | None = None,
    ) -> None:
        """`views`: what the list is narrowed to and how it looks can be kept under a name."""
        super().__init__(title, line)
        self.jobs = jobs
        self._load = load
        self.sort = self.usual_sort = sort
        self._turn = self._looked = 0
        self.table = RowTable(columns, fetch, jobs=jobs, name=title, parent=self)
        self.table.setObjectName(type(self).__name__)  # its columns are remembered by it
        if sort[0]:
            self.table.set_sort(sort[0], descending=sort[1])
        self.table.sort_changed.connect(self._sort_by)
        self.table.summary_changed.connect(self.status_changed)
        self.drawer.stepped.connect(self._step)
        undo = QAction(tr("Undo"), self)
        undo.setShortcut("Ctrl+Z")
        undo.triggered.connect(lambda: take_back_last(self))
        self.addAction(undo)
        self.drawer.closed.connect(self._forget_look)
        changes.follow(self, *topics, then=self.refresh)
        self.body.addWidget(self.table, 1)
        self.tabs: ViewTabs | None = None
        if views is not None:
            self._add_views(views)

    def reload(self) -> None:
        """Ask for the ids again, from the top: the filter or the order changed."""
        if self.tabs is not None:
            self.tabs.follow()
        self._ask(keep_place=False)

    # --- what a view keeps ---

    def question(self) -> dict[str, Any]:
        """What narrows the list, as JSON keeps it; {} is the list as it opens. Pages with filters override both."""
        return {}

    def show_question(self, question: Mapping[str, Any]) -> None:
        """Narrow the list to what `question` once gave."""
        self.reload()

    def show_as(self, question: Mapping[str, Any], sort: tuple[str, bool]) -> None:
        """A view, or the list as it opens; a column that is gone sorts nothing any more."""
        known = sort[0] in {column.key for column in self.table.rows.columns if column.sortable}
        self.sort = sort if known else self.usual_sort
        self.table.set_sort(self.sort[0], descending=self.sort[1])
        self.show_question(question)

    # --- what is done with many ---

    def offer_bulk(self, words: SelectionWords = OF_ROWS) -> SelectionBar:
        """The bar below the table that appears with the second selected row."""
        bar = SelectionBar(self.table, words, self)
        self.body.addWidget(bar)
        return bar

    def refresh(self) -> None:
        """Ask for the ids again and stay where we are: what they stand for may have changed."""
        self._ask(keep_place=True)

    def open_record(self, record: int) -> None:
        """Show one record in the drawer; screens with a drawer override this."""

    def look_up(self, call: Callable[..., Answer], *args: object, then: Callable[[Answer], object]) -> None:
        """Read one record for the drawer: only the answer to the last question is shown, and none once it is shut."""
        self._looked += 1
        look = self._looked

        def done(found: Answer) -> None:
            if look == self._looked:
                then(found)

        self.jobs.start(call, *args, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _forget_look(self) -> None:
        self._looked += 1

    def _ask(self, *, keep_place: bool) -> None:
        self.table.set_waiting()
        self._turn += 1
        turn = self._turn

        def done(ids: Sequence[int]) -> None:
            if turn == self._turn:  # an answer that a later question overtook is left unheard
                self.table.show_ids(ids, keep_place=keep_place)

        self.jobs.start(self._load(*self.sort), on_done=done, on_refused=self.banner.show_error, owner=self)

    def _add_views(self, views: ListViewService) -> None:
        tabs = self.tabs = ViewTabs(self, views, name=type(self).__name__, jobs=self.jobs, parent=self)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout), "a page's own"
        layout.insertWidget(layout.count() - 1, tabs)
        self.header.add_more(tr("Save as view"), tabs.ask_for_name, symbol="save", shortcut="Ctrl+S")

    def _sort_by(self, key: str, descending: bool) -> None:  # the signal's shape
        self.sort = (key, descending)
        self.reload()

    def _step(self, by: int) -> None:
        record = self.table.step(by)
        if record is not None:
            self.open_record(record)
