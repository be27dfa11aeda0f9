"""Ids of a list of cards: ranges for untouched stock, SQL for cards with a life of their own.

A million untouched cards are two numbers (first id, count); the ids of a filter are put together from such ranges,
minus the cards that have begun, plus the cards whose row matches.
"""

from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.distribution import Delivery
from app.models.people import Person
from app.services.cards.rows import ENDING_DAYS, CardFilter, CardNames
from app.services.hidden import removed

NONE = np.empty(0, np.int64)
SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "changed_at": Card.changed_at,
    "balance_minor": Card.balance_minor,
    "state": Card.state,
    "holder": Card.person_id,
}


def card_ids(session: Session, wanted: CardFilter, *, sort: str = "serial", descending: bool = True) -> "array[int]":
    """Ids in the order asked for. Cards without a row of their own follow those that have one, unless by serial."""
    by_serial = sort == "serial"
    if by_serial and not _by_card(wanted):
        begun, untouched = NONE, _every(session, wanted)
    else:
        begun = _begun(session, wanted, sort=sort, descending=descending)
        untouched = _untouched(session, wanted)
    packed = array("q", [0]) * (len(begun) + len(untouched))
    if not packed:
        return packed
    ids = np.frombuffer(packed, np.int64)  # all is done in place: every copy of a million ids is 8 MB
    np.concatenate([begun, untouched[::-1] if descending and not by_serial else untouched], out=ids)
    if by_serial:
        if len(begun):
            ids.sort()
        if descending:
            half = len(ids) // 2
            low = ids[:half].copy()
            ids[:half] = ids[: -half - 1 : -1]
            ids[len(ids) - half :] = low[::-1]
    return packed


def names_of(session: Session, wanted: CardFilter) -> CardNames:
    """What stands behind the ids of a filter, also where it leaves no card."""
    batch = session.get(Batch, wanted.batch_id) if wanted.batch_id is not None else None
    product = session.get(Product, wanted.product_id) if wanted.product_id is not None else None
    person = session.get(Person, wanted.person_id) if wanted.person_id is not None else None
    return CardNames(batch.serial if batch else "", product.name if product else "", person.name if person else "")


def _batches(wanted: CardFilter) -> Select[Any]:
    """The batches whose cards can match at all: what is asked of a batch is answered by it once for all its cards.

    Those in the recycle bin are left out, unless it is asked for one of them, or for what a person was given.
    """
    query = select(Batch).where(Batch.state != "generating")
    if wanted.batch_id is None and wanted.person_id is None:
        query = query.where(Batch.id.not_in(removed("batch")))
    if wanted.batch_id is not None:
        query = query.where(Batch.id == wanted.batch_id)
    if wanted.product_id is not None:
        query = query.where(Batch.product_id == wanted.product_id)
    if wanted.validity is not None:
        query = query.where(_validity(wanted.validity, now()))
    if wanted.ends_from is not None:
        query = query.where(Batch.valid_until >= wanted.ends_from)
    if wanted.ends_to is not None:
        query = query.where(Batch.valid_until < wanted.ends_to)
    return query


def _validity(asked: str, at: datetime) -> ColumnElement[bool]:
    """Endless is None; the last second counts."""
    until = Batch.valid_until
    if asked == "endless":
        return until.is_(None)
    if asked == "expired":
        return until <= at
    if asked == "ending":
        return and_(until > at, until <= at + timedelta(days=ENDING_DAYS))
    return and_(or_(until.is_(None), until > at), or_(Batch.valid_from.is_(None), Batch.valid_from <= at))


def _begun(session: Session, wanted: CardFilter, *, sort: str, descending: bool) -> NDArray[np.int64]:
    """Cards that have a row and match; by serial they come as they lie."""
    query = _narrowed(select(Card.id), wanted)
    if wanted.batch_id is None and wanted.person_id is None and session.scalar(removed("batch").limit(1)) is not None:
        query = query.where(Card.batch_id.not_in(removed("batch")))
    column = SORTS.get(sort, Card.id)
    if column is not Card.id:
        query = query.order_by(*((column.desc(), Card.id.desc()) if descending else (column, Card.id)))
    return ids_in(session, query)


def _narrowed(query: Select[Any], wanted: CardFilter) -> Select[Any]:
    if _by_batch(wanted):
        query = query.where(Card.batch_id.in_(_batches(wanted).with_only_columns(Batch.id)))
    if wanted.states:
        query = query.where(Card.state.in_(wanted.states))
    if wanted.person_id is not None:
        query = query.where(Card.person_id == wanted.person_id)
    if wanted.frozen is not None:
        frozen_batches = select(Batch.id).where(Batch.frozen_at.is_not(None))
        frozen = Card.frozen_at.is_not(None) | Card.batch_id.in_(frozen_batches)
        query = query.where(frozen if wanted.frozen else ~frozen)
    if wanted.issued_from is not None or wanted.issued_to is not None:
        query = query.where(Card.id.in_(_issued(wanted)))
    return query


def _by_batch(wanted: CardFilter) -> bool:
    """Whether anything is asked that a batch answers; an unfinished batch has no card with a row."""
    asked = (wanted.batch_id, wanted.product_id, wanted.validity, wanted.ends_from, wanted.ends_to)
    return any(part is not None for part in asked)


def _by_card(wanted: CardFilter) -> bool:
    """Whether anything is asked that cards of one batch may answer differently."""
    asked = (wanted.frozen, wanted.person_id, wanted.issued_from, wanted.issued_to)
    return bool(wanted.states) or any(part is not None for part in asked)


def ids_in(session: Session, query: Select[Any]) -> NDArray[np.int64]:
    """What the query gives as `id`, put together inside SQLite: row by row, a million ids take seconds."""
    found = query.subquery()
    packed = session.scalar(select(func.group_concat(found.c.id)))
    return np.fromstring(packed, np.int64, sep=",") if packed else NONE


def _issued(wanted: CardFilter) -> Select[Any]:
    query = select(Delivery.card_id).where(Delivery.sent_at.is_not(None), Delivery.card_id.is_not(None))
    if wanted.issued_from is not None:
        query = query.where(Delivery.sent_at >= wanted.issued_from)
    if wanted.issued_to is not None:
        query = query.where(Delivery.sent_at < wanted.issued_to)
    return query


def _untouched(session: Session, wanted: CardFilter) -> NDArray[np.int64]:
    """Cards without a row, ascending: the ranges of the batches, less the cards whose own life has begun."""
    if wanted.person_id is not None:
        return NONE
    every = _every(session, wanted, *_untouched_match(wanted))
    if not len(every):
        return every
    begun = select(Card.id)
    if wanted.batch_id is not None:
        begun = begun.where(Card.batch_id == wanted.batch_id)
    elif _by_batch(wanted):
        begun = begun.where(Card.batch_id.in_(_batches(wanted).with_only_columns(Batch.id)))
    lives = ids_in(session, begun)
    at = np.searchsorted(every, lives)
    here = at < len(every)
    here[here] = every[at[here]] == lives[here]
    return np.delete(every, at[here]) if here.any() else every


def _every(session: Session, wanted: CardFilter, *matches: ColumnElement[bool]) -> NDArray[np.int64]:
    """All cards of the batches that match, ascending."""
    found = _batches(wanted).where(*matches).with_only_columns(Batch.first_card_id, Batch.quantity)
    ranges = session.execute(found.order_by(Batch.first_card_id)).all()
    return np.concatenate([NONE, *(np.arange(first, first + count, dtype=np.int64) for first, count in ranges)])


def _untouched_match(wanted: CardFilter) -> Iterator[ColumnElement[bool]]:
    """What a batch must be for its untouched cards to match; they were issued when its codes were released."""
    released = Batch.released_at.is_not(None)
    if wanted.states:
        state = case((Batch.state == "voided", "voided"), (released, "active"), else_="in_stock")  # untouched_state
        yield state.in_(wanted.states)
    if wanted.frozen is not None:
        yield Batch.frozen_at.is_not(None) if wanted.frozen else Batch.frozen_at.is_(None)
    if wanted.issued_from is not None:
        yield Batch.released_at >= wanted.issued_from
    if wanted.issued_to is not None:
        yield Batch.released_at < wanted.issued_to
