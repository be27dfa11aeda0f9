"""The real window over a vault with many cards, and whether it answers while cards are made."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.bootstrap.desk import Desk
from app.config import Config
from app.services.batches import BatchSpec
from app.views.batches.page import BatchesPage
from app.views.jobs import JobRunner
from app.views.theme import application
from build_scripts.benches import Figure, Size, fresh

Kind = TypeVar("Kind")
WIDTH, HEIGHT = 1440, 900
PATIENCE_S = 120.0
CALM_S = 0.2
MADE = 200_000
BEAT_MS = 5


def gap(size: Size) -> list[Figure]:
    """The longest gap of a timer of the GUI thread, from the wish for cards until their row is on the screen."""
    longest, idle = [], []
    made = size.part(MADE)
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name, window(Path(name), cards=10) as desk:
            assert desk.services is not None, "entered"
            product = desk.services.catalog.products()[0].id
            page = shown(desk, "batches", BatchesPage)
            beat = _Beat()
            settle(desk.jobs)
            idle.append(beat.stop())
            beat = _Beat()
            job = page.generate(BatchSpec(product, made))
            wait(lambda: not job.running)  # noqa: B023
            settle(desk.jobs)
            longest.append(beat.stop())
    context = f"{made:,} cards; rounds {', '.join(f'{one:.0f}' for one in longest)}; idle {statistics.median(idle):.0f}"
    return [Figure("GUI thread, longest gap", statistics.median(longest), "ms", 100, context)]


class _Beat:
    """A timer of the GUI thread and its longest gap."""

    def __init__(self) -> None:
        self._last, self._longest = time.perf_counter(), 0.0
        self._timer = QTimer(interval=BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        at = time.perf_counter()
        self._longest, self._last = max(self._longest, at - self._last), at

    def stop(self) -> float:
        """In milliseconds; the gap that is still open counts."""
        self._tick()
        self._timer.stop()
        return self._longest * 1000


# --- the stage ---


@contextmanager
def window(folder: Path, *, cards: int) -> Iterator[Desk]:
    """The real window over a vault with so many cards; nothing goes on by itself."""
    running = QApplication.instance() or application("kaxia")
    vault, services, product = fresh(folder / "vault")
    services.batches.generate(BatchSpec(product, cards))
    services.settings.put("backup.on_exit", False)  # a value
    memory = QSettings(str(folder / "memory.ini"), QSettings.Format.IniFormat)
    desk = Desk(Config(folder / "vault"), memory, alone=True)
    desk.window.resize(WIDTH, HEIGHT)
    desk.window.show()
    desk.enter(vault)
    settle(desk.jobs)
    try:
        yield desk
    finally:
        desk.leave()
        running.processEvents()


def shown(desk: Desk, key: str, kind: type[Kind]) -> Kind:
    """A page of the window, settled."""
    desk.window.go(key)
    settle(desk.jobs)
    assert desk.window.view is not None, "entered"
    page = desk.window.view.page()
    assert isinstance(page, kind), "the page that was gone to"
    return page


def settle(jobs: JobRunner) -> None:
    """Until nothing is asked for any more."""
    calm = time.monotonic()
    while time.monotonic() - calm < CALM_S:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        if not jobs.idle:
            calm = time.monotonic()


def wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < end, "it never came"
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
