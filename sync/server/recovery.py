"""What desktops give back to an endpoint that was put back from a backup, and the end of the waiting.

An entry comes back as it was: under its op id, with its amounts and its time. Its receipt says that it was decided
here, so no rule is asked again; only that the card can pay.
"""

from typing import Any

from sync.protocol import (
    Op,
    from_ms,
    from_wire,
    new_op_id,
    to_ms,
    to_wire,
    unb64,
)
from sync.receipts import GivenBack, entry_statement
from sync.server import feed
from sync.server.access import Device, require
from sync.server.batches import verifier_at
from sync.server.epochs import state
from sync.server.outcomes import Outcome, is_decided, keep, returned_print
from sync.server.problems import Refusal
from sync.server.reversal import HOLDING
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Row, Transaction

DEBIT = (
    "UPDATE card SET balance_minor = balance_minor - ?, uses_left = uses_left - ?, entries = entries + 1, "
    "state = CASE WHEN balance_minor - ? = 0 OR (balance_minor IS NULL AND uses_left - ? = 0) THEN 'spent' "
    "ELSE state END WHERE verifier = ? AND uses_left >= ? AND (balance_minor IS NULL OR balance_minor >= ?) "
    "RETURNING entries"
)
CREDIT = (
    "UPDATE card SET balance_minor = balance_minor - ?, uses_left = uses_left - ?, entries = entries + 1, "
    f"state = {HOLDING} WHERE verifier = ? RETURNING entries"
)


def give_back(
    transaction: Transaction, device: Device, entries: list[GivenBack], *, secrets: ServerSecrets, at_ms: int
) -> list[str]:
    """What became of each. An endpoint that waits for nothing takes what it lacks, too: its own word stands, whoever
    brings it. Roles changed since the backup, and what was redeemed of a batch is known to the desktop that made it."""
    require(device, "give.back")
    results = [_taken(transaction, device.merchant_id, entry, secrets, at_ms) for entry in entries]
    if entered := results.count("entered"):
        transaction.run(
            "INSERT INTO recovery (merchant_id, device_id, entries) VALUES (?, ?, ?) "
            "ON CONFLICT (merchant_id, device_id) DO UPDATE SET entries = recovery.entries + excluded.entries",
            *(device.merchant_id, device.id, entered),
        )
    return results


def finish(transaction: Transaction, device: Device, at_ms: int) -> None:
    """A device has nothing more to give back; with the last one that is waited for, everything is open again."""
    require(device, "give.back")
    transaction.run(
        "INSERT INTO recovery (merchant_id, device_id, entries, done_ms) VALUES (?, ?, 0, ?) "
        "ON CONFLICT (merchant_id, device_id) DO UPDATE SET done_ms = coalesce(recovery.done_ms, excluded.done_ms)",
        *(device.merchant_id, device.id, at_ms),
    )
    told = state(transaction, device.merchant_id)
    if told is not None and told.done == told.devices:
        body = {"by": "devices", "devices": told.devices, "entries": told.entries}
        _lift(transaction, device.merchant_id, new_op_id(), at_ms=at_ms, body=body)


def lift(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """The op of an owner who waits no longer. Raises Refusal."""
    reason = op.body["reason"]
    if not isinstance(reason, str) or not reason.strip():
        raise Refusal("invalid", pointers=["/body/reason"])
    told = state(transaction, device.merchant_id)
    if told is None:
        raise Refusal("not-recovering")
    body = {"by": device.id, "reason": reason.strip()[:500], "devices": told.devices, "done": told.done}
    return {"status": "applied", "seq": _lift(transaction, device.merchant_id, op.op_id, at_ms=at_ms, body=body)}


def lift_by_operator(transaction: Transaction, merchant_id: str, reason: str, at_ms: int) -> None:
    """Raises ValueError with a sentence."""
    told = state(transaction, merchant_id)
    if told is None:
        raise ValueError(f"Nothing is waited for: {merchant_id} is not recovering, or is not a merchant here.")
    body = {"by": "operator", "reason": reason.strip()[:500], "devices": told.devices, "done": told.done}
    _lift(transaction, merchant_id, new_op_id(), at_ms=at_ms, body=body)


def _lift(transaction: Transaction, merchant_id: str, op_id: str, *, at_ms: int, body: dict[str, Any]) -> int:
    transaction.run("UPDATE merchant SET recovering_ms = NULL WHERE id = ?", merchant_id)
    at = to_wire(from_ms(at_ms))
    return feed.append(transaction, merchant_id, "recovery.lifted@1", op_id=op_id, at=at, body=body)


# --- one entry ---


def _taken(transaction: Transaction, merchant_id: str, entry: GivenBack, secrets: ServerSecrets, at_ms: int) -> str:
    """`entered`, `known`, or a problem's key."""
    body = _said(entry)
    if not secrets.is_ours(unb64(entry.receipt), entry_statement(merchant_id, entry.op_id, entry.kind, entry.at, body)):
        return "receipt-wrong"
    if is_decided(transaction, merchant_id, entry.op_id):
        booked = "SELECT 1 FROM redemption WHERE merchant_id = ? AND op_id = ?"
        return "known" if transaction.one(booked, merchant_id, entry.op_id) else "op-id-reused"
    try:
        with transaction.step():
            _enter(transaction, merchant_id, entry, body=body, at_ms=at_ms)
    except Refusal as refusal:
        return refusal.key
    return "entered"


def _said(entry: GivenBack) -> dict[str, Any]:
    """As its event says it."""
    body: dict[str, Any] = {
        "batch_id": entry.batch_id,
        "card_no": entry.card_no,
        "amount_minor": entry.amount_minor,
        "uses": entry.uses,
        "remaining_minor": entry.remaining_minor,
        "remaining_uses": entry.remaining_uses,
    }
    if entry.kind == "reversed":
        return body | {"reverses": entry.reverses, "reason": entry.reason}
    if entry.kind != "redeemed":
        body["reason"] = entry.reason
    return body | {"entry": entry.entry, "place": entry.place, "device_class": entry.device_class}


def _enter(transaction: Transaction, merchant_id: str, entry: GivenBack, *, body: dict[str, Any], at_ms: int) -> None:
    """Raises Refusal."""
    batch = transaction.one(
        "SELECT id, sealed_ms FROM batch WHERE merchant_id = ? AND uid = ?", merchant_id, entry.batch_id
    )
    if batch is None or batch[1] is None:
        raise Refusal("batch-unknown" if batch is None else "not-sealed")
    verifier = verifier_at(transaction, batch[0], entry.card_no)
    after = _paid(transaction, merchant_id, entry, verifier)
    transaction.run(
        "INSERT INTO redemption (merchant_id, op_id, batch_id, card_no, use_no, kind, amount_minor, uses, "
        "remaining_minor, remaining_uses, reverses, reason, entry, place, at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(merchant_id, entry.op_id, batch[0], entry.card_no, after[0], entry.kind, entry.amount_minor, entry.uses),
        *(entry.remaining_minor, entry.remaining_uses, entry.reverses, entry.reason, entry.entry, entry.place),
        to_ms(from_wire(entry.at)),
    )
    seq = feed.append(
        *(transaction, merchant_id, f"{entry.kind}@1"),
        op_id=entry.op_id,
        at=entry.at,
        body=body | {"use_no": after[0], "returned": True},
        receipt=entry.receipt,
    )
    outcome = {
        "status": "applied",
        "op_id": entry.op_id,
        "redeemed_minor": entry.amount_minor,
        "redeemed_uses": entry.uses,
        "remaining_minor": entry.remaining_minor,
        "remaining_uses": entry.remaining_uses,
        "at": entry.at,
        "seq": seq,
        "receipt": entry.receipt,
    }
    print_ = returned_print(verifier if entry.kind == "redeemed" else about(entry))
    keep(transaction, merchant_id, entry.op_id, fingerprint=print_, outcome=outcome, at_ms=at_ms)


def about(entry: GivenBack) -> str:
    """What an entry other than a redemption is asked for by."""
    return entry.reverses or f"{entry.batch_id}#{entry.card_no}"


def _paid(transaction: Transaction, merchant_id: str, entry: GivenBack, verifier: bytes) -> Row:
    """The card's number of entries behind it. Raises Refusal."""
    amount, uses = entry.amount_minor, entry.uses
    if entry.kind in ("redeemed", "refunded"):
        after = transaction.one(DEBIT, amount, uses, amount, uses, verifier, uses, amount)
        if after is None:
            raise Refusal("card-spent")
        return after
    if entry.kind == "reversed":
        _refuse_a_second(transaction, merchant_id, entry)
    after = transaction.one(CREDIT, amount, uses, verifier)
    if after is None:
        raise Refusal("card-unknown")
    return after


def _refuse_a_second(transaction: Transaction, merchant_id: str, entry: GivenBack) -> None:
    first = "SELECT 1 FROM redemption WHERE merchant_id = ? AND op_id = ? AND kind = 'redeemed'"
    if transaction.one(first, merchant_id, entry.reverses) is None:
        raise Refusal("redemption-unknown")
    if transaction.one("SELECT 1 FROM redemption WHERE merchant_id = ? AND reverses = ?", merchant_id, entry.reverses):
        raise Refusal("already-reversed")
