"""首页: what needs me today."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.services.dashboard import Dashboard, formula
from app.services.home import HomeService, Today
from app.services.ledger import CardsOut, RedemptionFilter
from app.topics import Topic
from app.views.changes import Changes
from app.views.home.charts import TopCard, TrendCard, times
from app.views.home.lines import step_line, todo_line
from app.views.jobs import JobRunner
from app.views.widgets.kpi_card import Figure, KpiCard
from app.views.widgets.numbers import short, short_yuan
from app.views.widgets.page import Page
from app.views.widgets.pieces import GUTTER, Card, column, label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.vocabulary import FESTIVALS, word
from app.words import NO_DATA, ntr, tr, yuan

KEYS = ("issued", "redeemed", "outstanding", "expiring")
GAP, MUCH = 12, 100
ACROSS = 2
TWO_COLUMNS = 720
"""From this width on there are two columns: what is to be done and how it went, first steps and products."""
DAYS = 30
FOLLOWED = (
    Topic.BATCHES,
    Topic.CARDS,
    Topic.DISTRIBUTIONS,
    Topic.LEASES,
    Topic.OUTBOX,
    Topic.PEOPLE,
    Topic.REDEMPTIONS,
    Topic.SETTINGS,
)


class HomePage(Page):
    """Every line leads to where it is done; the page itself changes nothing."""

    def __init__(self, home: HomeService, *, jobs: JobRunner, changes: Changes) -> None:
        super().__init__(tr("Home"), tr("What needs you today"))
        self._home, self._jobs = home, jobs
        self._asked = 0
        self.shown: Today | None = None
        self.header.add_primary(
            tr("Bulk distribution"), lambda: self.page_wanted.emit("distribution", "new"), symbol="send"
        )
        self.festival, self.festival_note = label("", "label"), label("", "note")
        festival = QWidget()
        festival.setLayout(column(0, self.festival, self.festival_note, 0, spacing=0))
        for words in (self.festival, self.festival_note):
            words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.header.add_widget(festival)
        self.trend, self.top = TrendCard(), TopCard()
        self.top.chosen.connect(self._open_product)
        self.cards = {key: KpiCard() for key in KEYS}
        for key, card in self.cards.items():
            card.opened.connect(self._opening(key))
        self.progress = label("", "note")
        self.todo_card, self.step_card = Card(tr("To do")), Card(tr("First steps"), action=self.progress)
        self._todo_place, self._step_place = QWidget(), QWidget()
        self._build()
        changes.follow(self, *FOLLOWED, then=self.reload)
        self.reload()

    def reload(self) -> None:
        """Ask for everything in one job; an answer that a later question overtook is left unheard."""
        self._asked += 1
        asked = self._asked

        def done(today: Today) -> None:
            if asked == self._asked:
                self._show(today)

        self._jobs.start(self._home.today, on_done=done, on_refused=self.banner.show_error, owner=self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    # --- building ---

    def _build(self) -> None:
        for card, place in ((self.todo_card, self._todo_place), (self.step_card, self._step_place)):
            card.body.setSpacing(8)
            card.body.addWidget(place)
        self._figures = QWidget()
        figures = QGridLayout(self._figures)
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setSpacing(GAP)
        for at, tile in enumerate(self.cards.values()):
            figures.addWidget(tile, at // ACROSS, at % ACROSS)
        self._columns = row(
            _filled(self.todo_card, self._figures, self.trend), _filled(self.step_card, self.top), spacing=GAP
        )
        for at, share in enumerate((3, 2)):
            self._columns.setStretch(at, share)
        sheet = QWidget()
        sheet.setProperty("role", "scrolled")
        sheet.setLayout(self._columns)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setAccessibleName(self.accessibleName())
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(sheet)
        self._scroll.hide()
        self.body.addWidget(self._scroll, 1)
        self._arrange()

    def _arrange(self) -> None:
        """The two columns beside or below each other."""
        beside = self.width() - 2 * GUTTER >= TWO_COLUMNS
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._columns.setDirection(way)

    def _opening(self, key: str) -> Callable[[], None]:
        return lambda: self._open_figure(key)

    def _open_figure(self, key: str) -> None:
        """The list whose length or sum the figure is."""
        if self.shown is None:
            return
        period = self.shown.figures.period
        page, wanted = {
            "issued": ("cards", CardsOut(issued_from=period.begin, issued_to=period.end)),
            "redeemed": ("ledger", RedemptionFilter(period.begin, period.end, net=True)),
            "outstanding": ("cards", CardsOut(live=True)),
            "expiring": ("cards", CardsOut(live=True, expiring_days=DAYS)),
        }[key]
        self.page_wanted.emit(page, wanted)

    def _open_product(self, product_id: int) -> None:
        if self.shown is not None:
            period = self.shown.figures.period
            wanted = RedemptionFilter(period.begin, period.end, product_id=product_id, net=True)
            self.page_wanted.emit("ledger", wanted)

    # --- showing ---

    def _show(self, today: Today) -> None:
        self.shown = today
        name = word(FESTIVALS, today.festival)
        self.festival.setText(
            ntr("{name} is in {count} day", "{name} is in {count} days", today.days_left, name=name)
            if today.days_left
            else tr("{name} is today", name=name)
        )
        self.festival_note.setText(today.festival_day.isoformat())
        for part in (self._figures, self.trend):
            part.setVisible(_has_begun(today.figures))
        self._show_figures(today.figures)
        self.trend.show_figures(today.figures)
        self.top.show_figures(today.figures)
        soon = int(sum(today.figures.sparks.get("expiring", ())[:7]))
        todos: list[QWidget] = [todo_line(todo, soon, self.page_wanted.emit) for todo in today.todos]
        self._todo_place = _replaced(self.todo_card, self._todo_place, todos or [_nothing()])
        steps: list[QWidget] = [step_line(step, self.page_wanted.emit) for step in today.steps]
        self._step_place = _replaced(self.step_card, self._step_place, steps)
        self.step_card.setVisible(bool(steps))
        taken = sum(step.done for step in today.steps)
        self.progress.setText(tr("{done} of {total} done", done=taken, total=len(today.steps)))
        self._scroll.show()
        count = len(today.todos)
        self.status_changed.emit(ntr("{count} thing to do", "{count} things to do", count) if count else "")

    def _show_figures(self, figures: Dashboard) -> None:
        issued, redeemed, ending = figures.issued, figures.redeemed, figures.expiring
        cards = ntr("{count} card", "{count} cards", figures.outstanding_count)
        shown = {
            "issued": (tr("Issued in 30 days"), f"{issued.count:,}", _worth(issued.minor)),
            "redeemed": (tr("Redeemed in 30 days"), yuan(redeemed.minor), times(redeemed.count)),
            "outstanding": (tr("Outstanding"), yuan(figures.outstanding_minor), cards),
            "expiring": (tr("Ends within 30 days"), f"{ending.count:,}", _worth(ending.minor)),
        }
        tiles = {
            "issued": short(issued.count),
            "redeemed": short_yuan(redeemed.minor),
            "outstanding": short_yuan(figures.outstanding_minor),
            "expiring": short(ending.count),
        }
        for key, (title, exact, note) in shown.items():
            spark = figures.sparks.get(key, ())
            card = self.cards[key]
            card.show_figure(Figure(title, tiles[key], formula(key), spark=spark if any(spark) else (), exact=exact))
            card.change.setText(note)
            card.setAccessibleName(" ".join((title, exact, note)))


def _worth(amount_minor: int) -> str:
    """Vouchers alone are worth no sum of money."""
    return yuan(amount_minor) if amount_minor else NO_DATA


def _has_begun(figures: Dashboard) -> bool:
    """Whether a card ever went out, as far as a month tells; before that the figures are all zero."""
    return bool(figures.outstanding_count or figures.issued.count or figures.redeemed.count)


def _filled(*cards: QWidget) -> QVBoxLayout:
    """A column whose last card takes what is left over; while it is hidden nothing does."""
    made = column(*cards, 0, spacing=GAP)
    made.setStretch(len(cards) - 1, MUCH)
    return made


def _nothing() -> QWidget:
    return StateLabel(StateMark("ok", tr("Nothing waits for you"), "circle-check"))


def _replaced(card: Card, old: QWidget, lines: list[QWidget]) -> QWidget:
    """The lines in the place of the old ones."""
    place = QWidget(card)
    place.setLayout(column(*lines, spacing=0))
    card.body.replaceWidget(old, place)
    old.hide()
    old.deleteLater()
    return place
