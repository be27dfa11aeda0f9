"""Entries of the ledger as a slip tells them: which this computer decided, and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.audit import AuditEntry
from app.models.batch import Batch
from app.models.catalog import Product
from app.models.lease import Conflict
from app.models.outbox import OutboxOp, RawEvent
from app.models.redemption import Redemption
from app.services.cards.codes import serial_of
from app.services.cloud.working_set import UNCONFIRMED
from app.services.slips.rows import Booked

LEASED = "redeem.leased@1"
ACTS = {"redeemed": "card.redeemed", "reversed": "card.reversed"}
"""Kinds of entries that have a slip, and what the audit log calls it where this computer made one."""
OPS = ("redeem@1", LEASED, "reverse@1")
DECIDED = ("counter:", "lease:")
"""How the aggregate of an op begins that a person at this computer caused."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    kind: str
    serial: str
    product: str
    amount_minor: int
    uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    at: datetime
    place: str
    leased: bool
    waits: bool


def entry_of(session: Session, redemption_id: str) -> Entry | None:
    """From the ledger, else from what was heard of a batch that another desktop made."""
    row = session.get(Redemption, redemption_id)
    if row is None:
        return _heard(session, redemption_id)
    batch = session.get_one(Batch, row.batch_id)
    return Entry(
        id=row.id,
        kind=row.kind,
        serial=serial_of(batch, row.card_id),
        product=session.get_one(Product, row.product_id).name,
        amount_minor=row.amount_minor,
        uses=row.uses,
        remaining_minor=row.remaining_minor,
        remaining_uses=row.remaining_uses,
        at=row.at,
        place=row.place or _undone_where(session, row.id, kind=row.kind),
        leased=row.lease_id is not None or _under_a_lease(session, row.id),
        waits=row.seq == UNCONFIRMED,
    )


def decided_here(session: Session, entry: Entry) -> bool:
    """Whether a person at this computer made it. After a move to another endpoint the queue holds everybody's entries
    under their own ids; then the audit log tells."""
    found = select(OutboxOp.aggregate).where(OutboxOp.op_id == entry.id, OutboxOp.type.in_(OPS))
    aggregate = session.scalar(found)
    if aggregate is None:
        return False
    if aggregate.startswith(DECIDED):
        return True
    return _noted(session, entry.id, kind=entry.kind) is not None


def booked(session: Session, redemption_id: str, *, kind: str, amount_minor: int, uses: int) -> Booked:
    """What the ledger has under the id of a slip that says so much."""
    entry = entry_of(session, redemption_id)
    if entry is None:
        return Booked("missing" if session.get(Conflict, redemption_id) is None else "conflict")
    back = _undone_at(session, redemption_id, heard=session.get(Redemption, redemption_id) is None)
    if (entry.kind, entry.amount_minor, entry.uses) != (kind, amount_minor, uses):
        state = "differs"
    elif back is not None:
        state = "undone"
    else:
        state = "waits" if entry.waits else "booked"
    return Booked(state, entry.amount_minor, entry.uses, back)


def _noted(session: Session, op_id: str, *, kind: str) -> dict[str, Any] | None:
    """What the audit log says of it, where this computer made it."""
    op = func.json_extract(AuditEntry.details, "$.op")
    wanted = select(AuditEntry.details).where(AuditEntry.action == ACTS[kind], op == op_id)
    return session.scalar(wanted.limit(1))


def _undone_where(session: Session, op_id: str, *, kind: str) -> str:
    """The ledger knows the place of a use only."""
    noted = _noted(session, op_id, kind=kind) if kind == "reversed" else None
    return str((noted or {}).get("place", ""))


def _under_a_lease(session: Session, op_id: str) -> bool:
    """A reversal does not say so in the ledger."""
    body = session.scalar(select(OutboxOp.body).where(OutboxOp.op_id == op_id, OutboxOp.type.in_(OPS)))
    return body is not None and body.get("lease_id") is not None


def _undone_at(session: Session, redemption_id: str, *, heard: bool) -> datetime | None:
    """`heard`: it is of a batch that is not here, and so is its reversal."""
    if not heard:
        return session.scalar(select(Redemption.at).where(Redemption.reverses == redemption_id))
    reverses = func.json_extract(RawEvent.body, "$.reverses")
    back = select(RawEvent.at).where(RawEvent.type == "reversed@1", reverses == redemption_id)
    return session.scalar(back.limit(1))


def _heard(session: Session, op_id: str) -> Entry | None:
    newest_first = select(RawEvent).order_by(RawEvent.seq.desc())  # no index: what is asked for has just happened
    event = session.scalars(newest_first.where(RawEvent.op_id == op_id).limit(1)).first()
    kind = event.type.removesuffix("@1") if event is not None else ""
    if event is None or kind not in ACTS:
        return None
    body: dict[str, Any] = event.body
    return Entry(
        id=op_id,
        kind=kind,
        serial="",
        product="",
        amount_minor=body["amount_minor"],
        uses=body["uses"],
        remaining_minor=body["remaining_minor"],
        remaining_uses=body["remaining_uses"],
        at=event.at,
        place=body.get("place") or _undone_where(session, op_id, kind=kind),
        leased=body.get("lease_id") is not None,
        waits=False,
    )
