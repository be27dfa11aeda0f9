"""A screen that is one list: loads its ids on a worker, follows the topics, tells the status bar."""

from collections.abc import Callable, Sequence

from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.page import Page
from app.views.widgets.row_table import Column, RowTable
from app.views.widgets.row_table.model import Fetch

LoadIds = Callable[[str, bool], Sequence[int]]


class ListPage(Page):
    """`load(sort, descending)` asks a service for ids, on a worker; `fetch(ids)` for the rows of one page."""

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
    ) -> None:
        super().__init__(title, line)
        self.jobs = jobs
        self._load = load
        self._sort = sort
        self._turn = 0
        self.table = RowTable(columns, fetch, jobs=jobs, name=title, parent=self)
        self.table.setObjectName(type(self).__name__)  # its columns are remembered by it
        if sort[0]:
            self.table.set_sort(sort[0], descending=sort[1])
        self.table.sort_changed.connect(self._sort_by)
        self.table.summary_changed.connect(self.status_changed)
        self.drawer.stepped.connect(self._step)
        changes.follow(self, *topics, then=self.refresh)
        self.body.addWidget(self.table, 1)

    def reload(self) -> None:
        """Ask for the ids again, from the top: the filter or the order changed."""
        self._ask(keep_place=False)

    def refresh(self) -> None:
        """Ask for the ids again and stay where we are: what they stand for may have changed."""
        self._ask(keep_place=True)

    def open_record(self, record: int) -> None:
        """Show one record in the drawer; screens with a drawer override this."""

    def _ask(self, *, keep_place: bool) -> None:
        self.table.set_waiting()
        self._turn += 1
        turn = self._turn

        def done(ids: Sequence[int]) -> None:
            if turn == self._turn:  # an answer that a later question overtook is left unheard
                self.table.show_ids(ids, keep_place=keep_place)

        self.jobs.start(self._load, *self._sort, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _sort_by(self, key: str, descending: bool) -> None:  # the signal's shape
        self._sort = (key, descending)
        self.reload()

    def _step(self, by: int) -> None:
        record = self.table.step(by)
        if record is not None:
            self.open_record(record)
