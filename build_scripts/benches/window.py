"""The window while it is used: scrolling a million rows, their memory, and whether it answers while cards are made."""

import random
import statistics
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from app.bootstrap.desk import Desk
from app.config import Config
from app.services.batches import BatchSpec
from app.services.cards import CardRow
from app.views.cards.page import CardsPage
from app.views.jobs import JobRunner
from app.views.widgets.row_table import RowTable
from app.views.widgets.row_table.model import PAGE, Line, RowModel
from build_scripts.benches import Figure, Size, fresh, percentile, resident_mb

STEPS = 300
JUMPS = 200
WIDTH, HEIGHT = 1440, 900
PATIENCE_S = 60.0
MADE = 200_000


class Constants(RowModel):
    """The floor of scrolling: the same table, and every row is there and the same."""

    def __init__(self, like: RowModel, row: CardRow, jobs: JobRunner) -> None:
        super().__init__(like.columns, lambda ids: (), jobs=jobs)
        self._line = Line(row, like.columns)

    def line_at(self, row: int) -> Line:
        return self._line

    def line_or_old(self, row: int) -> tuple[Line, bool]:
        return self._line, True


def scroll(size: Size) -> list[Figure]:
    """By the wheel and by jumps, against constants."""
    with _cards_page(size.cards) as page:
        table = page.table
        row = table.rows.row_at(0)
        assert isinstance(row, CardRow), "the first page is there"
        floor = _constant_table(page, row)
        wheels = [(_wheel(table), _wheel(floor)) for _ in range(size.rounds)]
        firsts, lasts, jumps = [], [], []
        for _ in range(max(5, size.rounds)):
            firsts.append(_fresh_jump(table, 0))
            lasts.append(_fresh_jump(table, table.count - 1))
        table.rows.replace(table.rows.ids)
        jumps = [_jump(table, random.randrange(table.count)) for _ in range(JUMPS)]
        plain = [_jump(floor, random.randrange(floor.count)) for _ in range(JUMPS)]
    ratio = statistics.median(own / constant for own, constant in wheels)
    wheel = f"{statistics.median(own for own, _ in wheels) / STEPS * 1000:.1f} ms a step of the wheel"
    jumped = f"median {statistics.median(jumps) * 1000:.1f} ms; constants {statistics.median(plain) * 1000:.1f} ms"
    last = statistics.median(lasts) / statistics.median(firsts)
    return [
        Figure("scroll", ratio, 1.2, "× constants", wheel),
        Figure("scroll, any page, p99", percentile(jumps, 99) * 1000, 16, "ms", f"{jumped}; asked for, read, painted"),
        Figure("scroll, last page", last, 1.5, "× the first", f"{statistics.median(lasts) * 1000:.1f} ms"),
    ]


def memory(size: Size) -> list[Figure]:
    """What a list of all cards adds to a page that shows a handful, after scrolling all over it."""
    with _cards_page(size.cards) as page:
        table = page.table
        every = table.rows.ids
        table.rows.replace(array("q"))
        _settle(page.jobs)
        before = resident_mb()
        table.show_ids(page._ids("serial", True))  # noqa: SLF001  # what its reload asks for
        _wait(lambda: table.rows.line_at(0) is not None)
        for _ in range(JUMPS):
            _jump(table, random.randrange(len(every)))
        grown = resident_mb() - before
    return [Figure("list, memory", grown, 40, "MB", f"{size.cards:,} cards, {JUMPS} pages visited")]


def responsive(size: Size) -> list[Figure]:
    """The longest gap of a 10 ms timer of the window while cards are made in the background."""
    longest = []
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name, _desk(Path(name), cards=10) as desk:
            assert desk.services is not None, "entered"
            product = desk.services.catalog.products()[0].id
            desk.window.go("batches")
            _settle(desk.jobs)
            beat = _Beat()
            spec = BatchSpec(product, MADE)
            job = desk.jobs.start(desk.services.batches.generate, spec, title="bench", watch=True)
            _wait(lambda: not job.running)  # noqa: B023
            longest.append(beat.stop())
    context = f"{MADE:,} cards; rounds {', '.join(f'{one:.0f}' for one in longest)}"
    return [Figure("GUI thread, longest gap", statistics.median(longest), 100, "ms", context)]


class _Beat:
    """A 10 ms timer of the GUI thread and its longest gap."""

    def __init__(self) -> None:
        self._last, self._longest = time.perf_counter(), 0.0
        self._timer = QTimer(interval=10)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest, self._last = max(self._longest, now - self._last), now

    def stop(self) -> float:
        """In milliseconds."""
        self._timer.stop()
        return self._longest * 1000


# --- acts, in seconds ---


def _wheel(table: RowTable) -> float:
    """Three rows a step, each painted."""
    bar, row = table.verticalScrollBar(), table.verticalHeader().defaultSectionSize()
    bar.setValue(random.randrange(bar.maximum() // 2))
    _settle_painting(table)
    began = time.perf_counter()
    for _ in range(STEPS):
        bar.setValue(bar.value() + 3 * row)
        QApplication.processEvents()
        table.viewport().repaint()
    return time.perf_counter() - began


def _jump(table: RowTable, row: int) -> float:
    """Until every row in view is there and painted."""
    began = time.perf_counter()
    table.verticalScrollBar().setValue(row * table.verticalHeader().defaultSectionSize())
    table.viewport().repaint()
    if not _all_there(table):
        loop = QEventLoop()
        table.rows.arrived.connect(loop.quit)
        while not _all_there(table):
            loop.exec()
        table.rows.arrived.disconnect(loop.quit)
        table.viewport().repaint()
    return time.perf_counter() - began


def _fresh_jump(table: RowTable, row: int) -> float:
    """To a page nobody has looked at yet."""
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 2)
    table.rows.replace(table.rows.ids)
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 2)
    _settle_painting(table)
    return _jump(table, row)


def _all_there(table: RowTable) -> bool:
    first, last = table.rowAt(0), table.rowAt(table.viewport().height() - 1)
    last = table.count - 1 if last < 0 else last
    return all(table.rows.line_at(row) is not None for row in {first, last, (first + last) // 2 // PAGE * PAGE})


# --- the stage ---


@contextmanager
def _cards_page(cards: int) -> Iterator[CardsPage]:
    with tempfile.TemporaryDirectory() as name, _desk(Path(name), cards=cards) as desk:
        desk.window.go("cards")
        assert desk.window.view is not None, "entered"
        page = desk.window.view.page()
        assert isinstance(page, CardsPage), "the page that was gone to"
        _wait(lambda: page.table.count == cards and page.table.rows.line_at(0) is not None)
        _settle(desk.jobs)
        yield page


@contextmanager
def _desk(folder: Path, *, cards: int) -> Iterator[Desk]:
    """The real window over a vault with so many cards; nothing goes on by itself."""
    application = QApplication.instance() or QApplication([])
    vault, services, product = fresh(folder / "vault")
    services.batches.generate(BatchSpec(product, cards))
    services.settings.put("backup.on_exit", False)  # a value
    memory = QSettings(str(folder / "memory.ini"), QSettings.Format.IniFormat)
    desk = Desk(Config(folder / "vault"), memory, alone=True)
    desk.window.resize(WIDTH, HEIGHT)
    desk.window.show()
    desk.enter(vault)
    _settle(desk.jobs)
    yield desk
    desk.leave()
    application.processEvents()


def _constant_table(page: CardsPage, row: CardRow) -> RowTable:
    """The same table in the same place, over constants."""
    table = RowTable(page.table.rows.columns, lambda ids: (), jobs=page.jobs, name="floor")
    constants = Constants(page.table.rows, row, page.jobs)
    constants.setParent(table)
    table.rows = constants
    table.setModel(constants)
    table._cells._model = constants  # noqa: SLF001
    table.restore_state(page.table.save_state())
    table.resize(page.table.size())
    table.show()
    constants.replace(page.table.rows.ids)
    _settle_painting(table)
    return table


def _settle(jobs: JobRunner) -> None:
    """Until nothing is asked for any more."""
    calm = time.monotonic()
    while time.monotonic() - calm < 0.2:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        if not jobs.idle:
            calm = time.monotonic()


def _settle_painting(table: RowTable) -> None:
    table.viewport().repaint()
    end = time.monotonic() + 0.1
    while time.monotonic() < end or not _all_there(table):
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


def _wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < end, "it never came"
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
