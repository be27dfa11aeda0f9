"""The queue toward the endpoint: an op is put down in the transaction of its local effect, with an id kept for ever."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.outbox import OutboxOp
from sync.protocol import new_op_id


def enqueue(session: Session, type_: str, *, aggregate: str, body: dict[str, Any], lane: str = "ops") -> str:
    """Put an op in the queue; its id. The caller's transaction must name Topic.OUTBOX."""
    op_id = new_op_id()
    session.execute(
        insert(OutboxOp).values(
            op_id=op_id, type=type_, aggregate=aggregate, lane=lane, body=body, state="waiting", created_at=now()
        )
    )
    return op_id
