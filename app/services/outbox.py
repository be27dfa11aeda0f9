"""The queue toward the endpoint: an op is put down in the transaction of its local effect, with an id kept for ever."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.outbox import OutboxOp
from sync.protocol import new_op_id


def enqueue(
    session: Session, type_: str, *, aggregate: str, body: dict[str, Any], lane: str = "ops", op_id: str = ""
) -> str:
    """Put an op in the queue; its id, which is a new one unless it was asked already. The caller's transaction must
    name Topic.OUTBOX."""
    op_ids = [op_id or new_op_id()]
    _put(session, type_, aggregate=aggregate, bodies=[body], lane=lane, op_ids=op_ids)
    return op_ids[0]


def enqueue_many(
    session: Session, type_: str, *, aggregate: str, bodies: Sequence[dict[str, Any]], lane: str = "ops"
) -> list[str]:
    """The same for many ops of one kind and one aggregate, in the order of their bodies."""
    op_ids = [new_op_id() for _ in bodies]
    _put(session, type_, aggregate=aggregate, bodies=bodies, lane=lane, op_ids=op_ids)
    return op_ids


def _put(
    session: Session,
    type_: str,
    *,
    aggregate: str,
    bodies: Sequence[dict[str, Any]],
    lane: str,
    op_ids: Sequence[str],
) -> None:
    common = {"type": type_, "aggregate": aggregate, "lane": lane, "state": "waiting", "created_at": now()}
    rows = [common | {"op_id": op_id, "body": body} for op_id, body in zip(op_ids, bodies, strict=True)]
    if rows:
        session.execute(insert(OutboxOp), rows)
