"""One long job on a page: one bar, counts, speed, time left, and a way to stop it."""

from PySide6.QtWidgets import QProgressBar, QWidget

from app.views.jobs import Job, JobState
from app.views.theme import set_kind
from app.views.widgets.pieces import Card, button, column, label, row
from app.words import ntr, tr


def duration(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h 5 min`: as much as somebody who waits wants to know."""
    whole = max(1, round(seconds))
    if whole < 60:
        return tr("{count} s", count=whole)
    minutes = round(whole / 60)
    if minutes < 60:
        return tr("{count} min", count=minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def progress_words(job: Job) -> str:
    """`3,200 of 10,000 · 1,200 a second · 6 s left`."""
    if not job.total:
        return tr("Starting")
    return " · ".join((tr("{done} of {total}", done=f"{job.done:,}", total=f"{job.total:,}"), *speed_words(job)))


def speed_words(job: Job) -> list[str]:
    """`1,200 a second`, `6 s left`, as far as they are known."""
    parts: list[str] = []
    if job.speed and job.speed >= 1:
        parts.append(ntr("{count} a second", "{count} a second", round(job.speed)))
    if job.remaining_s is not None and job.elapsed_s > 1:
        parts.append(tr("{time} left", time=duration(job.remaining_s)))
    return parts


class ProgressPanel(Card):
    """Hidden until it watches a job; its end stays on the screen until the next one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._job: Job | None = None
        self.title_label = label("", "card-title")
        self.cancel_button = button(tr("Cancel"), self._cancel, compact=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.words = label("", "label")
        self.body.addLayout(column(row(self.title_label, 0, self.cancel_button), self.bar, self.words, spacing=8))
        self.hide()

    def watch(self, job: Job) -> None:
        self._job = job
        self.title_label.setText(job.title)
        self.bar.setAccessibleName(job.title)
        set_kind(self.bar, "")
        self.cancel_button.setEnabled(True)
        self.cancel_button.show()
        job.progressed.connect(self._show_progress)
        job.ended.connect(self._show_end)
        self._show_progress()
        self.show()
        if not job.running:
            self._show_end()

    def _show_progress(self) -> None:
        if self._job is not None and self._job.running:
            self.bar.setRange(0, self._job.total)
            self.bar.setValue(self._job.done)
            self.words.setText(tr("Stopping") if self._job.cancelling else progress_words(self._job))

    def _show_end(self) -> None:
        job = self._job
        if job is None:
            return
        ends = {
            JobState.DONE: (tr("Done"), "ok"),
            JobState.CANCELLED: (tr("Cancelled, nothing was left half-done"), "warn"),
            JobState.REFUSED: (tr("Could not be finished"), "error"),
            JobState.CRASHED: (tr("Stopped by a fault"), "error"),
        }
        words, kind = ends.get(job.state, ("", ""))
        self.words.setText(job.outcome or words)
        self.bar.setRange(0, max(1, job.total))
        self.bar.setValue(max(1, job.total) if job.state is JobState.DONE else job.done)
        set_kind(self.bar, kind)
        self.cancel_button.hide()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self.cancel_button.setEnabled(False)
            self.words.setText(tr("Stopping"))
