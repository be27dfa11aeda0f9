"""The charts of the dashboard, each on a card with its formula behind "?"."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QToolButton, QWidget

from app.services.dashboard import Dashboard, formula
from app.services.dashboard.formulas import title_of
from app.views.theme import icon
from app.views.widgets.charts import BarChart, Bars, Chart, Funnel, HeatMap, Line, Stage, TrendChart
from app.views.widgets.kpi_card import Figure, FormulaPopover
from app.views.widgets.numbers import short_yuan, times
from app.views.widgets.pieces import Card, row
from app.vocabulary import CHANNELS, Words, word
from app.words import NO_DATA, tr

MOST_PRODUCTS = 6
TALL = 228
RANKED_BY: Words = {"amount": "By amount", "times": "By times"}


class HelpButton(QToolButton):
    """`?` beside a chart's title."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.setIcon(icon("circle-help", "hint"))
        self.setIconSize(QSize(16, 16))
        self.setFixedSize(28, 28)
        name = tr("How {figure} is counted", figure=title_of(key))
        self.setAccessibleName(name)
        self.setToolTip(name)


class Board(Card):
    """One chart with its title."""

    def __init__(self, key: str, chart: Chart, *, tool: QWidget | None = None) -> None:
        self._key = key
        self.help_button = HelpButton(key)
        action = QWidget()
        action.setLayout(row(*([tool] if tool is not None else []), self.help_button, spacing=4))
        super().__init__(title_of(key), action=action)
        self.help_button.clicked.connect(self.show_formula)
        self.chart = chart
        self.body.addWidget(chart, 1)
        self.setMinimumHeight(TALL)

    def show_formula(self) -> None:
        popover = FormulaPopover(Figure(title_of(self._key), NO_DATA, formula(self._key)), self)
        popover.show_below(self.help_button, inside=self)


class TrendBoard(Board):
    def __init__(self) -> None:
        self.trend = TrendChart()
        super().__init__("trend", self.trend)

    def show_dashboard(self, dashboard: Dashboard) -> None:
        days = [row.day for row in dashboard.trend]
        issued = Line(title_of("issued"), [row.issued for row in dashboard.trend])
        redeemed = Line(title_of("redeemed"), [row.redeemed for row in dashboard.trend])
        self.trend.show_lines(days, [issued, redeemed])


class ProductBoard(Board):
    """By amount, or by how often: only so do cards without money stand beside the others."""

    def __init__(self) -> None:
        self.bars = BarChart(nothing=tr("Nothing was redeemed in this period"))
        self.by_box = QComboBox()
        self.by_box.setAccessibleName(tr("Ranked by"))
        for key in RANKED_BY:
            self.by_box.addItem(word(RANKED_BY, key), key)
        self._dashboard: Dashboard | None = None
        self.by_box.currentIndexChanged.connect(lambda _: self._show_ranking())
        super().__init__("by_product", self.bars, tool=self.by_box)

    def show_dashboard(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self.by_box.setVisible(dashboard.has_money)
        self._show_ranking()

    def _show_ranking(self) -> None:
        if self._dashboard is None:
            return
        rows = self._dashboard.by_product
        if self._dashboard.has_money and self.by_box.currentData() == "amount":
            bars = [Bars(row.product_id, row.name, row.redeemed_minor, short_yuan(row.redeemed_minor)) for row in rows]
        else:
            bars = [Bars(row.product_id, row.name, row.redeemed, times(row.redeemed)) for row in rows]
        bars.sort(key=lambda bar: bar.value, reverse=True)
        self.bars.show_bars([bar for bar in bars if bar.value > 0][:MOST_PRODUCTS])


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
