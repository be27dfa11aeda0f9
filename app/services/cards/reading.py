"""A page of cards as rows: a few questions in one snapshot, put in words once for all pages."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services.batches import untouched_state
from app.services.cards.codes import CodeReader, serial_of
from app.services.cards.rows import CardRow

BATCHES = (
    select(Batch, Product.name, Product.kind)
    .join(Product, Product.id == Batch.product_id)
    .where(Batch.first_card_id <= bindparam("last"), Batch.first_card_id + Batch.quantity > bindparam("first"))
    .order_by(Batch.first_card_id)
)
LIVES = select(Card, Person.name).outerjoin(Person, Person.id == Card.person_id)
NEIGHBOURS = LIVES.where(Card.id.between(bindparam("first"), bindparam("last")))
"""Cards side by side are asked for as a range, which costs a tenth of a list of them."""
SCATTERED = LIVES.where(Card.id.in_(bindparam("ids", expanding=True)))
SAID = tuple(f"{noun}.{act}@1" for noun in ("batch", "card") for act in ("freeze", "thaw", "void"))
CARD_NO = OutboxOp.body["card_no"].as_integer()
DUE = select(OutboxOp.aggregate, CARD_NO).where(
    OutboxOp.aggregate.in_(bindparam("aggregates", expanding=True)),
    OutboxOp.state.in_(("waiting", "in_flight", "rejected")),
    OutboxOp.type.in_(SAID),
    CARD_NO.is_(None) | CARD_NO.in_(bindparam("numbers", expanding=True)),
)
"""What the endpoint does not know yet, or refused, of cards and their whole batches."""


def card_rows(session: Session, ids: Sequence[int], reader: CodeReader) -> list[CardRow]:
    """Those of `ids` that exist, in their order."""
    if not ids:
        return []
    span = {"first": min(ids), "last": max(ids)}
    known = session.execute(BATCHES, span).all()
    batches = {batch.first_card_id: batch for batch, _, _ in known}
    firsts, ends = list(batches), [first + batch.quantity for first, batch in batches.items()]
    shared = [_untouched(batch, product, kind) for batch, product, kind in known]
    lives = _lives(session, ids, span)
    blocks = reader.codes_of(session, ids, batches)
    rows = []
    for card_id in ids:
        at = bisect_right(firsts, card_id) - 1
        if at < 0 or card_id >= ends[at] or (block := blocks.get(card_id)) is None:
            continue
        tail = block.tail(card_id - firsts[at] - block.first)
        facts = shared[at] if card_id not in lives else shared[at] | _lived(*lives[card_id], shared[at])
        rows.append(CardRow(id=card_id, serial=serial_of(known[at][0], card_id), tail=tail, **facts))
    unheard = _unheard(session, [row for row in rows if row.frozen or row.state == "voided"], list(batches.values()))
    return [replace(row, unheard=True) if row.id in unheard else row for row in rows] if unheard else rows


def _lives(session: Session, ids: Sequence[int], span: dict[str, int]) -> dict[int, tuple[Card, str | None]]:
    """Card id → the card and its holder's name, for the cards whose own life has begun."""
    if span["last"] - span["first"] < 2 * len(ids):
        found = session.execute(NEIGHBOURS, span)
    else:
        found = session.execute(SCATTERED, {"ids": list(ids)})
    return {card.id: (card, holder) for card, holder in found}


def _unheard(session: Session, stopped: Sequence[CardRow], batches: Sequence[Batch]) -> set[int]:
    """Of cards that are frozen or voided those of which the endpoint does not know that; a batch that it does not have
    is redeemed nowhere."""
    known = {batch.id: batch for batch in batches if batch.sealed_at is not None}
    numbers = {row.id: row.id - known[row.batch_id].first_card_id for row in stopped if row.batch_id in known}
    if not numbers:
        return set()
    asked = {"aggregates": [f"batch:{batch_id}" for batch_id in known], "numbers": list(set(numbers.values()))}
    due = {(aggregate, number) for aggregate, number in session.execute(DUE, asked)}
    about = {row.id: f"batch:{row.batch_id}" for row in stopped}
    return {one for one, no in numbers.items() if due.intersection(((about[one], no), (about[one], None)))}


def _untouched(batch: Batch, product: str, kind: str) -> dict[str, Any]:
    """What all cards of a batch share until their own life begins."""
    return {
        "product": product,
        "kind": kind,
        "batch_id": batch.id,
        "batch": batch.serial,
        "state": untouched_state(batch),
        "frozen": batch.frozen_at is not None,
        "expired": batch.valid_until is not None and batch.valid_until <= now(),
        "face_minor": batch.face_minor,
        "balance_minor": batch.face_minor,
        "uses_left": batch.uses,
        "holder": "",
        "holder_id": None,
        "valid_until": batch.valid_until,
        "changed_at": batch.created_at,
    }


def _lived(life: Card, holder: str | None, shared: dict[str, Any]) -> dict[str, Any]:
    """What a card with a life of its own has instead."""
    return {
        "state": life.state,
        "frozen": shared["frozen"] or life.frozen_at is not None,
        "balance_minor": life.balance_minor,
        "uses_left": life.uses_left,
        "holder": holder or "",
        "holder_id": life.person_id,
        "changed_at": life.changed_at,
    }
