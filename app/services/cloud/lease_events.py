"""What the feed tells of leases and conflicts. A lease of our own begins with its event: whoever has heard that has
heard everything the endpoint itself had decided about those cards."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.sqlite import insert

from app.models.batch import Batch
from app.models.lease import Conflict, Lease
from app.models.outbox import OutboxOp
from app.services.cloud.working_set import CORE, Told, WorkingSet
from sync.protocol import from_wire

LIVE = ("open", "returning")


def taken(books: WorkingSet, told: Told, batch: Batch) -> None:
    body = told.body
    row = {
        "id": body["lease_id"],
        "batch_id": batch.id,
        "first_card_id": batch.first_card_id + int(body["first_no"]),
        "end_card_id": batch.first_card_id + int(body["end_no"]),
        "device_id": body["device_id"],
        "device_name": body.get("device_name", ""),
        "incarnation": body["incarnation"],
        "until": from_wire(body["until"]),
        "state": "open",
        "taken_at": told.at,
    }
    known = insert(Lease).values(row)
    still = {"state": "open", "ended_at": None}  # an endpoint that was left and begins anew has it all the same
    books.session.execute(known.on_conflict_do_update(index_elements=["id"], set_=still, where=Lease.state == "left"))


def ended(books: WorkingSet, told: Told, _: Batch) -> None:
    state = told.type.removeprefix("lease.").removesuffix("@1")
    known = update(Lease).where(Lease.id == told.body["lease_id"], Lease.state.in_(LIVE))
    books.session.execute(known.values(state=state, ended_at=told.at), execution_options=CORE)


def conflict_found(books: WorkingSet, told: Told, batch: Batch) -> None:
    """What was decided here is not in the ledger; both stories are kept."""
    body = told.body
    row: dict[str, Any] = {
        "id": told.op_id,
        "lease_id": body["lease_id"],
        "card_id": books.card_id(told),
        "batch_id": batch.id,
        "amount_minor": body["amount_minor"],
        "uses": body["uses"],
        "reason": body["reason"],
        "place": body.get("place", ""),
        "device_id": body["device_id"],
        "decided_at": from_wire(body["decided_at"]),
        "found_at": told.at,
    }
    books.session.execute(insert(Conflict).values(row).on_conflict_do_nothing())
    if books.unconfirmed(told.op_id):
        books.strike(batch, told.op_id)


def conflict_settled(books: WorkingSet, told: Told, _: Batch) -> None:
    """What was said here of the same, and came too late or was refused, needs no saying any more."""
    body = told.body
    ours = OutboxOp.type == "conflict.settle@1", OutboxOp.aggregate == f"conflict:{body['conflict_id']}"
    unsaid = update(OutboxOp).where(*ours, OutboxOp.state.in_(("waiting", "rejected")), OutboxOp.op_id != told.op_id)
    books.session.execute(unsaid.values(state="withdrawn"), execution_options=CORE)
    known = update(Conflict).where(Conflict.id == body["conflict_id"])
    values = {"way": body["way"], "note": body.get("note", ""), "settled_at": told.at}
    books.session.execute(known.values(**values), execution_options=CORE)
