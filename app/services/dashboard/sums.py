"""What the dashboard adds up: rollup rows, live cards per batch, and cohorts. Never a row per card in Python."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from app.models.batch import Batch, Card
from app.models.distribution import Delivery, Distribution
from app.models.redemption import DailyFigure
from app.services.dashboard.rows import Period, Sum
from app.services.figures import DIRECT
from app.services.recount import ADJUSTED_MINOR, GONE, ISSUED, LIVE, REDEEMED, cards_of

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
class Counted:
    """Cards, how many of them were redeemed at least in part, what all of them still hold, and what was put onto them
    less what was paid out."""

    count: int = 0
    used: int = 0
    minor: int = 0
    adjusted_minor: int = 0


_COUNTED = (
    func.count(),
    func.coalesce(func.sum(case((REDEEMED, 1), else_=0)), 0),
    func.coalesce(func.sum(Card.balance_minor), 0),
    func.coalesce(func.sum(ADJUSTED_MINOR), 0),
)
"""The columns of Counted, from a card and its batch."""


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
    """Cards that were issued together, and what became of them. What they could give is what was issued and
    `adjusted_minor`, the top-ups less the refunds."""

    at: datetime
    channel: str
    issued: int
    issued_minor: int
    redeemed: int
    redeemed_minor: int
    adjusted_minor: int


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


@dataclass(frozen=True, slots=True)
class BegunCards:
    """Cards of a batch that have a row of their own."""

    count: int = 0
    spent: Counted = Counted()
    live: Counted = Counted()


class Begun:
    """Sums over cards that have a row of their own: read once, however many charts ask for them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._direct: dict[int, Counted] = {}

    @cached_property
    def batches(self) -> dict[int, BegunCards]:
        """Batch id → its cards, found by their ids in one walk through the table: an index by state would be slower."""
        inside = Card.id.between(Batch.first_card_id, Batch.first_card_id + Batch.quantity - 1)
        sums = [func.count(), *_counted(Card.state == "spent"), *_counted(Card.state.in_(LIVE))]
        rows = self._session.execute(select(Batch.id, *sums).join(Card, inside).group_by(Batch.id))
        return {row[0]: BegunCards(row[1], Counted(*row[2:6]), Counted(*row[6:10])) for row in rows}

    def of(self, batch: Any) -> BegunCards:
        return self.batches.get(batch.id, BegunCards())

    def untouched(self, batch: Any) -> int:
        """Cards of a batch without a row; none of a voided one are out."""
        return 0 if batch.state == "voided" else batch.made - self.of(batch).count

    def direct(self, batch: Batch) -> Counted:
        """Cards of a batch that are out by no delivery. A spent card holds nothing."""
        if batch.id not in self._direct:
            live, spent, handed = self.of(batch).live, self.of(batch).spent, self._handed_out(batch)
            self._direct[batch.id] = Counted(
                live.count + spent.count - handed.count,
                live.used + spent.used - handed.used,
                live.minor - handed.minor,
                live.adjusted_minor + spent.adjusted_minor - handed.adjusted_minor,
            )
        return self._direct[batch.id]

    def _handed_out(self, batch: Batch) -> Counted:
        """Those that a delivery accounts for: of a released batch few, so they are found from the deliveries."""
        wanted = (
            select(*_COUNTED)
            .select_from(Delivery)
            .join(Card, Card.id == Delivery.card_id)
            .join(Batch, Batch.id == Card.batch_id)
            .where(
                Delivery.card_id.between(batch.first_card_id, batch.first_card_id + batch.quantity - 1),
                Delivery.state.not_in(GONE),
                Card.state.in_(ISSUED),
            )
        )
        return Counted(*self._session.execute(wanted).one())


def _counted(which: ColumnElement[bool]) -> list[ColumnElement[int]]:
    """The columns of Counted, of some of the cards that are walked through."""
    return [
        func.count().filter(which),
        func.count().filter(which, REDEEMED),
        func.coalesce(func.sum(Card.balance_minor).filter(which), 0),
        func.coalesce(func.sum(ADJUSTED_MINOR).filter(which), 0),
    ]


def live_cards(session: Session, begun: Begun, narrow: Narrow) -> list[Live]:
    """Per batch: cards that are out and not used up or voided. Expired batches are among them."""
    through = None if narrow.channel is None else _live_through(session, narrow)
    batches = select(Batch.id, Batch.product_id, Batch.valid_until, Batch.face_minor, Batch.made, Batch.released_at)
    batches = batches.add_columns(Batch.state)
    if narrow.product_id is not None:
        batches = batches.where(Batch.product_id == narrow.product_id)
    found = []
    for batch in session.execute(batches):
        counted = begun.of(batch).live if through is None else through.get(batch.id, Counted())
        count, minor = counted.count, counted.minor
        if batch.released_at is not None and narrow.with_released:
            untouched = begun.untouched(batch)
            count, minor = count + untouched, minor + untouched * (batch.face_minor or 0)
        if count:
            found.append(Live(batch.id, batch.product_id, batch.valid_until, count, minor))
    return found


def _live_through(session: Session, narrow: Narrow) -> dict[int, Counted]:
    """Batch id → live cards that went out through the channel that is looked at."""
    wanted = select(Card.batch_id, *_COUNTED).join(Batch, Batch.id == Card.batch_id)
    rows = session.execute(wanted.where(Card.state.in_(LIVE), *narrow.cards()).group_by(Card.batch_id))
    return {row[0]: Counted(*row[1:]) for row in rows}


def cohorts(session: Session, begun: Begun, period: Period, narrow: Narrow) -> list[Cohort]:
    """Cards issued in the period: one row for each channel of a distribution, one a released batch."""
    return [*_distributed(session, period, narrow), *_released(session, begun, period, narrow)]


def _distributed(session: Session, period: Period, narrow: Narrow) -> list[Cohort]:
    face, balance = func.coalesce(Batch.face_minor, 0), func.coalesce(Card.balance_minor, 0)
    used = func.sum(case((REDEEMED, 1), else_=0)), func.sum(face + ADJUSTED_MINOR - balance), func.sum(ADJUSTED_MINOR)
    wanted = (
        select(Distribution.created_at, Delivery.channel, func.count(), func.sum(face), *used)
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


def _released(session: Session, begun: Begun, period: Period, narrow: Narrow) -> list[Cohort]:
    if not narrow.with_released:
        return []
    batches = select(Batch).where(Batch.released_at >= period.begin, Batch.released_at < period.end)
    if narrow.product_id is not None:
        batches = batches.where(Batch.product_id == narrow.product_id)
    found = []
    for batch in session.scalars(batches):
        direct, face = begun.direct(batch), batch.face_minor or 0
        issued = direct.count + begun.untouched(batch)
        assert batch.released_at is not None, "asked for above"
        adjusted = direct.adjusted_minor
        redeemed_minor = direct.count * face + adjusted - direct.minor
        found.append(Cohort(batch.released_at, DIRECT, issued, issued * face, direct.used, redeemed_minor, adjusted))
    return found
