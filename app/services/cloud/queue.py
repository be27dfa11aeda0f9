"""What waits for the endpoint or was refused by it: looking at it, trying again, letting it be."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.lease import Conflict, Lease
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.audit import AuditLog
from app.services.cards.codes import serial_of
from app.services.cloud import lease_events
from app.services.cloud.moving import CLOSE, OPEN_AGAIN
from app.services.cloud.rows import QueueRow, closed_there
from app.services.cloud.working_set import FREEZING, OPEN, SINCE, UNCONFIRMED, Told, WorkingSet
from app.services.outbox import enqueue
from app.services.settings import stored
from sync.protocol import to_wire

SETTLE, SETTLED = "conflict.settle@1", "conflict-unknown"
"""And why it is refused where others have settled it, or where it was found at another endpoint: it is settled here."""
LONGEST = 500
OF_BATCHES, OF_LEASES = ("batch", "take"), ("lease", "reclaim")
"""What an op stands in line behind is named after."""
CORE = {"synchronize_session": False}


def listed(session: Session, states: tuple[str, ...]) -> list[QueueRow]:
    """Oldest first."""
    held = set(session.scalars(select(OutboxOp.aggregate).where(OutboxOp.state == "rejected")))
    found = session.scalars(select(OutboxOp).where(OutboxOp.state.in_(states)).order_by(OutboxOp.id).limit(LONGEST))
    return [_row(session, op, held=op.aggregate in held and op.state != "rejected") for op in found]


def retry(session: Session, audit: AuditLog, queue_id: int) -> None:
    """Send a refused op again; with a new id, for the old one has its outcome for ever, and in its old place: what
    waited behind it comes after it, or a thaw that is tried again would undo the freeze that was meant to last."""
    op = _rejected(session, queue_id)
    audit.record(session, "outbox.retried", subject=op.aggregate, type=op.type)
    if session.get(Redemption, op.op_id) is not None:  # decided elsewhere: it is that entry and no other
        op.state, op.problem = "waiting", None
        return
    _ask_instead(session, op, op.type, op.body)


def open_here(session: Session, audit: AuditLog, queue_id: int) -> None:
    """Instead of a thaw that was refused because another endpoint decides about the batch: let this one decide again,
    because the other is gone for good. Raises NotFound for any other op."""
    op = _rejected(session, queue_id)
    if not closed_there(op.type, str((op.problem or {}).get("key", ""))):
        raise NotFound("op", str(queue_id))
    audit.record(session, "batch.opened-here", subject=op.aggregate)
    _ask_instead(session, op, OPEN_AGAIN, op.body | {"thaws": True})


def _ask_instead(session: Session, op: OutboxOp, type_: str, body: dict[str, Any]) -> None:
    """Under a new id, in the place of a refused one. That goes before all others: it is no last word about anything."""
    place = op.id
    op_id = enqueue(session, type_, aggregate=op.aggregate, body=body, lane=op.lane)
    op.state = "withdrawn"
    session.flush()
    first = session.scalars(select(func.min(OutboxOp.id))).one()
    for moved, to in ((op.op_id, first - 1), (op_id, place)):
        session.execute(update(OutboxOp).where(OutboxOp.op_id == moved).values(id=to), execution_options=CORE)


def withdraw(session: Session, audit: AuditLog, queue_id: int) -> None:
    """Send it no more. What this counter had decided alone never happened for the endpoint: a use becomes a conflict
    that people settle, for it was given out; what was undone is undone no more. What was to be frozen or thawed stands
    here as it does there, and a conflict that is not settled there is not settled here."""
    op = _rejected(session, queue_id)
    reason, op.state = str((op.problem or {}).get("key", "")), "withdrawn"
    audit.record(session, "outbox.withdrawn", subject=op.aggregate, type=op.type)
    session.flush()
    if op.type in FREEZING:
        _stand_as_before(session, op)
    if op.type == SETTLE and reason != SETTLED:
        unsettled = {"way": None, "note": None, "settled_at": None}
        session.execute(update(Conflict).where(Conflict.id == str(op.body["conflict_id"])).values(unsettled))
    entry = session.get(Redemption, op.op_id)
    if entry is not None and entry.seq == UNCONFIRMED:
        _take_out(session, entry, reason)


def _stand_as_before(session: Session, op: OutboxOp) -> None:
    """A freeze or a thaw that did not come about, unless something else was said about the same since, here or by
    others. Closing it, the endpoint only would have told so here."""
    if op.type == CLOSE or (op.problem or {}).get(SINCE):
        return
    said = select(OutboxOp.body).where(OutboxOp.type.in_(FREEZING), OutboxOp.aggregate == op.aggregate)
    open_still = said.where(OutboxOp.state.in_((*OPEN, "rejected")))
    card_no = op.body.get("card_no")
    batch = session.scalars(select(Batch).where(Batch.uid == UUID(str(op.body["batch_id"])).bytes)).one_or_none()
    if batch is None or any(body.get("card_no") == card_no for body in session.scalars(open_still)):
        return
    frozen_at = None if op.type in ("batch.freeze@1", "card.freeze@1") else now()
    if card_no is None:
        batch.frozen_at = frozen_at
    else:
        card = update(Card).where(Card.id == batch.first_card_id + int(card_no))
        session.execute(card.values(frozen_at=frozen_at), execution_options=CORE)


def _take_out(session: Session, entry: Redemption, reason: str) -> None:
    """An entry that the endpoint will never have."""
    batch, who = session.get_one(Batch, entry.batch_id), stored(session, "cloud.device") or {}
    story = {
        "batch_id": str(UUID(bytes=batch.uid)),
        "card_no": entry.card_id - batch.first_card_id,
        "lease_id": entry.lease_id or "",
        "amount_minor": entry.amount_minor,
        "uses": entry.uses,
        "reason": reason,
        "place": entry.place or "",
        "device_id": who.get("id", ""),
        "decided_at": to_wire(entry.at),
    }
    told = Told(UNCONFIRMED, "conflict.found@1", entry.id, now(), story)
    books = WorkingSet(session, [told])
    if entry.kind == "redeemed":
        lease_events.conflict_found(books, told, batch)
    else:
        books.strike(batch, entry.id)
    books.write()


def ask_again(session: Session) -> None:
    """This device has another role: what was refused for the one before has no outcome there, and goes out as it is.
    Nobody tries a thousand links again by hand. Not what was wished at a counter: whoever stood there has gone."""
    refused = OutboxOp.state == "rejected", OutboxOp.problem["key"].as_string() == "forbidden"
    again = (
        update(OutboxOp).where(*refused, OutboxOp.aggregate.not_like("counter:%")).values(state="waiting", problem=None)
    )
    session.execute(again, execution_options=CORE)


def _rejected(session: Session, queue_id: int) -> OutboxOp:
    op = session.get(OutboxOp, queue_id)
    if op is None or op.state != "rejected":
        raise NotFound("op", str(queue_id))
    return op


def _row(session: Session, op: OutboxOp, *, held: bool) -> QueueRow:
    return QueueRow(
        id=op.id,
        op_id=op.op_id,
        type=op.type,
        subject=_subject(session, op),
        state=op.state,
        created_at=op.created_at,
        attempts=op.attempts,
        problem=str((op.problem or {}).get("key", "")),
        held_back=held,
    )


def _subject(session: Session, op: OutboxOp) -> str:
    """The serial of the card or of the batch it is about, and `noun:number` where it is about neither."""
    entry = session.get(Redemption, op.op_id)
    if entry is not None:
        return serial_of(session.get_one(Batch, entry.batch_id), entry.card_id)
    noun, _, number = op.aggregate.partition(":")
    if noun in OF_LEASES and (lease := session.get(Lease, number)) is not None:
        number = str(lease.batch_id)
    elif noun not in OF_BATCHES:
        return op.aggregate
    batch = session.get(Batch, int(number)) if number.isdecimal() else None
    if batch is None:
        return op.aggregate
    card_no = op.body.get("card_no")
    return batch.serial if card_no is None else serial_of(batch, batch.first_card_id + int(card_no))
