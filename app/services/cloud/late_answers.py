"""An answer for the counter that comes when the vault has moved on: the endpoint that gave it is not asked any more."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.cloud.moving import MAY_CARRY
from app.services.cloud.pushing import TOOK, as_decided, decided_at
from app.services.settings import stored
from sync.protocol import OpResult, to_wire


def is_late(session: Session, op: OutboxOp, answer: OpResult) -> bool:
    """Whether the move has seen to the op, so that the answer is not its end: what was heard in time goes to the new
    endpoint as an entry of the ledger. What was not has been given all the same, and is told there, too."""
    if op.body.get("at") is not None:
        return True
    if op.state != "withdrawn" or answer.problem is not None:
        return False
    if session.get(Redemption, op.op_id) is None:
        op.body, op.state = told_elsewhere(op.body, answer, dated=stored(session, "cloud.role") in MAY_CARRY), "waiting"
        op.id = (session.scalar(select(func.max(OutboxOp.id))) or 0) + 1  # behind its batch, which waits, too
    return True


def told_elsewhere(body: dict[str, Any], answer: OpResult, *, dated: bool) -> dict[str, Any]:
    """`dated`: this device says itself when it was decided; any other has it decided once more."""
    said, at = dict(as_decided(body, answer)), decided_at(answer)
    took: dict[str, Any] = said.pop(TOOK, {})
    return said | took | ({"at": to_wire(at)} if dated and at is not None else {})
