"""A table of invented rows on the screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.views.jobs import JobRunner
from app.views.widgets.row_table import Column, Kind, RowTable

PATIENCE_MS = 60_000
LONG = "A very long remark that no column of ninety pixels can ever show as a whole"


@dataclass(frozen=True)
class Row:
    id: int
    name: str
    minor: int | None
    count: int
    at: datetime
    remark: str = ""


def row(one: int) -> Row:
    return Row(one, f"name\t{one}", one * 100, one, datetime(2026, 9, 25, 6, 8, tzinfo=UTC), LONG if one == 1 else "")


class Table:
    """A table on the screen, with rows 1 to `count`; `asked` is how many rows each fetch wanted.

    While `gate` is closed, no fetch comes back.
    """

    def __init__(self, bot: QtBot, jobs: JobRunner, *, width: int = 900) -> None:
        self.bot, self.jobs, self.asked = bot, jobs, list[int]()
        self.gate = Event()
        self.gate.set()
        self.table = RowTable(columns(), self.fetch, jobs=jobs, name="Things")
        self.table.resize(width, 400)
        self.opened: list[object] = []
        self.table.opened.connect(self.opened.append)
        self.words = ""
        self.table.summary_changed.connect(self._hear)
        bot.addWidget(self.table)
        with bot.waitExposed(self.table):
            self.table.show()
        self.table.setFocus()

    def _hear(self, words: str) -> None:
        self.words = words

    def fetch(self, ids: list[int]) -> Sequence[Row]:
        gate = self.gate
        self.asked.append(len(ids))
        assert gate.wait(PATIENCE_MS / 1_000)
        return [row(one) for one in reversed(ids)]

    def show(self, count: int) -> None:
        self.table.show_ids(range(1, count + 1))
        self.wait(lambda: self.table.rows.row_at(0) is not None)

    def drag(self, row: int) -> None:
        """The bar to where `row` is the first one."""
        self.table.verticalScrollBar().setSliderPosition(row * self.table.rowHeight(0))

    def seen(self) -> list[str]:
        """The first cell of every row in sight, as it is painted."""
        first, last = self.table.rowAt(0), self.table.rowAt(self.table.viewport().height() - 1)
        lines = [self.table.rows.line_or_old(one)[0] for one in range(first, last + 1)]
        return [line.texts[0] if line else "" for line in lines]

    def wait(self, condition: object) -> None:
        self.bot.waitUntil(condition, timeout=PATIENCE_MS)

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.bot.keyClick(self.table, key, held)

    def copied(self, *, headers: bool = False) -> list[list[str]]:
        QGuiApplication.clipboard().clear()
        shift = Qt.KeyboardModifier.ShiftModifier if headers else Qt.KeyboardModifier.NoModifier
        self.key(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | shift)
        self.wait(lambda: bool(QGuiApplication.clipboard().text()))
        return [line.split("\t") for line in QGuiApplication.clipboard().text().split("\n")]

    def widths(self) -> dict[str, int]:
        return {one.key: self.table.columnWidth(at) for at, one in enumerate(columns())}


def columns() -> tuple[Column, ...]:
    return (
        Column("name", "Name", 200, stretch=True, sortable=True),
        Column("minor", "Amount (yuan)", 160, Kind.MONEY, sortable=True),
        Column("count", "Count", 120, Kind.COUNT),
        Column("at", "Time", 200, Kind.MOMENT),
        Column("remark", "Remark", 90),
    )
