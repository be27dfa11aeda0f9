"""Taking cards from stock and putting them back: the scarce thing, taken by conditional updates only.

What is counted and taken is a product, and of it one face where a face is asked for: the batches of a variable-value
product differ in it.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.orm import Session

from app.errors import NotEnoughCards
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.words import end_of_day, yuan

USABLE = ("ready", "published")
CHUNK = 20_000


def stock_of(session: Session, product_id: int, face_minor: int | None = None) -> int:
    """Cards of a product, or of it with this face, that `take` could hand out now."""
    return sum(count for _, count in faces_of(session, product_id, face_minor))


def faces_of(session: Session, product_id: int, face_minor: int | None = None) -> list[tuple[int | None, int]]:
    """(face, cards) in the order in which `take` hands them out."""
    return [
        (batch.face_minor, len(_returned(session, batch, None)) + _untouched(session, batch))
        for batch in _batches(session, product_id, face_minor)
    ]


def next_valid_until(session: Session, product: Product, face_minor: int | None = None) -> datetime | None:
    """Until when the card is good that `take` would hand out next; with none in stock, one that was made now."""
    for batch in _batches(session, product.id, face_minor):
        if _returned(session, batch, 1) or _untouched(session, batch):
            return batch.valid_until
    if product.valid_until is None and product.valid_days:
        return end_of_day(now() + timedelta(days=product.valid_days))
    return product.valid_until


def take(session: Session, product_id: int, people: Sequence[int], face_minor: int | None = None) -> list[int]:
    """One card for each person id, in order, oldest batch first; the cards become `assigned`. Card ids.

    Raises NotEnoughCards and takes nothing: the caller's transaction rolls back.
    """
    ids: list[int] = []
    for batch in _batches(session, product_id, face_minor):
        missing = len(people) - len(ids)
        if not missing:
            break
        back = _returned(session, batch, missing)
        _take_back(session, back, people[len(ids) : len(ids) + len(back)])
        ids += back
        fresh = _advance(session, batch, len(people) - len(ids))
        _begin_life(session, batch, fresh, people[len(ids) : len(ids) + len(fresh)])
        ids += fresh
    if len(ids) < len(people):
        raise NotEnoughCards(len(ids), len(people), label_of(session.get_one(Product, product_id).name, face_minor))
    return ids


def label_of(product: str, face_minor: int | None) -> str:
    """A product as it is told apart: one face of it with its amount."""
    return product if face_minor is None else f"{product} {yuan(face_minor)}"


def put_back(session: Session, card_ids: Sequence[int]) -> None:
    """Assigned cards whose code nobody has seen return to stock."""
    for start in range(0, len(card_ids), 500):
        session.execute(
            update(Card)
            .where(Card.id.in_(card_ids[start : start + 500]), Card.state.in_(("assigned", "active")))
            .values(state="in_stock", person_id=None, changed_at=now())
        )


def life_of(batch: Batch, card_id: int, **values: Any) -> dict[str, Any]:
    """The row of a card at the moment its own life begins."""
    return {
        "id": card_id,
        "batch_id": batch.id,
        "state": "in_stock",
        "frozen_at": None,
        "voided_at": None,
        "balance_minor": batch.face_minor,
        "uses_left": batch.uses,
        "person_id": None,
        "changed_at": now(),
        "adjusted": 0,
    } | values


def _batches(session: Session, product_id: int, face_minor: int | None) -> list[Batch]:
    at = now()
    wanted = (
        select(Batch)
        .where(
            Batch.product_id == product_id,
            Batch.state.in_(USABLE),
            Batch.frozen_at.is_(None),
            Batch.released_at.is_(None),
            (Batch.valid_until.is_(None)) | (Batch.valid_until > at),
        )
        .order_by(Batch.id)
    )
    if face_minor is not None:
        wanted = wanted.where(Batch.face_minor == face_minor)
    return list(session.scalars(wanted))


def _returned(session: Session, batch: Batch, limit: int | None) -> list[int]:
    wanted = select(Card.id).where(Card.batch_id == batch.id, Card.state == "in_stock", Card.frozen_at.is_(None))
    return list(session.scalars(wanted.order_by(Card.id).limit(limit)))


def _untouched(session: Session, batch: Batch) -> int:
    first = batch.first_card_id + batch.taken
    begun = session.query(Card).where(Card.batch_id == batch.id, Card.id >= first).count()
    return batch.quantity - batch.taken - begun


def _advance(session: Session, batch: Batch, wanted: int) -> list[int]:
    """Move the batch's mark past the next untouched cards; the one conditional UPDATE that hands them out."""
    if wanted <= 0:
        return []
    first, end = batch.first_card_id + batch.taken, batch.first_card_id + batch.quantity
    begun = set(session.scalars(select(Card.id).where(Card.batch_id == batch.id, Card.id >= first)))
    fresh: list[int] = []
    card_id = first
    while card_id < end and len(fresh) < wanted:
        if card_id not in begun:
            fresh.append(card_id)
        card_id += 1
    won = session.execute(
        update(Batch)
        .where(Batch.id == batch.id, Batch.taken == batch.taken)
        .values(taken=card_id - batch.first_card_id)
        .execution_options(synchronize_session=False)
    )
    session.expire(batch)
    return fresh if won.rowcount == 1 else []  # type: ignore[attr-defined]


def _begin_life(session: Session, batch: Batch, cards: Sequence[int], people: Sequence[int]) -> None:
    """The rows are made inside SQLite from pairs (card, person): that takes a third of the time."""
    life, columns = life_of(batch, 0, state="assigned"), Card.__table__.c
    for start in range(0, len(cards), CHUNK):
        some = list(zip(cards[start : start + CHUNK], people[start : start + CHUNK], strict=True))
        pair = func.json_each(json.dumps(some)).table_valued("value").c.value
        row: dict[str, Any] = {name: literal(value, columns[name].type) for name, value in life.items()}
        row |= {"id": func.json_extract(pair, "$[0]"), "person_id": func.json_extract(pair, "$[1]")}
        session.execute(insert(Card).from_select(list(row), select(*row.values())))


def _take_back(session: Session, cards: Sequence[int], people: Sequence[int]) -> None:
    for card, person in zip(cards, people, strict=True):
        session.execute(
            update(Card)
            .where(Card.id == card, Card.state == "in_stock")
            .values(state="assigned", person_id=person, changed_at=now())
        )
