"""What the daily figures must be: counted anew from deliveries, released batches and the ledger.

The one definition behind `figures`: the integrity check compares with it, and who voids or recalls takes back by it.
A delivery counts unless it was recalled, skipped, or its card voided. An untouched card counts as issued when its
batch's plain codes were released. The ledger counts as it stands: goods handed out stay handed out.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.distribution import Delivery, Distribution
from app.models.redemption import Redemption
from app.services.figures import DIRECT, FigureEntry, add_many
from app.words import zone

GONE = ("recalled", "skipped")
"""Delivery states that count nowhere."""
ISSUED = ("assigned", "active", "spent")
"""Card states of a card that is out."""
LIVE = ("assigned", "active")
"""Card states of a card that is out and still holds something."""
USE = ("redeemed", "reversed")
"""Kinds of entries that tell what holders did with their cards."""
PAID = ("topped_up", "refunded")
"""Kinds of entries by which the merchant changed what a card could give."""
HAS_ADJUSTED = Card.adjusted != literal_column("0")
"""Whether anything was; spelled as the index of these few cards spells it."""
ADJUSTED_MINOR = case((Batch.face_minor.is_not(None), Card.adjusted), else_=0)
"""Fen put onto a card less fen paid out."""
REDEEMED = or_(
    and_(Card.state == "spent", Card.adjusted == 0),
    func.coalesce(Card.balance_minor, 0) < func.coalesce(Batch.face_minor, 0) + ADJUSTED_MINOR,
    and_(Batch.face_minor.is_(None), Card.uses_left < Batch.uses + Card.adjusted),
)
"""Whether something was redeemed from a card, and not all of it reversed; what was paid out is not."""
STEPS = (
    ("issued", Distribution.created_at),
    ("sent", Delivery.sent_at),
    ("delivered", Delivery.delivered_at),
    ("opened", Delivery.opened_at),
    ("claimed", Delivery.claimed_at),
)


Query = Select[*tuple[Any, ...]]
"""A SELECT of any columns."""


class Key(NamedTuple):
    """Where a figure stands: local day and hour, product, channel, metric."""

    day: str
    hour: int
    product_id: int
    channel: str
    metric: str


Figures = dict[Key, tuple[int, int]]
"""Figure → (count, amount in fen)."""


def recounted(session: Session) -> Figures:
    """Every figure as its sources tell it. Amounts only of issued and of the ledger."""
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for metric, at in STEPS:
        for row in session.execute(_delivered(at, with_face=metric == "issued")):
            _put(sums, Key(row.day, row.hour, row.product_id, row.channel, metric), row.times, row.minor)
    for batch, count in released(session):
        local = batch.released_at.astimezone(zone())
        key = Key(local.date().isoformat(), local.hour, batch.product_id, DIRECT, "issued")
        _put(sums, key, count, count * (batch.face_minor or 0))
    for row in session.execute(_ledger()):
        _put(sums, Key(row.day, row.hour, row.product_id, row.channel, row.kind), row.times, row.minor)
    return {key: (count, minor) for key, (count, minor) in sums.items() if count or minor}


def released(session: Session, batch_id: int | None = None) -> list[tuple[Any, int]]:
    """Batches whose plain codes were released, each with its cards that went out so and are not voided.

    Cards with a row of their own count when they are out and no delivery accounts for them.
    """
    wanted = select(Batch).where(Batch.released_at.is_not(None))
    if batch_id is not None:
        wanted = wanted.where(Batch.id == batch_id)
    counted = []
    for batch in session.scalars(wanted.execution_options(populate_existing=True)):
        begun = session.scalar(select(func.count()).select_from(Card).where(Card.batch_id == batch.id)) or 0
        out = session.scalar(
            select(func.count())
            .select_from(Card)
            .where(Card.batch_id == batch.id, Card.state.in_(ISSUED), ~handed_out())
        )
        untouched = batch.made - begun if batch.state != "voided" else 0
        counted.append((batch, untouched + (out or 0)))
    return counted


def handed_out() -> ColumnElement[bool]:
    """Whether a delivery that counts accounts for the card."""
    return exists().where(Delivery.card_id == Card.id, Delivery.state.not_in(GONE)).correlate(Card)


def cards_of(product_id: int | None, channel: str | None) -> list[ColumnElement[bool]]:
    """Conditions on a card and its batch; None does not narrow. Without a delivery a card's channel is `direct`."""
    chosen: list[ColumnElement[bool]] = []
    if product_id is not None:
        chosen.append(Batch.product_id == product_id)
    if channel == DIRECT:
        chosen.append(~handed_out())
    elif channel is not None:
        through = exists().where(Delivery.card_id == Card.id, Delivery.state.not_in(GONE), Delivery.channel == channel)
        chosen.append(through.correlate(Card))
    return chosen


@contextmanager
def releasing(session: Session, batch_id: int) -> Iterator[None]:
    """Whatever the block releases of a batch counts as issued, at the time of the batch's first release."""
    before = sum(count for _, count in released(session, batch_id))
    yield
    for batch, count in released(session, batch_id):
        fresh = count - before
        entry = FigureEntry(
            "issued",
            batch.released_at,
            batch.product_id,
            DIRECT,
            count=fresh,
            amount_minor=fresh * (batch.face_minor or 0),
        )
        add_many(session, [entry])


def take_back_cards(session: Session, card_ids: Sequence[int]) -> None:
    """Take the cards out of the figures at their original times. Call it BEFORE their state changes to voided."""
    for start in range(0, len(card_ids), 500):
        some = card_ids[start : start + 500]
        _take_back(session, Delivery.card_id.in_(some))
        add_many(session, _direct(session, Card.id.in_(some), _untouched(session, some)))


def count_cards_again(session: Session, card_ids: Sequence[int]) -> None:
    """Put cards back into the figures that were taken out as voided. Call it AFTER their state has changed."""
    _take_back(session, Delivery.card_id.in_(card_ids), sign=1)
    direct = _direct(session, Card.id.in_(card_ids), {})
    add_many(session, [replace(entry, count=-entry.count, amount_minor=-entry.amount_minor) for entry in direct])


def take_back_deliveries(session: Session, delivery_ids: Sequence[int]) -> None:
    """Take deliveries out of the figures at their original times. Call it BEFORE their state changes to recalled."""
    for start in range(0, len(delivery_ids), 500):
        _take_back(session, Delivery.id.in_(delivery_ids[start : start + 500]))


def take_back_batch(session: Session, batch_id: int) -> None:
    """Take a batch's cards out of the figures, spent ones excepted. Call it BEFORE the batch is voided."""
    _take_back(session, and_(Card.batch_id == batch_id, Card.state != "spent"))
    batch = session.get_one(Batch, batch_id)
    begun = session.scalar(select(func.count()).select_from(Card).where(Card.batch_id == batch_id)) or 0
    untouched = {batch.id: batch.made - begun} if batch.released_at is not None else {}
    add_many(session, _direct(session, and_(Card.batch_id == batch_id, Card.state != "spent"), untouched))


def _take_back(session: Session, which: ColumnElement[bool], *, sign: int = -1) -> None:
    entries = []
    for metric, at in STEPS:
        amount = func.coalesce(Batch.face_minor, 0) if metric == "issued" else literal(0)
        wanted = _live(select(at, Batch.product_id, Delivery.channel, amount)).where(which, at.is_not(None))
        for when, product_id, channel, minor in session.execute(wanted):
            entries.append(FigureEntry(metric, when, product_id, channel, count=sign, amount_minor=sign * minor))
    add_many(session, entries)


def _direct(session: Session, which: ColumnElement[bool], untouched: dict[int, int]) -> list[FigureEntry]:
    """Negative entries of released cards: those of `which` with a row, and so many untouched ones per batch."""
    counts: dict[int, int] = defaultdict(int, untouched)
    wanted = select(Card.batch_id, func.count()).where(which, Card.state.in_(ISSUED), ~handed_out())
    for batch_id, count in session.execute(wanted.group_by(Card.batch_id)):
        counts[batch_id] += count
    entries = []
    for batch in session.scalars(select(Batch).where(Batch.id.in_(counts), Batch.released_at.is_not(None))):
        count, at = counts[batch.id], batch.released_at or now()
        minor = count * (batch.face_minor or 0)
        entries.append(FigureEntry("issued", at, batch.product_id, DIRECT, count=-count, amount_minor=-minor))
    return entries


def _untouched(session: Session, card_ids: Sequence[int]) -> dict[int, int]:
    """Batch id → how many of the cards have no row of their own."""
    begun = set(session.scalars(select(Card.id).where(Card.id.in_(card_ids))))
    ranges = list(session.execute(select(Batch.id, Batch.first_card_id, Batch.quantity)))
    counts: dict[int, int] = defaultdict(int)
    for card_id in card_ids:
        if card_id not in begun:
            counts[next(row.id for row in ranges if 0 <= card_id - row.first_card_id < row.quantity)] += 1
    return counts


def _live(query: Query) -> Query:
    """From deliveries that count, with their distribution, card and batch."""
    return (
        query.select_from(Delivery)
        .join(Distribution, Distribution.id == Delivery.distribution_id)
        .join(Card, Card.id == Delivery.card_id)
        .join(Batch, Batch.id == Card.batch_id)
        .where(Delivery.state.not_in(GONE), Card.state != "voided")
    )


def _delivered(at: Any, *, with_face: bool) -> Query:
    """One step of the deliveries by local day, hour, product and channel."""
    day, hour = local_day(at).label("day"), local_hour(at).label("hour")
    minor = func.sum(func.coalesce(Batch.face_minor, 0)) if with_face else literal(0)
    counted = select(day, hour, Batch.product_id, Delivery.channel, func.count().label("times"))
    query = _live(counted.add_columns(minor.label("minor"))).where(at.is_not(None))
    return query.group_by("day", "hour", Batch.product_id, Delivery.channel)


def _ledger() -> Query:
    day, hour = local_day(Redemption.at).label("day"), local_hour(Redemption.at).label("hour")
    minor = func.sum(func.abs(Redemption.amount_minor)).label("minor")
    by = (Redemption.product_id, Redemption.channel, Redemption.kind)
    return select(day, hour, *by, func.count().label("times"), minor).group_by("day", "hour", *by)


def local_day(at: Any) -> ColumnElement[str]:
    """The merchant's day of an instant, inside SQL."""
    return func.strftime("%Y-%m-%d", _local_seconds(at), "unixepoch")


def local_hour(at: Any) -> ColumnElement[int]:
    return cast(func.strftime("%H", _local_seconds(at), "unixepoch"), Integer)


def _local_seconds(at: Any) -> Any:
    offset = zone().utcoffset(now().replace(tzinfo=None))
    return type_coerce(at, Integer) // 1000 + int(offset.total_seconds() if offset else 0)


def _put(sums: dict[Key, list[int]], key: Key, count: int, minor: int) -> None:
    sums[key][0] += count
    sums[key][1] += minor
