"""What may be put onto a card or paid out, as the vault knows it, before anybody asks the endpoint, which decides."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.services.batches import untouched_state
from app.services.cards.codes import batch_of, batches_of, serial_of
from app.services.catalog import most_on_a_card
from app.services.cloud.connection import pairing_of
from app.services.cloud.lease_events import LIVE
from app.services.cloud.pushing import OPEN
from app.services.leases.deciding import facts_of
from app.services.redemptions.rows import Payable
from sync.rules import CardFacts, Wanted, judge_refund, judge_top_up

ENTRIES = ("redeem@1", "redeem.leased@1", "reverse@1", "card.topup@1", "card.refund@1")
"""Ops that make an entry of the ledger."""


def payable(session: Session, card_id: int) -> Payable:
    """Raises NotFound."""
    batch = batch_of(card_id, batches_of(session, [card_id]))
    if batch is None:
        raise NotFound("card", str(card_id))
    product, card = session.get_one(Product, batch.product_id), session.get(Card, card_id)
    facts = facts_of(session, batch, card)
    nobody = _nobody(session, batch, card, product)
    rule = most_on_a_card(form=product.form, named=product.named) if facts.money else None
    return Payable(
        card_id=card_id,
        serial=serial_of(batch, card_id),
        product=product.name,
        balance_minor=facts.balance_minor,
        uses_left=facts.uses_left,
        rule=rule[0] if rule else None,
        most_minor=rule[1] if rule else None,
        top_up_reason=nobody or judge_top_up(facts, now()),
        refund_reason=nobody or _no_refund(session, card_id, facts),
    )


def is_untold(session: Session, batch: Batch) -> bool:
    """Whether the endpoint has still to hear of entries of the batch: it would pay out what is used up already."""
    waiting = OutboxOp.aggregate == f"batch:{batch.id}", OutboxOp.state.in_((*OPEN, "rejected"))
    entries = OutboxOp.type.in_(ENTRIES)
    return session.scalar(select(OutboxOp.id).where(*waiting, entries).limit(1)) is not None


def _nobody(session: Session, batch: Batch, card: Card | None, product: Product) -> str | None:
    """Why neither is possible with such a card at all."""
    if product.kind == "supplier":
        return "supplier-redeems"
    if pairing_of(session) is None:
        return "no-endpoint"
    state = card.state if card is not None else untouched_state(batch)
    return "in-stock" if state == "in_stock" else None


def _no_refund(session: Session, card_id: int, facts: CardFacts) -> str | None:
    reason = judge_refund(facts, Wanted())
    leased = select(Lease.id).where(Lease.first_card_id <= card_id, Lease.end_card_id > card_id, Lease.state.in_(LIVE))
    return reason or ("card-leased" if session.scalar(leased.limit(1)) is not None else None)
