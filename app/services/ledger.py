"""The lists behind the figures: entries of the ledger, cards that are out, deliveries by how far they came."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Integer, case, exists, func, literal_column, select
from sqlalchemy.orm import Session, aliased

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.redemption import Redemption
from app.services.cards.listing import ids_in
from app.services.figures import DIRECT
from app.services.recount import GONE, ISSUED, LIVE, PAID, REDEEMED, USE, cards_of, handed_out, local_day, local_hour

PAGE = 500
"""Ids asked for at once."""
PLACE = literal_column("redemption.rowid", Integer)
"""Of an entry in its table. Its id is a text: of a million, a list would hold a hundred megabytes."""


@dataclass(frozen=True, slots=True)
class RedemptionFilter:
    """Which entries of the ledger a list shows. Empty fields do not narrow it; `end` is excluded.

    `use` leaves out top-ups and refunds. `net` does so, too, and leaves out a redemption and its reversal when both lie
    between `begin` and `end`: what is left adds up to the net figure, a reversal of something redeemed before `begin`
    counting as minus one.
    """

    begin: datetime | None = None
    end: datetime | None = None
    product_id: int | None = None
    channel: str | None = None
    card_id: int | None = None
    kind: str | None = None
    net: bool = False
    use: bool = False
    weekday: int | None = None
    """0 is Monday."""
    hour: int | None = None


@dataclass(frozen=True, slots=True)
class RedemptionRow:
    """An entry of the ledger as listed: `number` is what a list holds of it, `serial` the card's, amounts of a reversal
    or a top-up are negative."""

    number: int
    id: str
    at: datetime
    card_id: int
    serial: str
    product: str
    amount_minor: int
    uses: int
    kind: str
    channel: str
    entry: str
    place: str
    reverses: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class CardsOut:
    """Which cards that are out a list shows: issued when, still live, ending soon, redeemed at least in part."""

    product_id: int | None = None
    channel: str | None = None
    issued_from: datetime | None = None
    issued_to: datetime | None = None
    live: bool = False
    expiring_days: int | None = None
    redeemed: bool = False

    @property
    def by_time(self) -> bool:
        return self.issued_from is not None or self.issued_to is not None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Deliveries that reached a step (sent, delivered, opened, claimed) between `begin` and `end` (excluded)."""

    step: str
    begin: datetime
    end: datetime
    product_id: int | None = None
    channel: str | None = None


class LedgerService:
    def __init__(self, database: Database) -> None:
        self._database = database

    def redemption_ids(self, wanted: RedemptionFilter, *, descending: bool = True) -> "array[int]":
        """Numbers of the entries of a filter, by time: for this list alone, they are in no book."""
        order = (Redemption.at.desc(), PLACE.desc()) if descending else (Redemption.at, PLACE)
        with self._database.read() as session:
            numbers = select(PLACE.label("id")).select_from(Redemption).where(*_entries(wanted)).order_by(*order)
            return array("q", ids_in(session, numbers).tobytes())

    def net_of(self, wanted: RedemptionFilter) -> tuple[int, int]:
        """Σ fen of a filter's redemptions, and Σ uses of those without an amount; a reversal counts as minus."""
        return self.sums_of(wanted).get("redeemed", (0, 0))

    def sums_of(self, wanted: RedemptionFilter) -> dict[str, tuple[int, int]]:
        """What a filter's entries add up to, each in Σ fen and Σ uses of those without an amount: `redeemed`, in which
        a reversal counts as minus, `topped_up` and `refunded`. What there was none of is left out."""
        what = case((Redemption.kind.in_(PAID), Redemption.kind), else_="redeemed")
        uses_only = case((Redemption.amount_minor == 0, Redemption.uses), else_=0)
        sums = select(what, func.sum(Redemption.amount_minor), func.sum(uses_only)).where(*_entries(wanted))
        with self._database.read() as session:
            rows = session.execute(sums.group_by(what)).all()
        return {kind: (abs(minor) if kind in PAID else int(minor), int(uses)) for kind, minor, uses in rows}

    def redemptions_of(self, numbers: Sequence[int]) -> list[RedemptionRow]:
        """One page of entries, in the order of `numbers`."""
        wanted = (
            select(PLACE, Redemption, Batch.serial, Batch.first_card_id, Product.name)
            .join(Batch, Batch.id == Redemption.batch_id)
            .join(Product, Product.id == Redemption.product_id)
        )
        found: dict[int, RedemptionRow] = {}
        with self._database.read() as session:
            for start in range(0, len(numbers), PAGE):
                some = list(numbers[start : start + PAGE])
                for row in session.execute(wanted.where(PLACE.in_(some))):
                    found[row[0]] = _row(*row)
        return [found[number] for number in numbers if number in found]

    def card_ids(self, wanted: CardsOut, *, descending: bool = True) -> "array[int]":
        """Ids of the cards of a filter, by serial."""
        with self._database.read() as session:
            ids = np.unique(np.concatenate([np.empty(0, np.int64), *_cards(session, wanted)]))
        packed: array[int] = array("q")
        packed.frombytes(np.ascontiguousarray(ids[::-1] if descending else ids).tobytes())
        return packed

    def delivery_ids(self, wanted: DeliveryFilter) -> list[int]:
        """Ids of the deliveries of a filter, newest first."""
        at = getattr(Delivery, f"{wanted.step}_at")
        query = (
            select(Delivery.id)
            .join(Distribution, Distribution.id == Delivery.distribution_id)
            .join(Card, Card.id == Delivery.card_id)
            .join(Batch, Batch.id == Card.batch_id)
            .where(at >= wanted.begin, at < wanted.end, Delivery.state.not_in(GONE), Card.state != "voided")
        )
        if wanted.product_id is not None:
            query = query.where(Batch.product_id == wanted.product_id)
        if wanted.channel is not None:
            query = query.where(Delivery.channel == wanted.channel)
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Delivery.id.desc())))


def _entries(wanted: RedemptionFilter) -> Iterator[ColumnElement[bool]]:
    for column in ("product_id", "channel", "card_id", "kind"):
        value = getattr(wanted, column)
        if value is not None:
            yield getattr(Redemption, column) == value
    yield from _between(Redemption, wanted)
    if wanted.weekday is not None:
        yield _weekday(wanted.weekday)
    if wanted.hour is not None:
        yield local_hour(Redemption.at) == wanted.hour
    if wanted.net or wanted.use:
        yield Redemption.kind.in_(USE)
    if wanted.net:
        other = aliased(Redemption)
        undone = exists().where(other.reverses == Redemption.id, *_between(other, wanted)).correlate(Redemption)
        undoes = exists().where(other.id == Redemption.reverses, *_between(other, wanted)).correlate(Redemption)
        yield ~undone & (Redemption.reverses.is_(None) | ~undoes)


def _between(entry: Any, wanted: RedemptionFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.begin is not None:
        yield entry.at >= wanted.begin
    if wanted.end is not None:
        yield entry.at < wanted.end


def _weekday(day: int) -> ColumnElement[bool]:
    """SQLite's week begins on Sunday with 0."""
    return func.strftime("%w", local_day(Redemption.at)) == str((day + 1) % 7)


def _row(number: int, entry: Redemption, batch: str, first: int, product: str) -> RedemptionRow:
    return RedemptionRow(
        number=number,
        id=entry.id,
        at=entry.at,
        card_id=entry.card_id,
        serial=f"{batch}-{entry.card_id - first + 1:06d}",
        product=product,
        amount_minor=entry.amount_minor,
        uses=entry.uses,
        kind=entry.kind,
        channel=entry.channel,
        entry=entry.entry,
        place=entry.place or "",
        reverses=entry.reverses,
        reason=entry.reason or "",
    )


def _cards(session: Session, wanted: CardsOut) -> Iterator[NDArray[np.int64]]:
    """Cards with a row of their own, then what is untouched of released batches."""
    query = select(Card.id).join(Batch, Batch.id == Card.batch_id)
    query = query.where(*_begun(wanted), *_alive(wanted), *cards_of(wanted.product_id, wanted.channel))
    if not wanted.by_time:
        yield ids_in(session, query)
    else:
        distributed = query.join(Delivery, Delivery.card_id == Card.id)
        distributed = distributed.join(Distribution, Distribution.id == Delivery.distribution_id)
        distributed = distributed.where(Delivery.state.not_in(GONE), *_in_time(Distribution.created_at, wanted))
        yield ids_in(session, distributed)
        direct = query.where(~handed_out(), Batch.released_at.is_not(None), *_in_time(Batch.released_at, wanted))
        yield ids_in(session, direct)
    if wanted.channel in (None, DIRECT) and not wanted.redeemed:
        yield from _untouched(session, wanted)


def _begun(wanted: CardsOut) -> Iterator[ColumnElement[bool]]:
    yield Card.state.in_(LIVE if wanted.live else ISSUED)
    if wanted.redeemed:
        yield REDEEMED


def _alive(wanted: CardsOut) -> Iterator[ColumnElement[bool]]:
    """Conditions on a batch."""
    if wanted.live:
        yield Batch.valid_until.is_(None) | (Batch.valid_until > now())
    if wanted.expiring_days is not None:
        yield Batch.valid_until <= now() + timedelta(days=wanted.expiring_days)


def _in_time(at: Any, wanted: CardsOut) -> Iterator[ColumnElement[bool]]:
    if wanted.issued_from is not None:
        yield at >= wanted.issued_from
    if wanted.issued_to is not None:
        yield at < wanted.issued_to


def _untouched(session: Session, wanted: CardsOut) -> Iterator[NDArray[np.int64]]:
    query = select(Batch).where(Batch.released_at.is_not(None), Batch.state.in_(("ready", "published")))
    query = query.where(*_alive(wanted), *_in_time(Batch.released_at, wanted))
    if wanted.product_id is not None:
        query = query.where(Batch.product_id == wanted.product_id)
    for batch in session.scalars(query):
        every = np.arange(batch.first_card_id, batch.first_card_id + batch.made, dtype=np.int64)
        lives = ids_in(session, select(Card.id).where(Card.batch_id == batch.id))
        yield np.delete(every, lives - batch.first_card_id) if len(lives) else every
