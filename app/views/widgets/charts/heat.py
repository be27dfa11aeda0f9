"""A week by the hour: five steps of blue, no grid over the cells, every cell says its number."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from app.views.theme import font, theme
from app.views.widgets.charts.frame import Chart
from app.words import tr

LEFT, BOTTOM = 40, 20
HOURS, DAYS = 24, 7


def weekdays() -> tuple[str, ...]:
    return (tr("Mon"), tr("Tue"), tr("Wed"), tr("Thu"), tr("Fri"), tr("Sat"), tr("Sun"))


class HeatMap(Chart):
    """`counts[weekday][hour]`, the week begins on Monday. A click opens what a cell counts."""

    chosen = Signal(int, int)
    across = HOURS

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Sequence[Sequence[int]] = [[0] * HOURS for _ in range(DAYS)]

    def show_counts(self, counts: Sequence[Sequence[int]]) -> None:
        self._counts = [tuple(day) for day in counts]
        high, day, hour = max((count, day, hour) for day, line in enumerate(counts) for hour, count in enumerate(line))
        self.set_words(tr("Most on {day} at {hour}: {count}", day=weekdays()[day], hour=f"{hour:02d}:00", count=high))
        self.update()

    def step_of(self, count: int) -> int:
        """0 for nothing, 1 to 5 by share of the largest cell."""
        high = max((max(line, default=0) for line in self._counts), default=0)
        return min(5, -(-count * 5 // high)) if high and count else 0

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(12))
        for day, name in enumerate(weekdays()):
            painter.setPen(QColor(tokens.hint))
            line = self._cell(day, 0)
            words = QRectF(0, line.top(), LEFT - 8, line.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, name)
            painter.setPen(Qt.PenStyle.NoPen)
            for hour in range(HOURS):
                step = self.step_of(self._counts[day][hour])
                painter.setBrush(QColor(tokens.heat[step - 1] if step else tokens.head))
                painter.drawRoundedRect(self._cell(day, hour).adjusted(1, 1, -1, -1), 2, 2)
        painter.setPen(QColor(tokens.hint))
        for hour in range(0, HOURS, 3):
            cell = self._cell(DAYS - 1, hour)
            words = QRectF(cell.left(), cell.bottom() + 2, 48, BOTTOM)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, f"{hour:02d}")
        self.paint_ring(painter)
        painter.end()

    def places(self) -> int:
        return HOURS * DAYS

    def place_rect(self, at: int) -> QRectF:
        return self._cell(*divmod(at, HOURS))

    def place_at(self, where: QPointF) -> int | None:
        first = self._cell(0, 0)
        day, hour = int(where.y() // first.height()), int((where.x() - LEFT) // first.width())
        return day * HOURS + hour if 0 <= day < DAYS and 0 <= hour < HOURS else None

    def place_words(self, at: int) -> str:
        day, hour = divmod(at, HOURS)
        return tr("{day} {hour}: {count}", day=weekdays()[day], hour=f"{hour:02d}:00", count=self._counts[day][hour])

    def open_place(self, at: int) -> None:
        self.chosen.emit(*divmod(at, HOURS))

    def _cell(self, day: int, hour: int) -> QRectF:
        width = (self.width() - LEFT) / HOURS
        height = (self.height() - BOTTOM) / DAYS
        return QRectF(LEFT + hour * width, day * height, width, height)
