"""任务: every long job, running or ended, with its progress, its result and a way to stop it."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QProgressBar, QScrollArea, QVBoxLayout, QWidget

from app.errors import AppError
from app.messages import sentence
from app.views.jobs import Job, JobRunner, JobState
from app.views.theme import Tone
from app.views.widgets.choice_box import choice_box
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.page import Page
from app.views.widgets.pieces import CARD_PADDING, Card, button, label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.vocabulary import Words, word
from app.words import moment, ntr, tr

REPAINT_MS = 500


STATES: Words = {"running": "Running", "done": "Done", "not-done": "Not done", "cancelled": "Cancelled"}
TONES: dict[str, Tone] = {"running": "info", "done": "ok", "not-done": "error", "cancelled": "neutral"}
_STATES = {
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.REFUSED: "not-done",
    JobState.CANCELLED: "cancelled",
    JobState.CRASHED: "not-done",
}


class TasksPage(Page):
    def __init__(self, *, jobs: JobRunner) -> None:
        super().__init__(tr("Tasks"), tr("Long jobs go on when you leave a page or lock the window"))
        self._jobs = jobs
        self.clear_button = self.header.add_secondary(tr("Clear finished"), jobs.forget_ended, symbol="list-checks")
        self.empty = EmptyState("circle-check", tr("No task is running"))
        self.state_box = choice_box(tr("State"), tr("All states"), STATES)
        self.state_box.currentIndexChanged.connect(self.reload)
        self.body.addLayout(row(self.state_box, 0))
        self._list = QWidget()
        self._list.setProperty("role", "scrolled")
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName(self.accessibleName())
        self._scroll.setWidget(self._list)
        self.body.addWidget(self._scroll, 1)
        self.body.addWidget(self.empty, 1)
        self._rows: list[_TaskRow] = []
        self._clock = QTimer(self, interval=REPAINT_MS)
        self._clock.timeout.connect(self._repaint)
        jobs.listed.connect(self.reload)
        self.reload()
        QTimer.singleShot(0, self, self._tell_running)  # nobody hears the page while it is being made

    def reload(self) -> None:
        for task in self._rows:
            task.deleteLater()
        while self._column.count():
            self._column.takeAt(0)
        state = str(self.state_box.currentData())
        self._rows = [_TaskRow(job) for job in self._jobs.jobs() if state in ("", _STATES[job.state])]
        for task in self._rows:
            self._column.addWidget(task)
        self._column.addStretch(1)
        self._scroll.setVisible(bool(self._rows))
        self.empty.setVisible(not self._rows)
        self.state_box.setVisible(bool(self._jobs.jobs()))
        self.clear_button.setEnabled(not all(job.running for job in self._jobs.jobs()))
        self._tell_running()

    def _tell_running(self) -> None:
        running = len(self._jobs.running())
        self.status_changed.emit(ntr("{count} task running", "{count} tasks running", running) if running else "")
        if running:
            self._clock.start()
        else:
            self._clock.stop()

    def _repaint(self) -> None:
        for task in self._rows:
            task.tell()


class _TaskRow(Card):
    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.words = label("", "note", wrap=True)
        self.cancel_button = button(tr("Cancel"), self._cancel, compact=True)
        self.body.setContentsMargins(CARD_PADDING, 12, CARD_PADDING, 12)
        self.body.setSpacing(6)
        self.body.addLayout(row(label(job.title), 0, StateLabel(_mark(job)), self.cancel_button, spacing=12))
        self.body.addWidget(self.bar)
        self.body.addWidget(self.words)
        self.cancel_button.setVisible(job.running)
        self.bar.setVisible(job.running)
        self.tell()

    def tell(self) -> None:
        job = self._job
        if job.running:
            self.bar.setRange(0, job.total)
            self.bar.setValue(job.done)
        self.words.setText(_told(job))

    def _cancel(self) -> None:
        self._job.cancel()
        self.cancel_button.setEnabled(False)
        self.cancel_button.setText(tr("Stopping…"))


def _mark(job: Job) -> StateMark:
    state = _STATES[job.state]
    return StateMark(TONES[state], word(STATES, state))


def _told(job: Job) -> str:
    """One line: how far, how long still, or how it ended."""
    if job.running:
        parts = [tr("{done} of {total}", done=f"{job.done:,}", total=f"{job.total:,}")] if job.total else []
        if job.remaining_s is not None:
            parts.append(ntr("about {count} second left", "about {count} seconds left", int(job.remaining_s) + 1))
        return " · ".join([*parts, tr("since {at}", at=moment(job.started_at))])
    ended = sentence(job.error) if isinstance(job.error, AppError) else job.outcome
    return " · ".join(part for part in (ended, moment(job.ended_at)) if part)
