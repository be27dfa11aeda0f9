"""The saved views of a list as tabs above it: each a filter, an order and columns under a name."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QTabBar, QWidget

from app.services.list_views import ListView, ListViewService
from app.views.jobs import JobRunner
from app.views.widgets.banner import Banner
from app.views.widgets.drop_menu import DropMenu
from app.views.widgets.pieces import button, icon_button, row
from app.views.widgets.row_table import RowTable
from app.views.widgets.toast import toast
from app.views.widgets.view_name_dialog import ViewNameDialog
from app.words import tr

ALL = 0
"""The tab of the list as it opens."""


class Viewed(Protocol):
    """A list as its views see it."""

    table: RowTable
    banner: Banner

    @property
    def sort(self) -> tuple[str, bool]: ...
    @property
    def usual_sort(self) -> tuple[str, bool]: ...
    def question(self) -> dict[str, Any]: ...
    def show_as(self, question: Mapping[str, Any], sort: tuple[str, bool]) -> None: ...


class ViewTabs(QWidget):
    """Hidden until there is a view. Once somebody changes the filter, what is shown is no view any more.

    The columns of a view are lent to the table: as somebody arranged them otherwise, they come back with the first tab.
    """

    def __init__(self, page: Viewed, views: ListViewService, *, name: str, jobs: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self._page, self._service, self._list, self._jobs = page, views, name, jobs
        self.views: list[ListView] = []
        self._own = ""
        self._asked: deque[Any] = deque()
        self.bar = QTabBar()
        self.bar.setAccessibleName(tr("Views"))
        self.bar.setExpanding(False)
        self.bar.setUsesScrollButtons(True)
        self.bar.setElideMode(Qt.TextElideMode.ElideRight)
        self.bar.addTab(tr("All"))
        self.bar.currentChanged.connect(self._show)
        self.bar.tabBarClicked.connect(self._show_again)
        self.bar.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.bar.customContextMenuRequested.connect(self._open_menu)
        self.save_button = button(tr("Save as view"), self.ask_for_name, kind="text", compact=True)
        self.more = icon_button("ellipsis", tr("Change the views"))
        DropMenu(self.more).aboutToShow.connect(self._fill_more)
        line = row(self.bar, self.save_button, self.more)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.hide()
        self._run(partial(views.of, name))

    # --- what a person does ---

    def choose(self, name: str) -> None:
        """Show a view, as a click on its tab does."""
        self.bar.setCurrentIndex([view.name for view in self.views].index(name) + 1)

    def ask_for_name(self) -> None:
        """Keep what is shown now under a name."""
        shown = self._shown("")

        def add(name: str) -> list[ListView]:
            return self._service.add(self._list, replace(shown, name=name))

        def done(views: list[ListView]) -> None:
            self._take(views)
            self._lend()
            self._mark(len(views))
            toast(self, tr("Saved as the view {name}", name=views[-1].name))

        ViewNameDialog(self.window(), tr("Save what is shown as a view?"), call=add, then=done, jobs=self._jobs).open()

    def ask_for_other_name(self, name: str) -> None:
        title = tr("Which name shall the view {name} have?", name=name)
        rename = partial(self._service.rename, self._list, name)
        ViewNameDialog(self.window(), title, name=name, call=rename, then=self._take, jobs=self._jobs).open()

    def update_view(self, name: str) -> None:
        """The view becomes what is shown now."""
        self._run(partial(self._service.replace, self._list, self._shown(name)), chosen=name)

    def remove(self, name: str) -> None:
        """At once; the toast brings it back."""
        gone = next(view for view in self.views if view.name == name)
        self._run(partial(self._service.remove, self._list, name))
        bring_back = partial(self._run, partial(self._service.add, self._list, gone))
        toast(self, tr("View {name} removed", name=name), undo=bring_back)

    def follow(self) -> None:
        """The list was asked for something: is it still the view that is marked?"""
        at = self.bar.currentIndex()
        if at == ALL:
            return
        view = self.views[at - 1]
        if (view.question, (view.sort, view.descending)) != (self._page.question(), self._page.sort):
            self._mark(ALL)

    # --- inside ---

    def _run(self, call: Any, *, chosen: str = "") -> None:
        def done(views: list[ListView]) -> None:
            self._take(views)
            if chosen:
                self._lend()
                self._mark([view.name for view in views].index(chosen) + 1)

        self._asked.append(
            partial(self._jobs.start, call, on_done=done, on_refused=self._page.banner.show_error, owner=self)
        )
        if len(self._asked) == 1:
            self._ask()

    def _ask(self) -> None:
        """One after the other: of two at once, the answer to the older one might come last and be shown."""
        self._asked[0]().ended.connect(self._answered)

    def _answered(self) -> None:
        self._asked.popleft()
        if self._asked:
            self._ask()

    def _take(self, views: list[ListView]) -> None:
        """Tabs for these views; the marked one stays marked by its place if it is still the same."""
        at = self.bar.currentIndex()
        marked = self.views[at - 1] if at > ALL else None
        self.views = views
        self.bar.blockSignals(True)
        while self.bar.count() > 1:
            self.bar.removeTab(1)
        for view in views:
            self.bar.setTabToolTip(self.bar.addTab(view.name.replace("&", "&&")), view.name)
        self.bar.blockSignals(False)
        same = [place for place, view in enumerate(views, 1) if marked and replace(view, name=marked.name) == marked]
        self._mark(same[0] if same else ALL)
        self.setVisible(bool(views))

    def _shown(self, name: str) -> ListView:
        sort, descending = self._page.sort
        return ListView(name, self._page.question(), sort, descending, self._page.table.save_state())

    def _mark(self, at: int) -> None:
        self.bar.blockSignals(True)
        self.bar.setCurrentIndex(at)
        self.bar.blockSignals(False)

    def _lend(self) -> None:
        table = self._page.table
        if not table.lent:
            self._own, table.lent = table.save_state(), True

    def _show(self, at: int) -> None:
        table = self._page.table
        if at == ALL:
            if table.lent:
                table.restore_state(self._own)
                table.lent = False
            self._page.show_as({}, self._page.usual_sort)
            return
        view = self.views[at - 1]
        self._lend()
        table.restore_state(view.columns)
        self._page.show_as(view.question, (view.sort, view.descending))

    def _show_again(self, at: int) -> None:
        """A click on the tab that is marked already takes back what was changed since."""
        if at == self.bar.currentIndex():
            self._show(at)

    def _open_menu(self, where: QPoint) -> None:
        at = self.bar.tabAt(where)
        if at > ALL:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self._add_acts(menu, self.views[at - 1].name)
            menu.popup(self.bar.mapToGlobal(where))

    def _fill_more(self) -> None:
        menu = self.more.menu()
        for old in menu.findChildren(QMenu):
            old.deleteLater()
        menu.clear()
        for view in self.views:
            self._add_acts(menu.addMenu(view.name.replace("&", "&&")), view.name)

    def _add_acts(self, menu: QMenu, name: str) -> None:
        menu.addAction(tr("Update with what is shown"), lambda: self.update_view(name))
        menu.addAction(tr("Rename"), lambda: self.ask_for_other_name(name))
        menu.addAction(tr("Remove"), lambda: self.remove(name))
