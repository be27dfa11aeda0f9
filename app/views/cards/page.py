"""卡密: every single card; find one, see its life, stop it, show its code."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QComboBox, QWidget

from app.services.cards import CardDetail, CardFilter, CardRow, CardService, TimelineEntry
from app.services.ledger import CardsOut, LedgerService
from app.topics import Topic
from app.views.cards.chips import chips_of, without
from app.views.cards.reveal_dialog import RevealDialog
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.theme import Tone
from app.views.widgets.chip_bar import ChipBar
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.list_page import ListPage
from app.views.widgets.marks import card_mark
from app.views.widgets.pieces import button, column, line, row
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.timeline import Event, Timeline
from app.views.widgets.toast import toast
from app.vocabulary import CARD_STATES, HAPPENED, word
from app.words import NO_DATA, last_second, ntr, tr, yuan

MASK = "····"
STORY: dict[str, tuple[str, Tone]] = {
    "generated": ("layers", "neutral"),
    "imported": ("file-up", "neutral"),
    "released": ("file-down", "warn"),
    "sealed": ("shield-check", "neutral"),
    "assigned": ("user", "cyan"),
    "sent": ("send", "cyan"),
    "opened": ("eye", "info"),
    "claimed": ("gift", "info"),
    "recalled": ("undo-2", "warn"),
    "frozen": ("lock", "warn"),
    "redeemed": ("check", "ok"),
    "reversed": ("undo-2", "error"),
}
"""Icon and tone of what can happen to a card."""


class CardsPage(ListPage):
    """All cards of the vault, a million at a time; the drawer shows one with its timeline."""

    def __init__(self, cards: CardService, ledger: LedgerService, *, jobs: JobRunner, changes: Changes) -> None:
        self._cards, self._ledger = cards, ledger
        self._filter = CardFilter()
        self._out: CardsOut | None = None
        super().__init__(
            tr("Cards"),
            tr("Find a card by code, serial, name or phone tail with Ctrl+K"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.CARDS, Topic.BATCHES, Topic.REDEMPTIONS),
            columns=(
                Column("serial", tr("Serial"), 162, Kind.CODE, sortable=True),
                Column("tail", tr("Code"), 92, Kind.CODE, value=lambda r: MASK + r.tail),
                Column("product", tr("Product"), 140, stretch=True),
                Column("state", tr("State"), 100, Kind.STATE, value=_mark, sortable=True),
                Column("holder", tr("Holder"), 90, sortable=True),
                Column("balance_minor", tr("Balance (yuan)"), 120, Kind.MONEY, sortable=True),
                Column("valid_until", tr("Valid until"), 110, Kind.DAY, tip=lambda r: last_second(r.valid_until)),
                Column("changed_at", tr("Changed"), 140, Kind.MOMENT, sortable=True),
            ),
            load=self._ids,
            fetch=cards.rows,
            sort=("serial", True),
        )
        self._add_filters()
        self.header.add_more(tr("Show code"), self.show_code, symbol="eye", shortcut="Ctrl+Shift+C")
        self.table.opened.connect(self.open_record)
        self.table.set_empty(
            EmptyState("credit-card", tr("No cards here"), hint=tr("Change the filter, or make codes"))
        )
        self.reload()

    def _add_filters(self) -> None:
        self.state_box = QComboBox()
        self.state_box.setAccessibleName(tr("State"))
        self.state_box.addItem(tr("All states"), "")
        for key in ("in_stock", "assigned", "active", "spent", "voided", "frozen"):
            self.state_box.addItem(word(CARD_STATES, key), key)
        self.state_box.currentIndexChanged.connect(self.reload)
        self.chips = ChipBar()
        self.chips.removed.connect(lambda key: self._narrow(*without(key, self._wanted(), self._out)))
        self.chips.cleared.connect(lambda: self._narrow(CardFilter()))
        self.body.insertLayout(0, row(self.state_box, 0))
        self.body.insertWidget(1, self.chips)
        for came in (self.table.rows.arrived, self.table.rows.modelReset):
            came.connect(lambda *_: self._show_chips())

    def show_wanted(self, wanted: object) -> None:
        """An id opens one card; a CardFilter (or its keys), or the ledger's CardsOut, narrows the list."""
        if isinstance(wanted, int):
            self.open_record(wanted)
        elif isinstance(wanted, CardFilter):
            self._narrow(wanted)
        elif isinstance(wanted, CardsOut):
            self._narrow(CardFilter(), wanted)
        elif isinstance(wanted, dict):
            self._narrow(CardFilter(**wanted))

    def show_code(self) -> None:
        """Of the card the cursor is on; a reason is asked for and stands in the audit log."""
        card = self.table.current_id()
        if card is None:
            self.banner.say("info", tr("Choose a card in the list first."))
            return
        self.jobs.start(
            self._cards.detail,
            card,
            on_done=lambda detail: self._ask_reason(detail.row),
            on_refused=self.banner.show_error,
            owner=self,
        )

    def open_record(self, record: int) -> None:
        self.jobs.start(self._cards.detail, record, on_done=self._show_detail, on_refused=self.banner.show_error)

    def _narrow(self, wanted: CardFilter, out: CardsOut | None = None) -> None:
        """`out` is what a number of the dashboard counts; the state box then has no say."""
        several = wanted.states if len(wanted.states) > 1 else ()
        chosen = "frozen" if wanted.frozen else wanted.states[0] if wanted.states and not several else ""
        self._filter, self._out = replace(wanted, states=several, frozen=None), out
        self.state_box.blockSignals(True)
        self.state_box.setCurrentIndex(max(0, self.state_box.findData(chosen)))
        self.state_box.blockSignals(False)
        self.state_box.setEnabled(out is None)
        self.state_box.setToolTip(tr("Take the filters away to choose a state") if out else "")
        self.chips.show_chips(chips_of(self._filter, out, None))
        self.reload()

    def _show_chips(self) -> None:
        """A batch, a product or a person is called by what the first card says."""
        card = self.table.rows.row_at(0)
        if isinstance(card, CardRow) and self.chips.keys():
            self.chips.show_chips(chips_of(self._filter, self._out, card))

    def _ids(self, sort: str, descending: bool) -> Sequence[int]:  # ListPage's shape
        if self._out is not None:
            return self._ledger.card_ids(self._out, descending=descending)
        return self._cards.ids(self._wanted(), sort=sort, descending=descending)

    def _wanted(self) -> CardFilter:
        """What the chips say, narrowed by the state box."""
        state = str(self.state_box.currentData())
        if state == "frozen":
            return replace(self._filter, frozen=True)
        return replace(self._filter, states=(state,)) if state else self._filter

    def _show_detail(self, detail: CardDetail) -> None:
        card = detail.row
        acts = []
        if card.state in ("in_stock", "assigned", "active"):
            stop = tr("Thaw") if card.frozen else tr("Freeze")
            acts.append(button(stop, lambda: self._set_frozen(card, frozen=not card.frozen), symbol="snowflake"))
        acts.append(button(tr("Show code"), lambda: self._ask_reason(card), symbol="eye"))
        self.drawer.show_record(card.serial, _body(detail), state=_mark(card), acts=tuple(acts))

    def _set_frozen(self, card: CardRow, *, frozen: bool) -> None:
        call, back = (self._cards.freeze, self._cards.thaw) if frozen else (self._cards.thaw, self._cards.freeze)

        def done(_: object) -> None:
            toast(self, tr("Frozen") if frozen else tr("Thawed"), undo=lambda: self.jobs.start(back, card.id))
            self.open_record(card.id)

        self.jobs.start(call, card.id, on_done=done, on_refused=self.banner.show_error, owner=self)

    def _ask_reason(self, card: CardRow) -> None:
        RevealDialog(self, self._cards, card, jobs=self.jobs).open()


def _mark(card: CardRow) -> Any:
    return card_mark(card.state, frozen=card.frozen, expired=card.expired)


def _body(detail: CardDetail) -> QWidget:
    """The card's facts, then its life, newest first."""
    card = detail.row
    left = ntr("{count} use left", "{count} uses left", card.uses_left)
    known = (
        (tr("Product"), card.product),
        (tr("Batch"), card.batch),
        (tr("Code"), MASK + card.tail),
        (tr("Face value"), yuan(card.face_minor)),
        (tr("Balance"), yuan(card.balance_minor) if card.face_minor else left),
        (tr("Holder"), card.holder or NO_DATA),
        (tr("Valid until"), last_second(card.valid_until)),
    )
    place = facts(known, codes=(card.batch, MASK + card.tail))
    body = QWidget()
    body.setLayout(column(place, line(), Timeline([_event(entry) for entry in reversed(detail.timeline)]), spacing=16))
    return body


def _event(entry: TimelineEntry) -> Event:
    symbol, tone = STORY.get(entry.what, ("circle", "neutral"))
    detail = " · ".join(part for part in (yuan(entry.amount_minor) if entry.amount_minor else "", entry.detail) if part)
    return Event(entry.at, word(HAPPENED, entry.what), detail, symbol, tone)
