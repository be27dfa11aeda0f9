"""What the counter can do without a line, above its field, with the ways to lease cards and to give them back."""

from collections.abc import Callable

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.services.leases import LeaseRow, LeaseService, Standing
from app.topics import Topic
from app.views.changes import Changes
from app.views.counter.lease_dialog import LeaseDialog
from app.views.counter.lease_words import standing_words
from app.views.jobs import JobRunner
from app.views.theme import Tone, icon_pixmap, set_kind, theme
from app.views.widgets.banner import Banner
from app.views.widgets.dialog import ConfirmDialog, ask
from app.views.widgets.pieces import button, label, row
from app.views.widgets.toast import toast
from app.words import ntr, tr

NOTHING = Standing(cards=0, until=None, uses=0, minor=0, most_uses=0, most_minor=0)
FOLLOWED = (Topic.LEASES, Topic.REDEMPTIONS, Topic.CARDS, Topic.BATCHES, Topic.SETTINGS)
ICON = 18
TICK_MS = 30_000
"""A lease runs out though nothing is written."""


class LeaseBar(QFrame):
    """`answered` comes when a question of it was answered, in whatever way."""

    answered = Signal()
    page_wanted = Signal(str, object)

    def __init__(self, leases: LeaseService, *, jobs: JobRunner, changes: Changes, banner: Banner) -> None:
        super().__init__()
        self._leases, self._jobs, self._banner = leases, jobs, banner
        self.standing = NOTHING
        self._heard_offline: bool | None = None
        """What the last scan found out, until the next sync knows better."""
        self._tone: Tone = "neutral"
        self._icon_name = "download"
        self.setProperty("role", "lease-bar")
        self._symbol = QLabel()
        self._symbol.setFixedSize(QSize(ICON + 2, ICON + 2))
        self.words = label("", "label", wrap=True)
        self.take_button = button(tr("Lease cards"), self.take, kind="text", compact=True)
        self.back_button = button(tr("Give back"), self.give_back, kind="text", compact=True)
        self.sync_button = button(tr("Go to sync"), self._go_to_sync, kind="text", compact=True)
        self.leases_button = button(tr("See the leases"), self._go_to_leases, kind="text", compact=True)
        acts = (self.take_button, self.back_button, self.leases_button, self.sync_button)
        line = row(self._symbol, self.words, *acts, spacing=8)
        line.setContentsMargins(12, 4, 6, 4)
        line.setStretch(1, 1)
        self.setLayout(line)
        theme().changed.connect(self._paint_symbol)
        changes.follow(self, *FOLLOWED, then=self.reload)
        changes.follow(self, Topic.CLOUD, then=self._hear_sync)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self.reload)
        self._tick.start()
        self.leases_button.hide()
        self._paint()
        self.reload()

    @property
    def offline(self) -> bool:
        return self.standing.offline if self._heard_offline is None else self._heard_offline

    def hear(self, *, offline: bool) -> None:
        """What a scan found out about the line."""
        self._heard_offline = offline
        self._paint()

    def reload(self) -> None:
        self._jobs.start(self._leases.standing, on_done=self._show, owner=self)

    # --- acts ---

    def take(self) -> None:
        dialog = LeaseDialog(self, self._leases, jobs=self._jobs)
        dialog.finished.connect(lambda _: self.answered.emit())
        dialog.open()

    def give_back(self) -> None:
        """What ran out, at once; where nothing did, all that this computer has, after a question."""
        self._jobs.start(self._own, on_done=self._ask_back, on_refused=self._banner.show_error, owner=self)

    def offer(self, reason: str | None) -> None:
        """The way on from a verdict."""
        self.leases_button.setVisible(reason == "card-leased")
        if reason == "lease-over":
            self.reload()  # it ran out while nothing was written

    # --- inside ---

    def _own(self) -> list[LeaseRow]:
        return [one for one in self._leases.leases() if one.mine and one.state == "open"]

    def _ask_back(self, own: list[LeaseRow]) -> None:
        over = [one for one in own if one.over]
        if over:
            self._give_back(over)
            return
        dialog = ask_back(self, sum(one.cards for one in own), then=lambda: self._give_back(own))
        dialog.finished.connect(lambda _: self.answered.emit())

    def _give_back(self, own: list[LeaseRow]) -> None:
        def call() -> list[LeaseRow]:
            return [self._leases.give_back(one.id) for one in own]

        self._jobs.start(call, on_done=self._given_back, on_refused=self._banner.show_error, owner=self)

    def _given_back(self, done: list[LeaseRow]) -> None:
        self._banner.clear()
        toast(self, returned_words(done))
        self.reload()
        self.answered.emit()

    def _go_to_leases(self) -> None:
        self.page_wanted.emit("leases", None)

    def _go_to_sync(self) -> None:
        self.page_wanted.emit("sync", None)

    def _hear_sync(self) -> None:
        self._heard_offline = None
        self.reload()

    def _show(self, standing: Standing) -> None:
        self.standing = standing
        self._paint()

    def _paint(self) -> None:
        offline, stand = self.offline, self.standing
        self._tone, self._icon_name, words = standing_words(stand, offline=offline)
        self.words.setText(words)
        self.setAccessibleName(words)
        self.take_button.setVisible(not offline and not stand.over)
        self.back_button.setText(tr("Give the ended lease back") if stand.over else tr("Give back"))
        self.back_button.setVisible(bool(stand.cards or stand.over))
        self.sync_button.setVisible(offline or (stand.is_spent and bool(stand.cards)))
        set_kind(self, self._tone)
        self._paint_symbol()

    def _paint_symbol(self) -> None:
        tokens, ratio = theme().tokens, self.devicePixelRatioF()
        ink = tokens.text_2 if self._tone == "neutral" else tokens.ink(self._tone)
        self._symbol.setPixmap(icon_pixmap(self._icon_name, ink, size=ICON, ratio=ratio))


def ask_back(parent: QWidget, cards: int, *, then: Callable[[], object]) -> ConfirmDialog:
    """Before leases in force are given back."""
    return ask(
        parent,
        ntr("Give {count} leased card back?", "Give {count} leased cards back?", cards),
        consequence=tr(
            "From now on this counter asks the endpoint about every card; without a line nothing can be redeemed. "
            "Uses that wait are uploaded all the same."
        ),
        verb=tr("Give back"),
        then=then,
        danger=False,
    )


def returned_words(done: list[LeaseRow]) -> str:
    """What became of leases that were given back."""
    if any(one.state == "returning" for one in done):
        return tr("Ended here. The endpoint hears of it behind what waits for upload.")
    return tr("Given back: the cards are redeemed everywhere again")
