"""Horizontal bars with their names and numbers, and a funnel of stages. Painted plainly: no grid lies over a bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QWidget

from app.views.theme import bold, font, theme
from app.views.widgets.charts.frame import Chart
from app.views.widgets.numbers import percent, short
from app.words import NO_DATA, tr

NAMES_FROM, NAMES_TO = 0.2, 0.46
"""The names take as much of the width as the longest needs, within reason."""
ROW_MOST = 48.0
MIDDLE = Qt.AlignmentFlag.AlignVCenter
GAP, ROUNDED = 12, 1
"""Beside the names; and what a width loses when it is rounded to whole px: words of just that width are cut."""


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
    """Names left, bars, numbers right; a click opens what a bar counts. `nothing` stands where there are none."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, nothing: str = NO_DATA) -> None:
        super().__init__(parent)
        self._bars: tuple[Bars, ...] = ()
        self._nothing = nothing

    def show_bars(self, bars: Sequence[Bars]) -> None:
        self._bars = tuple(bars)
        self.set_words(", ".join(f"{bar.name} {bar.written}" for bar in self._bars) or self._nothing)
        self.point(None)
        self.update()

    def places(self) -> int:
        return len(self._bars)

    def place_rect(self, at: int) -> QRectF:
        height = _row_height(self)
        return QRectF(0, at * height, self.width(), height)

    def place_at(self, where: QPointF) -> int | None:
        return _row_at(self, where)

    def place_words(self, at: int) -> str:
        bar = self._bars[at]
        return f"{bar.name} {bar.written}"

    def open_place(self, at: int) -> None:
        self.chosen.emit(self._bars[at].key)

    def shown_name(self, at: int) -> str:
        """As it is painted: cut in the middle only where the names would take too much of the width."""
        metrics = QFontMetrics(font(13))
        room = int(self._names_width(metrics) - GAP)
        return metrics.elidedText(self._bars[at].name, Qt.TextElideMode.ElideMiddle, room)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(13))
        metrics = QFontMetrics(painter.font())
        if not self._bars:
            self.paint_nothing(painter, self._nothing)
        high = max((bar.value for bar in self._bars), default=0) or 1
        names = self._names_width(metrics)
        numbers = max((metrics.horizontalAdvance(bar.written) for bar in self._bars), default=0) + 8
        room = max(0.0, self.width() - names - numbers)
        for at, bar in enumerate(self._bars):
            area = self.place_rect(at)
            name = self.shown_name(at)
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(0, area.top(), names - GAP, area.height()), MIDDLE, name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.series[0]))
            width = max(2.0, room * bar.value / high) if bar.value else 0.0
            painter.drawRoundedRect(QRectF(names, area.center().y() - 6, width, 12), 3, 3)
            painter.setPen(QColor(tokens.text_2))
            number = QRectF(names + width + 8, area.top(), self.width() - names - width - 8, area.height())
            painter.drawText(number, MIDDLE, bar.written)
        self.paint_ring(painter)
        painter.end()

    def _names_width(self, metrics: QFontMetrics) -> float:
        longest = max((metrics.horizontalAdvance(bar.name) for bar in self._bars), default=0) + ROUNDED + GAP
        return min(max(float(longest), self.width() * NAMES_FROM), self.width() * NAMES_TO)


class Funnel(Chart):
    """Widths by count; beside each step the share of the step before, and of the first under the mouse."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stages: tuple[Stage, ...] = ()

    def show_stages(self, stages: Sequence[Stage]) -> None:
        self._stages = tuple(stages)
        self.set_words(", ".join(f"{stage.name} {stage.count:,}" for stage in self._stages))
        self.point(None)
        self.update()

    def shares(self, at: int) -> tuple[str, str]:
        """(of the step before, of the first step) as `87.5%`; `--` where there is nothing to divide by."""
        counts = [stage.count for stage in self._stages]
        return _share(counts[at], counts[max(0, at - 1)]), _share(counts[at], counts[0])

    def places(self) -> int:
        return len(self._stages)

    def place_rect(self, at: int) -> QRectF:
        height = _row_height(self)
        return QRectF(0, at * height, self.width(), height)

    def place_at(self, where: QPointF) -> int | None:
        return _row_at(self, where)

    def place_words(self, at: int) -> str:
        step, total = self.shares(at)
        stage = self._stages[at]
        words = tr("{step} of the step before, {total} of the first", step=step, total=total)
        return f"{stage.name} {stage.count:,}\n{words}"

    def open_place(self, at: int) -> None:
        self.chosen.emit(self._stages[at].key)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((stage.count for stage in self._stages), default=0) or 1
        metrics = QFontMetrics(font(13))
        left = max([72.0, *(metrics.horizontalAdvance(stage.name) + float(GAP) for stage in self._stages)])
        right = 132.0
        room = max(0.0, self.width() - left - right)
        for at, stage in enumerate(self._stages):
            area = self.place_rect(at)
            top, height = area.top(), area.height()
            painter.setFont(font(13))
            painter.setPen(QColor(tokens.text))
            painter.drawText(QRectF(0, top, left, height), MIDDLE, stage.name)
            if stage.count:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tokens.heat[max(0, 4 - at)] if at < 4 else tokens.heat[1]))
                bar = QRectF(left, top + 4, max(3.0, room * stage.count / most), min(height - 8, 28))
                bar.moveCenter(QPointF(bar.center().x(), area.center().y()))
                painter.drawRoundedRect(bar, 4, 4)
            painter.setPen(QColor(tokens.text))
            painter.setFont(font(13, bold()))
            side = MIDDLE | Qt.AlignmentFlag.AlignRight
            painter.drawText(QRectF(self.width() - right + 8, top, 60, height), side, short(stage.count))
            painter.setFont(font(12))
            painter.setPen(QColor(tokens.hint))
            painter.drawText(QRectF(self.width() - 60, top, 60, height), side, self.shares(at)[0] if at else "")
        self.paint_ring(painter)
        painter.end()


def _row_height(chart: Chart) -> float:
    return min(ROW_MOST, chart.height() / max(1, chart.places()))


def _row_at(chart: Chart, where: QPointF) -> int | None:
    at = int(where.y() // _row_height(chart))
    return at if 0 <= at < chart.places() else None


def _share(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)
