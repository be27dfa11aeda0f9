"""Jobs end in one of four ways, on the GUI thread; and nothing that Qt made dies on another one."""

import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.errors import AppError, NoEndpoint
from app.services.progress import Progress
from app.views.jobs import Job, JobRunner, JobState, _unstopped

ENOUGH_TO_SEARCH = 200_000
"""Lists made on a worker: far more than it takes for Python to look for circles there by itself."""
deaths: list[threading.Thread] = []


class Mortal(QObject):
    """Notes on which thread it dies."""

    def __init__(self) -> None:
        super().__init__()
        self.friend: Mortal | None = None

    def __del__(self) -> None:
        deaths.append(threading.current_thread())


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobRunner]:
    deaths.clear()
    runner = JobRunner()
    yield runner
    runner.stop()


@pytest.fixture
def wait(qtbot: QtBot) -> Callable[[Callable[[], object]], None]:
    return lambda condition: qtbot.waitUntil(lambda: bool(condition()), timeout=10_000)


Wait = Callable[[Callable[[], object]], None]


def allocate() -> int:
    return len([[number] for number in range(ENOUGH_TO_SEARCH)])


def test_a_result_comes_home_to_the_gui_thread(jobs: JobRunner, wait: Wait) -> None:
    heard: list[tuple[object, threading.Thread]] = []
    job = jobs.start(allocate, on_done=lambda made: heard.append((made, threading.current_thread())), title="Make")
    wait(lambda: heard)
    assert heard == [(ENOUGH_TO_SEARCH, threading.main_thread())]
    assert (job.state, jobs.idle) == (JobState.DONE, True)


def test_a_refusal_goes_to_whoever_asked_or_to_the_window(jobs: JobRunner, wait: Wait) -> None:
    def refuse() -> None:
        raise NoEndpoint

    here: list[AppError] = []
    window: list[AppError] = []
    jobs.refused.connect(window.append)
    jobs.start(refuse, on_refused=here.append)
    jobs.start(refuse)
    wait(lambda: here and window)
    assert [error.code for error in here + window] == [NoEndpoint().code] * 2


@pytest.mark.expects_log("a job crashed$")
def test_a_bug_is_a_crash_that_the_window_hears(jobs: JobRunner, wait: Wait) -> None:
    crashes: list[Exception] = []
    jobs.crashed.connect(crashes.append)
    job = jobs.start(lambda: 1 // 0, title="Divide")
    wait(lambda: crashes)
    assert isinstance(crashes[0], ZeroDivisionError)
    assert job.state is JobState.CRASHED


def test_a_cancelled_job_stops_at_its_next_step(jobs: JobRunner, wait: Wait) -> None:
    begun = threading.Event()
    ends: list[str] = []

    def count(progress: Progress) -> None:
        step = 0
        while True:
            progress(step, 0)
            begun.set()
            step += 1

    job: Job = jobs.start(count, on_done=lambda _: ends.append("done"), on_cancelled=lambda: ends.append("cancelled"),
                          watch=True, title="Count")  # fmt: skip
    wait(begun.is_set)
    job.cancel()
    wait(lambda: ends)
    assert (ends, job.state) == (["cancelled"], JobState.CANCELLED)


def test_an_owner_that_is_gone_hears_nothing(jobs: JobRunner, wait: Wait, qtbot: QtBot) -> None:
    owner, may_end, heard = QObject(), threading.Event(), []
    jobs.start(may_end.wait, on_done=heard.append, owner=owner)
    owner.deleteLater()
    with qtbot.waitSignal(owner.destroyed):
        pass
    may_end.set()
    wait(lambda: jobs.idle)
    assert heard == []


def test_widgets_that_nobody_reaches_die_on_the_gui_thread(jobs: JobRunner, wait: Wait) -> None:
    one, other = Mortal(), Mortal()
    one.friend, other.friend = other, one
    del one, other
    kept: list[list[int]] = []  # what is freed at once does not count as made
    jobs.start(lambda: kept.extend([number] for number in range(ENOUGH_TO_SEARCH)))
    wait(lambda: jobs.idle)
    wait(lambda: len(deaths) == 2)
    assert set(deaths) == {threading.main_thread()}


def test_a_widget_that_only_a_call_holds_dies_on_the_gui_thread(jobs: JobRunner, wait: Wait) -> None:
    for _ in range(50):
        jobs.start(lambda _held: None, Mortal())
    wait(lambda: jobs.idle)
    wait(lambda: len(deaths) == 50)
    assert set(deaths) == {threading.main_thread()}


def test_a_widget_that_a_result_brings_dies_on_the_gui_thread(jobs: JobRunner, wait: Wait) -> None:
    held = [Mortal() for _ in range(50)]
    for _ in range(50):
        jobs.start(held.pop)
    wait(lambda: jobs.idle)
    wait(lambda: len(deaths) == 50)
    assert set(deaths) == {threading.main_thread()}


class MortalRunner(JobRunner):
    """Notes on which thread it dies."""

    def __del__(self) -> None:
        deaths.append(threading.current_thread())


def test_a_runner_never_dies_on_a_worker(jobs: JobRunner, wait: Wait) -> None:
    heard, may_end = list[bool](), threading.Event()
    for stopped in (True, False):
        runner = MortalRunner()
        runner.start(may_end.wait, on_done=heard.append)
        if stopped:
            may_end.set()
            runner.stop()
        del runner
        assert deaths == [threading.main_thread()]
        may_end.clear()
    may_end.set()
    wait(lambda: heard)
    jobs.start(allocate)
    wait(lambda: jobs.idle)
    assert len(deaths) == 1, "one that was not stopped stays, as its threads do"
    (left,) = [one for one in _unstopped if isinstance(one, MortalRunner)]
    left.stop()
    assert left not in _unstopped
