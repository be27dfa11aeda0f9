"""What is asked about leases before something is done: which cards are free, how far a freeze reaches, what ran out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.catalog import Product
from app.models.lease import Lease
from app.services.cloud.connection import Pairing, pairing_of
from app.services.cloud.lease_events import LIVE
from app.services.hidden import removed
from app.services.leases.rows import Leasable, Reach
from app.services.line import has_no_line

SUPPLIER = "supplier"
SLACK = timedelta(minutes=5)
"""How far this clock may be behind the endpoint's; one that was set back further must not make a lease longer."""


def leasable(session: Session, at: datetime) -> list[Leasable]:
    """Sealed batches that are neither stopped nor expired nor leased to the last card, newest first."""
    usable = Batch.state == "published", Batch.sealed_at.is_not(None), Batch.frozen_at.is_(None)
    current = Batch.valid_until.is_(None) | (Batch.valid_until > at)
    wanted = select(Batch, Product.name).join(Product, Product.id == Batch.product_id)
    wanted = wanted.where(*usable, current, Product.kind != SUPPLIER, Batch.id.not_in(removed("batch")))
    found = session.execute(wanted.order_by(Batch.id.desc())).all()
    spans = _spans(session)
    made = []
    for batch, product in found:
        first, count = _longest_free(batch, spans.get(batch.id, []))
        if count:
            free_no = first - batch.first_card_id + 1
            made.append(Leasable(batch.id, batch.serial, product, batch.quantity, free_no, count))
    return made


def reach(session: Session, batch_ids: Sequence[int]) -> Reach:
    """Of a freeze that was just made here: this computer minds it at once, whatever it has leased."""
    who = pairing_of(session)
    if who is None:
        return Reach()
    sealed = select(Batch.id).where(Batch.id.in_(batch_ids), Batch.sealed_at.is_not(None))
    there = set(session.scalars(sealed))
    leases = session.scalars(select(Lease).where(Lease.batch_id.in_(there), Lease.state.in_(LIVE)))
    others = {lease.batch_id for lease in leases if not is_mine(lease, who)}
    return Reach(len(others), bool(there) and has_no_line(session))


def ran_out(session: Session, at: datetime) -> int:
    """Open leases of this computer whose time is over."""
    who = pairing_of(session)
    if who is None:
        return 0
    mine = Lease.device_id == who.device_id, Lease.incarnation == who.incarnation
    wanted = select(func.count()).select_from(Lease)
    return session.scalar(wanted.where(*mine, Lease.state == "open", Lease.until <= at)) or 0


def why_idle(session: Session, card_id: int, at: datetime) -> str | None:
    """Why a lease of this computer over a card is not in force here: it ran out, or by this clock it has not begun."""
    who, span = pairing_of(session), (Lease.first_card_id <= card_id, Lease.end_card_id > card_id)
    found = session.scalars(select(Lease).where(*span, Lease.state.in_(LIVE)))
    mine = [lease for lease in found if is_mine(lease, who)]
    if any(lease.state == "open" and lease.taken_at > at + SLACK for lease in mine):
        return "clock-skew"
    return "lease-over" if mine else None


def is_mine(lease: Lease, who: Pairing | None) -> bool:
    return who is not None and (lease.device_id, lease.incarnation) == (who.device_id, who.incarnation)


def _spans(session: Session) -> dict[int, list[tuple[int, int]]]:
    """Batch → spans of card ids under a lease, in order."""
    wanted = select(Lease.batch_id, Lease.first_card_id, Lease.end_card_id).where(Lease.state.in_(LIVE))
    found: dict[int, list[tuple[int, int]]] = {}
    for batch_id, first, end in session.execute(wanted.order_by(Lease.first_card_id)):
        found.setdefault(batch_id, []).append((first, end))
    return found


def _longest_free(batch: Batch, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """First card and length of the longest run between the spans; the earlier of two that are as long."""
    best, at = (batch.first_card_id, 0), batch.first_card_id
    end = batch.first_card_id + batch.quantity
    for first, after in [*spans, (end, end)]:
        if first - at > best[1]:
            best = (at, first - at)
        at = max(at, after)
    return best
