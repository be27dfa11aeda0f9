"""发放: the list of distributions, one of them in detail, and the wizard that begins one; one at a time in front."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.services.home import FAILURES
from app.views.changes import Changes
from app.views.distribution.detail import DistributionDetail
from app.views.distribution.list import DistributionList
from app.views.distribution.parts import Parts
from app.views.distribution.runs import RunBook
from app.views.distribution.wizard import Wizard
from app.views.jobs import JobRunner
from app.views.widgets.page import Page
from app.words import tr


class DistributionPage(QWidget):
    """`card_wanted` carries the id of a card somebody wants to see; `page_wanted` goes there, or to another page."""

    status_changed = Signal(str)
    page_wanted = Signal(str, object)
    card_wanted = Signal(int)

    def __init__(self, parts: Parts, *, jobs: JobRunner, changes: Changes) -> None:
        super().__init__()
        self.setAccessibleName(tr("Distribution"))
        self.runs = RunBook(parts.distribution, jobs)
        self.list = DistributionList(parts.distribution, jobs=jobs, changes=changes, views=parts.views)
        self.detail = DistributionDetail(parts, self.runs, jobs=jobs, changes=changes)
        self.wizard = Wizard(parts, self.runs, jobs=jobs)
        self.stack = QStackedWidget()
        self._views: tuple[Page, ...] = (self.list, self.detail, self.wizard)
        for view in self._views:
            self.stack.addWidget(view)
            view.page_wanted.connect(self.page_wanted)
            view.status_changed.connect(partial(self._tell_status, view))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)
        self.list.wizard_wanted.connect(self.begin)
        self.list.draft_wanted.connect(self.show_wizard)
        self.list.file_wanted.connect(self.choose_file)
        self.list.opened.connect(self.show_detail)
        self.detail.left.connect(self.show_list)
        self.detail.card_wanted.connect(self.card_wanted)
        self.card_wanted.connect(lambda card_id: self.page_wanted.emit("cards", card_id))
        self.wizard.left.connect(self.show_list)
        self.wizard.detail_wanted.connect(self.show_detail)
        self._bring(self.list)
        self.list.offer_draft(self.wizard.draft)

    @property
    def front(self) -> Page:
        return next(view for view in self._views if view is self.stack.currentWidget())

    def show_wanted(self, wanted: object) -> None:
        """An id opens one distribution; "new" the wizard; a Path or ("list", path) begins with that list; FAILURES
        lists those that need a hand."""
        match wanted:
            case int(distribution_id):
                self.show_detail(distribution_id)
            case Path():
                self.begin(wanted)
            case ("list", source):
                self.begin(source)
            case "new":
                self.begin(None)
            case words if words == FAILURES:
                self.show_list()
                self.list.show_question({"state": FAILURES})

    def begin(self, source: object) -> None:
        """The wizard; with a source a new draft begins, without one the last draft goes on."""
        if source is not None:
            self.wizard.load(source)
        else:
            self.wizard.forget_if_done()
        self.show_wizard()

    def choose_file(self) -> None:
        """The wizard with its file dialog open; a list that is chosen there begins anew, whatever stands in it."""
        self.begin(None)
        self.wizard.loading.choose_file(self.begin)

    def show_wizard(self) -> None:
        self._bring(self.wizard)
        self.wizard.focus_step()

    def show_list(self) -> None:
        self._bring(self.list)
        self.list.offer_draft(self.wizard.draft)
        self.list.table.setFocus()

    def show_detail(self, distribution_id: int) -> None:
        self._bring(self.detail)
        self.detail.show_one(distribution_id)
        self.detail.table.setFocus()

    def _tell_status(self, view: Page, words: str) -> None:
        """A list that is read again behind the wizard says nothing."""
        if view is self.stack.currentWidget():
            self.status_changed.emit(words)

    def _bring(self, view: Page) -> None:
        """Only the keys of the view in front are alive, and F1 lists them."""
        for act in self.actions():
            self.removeAction(act)
        self.stack.setCurrentWidget(view)
        for act in view.actions():
            self.addAction(act)
        self.setFocusProxy(view)
        if isinstance(view, DistributionList | DistributionDetail):
            self.status_changed.emit(view.table.summary())
        else:
            self.status_changed.emit("")
