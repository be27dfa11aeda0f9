"""The charts of the dashboard, each on a card with its formula behind "?"."""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox, QToolButton, QWidget

from app.services.dashboard import Dashboard, formula
from app.services.dashboard.formulas import title_of
from app.views.dashboard.numbers import short, short_yuan
from app.views.theme import icon
from app.views.widgets.charts import BarChart, Bars, Chart, Funnel, HeatMap, Line, Stage, TrendChart
from app.views.widgets.kpi_card import Figure, FormulaPopover
from app.views.widgets.pieces import Card, row
from app.vocabulary import CHANNELS, word
from app.words import NO_DATA, tr

MOST_PRODUCTS = 6
TALL = 240


class HelpButton(QToolButton):
    """`?` beside a chart's title."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self.setIcon(icon("circle-help", "hint"))
        self.setIconSize(QSize(16, 16))
        self.setFixedSize(28, 28)
        name = tr("How {figure} is counted", figure=title_of(key))
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.clicked.connect(self.show_formula)

    def show_formula(self) -> None:
        popover = FormulaPopover(Figure(title_of(self._key), NO_DATA, formula(self._key)), self)
        popover.adjustSize()
        popover.move(self.mapToGlobal(QPoint(self.width() - popover.width(), 32)))
        popover.show()


class Board(Card):
    """One chart with its title."""

    def __init__(self, key: str, chart: Chart, *, tool: QWidget | None = None) -> None:
        self.help_button = HelpButton(key)
        action = QWidget()
        action.setLayout(row(*([tool] if tool is not None else []), self.help_button, spacing=4))
        super().__init__(title_of(key), action=action)
        self.chart = chart
        self.body.addWidget(chart, 1)
        self.setMinimumHeight(TALL)


class DayTrend(TrendChart):
    """A click opens what was redeemed on the day that the mouse names."""

    day_chosen = Signal(object)  # date

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._pointed is not None:
            self.day_chosen.emit(self._days[self._pointed])


class TrendBoard(Board):
    def __init__(self) -> None:
        self.trend = DayTrend()
        self.trend.setCursor(Qt.CursorShape.PointingHandCursor)
        super().__init__("trend", self.trend)

    def show_dashboard(self, dashboard: Dashboard) -> None:
        days = [row.day for row in dashboard.trend]
        issued = Line(title_of("issued"), [row.issued for row in dashboard.trend])
        redeemed = Line(title_of("redeemed"), [row.redeemed for row in dashboard.trend])
        self.trend.show_lines(days, [issued, redeemed])


class ProductBoard(Board):
    """By amount where money was redeemed, else by count."""

    def __init__(self) -> None:
        self.bars = BarChart()
        super().__init__("by_product", self.bars)

    def show_dashboard(self, dashboard: Dashboard) -> None:
        rows = dashboard.by_product[:MOST_PRODUCTS]
        if any(row.redeemed_minor for row in rows):
            shown = [
                Bars(row.product_id, row.name, max(0, row.redeemed_minor), short_yuan(row.redeemed_minor))
                for row in rows
            ]
        else:
            shown = [Bars(row.product_id, row.name, max(0, row.redeemed), short(row.redeemed)) for row in rows]
        self.bars.show_bars(shown)


class HeatBoard(Board):
    def __init__(self) -> None:
        self.heat = HeatMap()
        super().__init__("heatmap", self.heat)

    def show_dashboard(self, dashboard: Dashboard) -> None:
        """A cell with more reversals than redemptions is as empty as one with none."""
        self.heat.show_counts([[max(0, count) for count in hours] for hours in dashboard.heatmap])


class FunnelBoard(Board):
    """All channels, or one of them."""

    def __init__(self) -> None:
        self.funnel = Funnel()
        self.channel_box = QComboBox()
        self.channel_box.setAccessibleName(tr("Channel"))
        self.channel_box.addItem(tr("All channels"), None)
        self._dashboard: Dashboard | None = None
        self.channel_box.currentIndexChanged.connect(lambda _: self._show_channel())
        super().__init__("funnel", self.funnel, tool=self.channel_box)

    @property
    def channel(self) -> str | None:
        chosen = self.channel_box.currentData()
        return str(chosen) if chosen is not None else None

    def show_dashboard(self, dashboard: Dashboard) -> None:
        kept = self.channel
        self._dashboard = dashboard
        self.channel_box.blockSignals(True)
        while self.channel_box.count() > 1:
            self.channel_box.removeItem(1)
        for channel in dashboard.channels:
            self.channel_box.addItem(word(CHANNELS, channel), channel)
        self.channel_box.setCurrentIndex(max(0, self.channel_box.findData(kept)) if kept is not None else 0)
        self.channel_box.blockSignals(False)
        self._show_channel()

    def _show_channel(self) -> None:
        if self._dashboard is not None:
            steps = self._dashboard.funnel if self.channel is None else self._dashboard.channels[self.channel]
            self.funnel.show_stages([Stage(step.step, title_of(step.step), step.count) for step in steps])
