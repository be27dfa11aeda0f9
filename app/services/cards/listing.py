"""Ids of a list of cards: ranges for untouched stock, SQL for cards with a life of their own.

A million untouched cards are two numbers (first id, count); the ids of a filter are put together from such ranges,
minus the cards that have begun, plus the cards whose row matches.
"""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models.batch import Batch, Card
from app.models.distribution import Delivery
from app.services.batches import untouched_state
from app.services.cards.rows import CardFilter

SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "serial": Card.id,
    "changed_at": Card.changed_at,
    "balance_minor": Card.balance_minor,
    "state": Card.state,
    "holder": Card.person_id,
}


def card_ids(session: Session, wanted: CardFilter, *, sort: str = "serial", descending: bool = True) -> "array[int]":
    """Ids in the order asked for. Cards without a row of their own follow those that have one, unless by serial."""
    batches = _batches(session, wanted)
    begun = _begun(session, wanted, batches)(sort, descending)
    untouched = _untouched(session, wanted, batches)
    packed = array("q", [0]) * (len(begun) + len(untouched))
    if not packed:
        return packed
    ids = np.frombuffer(packed, np.int64)  # all is done in place: every copy of a million ids is 8 MB
    by_serial = sort == "serial"
    np.concatenate([begun, untouched[::-1] if descending and not by_serial else untouched], out=ids)
    if by_serial:
        ids.sort()
        if descending:
            half = len(ids) // 2
            low = ids[:half].copy()
            ids[:half] = ids[: -half - 1 : -1]
            ids[len(ids) - half :] = low[::-1]
    return packed


def _batches(session: Session, wanted: CardFilter) -> list[Batch]:
    query = select(Batch).where(Batch.state != "generating").order_by(Batch.first_card_id)
    if wanted.batch_id is not None:
        query = query.where(Batch.id == wanted.batch_id)
    if wanted.product_id is not None:
        query = query.where(Batch.product_id == wanted.product_id)
    return list(session.scalars(query))


class _begun:  # noqa: N801  # reads as the set it stands for
    """Cards that have a row and match."""

    def __init__(self, session: Session, wanted: CardFilter, batches: list[Batch]) -> None:
        self._session = session
        self._query = _narrowed(select(Card.id), wanted, batches)

    def __call__(self, sort: str, descending: bool) -> NDArray[np.int64]:
        column = SORTS.get(sort, SORTS["serial"])
        order = (column.desc(), Card.id.desc()) if descending else (column, Card.id)
        return np.fromiter(self._session.scalars(self._query.order_by(*order)), np.int64)


def _narrowed(query: Select[Any], wanted: CardFilter, batches: Iterable[Batch]) -> Select[Any]:
    if wanted.batch_id is not None or wanted.product_id is not None:
        query = query.where(Card.batch_id.in_([batch.id for batch in batches]))
    if wanted.states:
        query = query.where(Card.state.in_(wanted.states))
    if wanted.person_id is not None:
        query = query.where(Card.person_id == wanted.person_id)
    if wanted.frozen is not None:
        frozen_batches = [batch.id for batch in batches if batch.frozen_at is not None]
        frozen = Card.frozen_at.is_not(None) | Card.batch_id.in_(frozen_batches)
        query = query.where(frozen if wanted.frozen else ~frozen)
    if wanted.issued_from is not None or wanted.issued_to is not None:
        query = query.where(Card.id.in_(_issued(wanted)))
    return query


def _issued(wanted: CardFilter) -> Select[Any]:
    query = select(Delivery.card_id).where(Delivery.sent_at.is_not(None), Delivery.card_id.is_not(None))
    if wanted.issued_from is not None:
        query = query.where(Delivery.sent_at >= wanted.issued_from)
    if wanted.issued_to is not None:
        query = query.where(Delivery.sent_at < wanted.issued_to)
    return query


def _untouched(session: Session, wanted: CardFilter, batches: list[Batch]) -> NDArray[np.int64]:
    """Cards without a row, ascending."""
    if wanted.person_id is not None:
        return np.empty(0, np.int64)
    ranges = [np.empty(0, np.int64)]
    for batch in batches:
        if wanted.states and untouched_state(batch) not in wanted.states:
            continue
        if wanted.frozen is not None and (batch.frozen_at is not None) != wanted.frozen:
            continue
        if not _released_within(batch, wanted):
            continue
        every = np.arange(batch.first_card_id, batch.first_card_id + batch.quantity, dtype=np.int64)
        lives = np.fromiter(session.scalars(select(Card.id).where(Card.batch_id == batch.id)), np.int64)
        ranges.append(np.delete(every, lives - batch.first_card_id) if len(lives) else every)
    return np.concatenate(ranges)


def _released_within(batch: Batch, wanted: CardFilter) -> bool:
    """Untouched cards were issued when their batch's codes were released."""
    if wanted.issued_from is None and wanted.issued_to is None:
        return True
    if batch.released_at is None:
        return False
    after = wanted.issued_from is None or batch.released_at >= wanted.issued_from
    return after and (wanted.issued_to is None or batch.released_at < wanted.issued_to)
