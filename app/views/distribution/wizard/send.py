"""进行: how far it is; leaving the page does not stop it."""

from PySide6.QtWidgets import QWidget

from app.messages import sentence
from app.services.distribution import DistributionRow
from app.views.distribution.parts import Parts
from app.views.distribution.running import RunPanel
from app.views.distribution.runs import Run
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.words import ntr, tr


class SendStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Under way"), tr("It goes on when you leave this page"), parts, jobs=jobs)
        self.panel = RunPanel(parts.distribution, jobs=jobs)
        self.panel.refused.connect(self.refused)
        self.panel.seen.connect(self._see)
        self._run: Run | None = None
        self._row: DistributionRow | None = None
        self.body.addWidget(self.panel)
        self.body.addStretch(1)

    def watch(self, run: Run) -> None:
        self._run, self._row = run, None
        run.ended.connect(self._end)
        self.panel.watch(run)

    @property
    def lack(self) -> str:
        return tr("Not done yet. You may close this page; it goes on.") if self._is_under_way else ""

    @property
    def totals(self) -> str:
        row = self._row
        if row is None:
            return ""
        return ntr("{count} person", "{count} people", row.people - row.skipped)

    @property
    def verb(self) -> str:
        return "" if self._is_under_way or not self._has_begun else tr("To the receipt")

    @property
    def first(self) -> QWidget | None:
        return self.panel.pause_button if self.panel.pause_button.isVisible() else None

    @property
    def _is_under_way(self) -> bool:
        return self._run is not None and self._run.running

    @property
    def _has_begun(self) -> bool:
        return self._run is not None and self._run.distribution_id is not None

    def _see(self, row: DistributionRow) -> None:
        self._row = row
        self.looked.emit()

    def _end(self) -> None:
        run = self._run
        if run is None or self.sender() is not run:
            return
        if run.error is not None:
            self.panel.say_stopped(sentence(run.error))
            self.refused.emit(run.error)
        self.looked.emit()
        if run.is_finished and not (run.delivered is not None and run.delivered.left):
            self.moved_on.emit()
