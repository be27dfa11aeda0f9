"""What goes on by itself while a vault is open: syncing, deliveries whose time has come, backups that are due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.errors import AppError, EndpointUnreachable
from app.models.base import now
from app.topics import Topic
from app.views.jobs import Job, JobState
from app.views.main_window.specs import SyncStatus
from app.words import moment, ntr, tr, zone

if TYPE_CHECKING:
    from app.bootstrap.parts import DeskParts
    from app.services import Services
    from app.services.cloud import CloudStatus
    from app.views.distribution.runs import DueRuns

EVERY_MS = 30_000
SOON_MS = 2_000
"""After something was put in the queue: long enough for a burst to be one sync."""
SCHEDULE_MS = 60_000
BACKUP_AGAIN = timedelta(hours=1)
"""So long after a backup that failed the next one is tried."""


class Background(QObject):
    """Lives as long as the vault is open. A lost line is shown in the top bar, never as a dialog."""

    def __init__(
        self, desk: DeskParts, services: Services, *, parent: QObject, clock: Callable[[], datetime] = now
    ) -> None:
        super().__init__(parent)
        self._clock, self._today = clock, _day(clock())
        self._desk, self._services = desk, services
        self._running = False
        self._warned = ""
        self._say: Callable[[], SyncStatus] = lambda: SyncStatus("neutral", "")
        self._backup: Job | None = None
        self._due: DueRuns | None = None
        self._again = QTimer(self, interval=EVERY_MS)
        self._again.timeout.connect(self.sync)
        self._soon = QTimer(self, interval=SOON_MS, singleShot=True)
        self._soon.timeout.connect(self.sync)
        self._schedule = QTimer(self, interval=SCHEDULE_MS)
        self._schedule.timeout.connect(self.do_what_is_due)
        desk.changes.changed.connect(self._notice)
        desk.window.sync_wanted.connect(self.sync)
        desk.window.language_chosen.connect(self._say_again)

    def start(self) -> None:
        self._again.start()
        self._schedule.start()
        self._soon.start()
        self._wake()
        self._empty_bin()

    def stop(self) -> None:
        for timer in (self._again, self._soon, self._schedule):
            timer.stop()
        self._desk.changes.changed.disconnect(self._notice)
        self._desk.window.sync_wanted.disconnect(self.sync)
        self._desk.window.language_chosen.disconnect(self._say_again)

    def sync(self) -> None:
        """One round on a worker; a second wish while one runs is that one."""
        if self._running:
            return
        self._running = True
        self._show(lambda: SyncStatus("info", tr("Syncing…")))
        job = self._desk.jobs.start(self._sync, on_done=self._done, on_refused=self._refused, owner=self)
        job.ended.connect(self._rest)

    def _sync(self) -> CloudStatus:
        self._services.cloud.sync()
        self._services.distribution.settle_recalls()
        return self._services.cloud.status()

    def _rest(self) -> None:
        """However it ended: a fault in one round is no reason to leave out the next."""
        self._running = False

    def _done(self, status: CloudStatus) -> None:
        self._show(lambda: _in_words(status))
        self._desk.window.set_badge("sync", status.rejected + status.conflicts)
        self._warn("twin" if status.twin_since is not None else "")

    def _refused(self, error: AppError) -> None:
        from app.services.cloud.rows import PAIR_AGAIN  # loaded long ago by whoever refused

        if isinstance(error, EndpointUnreachable):
            self._show(lambda: SyncStatus("warn", tr("Offline"), tr("Offline: everything but syncing works")))
        elif getattr(error, "reason", "") in PAIR_AGAIN:
            self._show(
                lambda: SyncStatus(
                    "error", tr("Pair again"), tr("The endpoint takes nothing from this device any more")
                )
            )
            self._warn("stopped")
        else:
            self._show(lambda: SyncStatus("warn", tr("Sync refused")))

    def _warn(self, about: str) -> None:
        """Once, on whatever page somebody works; the sync page says more, and what to do."""
        told, self._warned = self._warned, about
        view = self._desk.window.view
        if about in ("", told) or view is None or view.current == "sync":
            return
        words = {
            "twin": tr("This vault is in use twice. The same card could be given out at both."),
            "stopped": tr("The endpoint takes nothing from this device any more. What waits stays here."),
        }

        def go() -> None:
            view.banner.clear()
            self._desk.window.go("sync")

        view.banner.say("warn", words[about], action=(tr("What to do"), go))

    def _show(self, say: Callable[[], SyncStatus]) -> None:
        """Kept as what is to be said: in another language it is said anew."""
        self._say = say
        self._say_again()

    def _say_again(self) -> None:
        self._desk.window.set_sync(self._say())

    def _notice(self, topics: frozenset[Topic]) -> None:
        if Topic.OUTBOX in topics and not self._running:
            self._soon.start()

    def do_what_is_due(self) -> None:
        """Deliveries whose time has come, what lay in the recycle bin long enough, a backup, and another day."""
        self._begin_another_day()
        self._deliver_what_is_due()
        self._empty_bin()
        if self._may_back_up() and self._services.backups.due(now()):
            self._backup = self._desk.jobs.start(self._services.backups.create, title=tr("Back up"))

    def _begin_another_day(self) -> None:
        """What is called today, expired or soon to expire is read anew, also where nothing was written overnight."""
        today = _day(self._clock())
        if today != self._today:
            self._today = today
            self._desk.changes.tell(Topic)

    def _may_back_up(self) -> bool:
        """Not while one is made, and a folder that is not there is not asked for every minute.

        One that ended in the future was timed by a clock that was set back since.
        """
        last = self._backup
        if last is None or last.state is JobState.DONE:
            return True
        return last.ended_at is not None and not timedelta(0) <= self._clock() - last.ended_at < BACKUP_AGAIN

    def _deliver_what_is_due(self) -> None:
        from app.views.distribution.runs import DueRuns

        if self._due is None:
            self._due = DueRuns(self._services.distribution, self._desk.jobs, parent=self)
        self._due.look()

    def _empty_bin(self) -> None:
        self._desk.jobs.start(self._services.removals.purge_due, now())

    def _wake(self) -> None:
        """Nothing runs yet in a vault that was just opened: what looks so was cut off."""
        wake = self._services.distribution.wake
        self._desk.jobs.start(wake, on_done=lambda _: self._deliver_what_is_due(), owner=self)


def _in_words(status: CloudStatus) -> SyncStatus:
    if status.recovery is not None:
        return SyncStatus("warn", tr("The endpoint hears what it missed"))
    if status.rejected:
        return SyncStatus("warn", ntr("{count} entry refused", "{count} entries refused", status.rejected))
    if status.twin_since is not None:
        return SyncStatus("warn", tr("Lives twice"), tr("Another copy of this vault is at work; Sync says more"))
    if status.differences:
        return SyncStatus("error", tr("Sums differ"))
    if status.pending:
        return SyncStatus("warn", ntr("{count} waits", "{count} wait", status.pending))
    return SyncStatus("ok", tr("Synced {at}", at=moment(status.last_sync_at)[-5:]))


def _day(at: datetime) -> date:
    return at.astimezone(zone()).date()
