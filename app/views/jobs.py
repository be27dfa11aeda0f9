"""The only thread code: run a service call off the GUI thread and bring its one end back onto it.

What it needs is loaded with the first job: the unlock screen is painted without one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from shiboken6 import isValid

from app.views.garbage import Warden

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor
    from datetime import datetime

    from PySide6.QtWidgets import QWidget

    from app.errors import AppError

log = logging.getLogger(__name__)
POLL_MS = 100
KEPT = 50
QUICK_THREADS = 4
LONG_THREADS = 4


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    CRASHED = "crashed"


class Job(QObject):
    """One call, as the window sees it. A job with a title stands in the task centre and outlives its page."""

    progressed = Signal(int, int)
    ended = Signal()

    def __init__(self, parent: QObject, title: str) -> None:
        super().__init__(parent)
        self.title = title
        self.state = JobState.RUNNING
        self.started_at = _now()
        self.ended_at: datetime | None = None
        self.done = self.total = 0
        self.error: Exception | None = None
        self.outcome = ""
        self.cancelling = False
        self._began = monotonic()
        self._shown = (0, 0)
        self._marks: deque[tuple[float, int]] = deque(maxlen=50)

    @property
    def running(self) -> bool:
        return self.state is JobState.RUNNING

    @property
    def speed(self) -> float | None:
        """Steps a second over the last five seconds; None before there are two marks."""
        if len(self._marks) < 2:
            return None
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s and last > first else None

    @property
    def remaining_s(self) -> float | None:
        return (self.total - self.done) / self.speed if self.speed and self.total else None

    @property
    def elapsed_s(self) -> float:
        return monotonic() - self._began

    def cancel(self) -> None:
        """Ask the call to stop at its next step; a call that reports nothing is left to end unheard."""
        self.cancelling = True

    def report(self, done: int, total: int) -> None:
        """Called on the worker thread: two plain numbers, no signal per step."""
        self.done, self.total = done, total
        if self.cancelling:
            from app.errors import JobCancelled

            raise JobCancelled

    def poll(self) -> None:
        """Tell what changed since the last look. GUI thread."""
        now = (self.done, self.total)
        if now != self._shown:
            self._shown = now
            self._marks.append((monotonic(), self.done))
            self.progressed.emit(*now)

    def close_as(self, state: JobState, error: Exception | None = None) -> None:
        self.poll()
        self.state, self.error, self.ended_at = state, error, _now()
        self.ended.emit()


class _Ends:
    """What waits for a job's end, and the widget that must still be there to hear it.

    It also keeps `call` until then: a call may hold a widget, which must not die with it on the worker thread.
    """

    __slots__ = ("call", "describe", "on_cancelled", "on_done", "on_refused", "owned", "owner")

    def __init__(
        self,
        call: Callable[[], Any],
        on_done: Callable[[Any], object] | None,
        on_refused: Callable[[AppError], object] | None,
        *,
        on_cancelled: Callable[[], object] | None,
        owner: QObject | None,
        describe: Callable[[Any], str] | None,
    ) -> None:
        self.call, self.describe = call, describe
        self.on_done, self.on_refused, self.on_cancelled = on_done, on_refused, on_cancelled
        heir = getattr(on_done, "__self__", None)
        self.owner = owner if owner is not None else heir if isinstance(heir, QObject) else None
        self.owned = self.owner is not None

    @property
    def heard(self) -> bool:
        return not self.owned or (self.owner is not None and isValid(self.owner))


_unstopped: set[JobRunner] = set()
"""Those with threads: a worker holds its runner until a moment after a job is home, and must never be the last to."""


class JobRunner(QObject):
    """Starts jobs and keeps the list of those with a title.

    Short reads have threads of their own, so a table still scrolls while a million cards are made.
    """

    refused = Signal(object)  # AppError that nobody else answers: the window shows its sentence
    crashed = Signal(object)  # any other exception: a bug, the window shows the crash dialog
    listed = Signal()  # the list of titled jobs or the state of one changed
    _came_home = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ends: dict[Job, _Ends] = {}
        self._futures: dict[Job, Future[None]] = {}
        self._home: deque[tuple[Job, object, Exception | None]] = deque()
        self._titled: deque[Job] = deque()
        self._stopped = False
        Warden(self)
        self._came_home.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self, interval=POLL_MS)
        self._timer.timeout.connect(self._poll)

    def start(
        self,
        call: Callable[..., Any],
        *args: Any,
        on_done: Callable[[Any], object] | None = None,
        on_refused: Callable[[AppError], object] | None = None,
        on_cancelled: Callable[[], object] | None = None,
        owner: QObject | None = None,
        title: str = "",
        watch: bool = False,
        describe: Callable[[Any], str] | None = None,
    ) -> Job:
        """Run `call(*args)`; `watch` also hands it `progress`. Exactly one of four ends follows.

        `owner` (by default the widget whose method `on_done` is) hears nothing once it is gone; an untitled job
        is cancelled with it, a titled one goes on. `describe(result)` is the result line in the task centre.
        """
        job = Job(self, title)
        if self._stopped:  # a timer that fires on the way out starts nothing more
            return job
        named = {"progress": job.report} if watch else {}
        ends = _Ends(
            lambda: call(*args, **named),
            on_done,
            on_refused,
            on_cancelled=on_cancelled,
            owner=owner,
            describe=describe,
        )
        self._ends[job] = ends
        if title:
            self._titled.appendleft(job)
            self._forget_old()
            self.listed.emit()
        elif ends.owner is not None:
            ends.owner.destroyed.connect(job.cancel)
        quick, long = self._pools
        self._timer.start()  # before the thread starts: every call of Qt lets it have the interpreter
        self._futures[job] = (long if title or watch else quick).submit(self._run, job)
        return job

    @cached_property
    def _pools(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        """Threads of short reads, and of what takes its time."""
        from concurrent.futures import ThreadPoolExecutor

        _unstopped.add(self)
        quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="read")
        return quick, ThreadPoolExecutor(LONG_THREADS, thread_name_prefix="job")

    def jobs(self) -> list[Job]:
        """Titled jobs, newest first; the last fifty that ended are kept."""
        return list(self._titled)

    def running(self) -> list[Job]:
        return [job for job in self._titled if job.running]

    @property
    def idle(self) -> bool:
        return not self._ends

    def forget_ended(self) -> None:
        """Clear the list down to what still runs."""
        for job in [job for job in self._titled if not job.running]:
            self._drop(job)
        self.listed.emit()

    def deliver_soon(self, job: Job, within_s: float) -> None:
        """Wait a moment for one job and bring its end home at once; if it takes longer, it comes as any other."""
        from concurrent.futures import wait

        future = self._futures.get(job)
        if future is None or not wait((future,), timeout=max(0.0, within_s)).done:
            return
        waiting = [self._home.popleft() for _ in range(len(self._home))]
        self._home.extendleft(reversed([entry for entry in waiting if entry[0] is not job]))
        for entry in waiting:
            if entry[0] is job:
                self._bring(entry)

    def stop(self) -> None:
        """Cancel everything and wait for the threads: the last act before the vault is closed."""
        self._stopped = True
        for job in tuple(self._ends):
            job.cancel()
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
        self._timer.stop()
        _unstopped.discard(self)

    def _run(self, job: Job) -> None:
        """Worker thread. The result goes home through a deque; the signal only says that something is there.

        No name of this thread still holds the call or its result when it does: whoever lets go last destroys.
        """
        self._home.append((job, *_result_of(job, self._ends[job].call)))
        if not self._stopped:
            self._came_home.emit()

    def _deliver(self) -> None:
        while self._home:
            self._bring(self._home.popleft())
        if not self._ends:
            self._timer.stop()

    def _bring(self, came: tuple[Job, object, Exception | None]) -> None:
        job, result, error = came
        ends = self._ends.pop(job)
        self._futures.pop(job, None)
        self._finish(job, ends, result=result, error=error)
        if job.title:
            self.listed.emit()
        else:
            job.deleteLater()

    def _finish(self, job: Job, ends: _Ends, *, result: object, error: Exception | None) -> None:
        from app.errors import AppError, JobCancelled

        if isinstance(error, JobCancelled) or (error is None and job.cancelling and not job.title):
            job.close_as(JobState.CANCELLED)
            if ends.on_cancelled and ends.heard:
                ends.on_cancelled()
        elif isinstance(error, AppError):
            job.close_as(JobState.REFUSED, error)
            self._refuse(ends, error)
        elif error is not None:
            log.error("a job crashed", exc_info=error)  # its title may name a person
            job.close_as(JobState.CRASHED, error)
            self.crashed.emit(error)
        else:
            job.outcome = ends.describe(result) if ends.describe else ""
            job.close_as(JobState.DONE)
            if ends.on_done and ends.heard:
                ends.on_done(result)

    def _refuse(self, ends: _Ends, error: AppError) -> None:
        if ends.on_refused and ends.heard:
            ends.on_refused(error)
        elif ends.heard:
            self.refused.emit(error)

    def _poll(self) -> None:
        for job in tuple(self._ends):
            job.poll()

    def _forget_old(self) -> None:
        ended = [job for job in self._titled if not job.running]
        for job in ended[KEPT:]:
            self._drop(job)

    def _drop(self, job: Job) -> None:
        self._titled.remove(job)
        job.deleteLater()


def hold(job: Job, *controls: QWidget) -> Job:
    """Nothing here is pressed a second time until the job has ended, in whatever way; its own ends come after that."""
    for control in controls:
        control.setEnabled(False)

    def let_go() -> None:
        for control in controls:
            if isValid(control):
                control.setEnabled(True)

    job.ended.connect(let_go)
    return job


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _result_of(job: Job, call: Callable[[], Any]) -> tuple[object, Exception | None]:
    from app.errors import AppError, JobCancelled

    try:
        if job.cancelling:
            raise JobCancelled
        return call(), None
    except (AppError, JobCancelled) as expected:
        return None, expected
    except Exception as bug:  # noqa: BLE001 - a crash of any kind must reach the window
        return None, bug
