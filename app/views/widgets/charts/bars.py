"""Horizontal bars with their names and numbers, and a funnel of stages. Painted plainly: no grid lies over a bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.views.theme import bold, font, theme
from app.views.widgets.charts.frame import Chart
from app.words import NO_DATA, tr

NAME_SHARE = 0.34
NUMBER_WIDTH = 96


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar: `written` is the number as it is shown."""

    key: object
    name: str
    value: float
    written: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a funnel."""

    key: object
    name: str
    count: int


class BarChart(Chart):
    """Names left, bars, numbers right; a click opens what a bar counts."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[Bars, ...] = ()
        self.setMouseTracking(True)

    def show_bars(self, bars: Sequence[Bars]) -> None:
        self._bars = tuple(bars)
        self.set_words(", ".join(f"{bar.name} {bar.written}" for bar in self._bars))
        self.update()

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(13))
        metrics = QFontMetrics(painter.font())
        high = max((bar.value for bar in self._bars), default=0) or 1
        names = self.width() * NAME_SHARE
        room = self.width() - names - NUMBER_WIDTH
        height = self._row_height()
        for at, bar in enumerate(self._bars):
            area = QRectF(0, at * height, self.width(), height)
            middle = Qt.AlignmentFlag.AlignVCenter
            name = metrics.elidedText(bar.name, Qt.TextElideMode.ElideRight, int(names - 12))
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(0, area.top(), names - 12, height), middle, name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.series[0]))
            width = max(2.0, room * bar.value / high) if bar.value else 0.0
            painter.drawRoundedRect(QRectF(names, area.center().y() - 6, width, 12), 3, 3)
            painter.setPen(QColor(tokens.text_2))
            number = QRectF(names + width + 8, area.top(), self.width() - names - width - 8, height)
            painter.drawText(number, middle, bar.written)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        bar = self._at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if bar else Qt.CursorShape.ArrowCursor)
        self.setToolTip(f"{bar.name} {bar.written}" if bar else "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if (bar := self._at(event.position())) is not None:
            self.chosen.emit(bar.key)

    def _row_height(self) -> float:
        return min(48.0, self.height() / max(1, len(self._bars)))

    def _at(self, where: QPointF) -> Bars | None:
        at = int(where.y() // self._row_height())
        return self._bars[at] if 0 <= at < len(self._bars) else None


class Funnel(Chart):
    """Widths by count; beside each step the share of the step before and of the first."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stages: tuple[Stage, ...] = ()
        self.setMouseTracking(True)

    def show_stages(self, stages: Sequence[Stage]) -> None:
        self._stages = tuple(stages)
        self.set_words(", ".join(f"{stage.name} {stage.count:,}" for stage in self._stages))
        self.update()

    def shares(self, at: int) -> tuple[str, str]:
        """(of the step before, of the first step) as `87.5%`; `--` where there is nothing to divide by."""
        counts = [stage.count for stage in self._stages]
        return _share(counts[at], counts[max(0, at - 1)]), _share(counts[at], counts[0])

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self._row_height()
        most = max((stage.count for stage in self._stages), default=0) or 1
        left, right = 84.0, 132.0
        room = self.width() - left - right
        for at, stage in enumerate(self._stages):
            top = at * height
            painter.setFont(font(13))
            painter.setPen(QColor(tokens.text))
            middle = Qt.AlignmentFlag.AlignVCenter
            name = QFontMetrics(painter.font()).elidedText(stage.name, Qt.TextElideMode.ElideRight, int(left - 8))
            painter.drawText(QRectF(0, top, left - 8, height), middle, name)
            width = max(3.0, room * stage.count / most) if stage.count else 3.0
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.heat[max(0, 4 - at)] if at < 4 else tokens.heat[1]))
            bar = QRectF(left, top + 4, width, height - 8)
            painter.drawRoundedRect(bar, 4, 4)
            step, _ = self.shares(at)
            painter.setPen(QColor(tokens.text))
            painter.setFont(font(13, bold()))
            painter.drawText(QRectF(self.width() - right + 8, top, 64, height), middle, f"{stage.count:,}")
            painter.setFont(font(12))
            painter.setPen(QColor(tokens.hint))
            side = middle | Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(self.width() - 60, top, 60, height), side, step if at else "")
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = int(event.position().y() // self._row_height())
        if 0 <= at < len(self._stages):
            step, total = self.shares(at)
            self.setToolTip(tr("{step} of the step before, {total} of the first", step=step, total=total))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = int(event.position().y() // self._row_height())
        if 0 <= at < len(self._stages):
            self.chosen.emit(self._stages[at].key)

    def _row_height(self) -> float:
        return min(48.0, self.height() / max(1, len(self._stages)))


def _share(part: int, whole: int) -> str:
    return f"{part / whole * 100:.1f}%" if whole else NO_DATA
