"""What the dashboard adds up: rollup rows, live cards per batch, and cohorts. Never a row per card in Python."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.models.batch import Batch, Card
from app.models.distribution import Delivery, Distribution
from app.models.redemption import DailyFigure
from app.services.dashboard.rows import Period, Sum
from app.services.figures import DIRECT
from app.services.recount import GONE, ISSUED, LIVE, REDEEMED, cards_of, handed_out

Total = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which product and channel are looked at; None is all."""

    product_id: int | None = None
    channel: str | None = None

    def figures(self) -> list[ColumnElement[bool]]:
        chosen: list[ColumnElement[bool]] = []
        if self.product_id is not None:
            chosen.append(DailyFigure.product_id == self.product_id)
        if self.channel is not None:
            chosen.append(DailyFigure.channel == self.channel)
        return chosen

    def cards(self) -> list[ColumnElement[bool]]:
        """Conditions on a card and its batch."""
        return cards_of(self.product_id, self.channel)

    @property
    def with_released(self) -> bool:
        """Cards that went out by no distribution belong to the channel `direct`."""
        return self.channel in (None, DIRECT)


@dataclass(frozen=True, slots=True)
class Live:
    """The live cards of one batch, expired or not, and what they still hold."""

    batch_id: int
    product_id: int
    valid_until: datetime | None
    count: int
    minor: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """Cards that were issued together, and what became of them."""

    at: datetime
    channel: str
    issued: int
    issued_minor: int
    redeemed: int
    redeemed_minor: int


def totals(session: Session, period: Period, narrow: Narrow, *by: Any) -> dict[tuple[Any, ...], Total]:
    """(metric, *by) → (count, fen) over a period's rollup rows."""
    sums = (func.sum(DailyFigure.count), func.sum(DailyFigure.amount_minor))
    wanted = (
        select(DailyFigure.metric, *by, *sums)
        .where(DailyFigure.day.between(period.first_day.isoformat(), period.last_day.isoformat()), *narrow.figures())
        .group_by(DailyFigure.metric, *by)
    )
    return {tuple(row[:-2]): (int(row[-2]), int(row[-1])) for row in session.execute(wanted)}


def net(found: dict[tuple[Any, ...], Total], *by: Any) -> Sum:
    """Redemptions less reversals."""
    count, minor = found.get(("redeemed", *by), (0, 0))
    back, back_minor = found.get(("reversed", *by), (0, 0))
    return Sum(count - back, minor - abs(back_minor))


def holds_money(session: Session, narrow: Narrow) -> bool:
    """Whether a batch of what is looked at has a face value; with no batch at all, amounts are zero and no riddle."""
    faces = select(Batch.face_minor.is_not(None)).distinct()
    if narrow.product_id is not None:
        faces = faces.where(Batch.product_id == narrow.product_id)
    found = set(session.scalars(faces))
    return not found or True in found


def live_cards(session: Session, narrow: Narrow) -> list[Live]:
    """Per batch: cards that are out and not used up or voided. Expired batches are among them."""
    wanted = (
        select(Card.batch_id, func.count(), func.sum(func.coalesce(Card.balance_minor, 0)))
        .join(Batch, Batch.id == Card.batch_id)
        .where(Card.state.in_(LIVE), *narrow.cards())
        .group_by(Card.batch_id)
    )
    held: dict[int, Total] = {row[0]: (row[1], int(row[2])) for row in session.execute(wanted)}
    begun = _begun(session)
    batches = select(Batch.id, Batch.product_id, Batch.valid_until, Batch.face_minor, Batch.made, Batch.released_at)
    batches = batches.add_columns(Batch.state)
    if narrow.product_id is not None:
        batches = batches.where(Batch.product_id == narrow.product_id)
    found = []
    for batch in session.execute(batches):
        count, minor = held.get(batch.id, (0, 0))
        if batch.released_at is not None and batch.state != "voided" and narrow.with_released:
            untouched = batch.made - begun.get(batch.id, 0)
            count, minor = count + untouched, minor + untouched * (batch.face_minor or 0)
        if count:
            found.append(Live(batch.id, batch.product_id, batch.valid_until, count, minor))
    return found


def cohorts(session: Session, period: Period, narrow: Narrow) -> list[Cohort]:
    """Cards issued in the period: one row for each channel of a distribution, one a released batch."""
    return [*_distributed(session, period, narrow), *_released(session, period, narrow)]


def _distributed(session: Session, period: Period, narrow: Narrow) -> list[Cohort]:
    wanted = (
        select(Distribution.created_at, Delivery.channel, *_card_sums())
        .select_from(Delivery)
        .join(Distribution, Distribution.id == Delivery.distribution_id)
        .join(Card, Card.id == Delivery.card_id)
        .join(Batch, Batch.id == Card.batch_id)
        .where(
            Distribution.created_at >= period.begin,
            Distribution.created_at < period.end,
            Delivery.state.not_in(GONE),
            Card.state != "voided",
        )
        .group_by(Distribution.id, Delivery.channel)
    )
    if narrow.product_id is not None:
        wanted = wanted.where(Batch.product_id == narrow.product_id)
    if narrow.channel is not None:
        wanted = wanted.where(Delivery.channel == narrow.channel)
    return [Cohort(*row) for row in session.execute(wanted)]


def _released(session: Session, period: Period, narrow: Narrow) -> list[Cohort]:
    if not narrow.with_released:
        return []
    batches = select(Batch).where(Batch.released_at >= period.begin, Batch.released_at < period.end)
    if narrow.product_id is not None:
        batches = batches.where(Batch.product_id == narrow.product_id)
    begun, found = _begun(session), []
    for batch in session.scalars(batches):
        sums = (
            select(*_card_sums())
            .select_from(Card)
            .join(Batch, Batch.id == Card.batch_id)
            .where(Card.batch_id == batch.id, Card.state.in_(ISSUED), ~handed_out())
        )
        issued, minor, redeemed, redeemed_minor = session.execute(sums).one()
        untouched = batch.made - begun.get(batch.id, 0) if batch.state != "voided" else 0
        minor = (minor or 0) + untouched * (batch.face_minor or 0)
        assert batch.released_at is not None, "asked for above"
        found.append(
            Cohort(batch.released_at, DIRECT, issued + untouched, minor, redeemed or 0, redeemed_minor or 0),
        )
    return found


def _card_sums() -> tuple[Any, ...]:
    face, balance = func.coalesce(Batch.face_minor, 0), func.coalesce(Card.balance_minor, 0)
    return (func.count(), func.sum(face), func.sum(case((REDEEMED, 1), else_=0)), func.sum(face - balance))


def _begun(session: Session) -> dict[int, int]:
    """Batch id → cards that have a row of their own."""
    return dict(session.execute(select(Card.batch_id, func.count()).group_by(Card.batch_id)).all())
