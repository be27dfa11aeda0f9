"""卡密: every single card; find one, see its life, stop it, show its code."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.messages import reason_sentence
from app.services.batches import BatchService
from app.services.cards import CardDetail, CardFilter, CardRow, CardService, Stopped, TimelineEntry
from app.services.exports import ExportService
from app.services.ledger import CardsOut, LedgerService
from app.services.list_views import ListViewService
from app.services.people import PeopleService
from app.services.progress import Progress, unwatched
from app.services.redemptions import Payable, RedemptionResult, RedemptionService
from app.topics import Topic
from app.views.cards.export import ListExport
from app.views.cards.filters import CardFilters
from app.views.cards.payment_dialog import RefundDialog, TopUpDialog
from app.views.cards.reveal_dialog import RevealDialog
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.theme import Tone
from app.views.widgets.dialog import ask
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.marks import card_mark
from app.views.widgets.pieces import button, column, line
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.selection_bar import SelectionWords
from app.views.widgets.timeline import Event, Timeline
from app.views.widgets.toast import toast
from app.vocabulary import HAPPENED, word
from app.words import NO_DATA, last_second, ntr, tr, worth, yuan

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
    "topped_up": ("wallet", "info"),
    "refunded": ("undo-2", "warn"),
}
"""Icon and tone of what can happen to a card."""


class CardsPage(ListPage):
    """All cards of the vault, a million at a time; the drawer shows one with its timeline."""

    def __init__(
        self,
        cards: CardService,
        ledger: LedgerService,
        batches: BatchService,
        people: PeopleService,
        *,
        redemptions: RedemptionService,
        exports: ExportService,
        jobs: JobRunner,
        changes: Changes,
        views: ListViewService | None = None,
    ) -> None:
        self._cards, self._ledger, self._redemptions = cards, ledger, redemptions
        self.filters = CardFilters(cards, batches, people, jobs=jobs)
        super().__init__(
            tr("Cards"),
            tr("Find a card by code, serial, name or phone tail with Ctrl+K"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.CARDS, Topic.BATCHES, Topic.REDEMPTIONS),
            columns=_columns(),
            load=self._ids,
            fetch=cards.rows,
            sort=("serial", True),
            views=views,
        )
        self.body.insertWidget(0, self.filters)
        self.filters.changed.connect(self.reload)
        self._build_acts(exports)
        self.table.opened.connect(self.open_record)
        self.table.set_empty(
            EmptyState("credit-card", tr("No cards here"), hint=tr("Change the filter, or make codes"))
        )
        self.reload()

    def _build_acts(self, exports: ExportService) -> None:
        self.bulk = self.offer_bulk(SelectionWords(_selected, _everything))
        self.bulk.add_act(tr("Freeze"), lambda ids: self.ask_to_stop(ids, frozen=True), symbol="snowflake")
        self.bulk.add_act(tr("Thaw"), lambda ids: self.ask_to_stop(ids, frozen=False), symbol="sun")
        self.list_export = ListExport(self, exports, asked=self.filters.words)
        self.bulk.add_act(tr("Export"), self.list_export.choose_file, symbol="file-down")
        self.header.add_secondary(
            tr("Export list"), self.list_export.export_shown, symbol="file-down", shortcut="Ctrl+E"
        )
        self.table.set_menu(self._fill_menu)
        self.header.add_more(tr("Show code"), self.show_code, symbol="eye", shortcut="Ctrl+Shift+C")

    def show_wanted(self, wanted: object) -> None:
        """An id opens one card; a CardFilter (or its keys), or the ledger's CardsOut, narrows the list."""
        if isinstance(wanted, int):
            self.open_record(wanted)
        elif isinstance(wanted, CardFilter):
            self.filters.narrow(wanted)
        elif isinstance(wanted, CardsOut):
            self.filters.narrow(CardFilter(), wanted)
        elif isinstance(wanted, dict):
            self.filters.narrow(CardFilter(**wanted))

    def question(self) -> dict[str, Any]:
        return self.filters.kept()

    def show_question(self, question: Mapping[str, Any]) -> None:
        self.filters.show_kept(question)

    def ask_to_stop(self, ids: "array[int]", *, frozen: bool) -> None:
        """Freeze cards, or thaw them. What is all on the screen needs no question: the toast takes it back."""
        if not self.bulk.beyond_sight(ids):
            self.stop(ids, frozen=frozen)
            return
        count = len(ids)
        thaw = ntr("Thaw {count} card", "Thaw {count} cards", count)
        freeze = ntr("Freeze {count} card", "Freeze {count} cards", count)
        thawing = tr("They can be redeemed again. Cards that are not frozen stay as they are.")
        freezing = tr("None of them can be redeemed until it is thawed. Used up and voided cards stay as they are.")
        ask(
            self,
            ntr("Freeze {count} card?", "Freeze {count} cards?", count)
            if frozen
            else ntr("Thaw {count} card?", "Thaw {count} cards?", count),
            consequence=freezing if frozen else thawing,
            verb=freeze if frozen else thaw,
            then=lambda: self.stop(ids, frozen=frozen),
            danger=frozen,
        )

    def stop(self, ids: Sequence[int], *, frozen: bool) -> None:
        """Freeze or thaw at once; many of them stand in the task centre meanwhile."""
        count = len(ids)
        freeze = ntr("Freeze {count} card", "Freeze {count} cards", count)
        title = freeze if frozen else ntr("Thaw {count} card", "Thaw {count} cards", count)

        def stop(progress: Progress = unwatched) -> Stopped:
            return self._cards.stop(ids, frozen=frozen, progress=progress)

        self.jobs.start(
            stop,
            title=title if count > 1 else "",
            watch=True,
            describe=lambda done: _stopped_words(done, frozen=frozen),
            on_done=lambda done: self._say_stopped(done, ids, frozen=frozen),
            on_refused=self.banner.show_error,
            owner=self,
        )

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

    def pay(self, card_id: int, dialog: type[TopUpDialog] | type[RefundDialog]) -> None:
        """Ask how much is put onto a card or paid out, and why."""

        def show(known: Payable) -> None:
            reason = known.top_up_reason if dialog is TopUpDialog else known.refund_reason
            if reason is not None:
                self.banner.say("info", reason_sentence(reason))
                return
            dialog(self, self._redemptions, known, jobs=self.jobs, on_done=paid).open()

        def paid(result: RedemptionResult) -> None:
            toast(self, _paid_words(result))
            if self.drawer.isVisible():
                self.open_record(card_id)

        self.jobs.start(self._redemptions.payable, card_id, on_done=show, on_refused=self.banner.show_error, owner=self)

    def open_record(self, record: int) -> None:
        def both(card_id: int) -> tuple[CardDetail, Payable]:
            return self._cards.detail(card_id), self._redemptions.payable(card_id)

        self.look_up(both, record, then=lambda found: self._show_detail(*found))

    def _ids(self, sort: str, descending: bool) -> Load:  # ListPage's shape
        if self.filters.out is not None:
            return partial(self._ledger.card_ids, self.filters.out, descending=descending)
        return partial(self._cards.ids, self.filters.wanted, sort=sort, descending=descending)

    def _show_detail(self, detail: CardDetail, known: Payable) -> None:
        card = detail.row
        acts = []
        if card.state in ("in_stock", "assigned", "active"):
            stop = tr("Thaw") if card.frozen else tr("Freeze")
            acts.append(button(stop, lambda: self.stop([card.id], frozen=not card.frozen), symbol="snowflake"))
        acts.append(button(tr("Show code"), lambda: self._ask_reason(card), symbol="eye"))
        if card.kind != "supplier":
            acts.append(_act(tr("Top up"), partial(self.pay, card.id, TopUpDialog), "wallet", known.top_up_reason))
            acts.append(_act(tr("Refund"), partial(self.pay, card.id, RefundDialog), "undo-2", known.refund_reason))
        self.drawer.show_record(card.serial, _body(detail), state=_mark(card), acts=tuple(acts))

    def _say_stopped(self, done: Stopped, ids: Sequence[int], *, frozen: bool) -> None:
        words = _stopped_words(done, frozen=frozen)
        take_back = partial(self._cards.undo_stop, done, frozen=frozen)
        toast(self, words, undo=partial(self.jobs.start, take_back) if done.count else None)
        if done.held:
            held = ntr(
                "{count} card stays frozen together with its batch. Thaw the batch.",
                "{count} cards stay frozen together with their batch. Thaw the batch.",
                done.held,
            )
            self.banner.say("warn", held, action=(tr("Code batches"), partial(self.page_wanted.emit, "batches", None)))
        if len(ids) == 1 and self.drawer.isVisible():
            self.open_record(ids[0])

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        menu.addAction(tr("Freeze"), lambda: self.ask_to_stop(ids, frozen=True))
        menu.addAction(tr("Thaw"), lambda: self.ask_to_stop(ids, frozen=False))
        if len(ids) == 1:
            menu.addAction(tr("Show code"), self.show_code)
            menu.addAction(tr("Top up"), partial(self.pay, ids[0], TopUpDialog))
            menu.addAction(tr("Refund"), partial(self.pay, ids[0], RefundDialog))

    def _ask_reason(self, card: CardRow) -> None:
        RevealDialog(self, self._cards, card, jobs=self.jobs).open()


def _act(words: str, call: Callable[[], None], symbol: str, refusal: str | None) -> QPushButton:
    """Where it is not possible the button says why."""
    made = button(words, call, symbol=symbol, tip=reason_sentence(refusal) if refusal else "")
    made.setEnabled(refusal is None)
    made.setAccessibleDescription(made.toolTip())
    return made


def _paid_words(result: RedemptionResult) -> str:
    there = worth(result.remaining_minor, result.remaining_uses)
    if result.outcome == "topped_up":
        return tr("Topped up {amount}, {remaining} on the card", amount=yuan(-result.redeemed_minor), remaining=there)
    amount = worth(None if result.remaining_minor is None else result.redeemed_minor, result.redeemed_uses)
    return tr("Refunded {amount}, {remaining} left", amount=amount, remaining=there)


def _stopped_words(done: Stopped, *, frozen: bool) -> str:
    if not frozen:
        return ntr("{count} card thawed", "{count} cards thawed", done.count)
    words = ntr("{count} card frozen", "{count} cards frozen", done.count)
    if not done.waiting:
        return words
    return tr("{words} on this computer. Waiting: elsewhere it is frozen as soon as there is a line.", words=words)


def _columns() -> tuple[Column, ...]:
    return (
        Column("serial", tr("Serial"), 162, Kind.CODE, sortable=True),
        Column("tail", tr("Code"), 92, Kind.CODE, value=lambda r: MASK + r.tail),
        Column("product", tr("Product"), 140, stretch=True),
        Column("state", tr("State"), 128, Kind.STATE, value=_mark, sortable=True),
        Column("holder", tr("Holder"), 90, sortable=True),
        Column("balance_minor", tr("Balance (yuan)"), 120, Kind.MONEY, sortable=True),
        Column("valid_until", tr("Valid until"), 110, Kind.DAY, tip=lambda r: last_second(r.valid_until)),
        Column("changed_at", tr("Changed"), 140, Kind.MOMENT, sortable=True),
    )


def _selected(count: int) -> str:
    return ntr("{count} card selected", "{count} cards selected", count)


def _everything(count: int) -> str:
    return ntr("Select the {count} card", "Select all {count} cards", count)


def _mark(card: CardRow) -> Any:
    return card_mark(card.state, frozen=card.frozen, expired=card.expired, unheard=card.unheard)


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
    uses = ntr("{count} use", "{count} uses", entry.uses) if entry.uses else ""
    much = yuan(entry.amount_minor) if entry.amount_minor else uses
    detail = " · ".join(part for part in (much, entry.detail) if part)
    return Event(entry.at, word(HAPPENED, entry.what), detail, symbol, tone)
