"""Decisions without the endpoint: a use, and taking it back, inside a write transaction of the caller."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import RedemptionRefused
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.batches import is_partial
from app.services.cloud import events
from app.services.cloud.connection import pairing_of
from app.services.cloud.pushing import OPEN
from app.services.cloud.working_set import UNCONFIRMED, Told
from app.services.leases.asking import SLACK
from app.services.leases.rows import Decided, Standing
from app.services.outbox import enqueue
from app.services.settings import stored
from sync.protocol import b64, to_wire
from sync.rules import CardFacts, Wanted, judge
from sync.upcasting import ENTRY

LEASED = "redeem.leased@1"
GONE = ("spent", "voided")
MAY_USE = frozenset({"owner", "manager", "distributor", "clerk", ""})
"""Roles at the endpoint that redeem; empty where none was told yet."""
MAY_UNDO = MAY_USE - {"distributor"}


def lease_over(session: Session, card_id: int, at: datetime) -> Lease | None:
    """The lease under which this computer may decide about the card."""
    return next(
        (lease for lease in own_leases(session, at) if lease.first_card_id <= card_id < lease.end_card_id), None
    )


def own_leases(session: Session, at: datetime) -> list[Lease]:
    """Those of this life of this computer that are open, have begun and have not run out."""
    who = pairing_of(session)
    if who is None:
        return []
    mine = Lease.device_id == who.device_id, Lease.incarnation == who.incarnation
    current = Lease.state == "open", Lease.taken_at <= at + SLACK, Lease.until > at
    return list(session.scalars(select(Lease).where(*mine, *current).order_by(Lease.until)))


def may(session: Session, roles: frozenset[str]) -> bool:
    """Whether this computer's role, as it was heard last, is one of them: a lease decides about cards, not about what
    its counter may do."""
    return str(stored(session, "cloud.role")) in roles


def standing(session: Session, at: datetime) -> Standing:
    leases = own_leases(session, at)
    uses, minor = waiting(session)
    return Standing(
        cards=sum(_usable(session, lease) for lease in leases),
        until=leases[0].until if leases else None,
        uses=uses,
        minor=minor,
        most_uses=int(stored(session, "counter.offline_uses")),
        most_minor=int(stored(session, "counter.offline_minor")),
    )


def waiting(session: Session) -> tuple[int, int]:
    """Uses that were decided here and are not uploaded, less those taken back: how many, and how many fen."""
    op = select(OutboxOp.op_id).where(OutboxOp.type == LEASED, OutboxOp.state.in_(OPEN))
    undone = select(Redemption.reverses).where(Redemption.seq == UNCONFIRMED, Redemption.reverses.is_not(None))
    sums = select(func.count(), func.coalesce(func.sum(Redemption.amount_minor), 0))
    row = session.execute(sums.where(Redemption.id.in_(op), Redemption.id.not_in(undone))).one()
    return int(row[0]), int(row[1])


def verdict(session: Session, card_id: int, at: datetime) -> str | None:
    """Why nothing may be redeemed from the card: a problem key of the protocol; None when this computer may."""
    lease = lease_over(session, card_id, at)
    if lease is None:
        return "no-lease"
    if not may(session, MAY_USE):
        return "forbidden"
    facts = facts_of(session, session.get_one(Batch, lease.batch_id), session.get(Card, card_id))
    return judge(facts, Wanted(), at) or ("shift-limit" if standing(session, at).is_spent else None)


def why_not(session: Session, card_id: int, wanted: Wanted, at: datetime, *, over: bool = False) -> str | None:
    """The same for so much of it; `over`: whatever the limit of what may wait."""
    lease = lease_over(session, card_id, at)
    if lease is None:
        return "no-lease"
    if not may(session, MAY_USE):
        return "forbidden"
    facts = facts_of(session, session.get_one(Batch, lease.batch_id), session.get(Card, card_id))
    reason = judge(facts, wanted, at)
    if reason is not None or over:
        return reason
    stand = standing(session, at)
    amount = (facts.balance_minor or 0) if wanted.amount_minor is None else wanted.amount_minor
    if stand.uses + 1 > stand.most_uses or (facts.money and stand.minor + amount > stand.most_minor):
        return "shift-limit"
    return None


def decide(session: Session, card_id: int, *, d: bytes, wanted: Wanted, place: str, over: bool = False) -> Decided:
    """Take from a card that this computer has leased: entry, card, figures, and the op that tells it, together.

    `over`: a manager lets it go beyond the limit of what may wait. Raises RedemptionRefused.
    """
    at = now()
    reason = why_not(session, card_id, wanted, at, over=over)
    lease = lease_over(session, card_id, at)
    if reason is not None or lease is None:
        raise RedemptionRefused(reason or "no-lease", _left(session, card_id, reason))
    batch = session.get_one(Batch, lease.batch_id)
    facts = facts_of(session, batch, session.get(Card, card_id))
    amount = (wanted.amount_minor or facts.balance_minor or 0) if facts.money else 0
    uses = 0 if facts.money else wanted.uses or 1
    body = {
        "d": b64(d),
        "lease_id": lease.id,
        "incarnation": lease.incarnation,
        "amount_minor": amount if facts.money else None,
        "uses": None if facts.money else uses,
        "at": to_wire(at),
        "place": place,
    }
    op_id = enqueue(session, LEASED, aggregate=f"lease:{lease.id}", body=body)
    left_minor = None if facts.balance_minor is None else facts.balance_minor - amount
    left_uses = None if facts.money else facts.uses_left - uses
    done = Decided(op_id, amount, uses, left_minor, left_uses, at)
    _book(session, batch, card_id, done, {"entry": "counter", "place": place, "lease_id": lease.id})
    return done


def take_back(session: Session, entry: Redemption, *, reason: str) -> Decided:
    """Give back what a use under a lease of this computer took. Raises RedemptionRefused."""
    at = now()
    lease = lease_over(session, entry.card_id, at)
    if lease is None or lease.id != entry.lease_id:
        raise RedemptionRefused("no-lease")
    if not may(session, MAY_UNDO):
        raise RedemptionRefused("forbidden")
    if session.scalar(select(Redemption.id).where(Redemption.reverses == entry.id)) is not None:
        raise RedemptionRefused("already-reversed")
    batch = session.get_one(Batch, lease.batch_id)
    facts = facts_of(session, batch, session.get(Card, entry.card_id))
    body = {"redemption_id": entry.id, "reason": reason, "lease_id": lease.id, "undone_at": to_wire(at)}
    op_id = enqueue(session, "reverse@1", aggregate=f"lease:{lease.id}", body=body)
    left_minor = None if facts.balance_minor is None else facts.balance_minor + entry.amount_minor
    left_uses = None if facts.money else facts.uses_left + entry.uses
    done = Decided(op_id, -entry.amount_minor, -entry.uses, left_minor, left_uses, at)
    _book(session, batch, entry.card_id, done, {"reverses": entry.id, "reason": reason})
    return done


def _book(session: Session, batch: Batch, card_id: int, done: Decided, more: dict[str, Any]) -> None:
    """As the event will, which the endpoint makes of it."""
    body = {
        "batch_id": str(UUID(bytes=batch.uid)),
        "card_no": card_id - batch.first_card_id,
        "amount_minor": done.amount_minor,
        "uses": done.uses,
        "remaining_minor": done.remaining_minor,
        "remaining_uses": done.remaining_uses,
        "device_class": "desktop",
    }
    type_ = "reversed@1" if "reverses" in more else "redeemed@1"
    events.book(session, batch, Told(UNCONFIRMED, type_, done.op_id, done.at, ENTRY | body | more))


def facts_of(session: Session, batch: Batch, card: Card | None) -> CardFacts:
    """As the vault knows them: everything the endpoint decided before the lease was heard with it."""
    return CardFacts(
        card_state=card.state if card is not None and card.state in GONE else "active",
        card_frozen=card is not None and card.frozen_at is not None,
        batch_frozen=batch.frozen_at is not None,
        ended=batch.state == "voided" or (card is not None and card.voided_at is not None),
        sealed=batch.sealed_at is not None,
        money=batch.face_minor is not None,
        partial=is_partial(session, batch, session.get_one(Product, batch.product_id)),
        balance_minor=batch.face_minor if card is None else card.balance_minor,
        uses_left=batch.uses if card is None else card.uses_left,
        valid_from=batch.valid_from,
        valid_until=batch.valid_until,
    )


def _left(session: Session, card_id: int, reason: str | None) -> int | None:
    if reason != "insufficient-balance":
        return None
    card = session.get(Card, card_id)
    return None if card is None else card.balance_minor


def _usable(session: Session, lease: Lease) -> int:
    """Cards under the lease that hold something."""
    span = Card.id >= lease.first_card_id, Card.id < lease.end_card_id
    stopped = select(func.count()).where(*span, (Card.state.in_(GONE)) | Card.frozen_at.is_not(None))
    batch = session.get_one(Batch, lease.batch_id)
    if batch.frozen_at is not None or batch.state == "voided":
        return 0
    return lease.end_card_id - lease.first_card_id - (session.scalar(stopped) or 0)
