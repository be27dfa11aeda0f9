"""看板: six figures, the trend, the funnel, products and hours of one period; every number opens its list."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFileDialog, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.services.catalog import CatalogService, ProductRow
from app.services.dashboard import Dashboard, DashboardService, Period
from app.topics import Topic
from app.views.changes import Changes
from app.views.dashboard.boards import FunnelBoard, HeatBoard, ProductBoard, TrendBoard
from app.views.dashboard.figures import KEYS, figures_of
from app.views.dashboard.period_bar import PeriodBar
from app.views.jobs import JobRunner
from app.views.theme import bold, font, theme
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.kpi_card import KpiCard
from app.views.widgets.page import Page
from app.views.widgets.pieces import GUTTER
from app.views.widgets.toast import toast
from app.words import moment, tr, zone

WIDE = 1080
"""From this width on the six cards stand in one row."""
MEDIUM = 820
"""From this width on the charts stand two by two."""
GAP = 16
PICTURE_RATIO = 2.0
HEAD = 88
"""Room for the title of a saved picture."""
FOLLOWED = (Topic.REDEMPTIONS, Topic.DISTRIBUTIONS, Topic.CARDS, Topic.BATCHES, Topic.CATALOG)


class DashboardPage(Page):
    """`drill_wanted` carries a ListLink: the list whose length is the number that was clicked."""

    drill_wanted = Signal(object)

    def __init__(
        self, dashboard: DashboardService, catalog: CatalogService, *, jobs: JobRunner, changes: Changes
    ) -> None:
        super().__init__(tr("Dashboard"), tr("What was issued, what came of it, and what is still owed"))
        self._dashboard, self._catalog, self.jobs = dashboard, catalog, jobs
        self.shown: Dashboard | None = None
        self._asked = 0
        self.bar = PeriodBar(_today())
        self.bar.changed.connect(self.reload)
        self.cards = {key: KpiCard() for key in KEYS}
        self.trend, self.funnel, self.products, self.heat = TrendBoard(), FunnelBoard(), ProductBoard(), HeatBoard()
        self.header.add_secondary(tr("Export data"), self.ask_xlsx, symbol="file-spreadsheet", shortcut="Ctrl+E")
        self.header.add_secondary(tr("Save picture"), self.ask_png, symbol="image")
        self._build()
        self._join()
        changes.follow(self, *FOLLOWED, then=self.reload)
        self.reload()

    def reload(self) -> None:
        """Ask for everything again; an answer that was overtaken by a later question is left unheard."""
        self._asked += 1
        asked = self._asked
        self.bar.come_to(_today())
        period, product_id, compare = self.bar.period, self.bar.product_id, self.bar.compare

        def read() -> tuple[list[ProductRow], Dashboard]:
            shown = self._dashboard.summary(period, product_id=product_id, compare=compare)
            return self._catalog.products(archived=None), shown  # what is sold no more has a past

        def done(answer: tuple[list[ProductRow], Dashboard]) -> None:
            if asked == self._asked:
                self._show(*answer)

        self.jobs.start(read, on_done=done, on_refused=self.banner.show_error, owner=self)

    def drill(self, number: str, **narrowed: object) -> None:
        """Ask for the list behind a number of what is shown now."""
        if self.shown is None:
            return
        period = narrowed.pop("period", self.shown.period)
        assert isinstance(period, Period), "only a day or the whole is asked for"
        product_id = narrowed.pop("product_id", self.shown.product_id)
        self.drill_wanted.emit(self._dashboard.drill(number, period, product_id=product_id, **narrowed))  # type: ignore[arg-type]

    def ask_xlsx(self) -> None:
        self._ask(tr("Export data"), "xlsx", self.save_xlsx)

    def ask_png(self) -> None:
        self._ask(tr("Save picture"), "png", self.save_png)

    def save_xlsx(self, path: Path) -> None:
        """The figures as they are shown."""
        if self.shown is not None:
            self.jobs.start(
                self._dashboard.export_xlsx,
                path,
                self.shown,
                on_done=lambda _: self._say_saved(path),
                on_refused=self.banner.show_error,
                owner=self,
            )

    def save_png(self, path: Path) -> None:
        """The whole sheet, also what is scrolled away, at twice its size."""
        picture = self._picture()
        if picture.save(str(path), "PNG"):
            self._say_saved(path)
        else:
            self.banner.say("error", tr("The picture cannot be written to {path}", path=path))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _picture(self) -> QPixmap:
        """Title, period and moment above the sheet."""
        tokens, sheet = theme().tokens, self.sheet.size()
        picture = QPixmap(QSize(sheet.width() + 2 * GUTTER, sheet.height() + HEAD + GUTTER) * PICTURE_RATIO)
        picture.setDevicePixelRatio(PICTURE_RATIO)
        picture.fill(tokens.bg)
        painter = QPainter(picture)
        painter.setPen(QColor(tokens.text))
        painter.setFont(font(20, bold()))
        painter.drawText(GUTTER, 40, tr("Dashboard"))
        painter.setPen(QColor(tokens.text_2))
        painter.setFont(font(13))
        painter.drawText(GUTTER, 64, " · ".join((self.header.line.text(), self.bar.product_box.currentText())))
        self.sheet.render(painter, QPoint(GUTTER, HEAD))
        painter.end()
        return picture

    # --- building ---

    def _build(self) -> None:
        self.sheet = QWidget()
        self.sheet.setProperty("role", "scrolled")
        self._figures, self._charts = QGridLayout(), QGridLayout()
        for grid in (self._figures, self._charts):
            grid.setSpacing(GAP)
        self.empty = EmptyState(
            "chart-line",
            tr("No card was issued yet"),
            hint=tr("Figures begin with the first distribution or export"),
            act=(tr("Hand out cards"), lambda: self.page_wanted.emit("distribution", None)),
        )
        self.empty.hide()
        layout = QVBoxLayout(self.sheet)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(self._figures)
        layout.addLayout(self._charts, 1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName(self.accessibleName())
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.sheet)
        self.body.addWidget(self.bar)
        self.body.addWidget(self._scroll, 1)
        self.body.addWidget(self.empty, 1)
        self._shape = (0, 0)
        self._arrange()

    def _arrange(self) -> None:
        """Six cards in one row or two, four charts two by two or one below the other."""
        across = self.width() - 2 * GUTTER
        shape = (6 if across >= WIDE else 3, 2 if across >= MEDIUM else 1)
        if shape == self._shape:
            return
        self._shape = shape
        for at, card in enumerate(self.cards.values()):
            self._figures.addWidget(card, at // shape[0], at % shape[0])
        for column in range(6):
            self._figures.setColumnStretch(column, 1 if column < shape[0] else 0)
        for at, board in enumerate((self.trend, self.funnel, self.heat, self.products)):
            self._charts.addWidget(board, at // shape[1], at % shape[1])
        self._charts.setColumnStretch(0, 3)
        self._charts.setColumnStretch(1, 2 if shape[1] == 2 else 0)

    def _join(self) -> None:
        for key, card in self.cards.items():
            card.opened.connect(self._opening(key))
        self.trend.trend.day_chosen.connect(lambda day: self.drill("redeemed", period=Period(day, day)))
        self.products.bars.chosen.connect(lambda product_id: self.drill("redeemed", product_id=product_id))
        self.heat.heat.chosen.connect(lambda day, hour: self.drill("heatmap", cell=(day, hour)))
        self.funnel.funnel.chosen.connect(self._open_step)

    def _opening(self, key: str) -> Callable[[], None]:
        return lambda: self.drill(key)

    def _open_step(self, step: str) -> None:
        self.drill("redeemed_cards" if step == "redeemed" else step, channel=self.funnel.channel)

    # --- showing ---

    def _show(self, products: list[ProductRow], dashboard: Dashboard) -> None:
        self.shown = dashboard
        self.bar.show_products(products)
        for key, shown in figures_of(dashboard).items():
            card = self.cards[key]
            card.show_figure(shown.figure)
            card.say_change(shown.note, against=shown.against, tip=shown.sentence)
            card.setAccessibleName(" ".join((shown.figure.title, shown.figure.number, shown.sentence)))
        for board in (self.trend, self.funnel, self.products, self.heat):
            board.show_dashboard(dashboard)
        bare = dashboard.product_id is None and not _has_anything(dashboard)
        self.empty.setVisible(bare)
        self._scroll.setVisible(not bare)
        first, last = dashboard.period.first_day.isoformat(), dashboard.period.last_day.isoformat()
        at = moment(dashboard.as_of)
        self.header.set_line(tr("{first} to {last}, as of {at}", first=first, last=last, at=at))
        self.status_changed.emit(tr("As of {at}", at=at))

    def _ask(self, title: str, suffix: str, save: Callable[[Path], None]) -> None:
        if self.shown is None:
            return
        last = self.shown.period.last_day.isoformat()
        dialog = QFileDialog(self, title, f"{tr('Dashboard')} {last}.{suffix}", f"{suffix.upper()} (*.{suffix})")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.fileSelected.connect(lambda path: save(Path(path)))
        dialog.open()

    def _say_saved(self, path: Path) -> None:
        toast(self, tr("Saved to {path}", path=path))


def _has_anything(dashboard: Dashboard) -> bool:
    """Whether any card was ever out, as far as this period and the last thirty days tell."""
    sums = (dashboard.issued, dashboard.redeemed, dashboard.compared.issued, dashboard.expiring)
    return bool(dashboard.outstanding_count or any(sum_.count for sum_ in sums) or any(dashboard.sparks["issued"]))


def _today() -> date:
    return datetime.now(UTC).astimezone(zone()).date()
