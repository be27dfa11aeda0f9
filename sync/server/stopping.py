"""Stopping batches and cards for a while or for good: freeze, thaw, void; and close a batch that lives elsewhere.

A frozen batch may still be refunded and its uses undone. Of one that is closed nothing is decided here: another
endpoint decides about it, or what was decided there has not come here yet. So a thaw does not open it again; whoever
brings the ledger does, and it is frozen then or not, as people have left it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from sync.protocol import Op
from sync.server import feed
from sync.server.access import Device
from sync.server.batches import CLOSED, FROZEN, Batch, batch_of, verifier_at
from sync.server.ledger import at_of
from sync.server.outcomes import Outcome
from sync.server.problems import Refusal
from sync.server.redemption import ENDED
from sync.server.transaction import Transaction


def _freeze(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    batch, uid = _batch(transaction, device, op)
    _flag(transaction, batch, f"frozen | {FROZEN}")
    return _told(transaction, device, op, at_ms, type_="frozen@1", body={"batch_id": uid})


def _thaw(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """Raises Refusal where that would open a batch that is closed."""
    batch, uid = _batch(transaction, device, op)
    if _flag(transaction, batch, f"frozen & {CLOSED}"):
        raise Refusal("batch-closed")
    return _told(transaction, device, op, at_ms, type_="thawed@1", body={"batch_id": uid})


def _close(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """Older desktops hear that it is frozen."""
    batch, uid = _batch(transaction, device, op)
    _flag(transaction, batch, f"frozen | {CLOSED}")
    return _told(transaction, device, op, at_ms, type_="frozen@1", body={"batch_id": uid, "closed": True})


def _open(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """`thaws`: whether it was frozen or not, nobody wants that any more."""
    batch, uid = _batch(transaction, device, op)
    kept = 0 if op.body.get("thaws") is True else FROZEN
    type_ = "frozen@1" if _flag(transaction, batch, f"frozen & {kept}") else "thawed@1"
    return _told(transaction, device, op, at_ms, type_=type_, body={"batch_id": uid, "closed": False})


def _void(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    batch, uid = _batch(transaction, device, op)
    _refuse_closed(transaction, batch, op)
    transaction.run("UPDATE batch SET voided = 1 WHERE id = ?", batch.id)
    return _told(transaction, device, op, at_ms, type_="batch.voided@1", body={"batch_id": uid})


def _change_card(transaction: Transaction, device: Device, op: Op, at_ms: int, *, change: str, event: str) -> Outcome:
    """Freeze, thaw or void one card. A card of a supplier batch is not here and needs no change."""
    number = op.body["card_no"]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 2**53:
        raise ValueError("number")
    batch, uid = _batch(transaction, device, op)
    if event == "card.voided@1":
        _refuse_closed(transaction, batch, op)
    verifier = verifier_at(transaction, batch.id, number)
    changed = transaction.run(f"UPDATE card SET {change} WHERE verifier = ?", verifier)
    if changed == 0 and batch.kind != "supplier":
        raise Refusal("card-unknown")
    return _told(transaction, device, op, at_ms, type_=event, body={"batch_id": uid, "card_no": number})


ACTS: dict[str, Callable[[Transaction, Device, Op, int], Outcome]] = {
    "batch.freeze@1": _freeze,
    "batch.thaw@1": _thaw,
    "batch.close@1": _close,
    "batch.open@1": _open,
    "batch.void@1": _void,
    "card.freeze@1": partial(_change_card, change="frozen = 1", event="card.frozen@1"),
    "card.thaw@1": partial(_change_card, change="frozen = 0", event="card.thawed@1"),
    "card.void@1": partial(_change_card, change=f"voided = 1, state = {ENDED}", event="card.voided@1"),
}


def _batch(transaction: Transaction, device: Device, op: Op) -> tuple[Batch, str]:
    """With its id on the wire. Raises Refusal."""
    uid = str(UUID(op.body["batch_id"]))
    return batch_of(transaction, device.merchant_id, uid), uid


def _refuse_closed(transaction: Transaction, batch: Batch, op: Op) -> None:
    """What is used elsewhere before it is voided has to get in here: that is for whoever brings the ledger to say, with
    `closed`. Raises Refusal."""
    row = transaction.one("SELECT frozen FROM batch WHERE id = ?", batch.id)
    if row is not None and row[0] & CLOSED and op.body.get("closed") is not True:
        raise Refusal("batch-closed")


def _flag(transaction: Transaction, batch: Batch, to: str) -> int:
    """What its `frozen` is then; `to` is one of our own expressions."""
    row = transaction.one(f"UPDATE batch SET frozen = {to} WHERE id = ? RETURNING frozen", batch.id)
    assert row is not None, "batches stay"
    return int(row[0])


def _told(transaction: Transaction, device: Device, op: Op, at_ms: int, *, type_: str, body: dict[str, Any]) -> Outcome:
    seq = feed.append(transaction, device.merchant_id, type_, op_id=op.op_id, at=at_of(at_ms), body=body)
    return {"status": "applied", "seq": seq}
