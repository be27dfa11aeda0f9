"""Lines over days, up to five, told apart by colour and dash; the mouse names a day and its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, log10

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QToolTip, QWidget

from app.views.theme import font, theme
from app.views.widgets.charts.frame import Chart
from app.views.widgets.numbers import axis
from app.words import tr

DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)
MOST = 5
LEFT, TOP, RIGHT, BOTTOM = 52, 28, 16, 24
DAY_WIDTH, TICK_HEIGHT = 64, 18


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    values: Sequence[float]


def nice_ticks(high: float, *, steps: int = 4) -> list[float]:
    """Round whole numbers from 0 to at least `high`, about `steps` of them apart: what is counted has no halves."""
    if high <= 0:
        return [0.0, 1.0]
    rough = max(1.0, high / steps)
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    count = -(-high // step)
    return [step * at for at in range(int(count) + 1)]


class TrendChart(Chart):
    """A click or Enter opens the day the mouse or the arrow keys name."""

    day_chosen = Signal(object)  # date

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._days: Sequence[date] = ()
        self._lines: Sequence[Line] = ()
        self._ticks = nice_ticks(0)

    def show_lines(self, days: Sequence[date], lines: Sequence[Line]) -> None:
        """One value a day in each line. More than five lines: the caller adds up the rest as one."""
        self._days, self._lines = tuple(days), tuple(lines[:MOST])
        self._ticks = nice_ticks(max((max(line.values, default=0) for line in self._lines), default=0))
        self.point(None)
        self.set_words(
            tr("Trend: {totals}", totals=", ".join(f"{line.name} {sum(line.values):,.0f}" for line in self._lines))
        )
        self.update()

    def paintEvent(self, event: QEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(12))
        self._paint_axes(painter)
        for at in range(len(self._lines)):  # the dashed ones over the plain one, which shows through their gaps
            self._paint_line(painter, at)
        self._paint_names(painter)
        if self.pointed is not None:
            self._paint_pointed(painter, self.pointed)
        else:
            self.paint_ring(painter)
        painter.end()

    def places(self) -> int:
        return len(self._days)

    def place_rect(self, at: int) -> QRectF:
        room, step = self._room(), self._room().width() / max(1, len(self._days) - 1)
        return QRectF(self._at(at, 0).x() - step / 2, room.top(), step, room.height())

    def place_at(self, where: QPointF) -> int | None:
        room = self._room()
        if not self._days or not room.width():
            return None
        at = round((where.x() - room.left()) / room.width() * (len(self._days) - 1))
        return min(max(at, 0), len(self._days) - 1)

    def place_words(self, at: int) -> str:
        """What the mouse says about a day."""
        values = [f"{line.name}  {line.values[at]:,.0f}" for line in self._lines]
        return "\n".join([self._days[at].isoformat(), *values])

    def open_place(self, at: int) -> None:
        self.day_chosen.emit(self._days[at])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self.pointed is not None:  # the words follow the line at once
            QToolTip.showText(event.globalPosition().toPoint(), self.place_words(self.pointed), self)

    def shown_ticks(self) -> list[float]:
        """As many as can be read: in a low chart every second or third, from 0."""
        fit = max(1, int(self._room().height() // TICK_HEIGHT))
        return self._ticks[:: -(-(len(self._ticks) - 1) // fit)]

    def _room(self) -> QRectF:
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - TOP - BOTTOM))

    def _at(self, day: int, value: float) -> QPointF:
        room = self._room()
        across = room.left() + room.width() * day / max(1, len(self._days) - 1)
        return QPointF(across, room.bottom() - room.height() * value / self._ticks[-1])

    def _paint_axes(self, painter: QPainter) -> None:
        tokens, room = theme().tokens, self._room()
        for tick in self.shown_ticks():
            height = self._at(0, tick).y()
            painter.setPen(QPen(QColor(tokens.line), 1))
            painter.drawLine(QPointF(room.left(), height), QPointF(room.right(), height))
            painter.setPen(QColor(tokens.hint))
            words = QRectF(0, height - 10, LEFT - 8, 20)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, axis(tick))
        step = max(1, -(-len(self._days) // max(1, int(room.width() // DAY_WIDTH))))
        painter.setPen(QColor(tokens.hint))
        for at in range(0, len(self._days), step):
            words = QRectF(self._at(at, 0).x() - 30, room.bottom() + 4, 60, 20)
            painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self._days[at].strftime("%m-%d"))

    def _paint_line(self, painter: QPainter, at: int) -> None:
        tokens = theme().tokens
        points = [self._at(day, value) for day, value in enumerate(self._lines[at].values)]
        if not points:
            return
        if at == 0:
            floor_y = self._room().bottom()
            ground = [QPointF(points[0].x(), floor_y), *points, QPointF(points[-1].x(), floor_y)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.fill("info")))
            painter.drawPolygon(QPolygonF(ground))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._pen(at))
        painter.drawPolyline(QPolygonF(points))

    def _pen(self, at: int) -> QPen:
        colour = QColor(theme().tokens.series[at])
        return QPen(colour, 2, DASHES[at], Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)

    def _paint_names(self, painter: QPainter) -> None:
        left = float(LEFT)
        painter.setFont(font(13))
        for at, line in enumerate(self._lines):
            painter.setPen(self._pen(at))
            painter.drawLine(QPointF(left, 9), QPointF(left + 16, 9))
            painter.setPen(QColor(theme().tokens.text_2))
            width = painter.fontMetrics().horizontalAdvance(line.name)
            painter.drawText(QRectF(left + 22, 0, width + 2, 18), Qt.AlignmentFlag.AlignVCenter, line.name)
            left += width + 46

    def _paint_pointed(self, painter: QPainter, day: int) -> None:
        tokens, room = theme().tokens, self._room()
        across = self._at(day, 0).x()
        painter.setPen(QPen(QColor(tokens.strong), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(across, room.top()), QPointF(across, room.bottom()))
        for at, line in enumerate(self._lines):
            painter.setPen(QPen(QColor(tokens.surface), 2))
            painter.setBrush(QColor(tokens.series[at]))
            painter.drawEllipse(self._at(day, line.values[day]), 5, 5)
