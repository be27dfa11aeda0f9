"""The queue toward the endpoint: an op is put down in the transaction of its local effect, with an id kept for ever."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.outbox import OutboxOp
from sync.protocol import new_op_id


def enqueue(session: Session, type_: str, *, aggregate: str, body: dict[str, Any], lane: str = "ops") -> str:
    """Put an op in the queue; its id. The caller's transaction must name Topic.OUTBOX."""
    return enqueue_many(session, type_, aggregate=aggregate, bodies=[body], lane=lane)[0]


def enqueue_many(
    session: Session, type_: str, *, aggregate: str, bodies: Sequence[dict[str, Any]], lane: str = "ops"
) -> list[str]:
    """The same for many ops of one kind and one aggregate, in the order of their bodies."""
    common = {"type": type_, "aggregate": aggregate, "lane": lane, "state": "waiting", "created_at": now()}
    op_ids = [new_op_id() for _ in bodies]
    rows = [common | {"op_id": op_id, "body": body} for op_id, body in zip(op_ids, bodies, strict=True)]
    if rows:
        session.execute(insert(OutboxOp), rows)
    return op_ids
