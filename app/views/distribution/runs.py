"""One delivery that goes on while the person looks at something else, and those whose time has come."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from app.errors import AppError
from app.services.distribution import Delivered, DistributionRow, DistributionService, DistributionSpec
from app.services.progress import Progress
from app.services.secret import Secret
from app.views.jobs import Job, JobRunner, JobState
from app.words import ntr, tr


class Run(QObject):
    """A delivery as a titled job: it stands in the task centre and outlives every page.

    `distribution_id` is None until the cards are taken. `ended` comes once, whatever the end was; a delivery whose
    time is later ends without having sent anything.
    """

    ended = Signal()

    def __init__(
        self,
        distribution: DistributionService,
        jobs: JobRunner,
        *,
        title: str,
        distribution_id: int | None = None,
        zip_password: Secret | None = None,
    ) -> None:
        super().__init__(jobs)
        self._distribution, self._jobs = distribution, jobs
        self._title, self.zip_password = title, zip_password
        self.distribution_id = distribution_id
        self.delivered: Delivered | None = None
        self.error: AppError | None = None
        self.job: Job | None = None

    def begin(self, spec: DistributionSpec) -> None:
        """Take the cards and, unless a time is set, deliver."""

        def work(progress: Progress) -> Delivered | None:
            self.distribution_id = self._distribution.prepare(spec, progress)
            return None if spec.scheduled_at is not None else self._deliver(progress)

        self._start(work)

    def go_on(self, before: Callable[[int], object] | None = None) -> None:
        """Deliver what waits; `before` puts it back in line first."""

        def work(progress: Progress) -> Delivered | None:
            assert self.distribution_id is not None, "only a prepared distribution goes on"
            if before is not None:
                before(self.distribution_id)
            return self._deliver(progress)

        self._start(work)

    @property
    def running(self) -> bool:
        return self.job is not None and self.job.running

    def _deliver(self, progress: Progress) -> Delivered:
        assert self.distribution_id is not None, "prepared before"
        return self._distribution.deliver(self.distribution_id, progress, zip_password=self.zip_password)

    def _start(self, work: Callable[[Progress], Delivered | None]) -> None:
        self.error = None
        self.job = self._jobs.start(
            work,
            title=self._title,
            watch=True,
            on_done=self._take,
            on_refused=self._note,
            owner=self,
            describe=outcome_words,
        )
        self.job.ended.connect(self._tell_end)

    def _take(self, delivered: Delivered | None) -> None:
        self.delivered = delivered

    def _note(self, error: AppError) -> None:
        self.error = error

    def _tell_end(self) -> None:
        """After the job's own ends have been heard."""
        QTimer.singleShot(0, self, self.ended.emit)

    @property
    def is_finished(self) -> bool:
        return self.job is not None and self.job.state is JobState.DONE


class RunBook:
    """All runs of this session. They belong to the job runner, so a page made anew finds the one that is on."""

    def __init__(self, distribution: DistributionService, jobs: JobRunner) -> None:
        self._distribution, self._jobs = distribution, jobs

    def run(self, title: str, *, distribution_id: int | None = None, zip_password: Secret | None = None) -> Run:
        """A new one, not begun yet. What was to be protected stays so when it goes on."""
        earlier = [
            run for run in self._runs() if distribution_id is not None and run.distribution_id == distribution_id
        ]
        password = zip_password or next((run.zip_password for run in reversed(earlier) if run.zip_password), None)
        return Run(self._distribution, self._jobs, title=title, distribution_id=distribution_id, zip_password=password)

    def of(self, distribution_id: int) -> Run | None:
        """The run that is on, if there is one."""
        return next((run for run in self._runs() if run.running and run.distribution_id == distribution_id), None)

    def _runs(self) -> list[Run]:
        return self._jobs.findChildren(Run)


class DueRuns(QObject):
    """Starts the distributions whose time has come. Whoever has it looks once in a while.

    One whose file needs a password is begun once, so that its refusal stands in the task centre and in the window.
    """

    def __init__(self, distribution: DistributionService, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent or jobs)
        self._distribution, self._jobs = distribution, jobs
        self._told: set[int] = set()

    def look(self) -> None:
        def come() -> tuple[list[DistributionRow], list[DistributionRow]]:
            at, service = datetime.now(UTC), self._distribution
            due, locked = service.due(at), service.locked(at)
            return [service.distribution(one) for one in due], [service.distribution(one) for one in locked]

        self._jobs.start(come, on_done=self._start, owner=self)

    def _start(self, found: tuple[list[DistributionRow], list[DistributionRow]]) -> None:
        due, locked = found
        for row in (*due, *(row for row in locked if row.id not in self._told)):
            title = tr("Distribute {name}", name=row.name)
            run = Run(self._distribution, self._jobs, title=title, distribution_id=row.id)
            run.ended.connect(partial(self._tell, run))
            run.go_on()
        self._told |= {row.id for row in locked}

    def _tell(self, run: Run) -> None:
        """Nobody looks at this run: the window says what refused it."""
        if run.error is not None:
            self._jobs.refused.emit(run.error)


def outcome_words(delivered: Delivered | None) -> str:
    """`488 sent, 5 failed`: the result line of a run."""
    if delivered is None:
        return tr("Planned")
    parts = [ntr("{count} sent", "{count} sent", delivered.sent)]
    if delivered.failed:
        parts.append(ntr("{count} failed", "{count} failed", delivered.failed))
    if delivered.uncertain:
        parts.append(ntr("{count} uncertain", "{count} uncertain", delivered.uncertain))
    if delivered.left:
        parts.append(ntr("{count} left", "{count} left", delivered.left))
    return ", ".join(parts)
