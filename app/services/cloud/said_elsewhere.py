"""What another desktop said first: copies of one vault tell an endpoint that begins anew of the same batches.

Each has its own ids for that, so the second is refused. It needs no saying any more where the cards are the same, which
their Merkle root shows; a batch that was finished twice, with other cards in each copy, stays refused and is shown.
"""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.database import Database
from app.models.outbox import OutboxOp
from app.services.cloud.working_set import CORE, Told
from app.topics import Topic

SEALED = "batch-sealed"
OTHER_CARDS = "other-cards"
UNSAID = ("waiting", "in_flight", "rejected")
HERE, THERE = "root", "sealed_root"
"""In the body of a seal that waits or was refused: the root of the cards here, and of those that another sealed."""


def created(session: Session, batch: Batch, told: Told) -> None:
    """The endpoint knows the batch: ours need not be told."""
    unsaid = update(OutboxOp).where(*_about(batch, told, "batch.create@1"))
    session.execute(unsaid.values(state="withdrawn", problem=None), execution_options=CORE)


def sealed(session: Session, batch: Batch, told: Told) -> bool:
    """Whether the batch stands sealed here, too: not yet where a seal of our own is still to be held against it, and
    not at all where that is one over other cards."""
    wanted = select(OutboxOp).where(*_about(batch, told, "batch.seal@1"))
    ours = session.scalars(wanted.order_by(OutboxOp.id.desc()).limit(1)).one_or_none()
    if ours is None or "root" not in told.body:  # an endpoint of before says nothing of it
        return True
    ours.body = dict(ours.body) | {THERE: told.body["root"]}
    return settle(ours)


def settle(op: OutboxOp) -> bool:
    """Hold both roots against each other, if both are known; whether they are the same."""
    here, there = op.body.get(HERE), op.body.get(THERE)
    if here is None or there is None:
        return False
    if here != there:
        op.problem = {"key": OTHER_CARDS, "title": "Another copy of the vault sealed other cards."}
        return False
    op.state, op.problem = "withdrawn", None
    return True


def note_root(database: Database, op_id: str, root: str) -> None:
    """Of the cards here, whose seal was refused because there is one."""
    with database.write(Topic.OUTBOX) as session:
        op = session.scalars(select(OutboxOp).where(OutboxOp.op_id == op_id)).one()
        op.body = dict(op.body) | {HERE: root}


def _about(batch: Batch, told: Told, type_: str) -> tuple[Any, ...]:
    """Ops of ours that would say what the event tells."""
    return (
        *(OutboxOp.aggregate == f"batch:{batch.id}", OutboxOp.type == type_),
        *(OutboxOp.state.in_(UNSAID), OutboxOp.op_id != told.op_id),
    )
