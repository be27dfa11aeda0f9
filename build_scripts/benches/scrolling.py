"""Scrolling all cards in the real window, against a plain table over a model that returns constants; its memory."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QApplication, QTableView

from app.views.cards.page import CardsPage
from app.views.widgets.row_table import RowTable
from app.views.widgets.row_table.model import NOWHERE, PAGE, TEXT_ROLE, Index
from build_scripts.benches import Figure, Size, against, peak_mb, percentile, reset_peak
from build_scripts.benches.window import shown, wait, window

STEPS = 150
NOTCH = 120
NO_TURN = QPoint()
Gesture = Callable[[QTableView, float], None]


class Constants(QAbstractTableModel):
    """The floor: as many rows and columns, and every cell is there and the same."""

    def __init__(self, rows: int, texts: Sequence[str]) -> None:
        super().__init__()
        self._rows, self._texts = rows, tuple(texts)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return self._rows

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return len(self._texts)

    def data(self, index: Index, role: int = TEXT_ROLE) -> Any:
        return self._texts[index.column()] if role == TEXT_ROLE else None


class Painted(QObject):
    """Counts the rows that a table was asked to paint."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(table)
        self._row = table.verticalHeader().defaultSectionSize()
        self.rows = 0.0
        table.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.rows += event.rect().height() / self._row
        return False


def scroll(size: Size) -> list[Figure]:
    """By the wheel, page by page, and by dragging the bar; every step until all rows in view are there and painted."""
    figures, waits, count = [], [], size.part(STEPS)
    gestures = (("wheel", _wheel), ("page", _page), ("drag", _drag))
    with _cards_page(size.cards) as page:
        table, floor = page.table, _constant_table(page.table)
        counts = Painted(table), Painted(floor)
        for name, gesture in gestures:
            pairs = []
            counts[0].rows = counts[1].rows = 0
            for _ in range(max(5, size.rounds)):
                table.rows.replace(table.rows.ids)  # nothing is kept from the round before
                steps, floors = _steps(table, gesture, count), _steps(floor, gesture, count)
                pairs.append((statistics.fmean(steps) * 1000, statistics.fmean(floors) * 1000))
                waits += [] if name == "wheel" else steps
            rows = " against ".join(f"{one.rows / count / len(pairs):.0f}" for one in counts)
            context = f"a step of {count}; {rows} rows painted; a plain table over constants"
            figures.append(against(f"scroll, {name}", pairs, 1.2, unit="ms", context=context))
        last = _last_page(table)
    jumps = f"{size.cards:,} cards; {len(waits)} steps: asked for, read, painted"
    return [*figures, Figure("scroll, any page, p99", percentile(waits, 99) * 1000, "ms", 16, jumps), last]


def _last_page(table: RowTable) -> Figure:
    """The last page, never looked at, as soon as the first."""
    pairs = []
    for _ in range(9):
        times = []
        for at in (table.verticalScrollBar().maximum(), 0):
            table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 2)
            table.rows.replace(table.rows.ids)
            table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 2)
            _until_painted(table)
            began = time.perf_counter()
            table.verticalScrollBar().setValue(at)
            _until_painted(table)
            times.append((time.perf_counter() - began) * 1000)
        pairs.append((times[0], times[1]))
    return against("scroll, last page", pairs, 1.5, unit="ms", context="the first page")


def memory(size: Size) -> list[Figure]:
    """What the page of all cards adds to the window, from its first visit on and after scrolling all over it."""
    with tempfile.TemporaryDirectory() as name, window(Path(name), cards=size.cards) as desk:
        before = reset_peak()
        page = shown(desk, "cards", CardsPage)
        _steps(page.table, _drag, STEPS)
        grown = peak_mb() - before
    return [Figure("list, memory", grown, "MB", 40, f"{size.cards:,} cards, {STEPS} pages visited; growth of the peak")]


# --- gestures ---


def _wheel(table: QTableView, part: float) -> None:
    """One notch down."""
    where, turned = QPointF(table.viewport().rect().center()), QPoint(0, -NOTCH)
    event = QWheelEvent(
        where,
        table.viewport().mapToGlobal(where),
        NO_TURN,
        turned,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(table.viewport(), event)


def _page(table: QTableView, part: float) -> None:
    table.verticalScrollBar().triggerAction(QAbstractSlider.SliderAction.SliderPageStepAdd)


def _drag(table: QTableView, part: float) -> None:
    """Far, to rows nobody has looked at."""
    bar = table.verticalScrollBar()
    bar.setSliderPosition(round(bar.maximum() * part))


def _steps(table: QTableView, gesture: Gesture, count: int) -> list[float]:
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() // 3)
    _until_painted(table)
    times = []
    for step in range(count):
        began = time.perf_counter()
        gesture(table, step / count)
        _until_painted(table)
        times.append(time.perf_counter() - began)
    return times


def _until_painted(table: QTableView) -> None:
    QApplication.processEvents()
    if isinstance(table, RowTable) and not _all_there(table):
        wait(lambda: _all_there(table))
        QApplication.processEvents()


def _all_there(table: RowTable) -> bool:
    first, last = table.rowAt(0), table.rowAt(table.viewport().height() - 1)
    last = table.count - 1 if last < 0 else last
    return all(table.rows.line_at(row) is not None for row in {first, last, max(first, last // PAGE * PAGE)})


# --- the stage ---


@contextmanager
def _cards_page(cards: int) -> Iterator[CardsPage]:
    with tempfile.TemporaryDirectory() as name, window(Path(name), cards=cards) as desk:
        page = shown(desk, "cards", CardsPage)
        assert page.table.count == cards, "all are listed"
        yield page


def _constant_table(like: RowTable) -> QTableView:
    """A plain table of the same size, rows and columns."""
    line = like.rows.line_at(0)
    assert line is not None, "the first page is there"
    table = QTableView()
    model = Constants(like.count, line.texts)
    model.setParent(table)
    table.setModel(model)
    table.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(like.verticalHeader().defaultSectionSize())
    for at in range(model.columnCount()):
        table.setColumnWidth(at, like.columnWidth(at))
    table.resize(like.size())
    table.show()
    QApplication.processEvents()
    table.resize(table.size() + like.viewport().size() - table.viewport().size())
    QApplication.processEvents()
    return table
