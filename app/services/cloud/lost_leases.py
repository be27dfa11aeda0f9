"""Leases, for an endpoint that was put back from a backup: what it lost of them, and what was decided under them.

A lease that it does not know ends here: it decides about those cards itself again. What was decided under such a lease
and not confirmed goes to it as an entry that was decided elsewhere. What was said of a lease that it still has open is
said once more; what it answered to that is told with the time it gave then.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.cloud.lease_events import LIVE
from app.services.cloud.moving import LEASED, Known
from app.services.cloud.working_set import CORE, UNCONFIRMED
from sync.protocol import to_wire

ENDING = ("lease.return@1", "lease.reclaim@1")
DECIDED = (LEASED, "reverse@1")


def end_unknown(session: Session, known: Mapping[str, bool]) -> None:
    """`known`: the leases that the endpoint has heard of, and whether each is open there."""
    lost = Lease.state.in_(LIVE), Lease.id.not_in(known)
    session.execute(update(Lease).where(*lost).values(state="left", ended_at=now()), execution_options=CORE)


def say_again(session: Session, known: Known) -> None:
    """What ended a lease that is open there, and what was decided under it and did not come there."""
    for op in session.scalars(select(OutboxOp).where(OutboxOp.state == "applied", OutboxOp.type.in_(ENDING))):
        if known.leases.get(str(op.body["lease_id"])):
            _wait(op)
    decided = select(OutboxOp, Redemption).join(Redemption, Redemption.id == OutboxOp.op_id)
    decided = decided.where(OutboxOp.state == "applied", OutboxOp.type.in_(DECIDED), Redemption.seq == UNCONFIRMED)
    for op, entry in session.execute(decided).all():
        if op.op_id in known.ledger or op.op_id in known.conflicts:
            continue
        lease_id = str(entry.lease_id or _lease_of(session, entry))
        if lease_id in known.leases:
            told_at = to_wire(min(op.answered_at or entry.at, entry.at))  # it only ever knew better of a fast clock
            said = {"at": told_at} if op.type == LEASED else {"lease_id": lease_id, "undone_at": told_at}
            op.body = dict(op.body) | said
            _wait(op)


def to_carry(session: Session, known: Mapping[str, bool]) -> list[Redemption]:
    """Entries that were decided under leases which the endpoint never heard of, and are not confirmed."""
    found = session.scalars(select(Redemption).where(Redemption.seq == UNCONFIRMED))
    return [entry for entry in found if str(entry.lease_id or _lease_of(session, entry)) not in known]


def _lease_of(session: Session, entry: Redemption) -> Any:
    """Of a reversal: that of what it reverses."""
    first = session.get(Redemption, entry.reverses) if entry.reverses else None
    return None if first is None else first.lease_id


def _wait(op: OutboxOp) -> None:
    op.state, op.seq, op.answered_at, op.problem = "waiting", None, None, None
