"""Finding batches: narrowed, sorted and counted in SQL, names apart; one page of them becomes rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.outbox import OutboxOp
from app.services.batches.rows import BatchFilter, BatchName, BatchRow, Counts
from app.services.hidden import removed
from app.services.people.pinyin import spelled

STATE = case((Batch.state == "voided", Batch.state), (Batch.frozen_at.is_not(None), "frozen"), else_=Batch.state)
"""State as listed: frozen is a flag of its own in the file."""
SORTS: dict[str, ColumnElement[Any]] = {
    "created_at": Batch.created_at.expression,
    "product": Product.name.expression,
    "quantity": Batch.quantity.expression,
    "serial": Batch.serial.expression,
}
MOST_VARIABLES = 500
STOPPED = ("frozen", "voided")
SAID = ("batch.freeze@1", "batch.thaw@1", "batch.void@1")


def narrowed(wanted: BatchFilter, *, sort: str, descending: bool) -> Select[Any]:
    """Ids of those that match, in the order of the list."""
    column = SORTS[sort]
    order = (column.desc(), Batch.id.desc()) if descending else (column, Batch.id)
    query = select(Batch.id).join(Product, Product.id == Batch.product_id).order_by(*order)
    query = query.where(Batch.id.not_in(removed("batch")))
    if wanted.product_id is not None:
        query = query.where(Batch.product_id == wanted.product_id)
    if wanted.states:
        query = query.where(_in_state(wanted.states))
    if wanted.made_from is not None:
        query = query.where(Batch.created_at >= wanted.made_from)
    if wanted.made_to is not None:
        query = query.where(Batch.created_at < wanted.made_to)
    return query


def in_order(session: Session, wanted: BatchFilter, *, sort: str, descending: bool) -> list[int]:
    """The same ids; what Chinese words are ordered by, no database knows."""
    query = narrowed(wanted, sort=sort, descending=descending)
    if sort != "product":
        return list(session.scalars(query))
    rows = sorted(
        session.execute(query.add_columns(Product.name)), key=lambda row: (spelled(row[1]), row[0]), reverse=descending
    )
    return [row[0] for row in rows]


def _in_state(states: Sequence[str]) -> ColumnElement[bool]:
    """`expired` follows from time and goes with any other state."""
    asked = STATE.in_(states)
    return or_(asked, Batch.valid_until <= now()) if "expired" in states else asked


def rows_of(session: Session, ids: Sequence[int]) -> list[BatchRow]:
    """Those of `ids` that exist, in their order."""
    wanted = select(Batch, Product.name, Product.kind).join(Product, Product.id == Batch.product_id)
    found: dict[int, BatchRow] = {}
    for start in range(0, len(ids), MOST_VARIABLES):
        part = ids[start : start + MOST_VARIABLES]
        lives = _lives(session, part)
        rows = session.execute(wanted.where(Batch.id.in_(part)))
        found |= {batch.id: _row(batch, product, kind, lives.get(batch.id, {})) for batch, product, kind in rows}
    for batch_id in _unheard(session, [row for row in found.values() if row.state in STOPPED and row.sealed_at]):
        found[batch_id] = replace(found[batch_id], unheard=True)
    return [found[batch_id] for batch_id in ids if batch_id in found]


def _unheard(session: Session, stopped: Sequence[BatchRow]) -> list[int]:
    """Those of which the last word is not at the endpoint; batches that it does not have are redeemed nowhere."""
    known = {f"batch:{row.id}": row.id for row in stopped}
    last: dict[str, str] = {}
    aggregates = list(known)
    for start in range(0, len(aggregates), MOST_VARIABLES):
        ops = select(OutboxOp.aggregate, OutboxOp.state).where(OutboxOp.type.in_(SAID))
        part = aggregates[start : start + MOST_VARIABLES]
        asked = ops.where(OutboxOp.aggregate.in_(part)).order_by(OutboxOp.id)
        last |= dict(session.execute(asked).all())
    return [known[name] for name, state in last.items() if state != "applied"]


def named(session: Session, text: str, limit: int) -> list[BatchName]:
    """Newest first: those whose serial or whose product has the text in it; all for an empty one."""
    wanted = (
        select(Batch.id, Batch.serial, Product.name)
        .join(Product, Product.id == Batch.product_id)
        .where(Batch.state != "generating", Batch.id.not_in(removed("batch")))
        .order_by(Batch.id.desc())
        .limit(limit)
    )
    typed = text.strip()
    if typed:
        serial = Batch.serial.icontains(typed, autoescape=True)
        wanted = wanted.where(or_(serial, Product.name.icontains(typed, autoescape=True)))
    return [BatchName(*row) for row in session.execute(wanted)]


def _lives(session: Session, batch_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Cards with a row of their own, per batch and state."""
    wanted = select(Card.batch_id, Card.state, func.count()).group_by(Card.batch_id, Card.state)
    wanted = wanted.where(Card.batch_id.in_(batch_ids))
    lives: dict[int, dict[str, int]] = {}
    for batch, state, count in session.execute(wanted):
        lives.setdefault(batch, {})[state] = count
    return lives


def _row(batch: Batch, product: str, kind: str, lives: dict[str, int]) -> BatchRow:
    untouched = batch.made - sum(lives.values())
    counts = dict.fromkeys(("in_stock", "assigned", "active", "spent", "voided"), 0) | lives
    counts[untouched_state(batch)] += untouched
    state = "frozen" if batch.frozen_at is not None and batch.state != "voided" else batch.state
    return BatchRow(
        **{
            name: getattr(batch, name)
            for name in BatchRow.__dataclass_fields__
            if hasattr(Batch, name) and name != "state"
        },
        product=product,
        kind=kind,
        state=state,
        expired=batch.valid_until is not None and batch.valid_until <= now(),
        counts=Counts(**counts),
    )


def untouched_state(batch: Batch) -> str:
    """State of the cards of a batch that have no row of their own."""
    if batch.state == "voided":
        return "voided"
    return "active" if batch.released_at is not None else "in_stock"
