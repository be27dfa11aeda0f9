"""One delivery under way: bar, sent, failed, left; pause, go on, cancel the rest."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QProgressBar

from app.services.distribution import DistributionRow, DistributionService
from app.views.distribution.runs import Run
from app.views.distribution.tiles import Tile, Tiles
from app.views.jobs import JobRunner
from app.views.theme import set_kind
from app.views.widgets.dialog import ask
from app.views.widgets.pieces import Card, button, label, row
from app.views.widgets.progress_panel import progress_words, speed_words
from app.words import ntr, tr

LOOK_MS = 500


class RunPanel(Card):
    """Looks at its distribution twice a second while a run is on. `seen` carries each row it read.

    `go_on_wanted` is for a distribution whose run is not known here: the page starts one.
    """

    seen = Signal(object)
    refused = Signal(object)
    go_on_wanted = Signal(int)

    def __init__(self, distribution: DistributionService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._distribution, self._jobs = distribution, jobs
        self._run: Run | None = None
        self.row: DistributionRow | None = None
        self.heading = label("", "card-title")
        self.pause_button = button(tr("Pause"), self.pause, symbol="pause", compact=True)
        self.go_on_button = button(tr("Continue"), self.go_on, kind="primary", symbol="play", compact=True)
        self.cancel_button = button(tr("Cancel the rest"), self.cancel_rest, kind="danger", compact=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.words = label("", "label", wrap=True)
        self.figures = Tiles(plain=True)
        self.body.addLayout(row(self.heading, 0, self.cancel_button, self.pause_button, self.go_on_button))
        for part in (self.bar, self.words, self.figures):
            self.body.addWidget(part)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._show_acts()

    # --- what it watches ---

    def watch(self, run: Run) -> None:
        """A run that was just begun."""
        self._run, self.row = run, None
        self.heading.setText(tr("Cards are being taken"))
        self.words.setText(tr("Starting"))
        self.figures.hide()
        run.ended.connect(self._end)
        set_kind(self.bar, "")
        self.bar.setRange(0, 0)
        self._timer.start()
        self._show_acts()

    def show_row(self, shown: DistributionRow, run: Run | None) -> None:
        """A distribution as it stands, and its run if there is one."""
        if run is not None and run is not self._run:
            run.ended.connect(self._end)
        self._run = run
        self._timer.start() if self._is_running else self._timer.stop()
        self._show(shown)

    def look(self) -> None:
        run = self._run
        distribution_id = run.distribution_id if run is not None else self.row.id if self.row else None
        if run is not None and run.job is not None and run.job.running and self.row is None:
            self.words.setText(progress_words(run.job))
            self.bar.setRange(0, run.job.total)
            self.bar.setValue(run.job.done)
        if distribution_id is not None:
            self._jobs.start(self._distribution.distribution, distribution_id, on_done=self._show, owner=self)

    def say_stopped(self, words: str) -> None:
        self.words.setText(words)
        set_kind(self.bar, "error")
        if self.bar.maximum() == 0:
            self.bar.setRange(0, 1)
        if self.row is None:
            self.heading.setText(tr("Nothing was taken"))

    # --- what can be done ---

    def pause(self) -> None:
        """A mail that is being sent is finished first; a file or a print is simply not written."""
        if self.row is None:
            return
        if "email" not in self.row.channels and self._run is not None and self._run.job is not None:
            self._run.job.cancel()
            return
        self._jobs.start(
            self._distribution.pause,
            self.row.id,
            on_done=lambda _: self.look(),
            on_refused=self.refused.emit,
            owner=self,
        )

    def go_on(self) -> None:
        lacks_password = self.row is not None and self.row.needs_password and not self._has_password
        if self._run is not None and self._run.distribution_id is not None and not lacks_password:
            self._run.go_on()
            self._timer.start()
            set_kind(self.bar, "")
            self._show_acts()
        elif self.row is not None:
            self.go_on_wanted.emit(self.row.id)

    def cancel_rest(self) -> None:
        """Pause first, so that the number that is typed does not move."""
        if self.row is None:
            return
        distribution_id = self.row.id

        def still() -> DistributionRow:
            self._distribution.pause(distribution_id)
            return self._distribution.distribution(distribution_id)

        self._jobs.start(still, on_done=self._ask_to_cancel, on_refused=self.refused.emit, owner=self)

    def _ask_to_cancel(self, shown: DistributionRow) -> None:
        self._show(shown)
        if not shown.waits:
            return
        ask(
            self,
            tr("Cancel the rest of {name}?", name=shown.name),
            consequence=ntr(
                "{count} card that has not gone out returns to stock. What was sent stays sent.",
                "{count} cards that have not gone out return to stock. What was sent stays sent.",
                shown.waits,
            ),
            verb=tr("Cancel the rest"),
            typed=str(shown.waits),
            then=lambda: self._jobs.start(
                self._distribution.cancel_rest,
                shown.id,
                on_done=lambda _: self.look(),
                on_refused=self.refused.emit,
                owner=self,
            ),
        )

    # --- showing ---

    @property
    def _is_running(self) -> bool:
        return self._run is not None and self._run.running

    @property
    def _has_password(self) -> bool:
        return self._run is not None and self._run.zip_password is not None

    def _end(self) -> None:
        if not self._is_running:
            self._timer.stop()
        self.look()
        self._show_acts()

    def _show(self, shown: DistributionRow) -> None:
        self.row = shown
        self.heading.setText(self._title(shown))
        total = shown.people - shown.skipped
        done = total - shown.waits
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(done)
        set_kind(self.bar, "ok" if not shown.waits and not shown.failed else "")
        words = tr("{done} of {total}", done=f"{done:,}", total=f"{total:,}")
        if shown.needs_password and not self._is_running and not self._has_password:
            words = tr("The file is protected, and its password is kept nowhere: it is asked for when you continue.")
        job = self._run.job if self._run is not None else None
        if self._is_running and job is not None:  # the job counts links, too: only its speed is told
            words = " · ".join((words, *speed_words(job)))
        self.words.setText(words)
        self.figures.show()
        some = ((tr("Trying again"), shown.retrying), (tr("Waits for its old link to end"), shown.turning))
        passing: list[Tile] = [(name, f"{count:,}", "warn") for name, count in some if count]
        self.figures.show_tiles(
            (
                (tr("Sent"), f"{shown.sent:,}", "ok"),
                (tr("Failed"), f"{shown.failed:,}", "error" if shown.failed else "neutral"),
                (tr("Uncertain"), f"{shown.uncertain:,}", "warn" if shown.uncertain else "neutral"),
                *passing,
                (tr("Waiting"), f"{shown.prepared - shown.retrying:,}", "neutral"),
            )
        )
        self._show_acts()
        self.seen.emit(shown)

    def _title(self, shown: DistributionRow) -> str:
        if self._is_running and shown.state != "paused":
            return tr("Being delivered")
        if shown.needs_password and shown.is_due:
            return tr("Waits for the password of its file")
        if shown.prepared and shown.scheduled_at is not None and shown.state == "prepared":
            return tr("Planned")
        return tr("Paused") if shown.waits else tr("Everything has gone out")

    def _show_acts(self) -> None:
        """Keys on an act that goes stay here for the one that comes; Qt would hand them to `Cancel the rest`."""
        shown, acts = self.row, (self.pause_button, self.go_on_button)
        held = any(part.hasFocus() for part in (self, *acts))
        running = self._is_running and shown is not None and shown.state != "paused"
        waits = shown is not None and shown.waits > 0
        self.pause_button.setVisible(running and waits)
        self.go_on_button.setVisible(waits and not self._is_running)
        self.cancel_button.setVisible(waits and ((shown is not None and "email" in shown.channels) or not running))
        if held:
            next((act for act in acts if not act.isHidden()), self).setFocus()
