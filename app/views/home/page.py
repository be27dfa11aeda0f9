"""首页: what needs me today."""

from PySide6.QtWidgets import QGridLayout, QWidget

from app.services.dashboard import formula
from app.services.home import HomeService, Step, Today, Todo
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.kpi_card import Figure, KpiCard
from app.views.widgets.page import Page
from app.views.widgets.pieces import Card, button, column, label, row
from app.vocabulary import FESTIVALS, STEPS, word
from app.words import ntr, tr, yuan

KEYS = ("issued", "redeemed", "outstanding", "expiring")


class HomePage(Page):
    """Every line leads to where it is done; the page itself changes nothing."""

    def __init__(self, home: HomeService, *, jobs: JobRunner, changes: Changes) -> None:
        super().__init__(tr("Home"), tr("What needs you today"))
        self._home, self._jobs = home, jobs
        self.shown: Today | None = None
        self.header.add_primary(
            tr("Bulk distribution"), lambda: self.page_wanted.emit("distribution", "new"), symbol="send"
        )
        self.festival = label("", "page-title")
        self.festival_note = label("", "muted")
        banner = Card()
        banner.body.addWidget(self.festival)
        banner.body.addWidget(self.festival_note)
        self.cards = {key: KpiCard() for key in KEYS}
        figures = QGridLayout()
        figures.setSpacing(16)
        for at, card in enumerate(self.cards.values()):
            figures.addWidget(card, 0, at)
            card.opened.connect(lambda: self.page_wanted.emit("dashboard", None))
        self.todo_card, self.step_card = Card(tr("To do")), Card(tr("First steps"))
        self._todo_place, self._step_place = QWidget(), QWidget()
        self.todo_card.body.addWidget(self._todo_place)
        self.step_card.body.addWidget(self._step_place)
        self.todo_card.body.addStretch(1)
        self.step_card.body.addStretch(1)
        self.step_card.hide()
        self.body.addWidget(banner)
        self.body.addLayout(figures)
        below = row(self.todo_card, self.step_card, spacing=16)
        below.setStretch(0, 1)
        below.setStretch(1, 1)
        self.body.addLayout(below)
        self.body.addStretch(1)
        changes.follow(
            self,
            *(Topic.BATCHES, Topic.CARDS, Topic.DISTRIBUTIONS, Topic.OUTBOX, Topic.PEOPLE, Topic.REDEMPTIONS),
            Topic.SETTINGS,
            then=self.reload,
        )
        self.reload()

    def reload(self) -> None:
        self._jobs.start(self._home.today, on_done=self._show, on_refused=self.banner.show_error, owner=self)

    def _show(self, today: Today) -> None:
        self.shown = today
        name = word(FESTIVALS, today.festival)
        self.festival.setText(
            ntr("{name} is in {count} day", "{name} is in {count} days", today.days_left, name=name)
            if today.days_left
            else tr("{name} is today", name=name)
        )
        self.festival_note.setText(today.festival_day.isoformat())
        self._show_figures(today)
        self._todo_place = _replaced(self.todo_card, self._todo_place, [self._todo(todo) for todo in today.todos])
        self._step_place = _replaced(self.step_card, self._step_place, [self._step(step) for step in today.steps])
        self.step_card.setVisible(bool(today.steps))

    def _show_figures(self, today: Today) -> None:
        figures = today.figures
        numbers = {
            "issued": (tr("Issued in 30 days"), f"{figures.issued.count:,}", yuan(figures.issued.minor)),
            "redeemed": (tr("Redeemed in 30 days"), yuan(figures.redeemed.minor), f"{figures.redeemed.count:,}"),
            "outstanding": (tr("Outstanding"), yuan(figures.outstanding_minor), f"{figures.outstanding_count:,}"),
            "expiring": (tr("Ends within 30 days"), f"{figures.expiring.count:,}", yuan(figures.expiring.minor)),
        }
        for key, (title, number, note) in numbers.items():
            spark = figures.sparks.get(key, ())
            self.cards[key].show_figure(Figure(title, number, formula(key), spark=spark))
            self.cards[key].change.setText(note)

    def _todo(self, todo: Todo) -> QWidget:
        words = _words(todo.key, todo.count)
        if todo.minor:
            words = f"{words}  {yuan(todo.minor)}"
        return _line(words, button(tr("See"), lambda: self.page_wanted.emit(todo.page, todo.wanted), compact=True))

    def _step(self, step: Step) -> QWidget:
        words = word(STEPS, step.key)
        if step.done:
            return _line(words, label(tr("Done"), "note"))
        return _line(words, button(tr("Begin"), lambda: self.page_wanted.emit(step.page, step.wanted), compact=True))


def _words(key: str, count: int) -> str:
    return {
        "unfinished": lambda: ntr("{count} unfinished batch", "{count} unfinished batches", count),
        "failed": lambda: ntr("{count} card could not be delivered", "{count} cards could not be delivered", count),
        "expiring": lambda: ntr("{count} card ends within 30 days", "{count} cards end within 30 days", count),
        "refused": lambda: ntr("The endpoint refused {count} entry", "The endpoint refused {count} entries", count),
        "backup": lambda: ntr("The last backup is {count} day old", "The last backup is {count} days old", count),
        "recovery": lambda: tr("The recovery key was not confirmed"),
    }[key]()


def _line(words: str, act: QWidget) -> QWidget:
    place = QWidget()
    layout = row(label(words, wrap=True), 0, act, spacing=12)
    layout.setContentsMargins(0, 2, 0, 2)
    place.setLayout(layout)
    return place


def _replaced(card: Card, old: QWidget, lines: list[QWidget]) -> QWidget:
    """The lines in the place of the old ones."""
    place = QWidget(card)
    layout = column(*(lines or [label(tr("Nothing waits for you"), "muted")]), spacing=4)
    layout.setContentsMargins(0, 0, 0, 0)
    place.setLayout(layout)
    card.body.replaceWidget(old, place)
    old.deleteLater()
    return place
