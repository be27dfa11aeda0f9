"""The inside of the window while a vault is open: rail, top bar, pages, status bar. Made anew for another language."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSettings, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.views.jobs import JobRunner
from app.views.main_window.rail import Rail
from app.views.main_window.specs import PageSpec, SyncStatus, Workspace
from app.views.main_window.top_bar import TopBar
from app.views.widgets.banner import Banner
from app.views.widgets.pieces import GUTTER, label, row
from app.views.widgets.row_table import RowTable
from app.words import tr


class WorkspaceView(QWidget):
    """Builds a page on the first visit and keeps it. Screens are told from outside and never imported here.

    `memory` is where a table finds the columns again as somebody arranged them.
    """

    went = Signal(str)

    def __init__(self, workspace: Workspace, jobs: JobRunner, memory: QSettings) -> None:
        super().__init__()
        self._memory = memory
        self._specs: dict[str, PageSpec] = {spec.key: spec for spec in (*workspace.pages, *workspace.lists)}
        self._pages: dict[str, QWidget] = {}
        self._statuses: dict[str, str] = {}
        self.current = ""
        self.folded = False
        self.rail = Rail(workspace.pages)
        self.rail.chosen.connect(self.go)
        self.top = TopBar(jobs, merchant=workspace.merchant, searchable=True)
        self.banner = Banner()
        self.stack = QStackedWidget()
        self.stack.setProperty("role", "canvas")
        self.status_words = QLabel()
        self.offline_words = label("", "offline")
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        if workspace.ribbon is not None:
            right.addWidget(self._ribbon(workspace.ribbon))
        right.addWidget(self.top)
        right.addWidget(self._banner_strip())
        right.addWidget(self.stack, 1)
        right.addWidget(self._status_bar())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addLayout(right, 1)
        self.top.fold_wanted.connect(self.fold)

    def go(self, key: str, wanted: object = None) -> None:
        """Show a page, built now if it is its first visit; `wanted` is what it should show."""
        if key not in self._specs:
            return
        if key not in self._pages:
            self._pages[key] = self._built(key)
        page = self._pages[key]
        self.current = key
        self.stack.setCurrentWidget(page)
        self.rail.mark(self._specs[key].under or key)
        self.top.set_place(self._specs[key].title())
        self.status_words.setText(self._statuses.get(key, ""))
        page.setFocus()
        show_wanted: Callable[[object], object] | None = getattr(page, "show_wanted", None)
        if wanted is not None and show_wanted is not None:
            show_wanted(wanted)
        self.went.emit(key)

    def keys(self) -> list[str]:
        """Pages from the top of the rail to its foot."""
        return list(self._specs)

    def page(self) -> QWidget | None:
        return self._pages.get(self.current)

    def page_actions(self) -> list[QAction]:
        page = self.page()
        return page.actions() if page else []

    def fold(self) -> None:
        self.set_folded(not self.folded)

    def set_folded(self, folded: bool) -> None:
        self.folded = folded
        self.rail.set_folded(folded)
        self.top.set_folded(folded)

    def set_sync(self, status: SyncStatus) -> None:
        self.top.sync.set_status(status)
        self.offline_words.setText(status.offline)
        self.offline_words.setVisible(bool(status.offline))

    def _built(self, key: str) -> QWidget:
        page = self._specs[key].build()
        self.stack.addWidget(page)
        if (told := getattr(page, "status_changed", None)) is not None:
            told.connect(lambda words: self._set_status(key, words))
        if (away := getattr(page, "page_wanted", None)) is not None:
            away.connect(self.go)
        for table in page.findChildren(RowTable):
            self._remember(table)
        return page

    def _remember(self, table: RowTable) -> None:
        """Its columns as they were left, and from now on as they are left."""
        place = f"table/{table.objectName()}"
        table.restore_state(str(self._memory.value(place, "")))
        table.state_changed.connect(partial(self._keep, table, place))

    def _keep(self, table: RowTable, place: str) -> None:
        self._memory.setValue(place, table.save_state())

    def _set_status(self, key: str, words: str) -> None:
        self._statuses[key] = words
        if key == self.current:
            self.status_words.setText(words)

    def _banner_strip(self) -> QWidget:
        """The banner with its margins, which are there only together with it."""
        strip = QWidget()
        line = row(self.banner)
        line.setContentsMargins(GUTTER, 12, GUTTER, 0)
        strip.setLayout(line)
        strip.hide()
        self.banner.shown.connect(strip.setVisible)
        return strip

    def _status_bar(self) -> QFrame:
        bar = QFrame()
        bar.setProperty("role", "status")
        bar.setFixedHeight(28)
        line = row(self.status_words, 0, self.offline_words)
        line.setContentsMargins(GUTTER, 0, GUTTER, 0)
        bar.setLayout(line)
        bar.setAccessibleName(tr("Status"))
        return bar

    def _ribbon(self, words: Callable[[], str]) -> QFrame:
        ribbon = QFrame()
        ribbon.setProperty("role", "ribbon")
        ribbon.setFixedHeight(28)
        line = row(0, label(words()), 0)
        ribbon.setLayout(line)
        return ribbon
