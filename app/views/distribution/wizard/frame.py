"""The frame of the wizard: steps at the left, one page for each, the foot with totals and the way on."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QStackedWidget, QWidget

from app.views.distribution.draft import Draft, Shelf
from app.views.distribution.parts import Parts
from app.views.distribution.runs import Run, RunBook
from app.views.distribution.wizard.assign import AssignStep
from app.views.distribution.wizard.channel import ChannelStep
from app.views.distribution.wizard.check import CheckStep
from app.views.distribution.wizard.columns import ColumnsStep
from app.views.distribution.wizard.confirm import ConfirmStep
from app.views.distribution.wizard.load import LoadStep
from app.views.distribution.wizard.receipt import ReceiptStep
from app.views.distribution.wizard.send import SendStep
from app.views.distribution.wizard.step import Step
from app.views.distribution.wizard.when import WhenStep
from app.views.jobs import JobRunner
from app.views.widgets.page import Page
from app.views.widgets.pieces import button, column, label, native, row
from app.views.widgets.step_list import StepList
from app.views.widgets.toast import Foot, toast
from app.words import tr

WIDEST = 880
LOAD, COLUMNS, CHECK, CONFIRM, SEND, RECEIPT = 0, 1, 2, 6, 7, 8
LIST_ONLY = (COLUMNS, CHECK)
"""Steps that people from the address book do not need."""


class Wizard(Page):
    """Keeps its draft while it is out of sight. `left` goes back to the list, `detail_wanted` to one distribution."""

    left = Signal()
    detail_wanted = Signal(int)
    draft_changed = Signal(object)

    def __init__(self, parts: Parts, runs: RunBook, *, jobs: JobRunner) -> None:
        super().__init__(tr("Bulk distribution"))
        self.jobs, self._runs, self._shelf = jobs, runs, parts.shelf
        self.draft, self.at, self._reached = Draft(), 0, 0
        self._run: Run | None = None
        self._lack = ""
        self.loading, self.columns = LoadStep(parts, jobs=jobs), ColumnsStep(parts, jobs=jobs)
        self.check, self.assign = CheckStep(parts, jobs=jobs), AssignStep(parts, jobs=jobs)
        self.channel, self.when = ChannelStep(parts, jobs=jobs), WhenStep(parts, jobs=jobs)
        self.confirm, self.sending = ConfirmStep(parts, jobs=jobs), SendStep(parts, jobs=jobs)
        self.receipt = ReceiptStep(parts, jobs=jobs)
        self.steps: tuple[Step, ...] = (
            self.loading,
            self.columns,
            self.check,
            self.assign,
            self.channel,
            self.when,
            self.confirm,
            self.sending,
            self.receipt,
        )
        self.step_list = StepList([step.step_title for step in self.steps])
        self.step_list.chosen.connect(self.visit)
        self._lay_out()
        for step in self.steps:
            self._hear(step)
        self.receipt.detail_wanted.connect(self.detail_wanted)
        self._add_keys()
        self._take_up(self._shelf)

    # --- going through ---

    @property
    def step(self) -> Step:
        return self.steps[self.at]

    @property
    def is_sent(self) -> bool:
        return self._run is not None

    def start_anew(self) -> None:
        """Forget the draft; nothing of it was stored. No question asked: the toast brings it back."""
        dropped = Shelf(self.draft, self.at, self._reached)
        mended = dropped.draft.begun and not self.is_sent
        self._run = None
        self._reached = 0
        self._note(Draft())
        self._show(0)
        if mended:
            words = tr("{name} was dropped", name=dropped.draft.title or tr("Pasted cells"))
            toast(self, words, undo=lambda: self._bring_back(dropped))

    def _bring_back(self, dropped: Shelf) -> None:
        if not self.is_sent:
            self._take_up(dropped)

    def _take_up(self, shelf: Shelf) -> None:
        """Go on with what lies there; an empty draft is a beginning."""
        draft, at, self._reached = shelf.draft, shelf.at, shelf.reached
        self._note(draft)
        for step in self.steps[LOAD:at]:
            step.draft = draft  # what the step list asks of those that were passed
        self._show(at)

    def load(self, source: object) -> None:
        """Begin with a list: a path or pasted cells."""
        self.start_anew()
        self.loading.load(source)

    def go_on(self) -> None:
        """What the button at the foot does."""
        self.banner.clear()
        if self.at == RECEIPT:
            self.close_wizard()
        elif self.at == CONFIRM:
            self.confirm.finish(self._send)
        elif lack := self.step.lack:
            self._lack = lack
            self.banner.say("warn", lack)
        elif self.at < CONFIRM:
            self.step.finish(partial(self._go_on_from, self.at))
        else:
            self._next()

    def back(self) -> None:
        target = self.at - 1
        while target in LIST_ONLY and self.draft.book:
            target -= 1
        if target >= 0 and not self.is_sent:
            self._show(target)

    def visit(self, at: int) -> None:
        """A click on a step: earlier ones freely, later ones as far as they were reached."""
        skipped = at in LIST_ONLY and bool(self.draft.book)
        locked = self.is_sent and at < SEND
        if at <= self._reached and not skipped and not locked:
            self._show(at)
        else:
            self._mark()

    def close_wizard(self) -> None:
        """To the list; a draft stays for later, a finished one is forgotten."""
        self.forget_if_done()
        self.left.emit()

    def forget_if_done(self) -> None:
        """A draft that was sent needs no second look."""
        if self._run is not None and not self._run.running:
            self.start_anew()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self.step.look_again()

    # --- inside ---

    def _go_on_from(self, at: int) -> None:
        """A step came to its end, perhaps on a worker: whoever pressed twice, or went elsewhere meanwhile, stays."""
        if at == self.at:
            self._next()

    def _next(self) -> None:
        target = self.at + 1
        while target in LIST_ONLY and self.draft.book:
            target += 1
        self._reached = max(self._reached, target)
        self._show(target)

    def _show(self, at: int) -> None:
        self.banner.clear()
        self._lack = ""
        self.at = at
        self._keep()
        self.pages.setCurrentIndex(at)
        step = self.step
        step.take(self.draft)
        self.header.set_line(step.step_line)
        self._look()
        if step.first is not None and self.isVisible():
            step.first.setFocus()

    def _send(self) -> None:
        title = tr("Distribute {name}", name=self.draft.name)
        password = self.draft.zip_password if self.draft.channel == "file" else None
        self._run = self._runs.run(title, zip_password=password)
        self.sending.watch(self._run)
        self.receipt.watch(self._run)
        self._run.ended.connect(self._return_if_refused)
        self._reached = SEND
        self._run.begin(self.draft.spec)
        self._show(SEND)

    def _return_if_refused(self) -> None:
        """No cards were taken: everything may still be changed."""
        run = self._run
        if run is not None and run.distribution_id is None and not run.running:
            self._run, self._reached = None, CONFIRM
            self._show(CONFIRM)
            if run.error is not None:
                self.banner.show_error(run.error)

    def _take_draft(self, draft: Draft) -> None:
        earlier = self.draft
        if draft.roster is not earlier.roster or (draft.book, draft.person_ids) != (earlier.book, earlier.person_ids):
            self._reached = max(self.at, LOAD)
        self._note(draft)

    def _note(self, draft: Draft) -> None:
        self.draft = draft
        self._keep()
        self.draft_changed.emit(draft)

    def _keep(self) -> None:
        """On the shelf, unless it goes out: nothing is sent a second time by a page that was made anew."""
        shelf = self._shelf
        shelf.draft, shelf.at, shelf.reached = (Draft(), 0, 0) if self.is_sent else (self.draft, self.at, self._reached)

    def _hear(self, step: Step) -> None:
        step.drafted.connect(self._take_draft)
        step.looked.connect(partial(self._if_in_front, step, self._look))
        step.refused.connect(self.banner.show_error)
        step.moved_on.connect(partial(self._if_in_front, step, self.go_on))
        step.page_wanted.connect(self.page_wanted)
        step.reveal_wanted.connect(self._reveal)

    def _if_in_front(self, step: Step, call: Callable[[], object]) -> None:
        if step is self.step:
            call()

    def _reveal(self, widget: QWidget) -> None:
        """Scroll there once the layout has taken in what is new."""
        area = self.pages.currentWidget()
        if isinstance(area, QScrollArea):
            QTimer.singleShot(0, area, lambda: area.ensureWidgetVisible(widget))

    def _look(self) -> None:
        """The foot and the step list, after anything changed; what was lacking and is there now is not asked for."""
        if self._lack and self._lack != self.step.lack:
            self._lack = ""
            self.banner.clear()
        self.totals.setText(self.step.totals)
        self.next_button.setText(self.step.verb)
        self.next_button.setVisible(bool(self.step.verb))
        self.back_button.setVisible(0 < self.at < SEND)
        self.leave_button.setVisible(self.at != RECEIPT)
        self.leave_button.setText(tr("Cancel") if self.at == CONFIRM else tr("Close"))
        self.again_button.setVisible(self.draft.begun and not self.is_sent)
        self._mark()

    def _mark(self) -> None:
        faulty = [at for at, step in enumerate(self.steps) if step.is_faulty and at < self._reached]
        self.step_list.set_state(self._reached, now=self.at, faulty=faulty)
        for at, shown in enumerate(self.step_list.steps):
            skipped = at in LIST_ONLY and bool(self.draft.book)
            shown.setEnabled(shown.isEnabled() and not skipped and not (self.is_sent and at < SEND))

    # --- set-up ---

    def _lay_out(self) -> None:
        self.pages = QStackedWidget()
        self.pages.setMaximumWidth(WIDEST)
        for step in self.steps:
            self.pages.addWidget(_scrolled(step))
        self.totals = label("", "muted", wrap=True)
        self.leave_button = button(tr("Close"), self.close_wizard)
        self.back_button = button(tr("Back"), self.back, tip=native("Alt+Left"))
        self.next_button = button("", self.go_on, kind="primary", tip=native("Ctrl+Return"))
        foot = Foot()
        foot.setProperty("role", "card")
        foot.setMaximumWidth(WIDEST)
        line = row(self.totals, self.leave_button, self.back_button, self.next_button)
        line.setContentsMargins(16, 8, 8, 8)
        line.setStretch(0, 1)
        foot.setLayout(line)
        self.again_button = self.header.add_secondary(tr("Start anew"), self.start_anew, symbol="repeat")
        right = column(self.pages, foot, spacing=12)
        right.setStretch(0, 1)
        across = QHBoxLayout()
        across.setSpacing(16)
        across.addWidget(self.step_list)
        across.addLayout(right, WIDEST)
        across.addStretch(1)
        self.body.addLayout(across, 1)

    def _add_keys(self) -> None:
        for words, call, *keys in (
            (tr("Next step"), self.go_on, "Ctrl+Return", "Ctrl+Enter", "Alt+Right"),
            (tr("Step before"), self.back, "Alt+Left"),
            (tr("Next fault"), self._next_fault, "F8"),
        ):
            act = QAction(words, self)
            act.setShortcuts([QKeySequence(key) for key in keys])
            act.triggered.connect(lambda _=False, call=call: call())
            self.addAction(act)

    def _next_fault(self) -> None:
        if self.step is self.check:
            self.check.go_to_next_fault()

    def focus_step(self) -> None:
        """Put the caret where the current step begins."""
        first = self.step.first or self.next_button
        QTimer.singleShot(0, self, lambda: first.isVisible() and first.setFocus())


def _scrolled(step: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(step)
    return area
