"""Redeem: the one transaction everything else exists for.

Dedupe first, rules second: a repeated op id gets its stored outcome, whatever the rules would say now.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from sync.protocol import from_ms
from sync.rules import CardFacts, Wanted, judge, past_freezes
from sync.server import feed
from sync.server.epochs import ask_recovering
from sync.server.ledger import Entry, at_of, write_down
from sync.server.outcomes import Kept, Outcome, keep_all, redemption_print, returned_print, row_of, same
from sync.server.problems import Refusal
from sync.server.secret_files import ServerSecrets
from sync.server.spans import Span, ask_spans
from sync.server.transaction import Asked, Row, Transaction, once

FACTS = (
    "SELECT c.state, c.frozen, b.frozen, b.voided + c.voided, b.sealed_ms, b.money, b.partial, c.balance_minor, "
    "c.uses_left, b.valid_from_ms, b.valid_until_ms, c.batch_id, c.no, b.uid, c.entries "
    "FROM card c JOIN batch b ON b.id = c.batch_id "
)
ENDED = "CASE WHEN state = 'spent' THEN state ELSE 'voided' END"
"""How a card stands that was voided: used up counts more, whichever came first."""


class Ask(msgspec.Struct, frozen=True):
    """One wish to redeem. `verifier` is the keyed digest of `d`."""

    merchant_id: str
    op_id: str
    verifier: bytes
    amount_minor: int | None
    uses: int | None
    entry: str
    at_ms: int
    place: str = ""
    device_id: str | None = None
    device_class: str = ""
    link_id: str | None = None
    moved: bool = False
    """Another endpoint decided it: a refusal here is not its outcome, and it may be asked for again."""


class _Batch(msgspec.Struct, frozen=True):
    """What a verdict needs to know of a batch. A device decides about the numbers that are `leased`."""

    leased: list[Span]
    merchant_id: str
    uid: str
    frozen: int
    voided: int
    sealed_ms: int | None
    money: int
    partial: int
    valid_from: datetime | None
    valid_until: datetime | None


class _Card(msgspec.Struct):
    """A card as it stands behind the asks of this lot that were heard so far."""

    batch: _Batch
    batch_id: int
    no: int
    state: str
    frozen: int
    balance_minor: int | None
    uses_left: int
    entries: int
    voided: int

    def facts(self) -> CardFacts:
        batch = self.batch
        return CardFacts(
            self.state,
            *(bool(self.frozen), bool(batch.frozen), bool(batch.voided or self.voided), batch.sealed_ms is not None),
            *(bool(batch.money), bool(batch.partial), self.balance_minor, self.uses_left),
            *(batch.valid_from, batch.valid_until),
        )

    def held_by_a_device(self) -> str | None:
        for first, end in self.batch.leased:
            if first <= self.no < end:
                return "card-leased"
        return None

    def take(self, amount: int, uses: int) -> None:
        self.balance_minor = None if self.balance_minor is None else self.balance_minor - amount
        self.uses_left -= uses
        self.entries += 1
        if self.balance_minor == 0 or (self.balance_minor is None and self.uses_left == 0):
            self.state = "spent"


class _Change(msgspec.Struct):
    """What all asks of a lot take from one card that had `first` entries."""

    first: int
    frozen: int
    times: int = 0
    amount: int = 0
    uses: int = 0

    def add(self, amount: int, uses: int) -> None:
        self.times += 1
        self.amount += amount
        self.uses += uses


class Lot:
    """Redemptions that share a transaction: read once, heard one after the other, written once.

    Each is heard with what those before it left, so the outcomes are the same as one by one. `write` holds every card
    to the state it was read in; when another transaction was quicker it raises, and nothing of the lot stands.
    """

    def __init__(self, transaction: Transaction, asks: Sequence[Ask], secrets: ServerSecrets) -> None:
        self._transaction = transaction
        self._secrets = secrets
        self._closed = once(ask_recovering(transaction, {ask.merchant_id for ask in asks}))
        self._kept = once(_ask_kept(transaction, asks))
        found = CARDS_WITH_BATCHES if transaction.dialect.on_postgres else CARDS
        self._rows = once(transaction.ask_among(found, [ask.verifier for ask in asks]))
        self._batches = once(lambda: _batch_rows(transaction, self._rows()))
        self._spans: Asked[dict[int, list[Span]]] | None = None
        self._cards = once(self._hear_cards)
        self._changes: dict[bytes, _Change] = {}
        self._entries: list[Row] = []
        self._events: list[Row] = []
        self._outcomes: list[Row] = []

    def ask_for_leases(self) -> bool:
        """Ask who decides about the cards, once they are there; whether there is anything to ask."""
        leased = [row[0] for row in self._batches() if row[1]]
        self._spans = ask_spans(self._transaction, leased)
        return bool(leased)

    def _hear_cards(self) -> dict[bytes, _Card]:
        if self._spans is None:
            self.ask_for_leases()
        assert self._spans is not None, "they were asked for"
        spans = self._spans()
        batches = {row[0]: _Batch(spans.get(row[0], []), *row[2:9], *map(_instant, row[9:])) for row in self._batches()}
        return {bytes(row[0]): _Card(batches[row[1]], *row[1:9]) for row in self._rows()}

    def knows(self, ask: Ask) -> bool:
        """Whether its op id has an outcome."""
        return (ask.merchant_id, ask.op_id) in self._kept()

    def redeem(self, ask: Ask) -> Outcome:
        """The outcome, or `{"refused": key}`; the same for the same op id for ever. A code nobody knows is not kept:
        there is no card it could be one outcome of, and guessing must not fill the disk. Raises Refusal
        op-id-reused, recovering."""
        fingerprint = redemption_print(ask.verifier, ask.amount_minor, ask.uses)
        kept = self._kept().get((ask.merchant_id, ask.op_id))
        if kept is not None:
            return _again(kept, ask, fingerprint)
        if ask.merchant_id in self._closed() and not ask.moved:
            raise Refusal("recovering")
        card = self._cards().get(ask.verifier)
        if card is None or card.batch.merchant_id != ask.merchant_id:
            return {"refused": "card-unknown"}
        facts, wanted = card.facts(), Wanted(ask.amount_minor, ask.uses)
        if ask.moved:
            facts = past_freezes(facts)
        reason = judge(facts, wanted, _time(ask.at_ms)) or card.held_by_a_device()
        if reason is not None:
            outcome: Outcome = {"refused": reason, "more": _what_is_left(reason, facts)}
            if ask.moved:
                return outcome
        else:
            outcome = self._take(ask, card, *_taken(facts, wanted))
        row = row_of(ask.merchant_id, ask.op_id, fingerprint=fingerprint, outcome=outcome, at_ms=ask.at_ms)
        self._kept()[ask.merchant_id, ask.op_id] = (row[2], row[3])
        self._outcomes.append(row)
        return outcome

    def _take(self, ask: Ask, card: _Card, amount: int, uses: int) -> Outcome:
        """Ledger entry and event; the outcome."""
        change = self._changes.setdefault(ask.verifier, _Change(card.entries, card.frozen))
        change.add(amount, uses)
        card.take(amount, uses)
        batch = card.batch
        entry = Entry(
            ask.merchant_id,
            ask.op_id,
            card.batch_id,
            batch.uid,
            card.no,
            card.entries,
            amount,
            uses,
            card.balance_minor,
            None if batch.money else card.uses_left,
            entry=ask.entry,
            place=ask.place,
            device_id=ask.device_id,
            device_class=ask.device_class,
            at_ms=ask.at_ms,
            link_id=ask.link_id,
            moved=ask.moved,
        )
        self._entries.append(entry.row())
        at, body = at_of(ask.at_ms), entry.body()
        receipt = entry.receipt(self._secrets, body)
        event = feed.draw(
            self._transaction, ask.merchant_id, "redeemed@1", op_id=ask.op_id, at=at, body=body, receipt=receipt
        )
        self._events.append(event)
        return entry.outcome(int(event[1]), receipt)

    def write(self) -> None:
        """Raises Refusal card-spent when a card was not as it was read: then nothing of the lot may stand."""
        if not self._outcomes:
            return
        with self._transaction.together():
            keep_all(self._transaction, self._outcomes)
            if self._changes:
                _debit(self._transaction, self._changes)
                write_down(self._transaction, self._entries)
                feed.put(self._transaction, self._events)


DEBIT = (
    "UPDATE card SET balance_minor = balance_minor - {amount}, uses_left = uses_left - {uses}, "
    "entries = entries + {times}, state = CASE WHEN balance_minor - {amount} = 0 "
    "OR (balance_minor IS NULL AND uses_left - {uses} = 0) THEN 'spent' ELSE 'active' END {rows} "
    "WHERE card.verifier = {verifier} AND entries = {first} AND state = 'active' AND card.frozen = {frozen} "
    "AND uses_left >= {uses} AND (balance_minor IS NULL OR balance_minor >= {amount})"
)
FIELDS = ("verifier", "first", "times", "amount", "uses", "frozen")
ON_SQLITE = DEBIT.format(rows="", verifier="?1", first="?2", times="?3", amount="?4", uses="?5", frozen="?6")
ON_POSTGRES = DEBIT.format(
    rows=f"FROM (SELECT {', '.join(f'unnest(?) AS {field}' for field in FIELDS)}) AS v",
    **{field: f"v.{field}" for field in FIELDS},
)


def _debit(transaction: Transaction, changes: Mapping[bytes, _Change]) -> None:
    """Raises Refusal card-spent unless all cards are as they had been read."""
    rows = [(verifier, one.first, one.times, one.amount, one.uses, one.frozen) for verifier, one in changes.items()]
    otherwise = Refusal("card-spent")
    if transaction.dialect.on_postgres:
        transaction.change_each(ON_POSTGRES, rows, otherwise)
    elif transaction.many(ON_SQLITE, rows) != len(rows):
        raise otherwise


def _ask_kept(transaction: Transaction, asks: Sequence[Ask]) -> Asked[dict[tuple[str, str], Kept]]:
    """Fingerprint and outcome of the op ids that were seen before."""
    asked = {
        merchant_id: transaction.ask_among(
            KEPT, [ask.op_id for ask in asks if ask.merchant_id == merchant_id], merchant_id
        )
        for merchant_id in {ask.merchant_id for ask in asks}
    }
    return lambda: {
        (merchant_id, str(row[0])): (bytes(row[1]), str(row[2]))
        for merchant_id, rows in asked.items()
        for row in rows()
    }


CARDS = (
    "SELECT verifier, batch_id, no, state, frozen, balance_minor, uses_left, entries, voided "
    "FROM card WHERE verifier IN (…)"
)
BATCH = "id, leases, merchant_id, uid, frozen, voided, sealed_ms, money, partial, valid_from_ms, valid_until_ms"
CARDS_WITH_BATCHES = (
    "SELECT c.verifier, c.batch_id, c.no, c.state, c.frozen, c.balance_minor, c.uses_left, c.entries, c.voided, "
    f"{', '.join(f'b.{column}' for column in BATCH.split(', '))} "
    "FROM card c JOIN batch b ON b.id = c.batch_id WHERE c.verifier IN (…)"
)
KEPT = "SELECT op_id, fingerprint, outcome FROM op WHERE merchant_id = ? AND op_id IN (…)"


def _batch_rows(transaction: Transaction, rows: Sequence[Row]) -> list[Row]:
    """BATCH of each batch that the cards are of. On SQLite a question of its own: a join tempts it to walk through
    whole batches."""
    if transaction.dialect.on_postgres:
        return list({row[1]: row[9:] for row in rows}.values())
    return transaction.among(f"SELECT {BATCH} FROM batch WHERE id IN (…)", list({row[1] for row in rows}))


def _again(kept: Kept, ask: Ask, fingerprint: bytes) -> Outcome:
    """The stored outcome; of an entry that was given back it has to fit what is asked. Raises Refusal."""
    if kept[0] != returned_print(ask.verifier):
        return same(kept, fingerprint)
    outcome = same(kept, kept[0])
    if ask.amount_minor not in (None, outcome["redeemed_minor"]) or ask.uses not in (None, outcome["redeemed_uses"]):
        raise Refusal("op-id-reused")
    return outcome


def redeem(transaction: Transaction, ask: Ask, secrets: ServerSecrets) -> tuple[Outcome, bool]:
    """A lot of one: the outcome, and whether it is a new one. Raises Refusal."""
    with transaction.together():
        lot = Lot(transaction, [ask], secrets)
    fresh = not lot.knows(ask)
    outcome = lot.redeem(ask)
    lot.write()
    return outcome, fresh


def facts_of(row: Row) -> CardFacts:
    """From the columns of FACTS."""
    return CardFacts(
        card_state=str(row[0]),
        card_frozen=bool(row[1]),
        batch_frozen=bool(row[2]),
        ended=bool(row[3]),
        sealed=row[4] is not None,
        money=bool(row[5]),
        partial=bool(row[6]),
        balance_minor=row[7],
        uses_left=row[8],
        valid_from=None if row[9] is None else from_ms(row[9]),
        valid_until=None if row[10] is None else from_ms(row[10]),
    )


def _taken(facts: CardFacts, wanted: Wanted) -> tuple[int, int]:
    """Fen and uses that go; None asks for everything a card of money holds, or for one use of a voucher."""
    if facts.money:
        return (facts.balance_minor or 0) if wanted.amount_minor is None else wanted.amount_minor, 0
    return 0, wanted.uses or 1


def _what_is_left(reason: str, facts: CardFacts) -> dict[str, Any]:
    if reason != "insufficient-balance":
        return {}
    return {"remaining_minor": facts.balance_minor} if facts.money else {"remaining_uses": facts.uses_left}


@lru_cache(256)
def _time(stamp: int) -> datetime:
    return from_ms(stamp)


@lru_cache(256)
def _instant(stamp: int | None) -> datetime | None:
    return None if stamp is None else from_ms(stamp)
