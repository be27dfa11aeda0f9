"""The last thirty days on the home page: issued and redeemed by day, and the products redeemed most often."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy

from app.services.dashboard import Dashboard
from app.services.dashboard.formulas import title_of
from app.views.widgets.charts import BarChart, Bars, Chart, Line, TrendChart
from app.views.widgets.pieces import Card
from app.words import ntr

TALL, LOWEST = 156, 80
MOST_PRODUCTS = 5


class TrendCard(Card):
    def __init__(self) -> None:
        super().__init__(title_of("trend"))
        self.trend = TrendChart()
        _put(self, self.trend)

    def show_figures(self, figures: Dashboard) -> None:
        issued = Line(title_of("issued"), [day.issued for day in figures.trend])
        redeemed = Line(title_of("redeemed"), [day.redeemed for day in figures.trend])
        self.trend.show_lines([day.day for day in figures.trend], [issued, redeemed])


class TopCard(Card):
    """By how often; `chosen` carries a product's id. Hidden while nothing was redeemed."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(title_of("by_product"))
        self.bars = BarChart()
        self.bars.chosen.connect(self.chosen)
        _put(self, self.bars)

    def show_figures(self, figures: Dashboard) -> None:
        used = sorted(figures.by_product, key=lambda product: product.redeemed, reverse=True)
        bars = [
            Bars(product.product_id, product.name, product.redeemed, times(product.redeemed))
            for product in used[:MOST_PRODUCTS]
            if product.redeemed > 0
        ]
        self.bars.show_bars(bars)
        self.setVisible(bool(bars))


def _put(card: Card, chart: Chart) -> None:
    """As high as there is room, but not so high that the page scrolls for its sake."""
    chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
    chart.setMinimumHeight(LOWEST)
    card.body.addWidget(chart, 1)
    card.setMinimumHeight(TALL)


def times(count: int) -> str:
    return ntr("{count} time", "{count} times", count)
