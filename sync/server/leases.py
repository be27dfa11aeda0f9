"""Leases: for some cards a device decides alone, so that its counter redeems without a line.

Authority moves only by an op that was acknowledged. A lease that has run out stays with its device, for what was
redeemed under it in time may still be on its way: it ends when the device gives it back, or when a manager reclaims it.
What was redeemed under a reclaimed one is recorded all the same: in the ledger where the card can pay, else as a
conflict that people settle.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from sync.protocol import Op, from_ms, from_wire, to_ms, to_wire
from sync.rules import Wanted, judge
from sync.server import feed
from sync.server.access import ROLES, Device
from sync.server.batches import CLOSED, FROZEN, batch_of
from sync.server.ledger import Entry, at_of, write_down
from sync.server.outcomes import Outcome
from sync.server.problems import Refusal
from sync.server.redemption import FACTS, facts_of
from sync.server.secret_files import ServerSecrets
from sync.server.spans import open_spans
from sync.server.transaction import Row, Transaction

OF_HOLDER = {
    "redeem.leased@1": "SELECT 1 FROM lease l WHERE",
    "lease.return@1": "SELECT 1 FROM lease l WHERE",
    "reverse@1": "SELECT 1 FROM lease l JOIN redemption r ON r.merchant_id = l.merchant_id AND r.lease_id = l.id "
    "WHERE r.op_id = ? AND",
}
"""Ops by which a counter tells what it did under its lease, each with where that is looked for."""
LONGEST_MS = 7 * 24 * 3_600_000
"""A lease is a shift's, or a fair's; nobody needs more than a week without a line."""
WAYS = ("loss", "contacted", "undone")


@dataclass(frozen=True, slots=True)
class Lease:
    id: str
    batch_id: int
    first_no: int
    end_no: int
    device_id: str
    incarnation: str
    state: str


def in_force(transaction: Transaction, merchant_id: str, uid: str) -> str:
    """When a freeze of that batch is in force."""
    row = transaction.one("SELECT leases FROM batch WHERE merchant_id = ? AND uid = ?", merchant_id, uid.lower())
    return "now_except_leases" if row is not None and row[0] else "now"


# --- moving the authority ---


def take(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """Let a device decide about a span of cards. Raises Refusal and what a misshapen body raises."""
    body = op.body
    uid, first, until_ms = str(UUID(body["batch_id"])), _number(body.get("first_no", 0)), _until(body["until"], at_ms)
    batch = batch_of(transaction, device.merchant_id, uid)
    if batch.sealed_ms is None:
        raise Refusal("not-sealed")
    end = batch.count if body.get("count") is None else first + _number(body["count"], least=1)
    if not first < end <= batch.count:
        raise Refusal("invalid", pointers=["/body/count"])
    flags = transaction.one("SELECT frozen, voided FROM batch WHERE id = ?", batch.id)
    if flags is not None and any(flags):
        raise Refusal("card-voided" if flags[1] else "batch-frozen")
    if any(first < theirs[1] and theirs[0] < end for theirs in open_spans(transaction, [batch.id]).get(batch.id, ())):
        raise Refusal("lease-taken")
    transaction.run(
        "INSERT INTO lease (merchant_id, id, batch_id, first_no, end_no, device_id, incarnation, until_ms, state, "
        "taken_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)",
        *(device.merchant_id, op.op_id, batch.id, first, end, device.id, device.incarnation, until_ms, at_ms),
    )
    transaction.run("UPDATE batch SET leases = leases + 1 WHERE id = ?", batch.id)
    told = {
        "lease_id": op.op_id,
        "batch_id": uid,
        "first_no": first,
        "end_no": end,
        "device_id": device.id,
        "device_name": _name(transaction, device.id),
        "incarnation": device.incarnation,
        "until": to_wire(from_ms(until_ms)),
    }
    return _told(transaction, device, op, at_ms, type_="lease.taken@1", body=told)


def give_back(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """By the device that has it, behind everything it redeemed under it. One that was revoked has it no more: its
    desktop is another device since, and ends it as that."""
    lease = lease_of(transaction, device.merchant_id, str(op.body["lease_id"]))
    is_own = (lease.device_id, lease.incarnation) == (device.id, device.incarnation)
    if not is_own and not _is_nobodys(transaction, lease):
        raise Refusal("lease-of-another")
    return _end(transaction, device, op, at_ms, lease=lease, state="returned", more={})


def reclaim(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """By a manager, from a device that does not come back. Raises Refusal without a reason."""
    lease, reason = lease_of(transaction, device.merchant_id, str(op.body["lease_id"])), op.body["reason"]
    if not isinstance(reason, str) or not reason.strip():
        raise Refusal("invalid", pointers=["/body/reason"])
    return _end(transaction, device, op, at_ms, lease=lease, state="reclaimed", more={"reason": reason[:500]})


def _end(
    transaction: Transaction, device: Device, op: Op, at_ms: int, *, lease: Lease, state: str, more: dict[str, Any]
) -> Outcome:
    if lease.state != "open":
        raise Refusal("lease-ended")
    transaction.run(
        "UPDATE lease SET state = ?, ended_ms = ? WHERE merchant_id = ? AND id = ?",
        *(state, at_ms, device.merchant_id, lease.id),
    )
    transaction.run("UPDATE batch SET leases = leases - 1 WHERE id = ?", lease.batch_id)
    uid = transaction.one("SELECT uid FROM batch WHERE id = ?", lease.batch_id)
    assert uid is not None, "batches stay"
    body = {"lease_id": lease.id, "batch_id": uid[0], "by": device.id, **more}
    return _told(transaction, device, op, at_ms, type_=f"lease.{state}@1", body=body)


# --- what was redeemed under a lease ---


def redeem(
    transaction: Transaction, device: Device, op: Op, at_ms: int, *, verifier: bytes, secrets: ServerSecrets
) -> Outcome:
    """Put down what a counter decided. Under a lease that it holds the word is its own: a freeze, a void or an end that
    came meanwhile changes nothing, only an empty card does. Raises Refusal for what was never its to decide."""
    body = op.body
    lease = lease_of(transaction, device.merchant_id, str(body["lease_id"]))
    row = transaction.one(FACTS + "WHERE c.verifier = ? AND b.merchant_id = ?", verifier, device.merchant_id)
    if row is None or row[11] != lease.batch_id or not lease.first_no <= row[12] < lease.end_no:
        raise Refusal("card-unknown")
    facts, decided_ms = facts_of(row), min(to_ms(from_wire(str(body["at"]))), at_ms)
    facts = replace(facts, batch_frozen=_is_in_force(device, op, lease, int(row[2])))
    amount = _number(body["amount_minor"], least=1) if facts.money else 0
    uses = 0 if facts.money else _number(body["uses"], least=1)
    held = lease.state == "open" and (lease.device_id, lease.incarnation) == (device.id, str(body["incarnation"]))
    wanted = Wanted(amount or None, uses or None)
    reason = None if held else judge(facts, wanted, from_ms(decided_ms))
    if not held and reason is None and _is_of_another(transaction, lease, row):
        reason = "card-leased"
    place = str(body.get("place", ""))[:200]
    if reason is None:
        after = _debit(transaction, verifier, amount, uses)
        if after is not None:
            entry = _entry(device, op, lease, row=row, after=after, place=place, at_ms=decided_ms)
            return _entered(transaction, secrets, entry)
        reason = "card-spent"
    return _conflict(
        transaction, device, op, lease, row=row, took=(amount, uses), reason=reason, place=place, at=(decided_ms, at_ms)
    )


def _is_in_force(device: Device, op: Op, lease: Lease, frozen: int) -> bool:
    """Whether the freeze of a batch is for what was given out under the lease: not while that is open, whoever tells
    it. What is closed is decided elsewhere, but for what comes with the ledger, by whoever knows that it is closed."""
    brings = op.body.get("closed") is True and device.role in ROLES["carry"]
    return bool(frozen & FROZEN and lease.state != "open") or bool(frozen & CLOSED and not brings)


def undone_ms(transaction: Transaction, device: Device, op: Op, at_ms: int) -> int:
    """When a counter took back what it had redeemed under a lease of its own, not before that; for anybody else, and
    whatever else it says, now. An entry that was given back has no lease any more: then those are believed who may
    carry entries. Raises what a misshapen body raises."""
    told_ms = to_ms(from_wire(str(op.body["undone_at"])))
    first = transaction.one(
        "SELECT r.at_ms FROM redemption r JOIN lease l ON l.batch_id = r.batch_id "
        "AND r.card_no >= l.first_no AND r.card_no < l.end_no "
        "AND (r.lease_id = l.id OR (r.lease_id IS NULL AND ? = 1)) "
        "WHERE r.merchant_id = ? AND r.op_id = ? AND l.merchant_id = ? AND l.id = ? AND l.device_id = ?",
        *(int(device.role in ROLES["carry"]), device.merchant_id, str(op.body["redemption_id"])),
        *(device.merchant_id, str(op.body["lease_id"]), device.id),
    )
    return at_ms if first is None else min(max(told_ms, int(first[0])), at_ms)


def is_given_to(transaction: Transaction, device: Device, op: Op) -> bool:
    """Whether a counter tells what it did under a lease that was given to it and that it has not given back."""
    body, found = op.body, OF_HOLDER.get(op.type)
    if found is None or not isinstance(body.get("lease_id"), str):
        return False
    about = [str(body.get("redemption_id"))] if op.type == "reverse@1" else []
    mine = "l.merchant_id = ? AND l.id = ? AND l.device_id = ? AND l.state <> 'returned'"
    return transaction.one(f"{found} {mine}", *about, device.merchant_id, body["lease_id"], device.id) is not None


def _is_of_another(transaction: Transaction, lease: Lease, row: Row) -> bool:
    """Whether somebody else decides about the card by now."""
    others = transaction.one(
        "SELECT 1 FROM lease WHERE batch_id = ? AND state = 'open' AND first_no <= ? AND end_no > ? AND id <> ?",
        *(lease.batch_id, row[12], row[12], lease.id),
    )
    return others is not None or (lease.state == "open" and not _is_nobodys(transaction, lease))


def _is_nobodys(transaction: Transaction, lease: Lease) -> bool:
    """Whether its device was revoked, so that nobody decides under it any more. What was decided before comes with the
    device that its desktop is since."""
    return transaction.one("SELECT 1 FROM device WHERE id = ? AND state = 'revoked'", lease.device_id) is not None


def _debit(transaction: Transaction, verifier: bytes, amount: int, uses: int) -> Row | None:
    """Balance, uses and number of entries after it; None where the card cannot pay."""
    return transaction.one(
        "UPDATE card SET balance_minor = balance_minor - ?, uses_left = uses_left - ?, entries = entries + 1, "
        "state = CASE WHEN balance_minor - ? = 0 OR (balance_minor IS NULL AND uses_left - ? = 0) THEN 'spent' "
        "ELSE state END WHERE verifier = ? AND uses_left >= ? AND (balance_minor IS NULL OR balance_minor >= ?) "
        "RETURNING balance_minor, uses_left, entries",
        *(amount, uses, amount, uses, verifier, uses, amount),
    )


def _entry(device: Device, op: Op, lease: Lease, *, row: Row, after: Row, place: str, at_ms: int) -> Entry:
    money = bool(row[5])
    amount = int(op.body["amount_minor"]) if money else 0
    return Entry(
        *(device.merchant_id, op.op_id, lease.batch_id, str(row[13]), int(row[12]), int(after[2]), amount),
        *(0 if money else int(op.body["uses"]), after[0], None if money else after[1]),
        entry="counter",
        place=place,
        device_id=device.id,
        device_class="desktop",
        at_ms=at_ms,
        lease_id=lease.id,
    )


def _entered(transaction: Transaction, secrets: ServerSecrets, entry: Entry) -> Outcome:
    write_down(transaction, [entry.row()])
    at, body = at_of(entry.at_ms), entry.body()
    receipt = entry.receipt(secrets, body)
    seq = feed.append(
        transaction, entry.merchant_id, "redeemed@1", op_id=entry.op_id, at=at, body=body, receipt=receipt
    )
    return entry.outcome(seq, receipt)


def _conflict(
    transaction: Transaction,
    device: Device,
    op: Op,
    lease: Lease,
    *,
    row: Row,
    took: tuple[int, int],
    reason: str,
    place: str,
    at: tuple[int, int],
) -> Outcome:
    """Both stories: what the counter gave out, and what had used the card up."""
    transaction.run(
        "INSERT INTO conflict (merchant_id, op_id, lease_id, batch_id, card_no, amount_minor, uses, reason, place, "
        "device_id, at_ms, found_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(device.merchant_id, op.op_id, lease.id, lease.batch_id, row[12], *took, reason, place, device.id, *at),
    )
    body = {
        "batch_id": str(row[13]),
        "card_no": int(row[12]),
        "lease_id": lease.id,
        "amount_minor": took[0],
        "uses": took[1],
        "reason": reason,
        "place": place,
        "device_id": device.id,
        "decided_at": at_of(at[0]),
    }
    told = _told(transaction, device, op, at[1], type_="conflict.found@1", body=body)
    return told | {"status": "conflict", "op_id": op.op_id, "reason": reason}


def settle(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """People have settled a conflict: written off, the customer was reached, or it was taken back."""
    way, about = str(op.body["way"]), str(op.body["conflict_id"])
    if way not in WAYS:
        raise Refusal("invalid", pointers=["/body/way"])
    known = transaction.one(
        "UPDATE conflict SET way = ?, settled_ms = ? WHERE merchant_id = ? AND op_id = ? AND way IS NULL "
        "RETURNING batch_id, card_no",
        *(way, at_ms, device.merchant_id, about),
    )
    if known is None:
        raise Refusal("conflict-unknown")
    uid = transaction.one("SELECT uid FROM batch WHERE id = ?", known[0])
    assert uid is not None, "batches stay"
    note = str(op.body.get("note", ""))[:500]
    body = {"conflict_id": about, "batch_id": uid[0], "card_no": int(known[1]), "way": way, "note": note}
    return _told(transaction, device, op, at_ms, type_="conflict.settled@1", body=body)


# --- the parts ---


def lease_of(transaction: Transaction, merchant_id: str, lease_id: str) -> Lease:
    """Raises Refusal for an unknown or foreign one."""
    row = transaction.one(
        "SELECT id, batch_id, first_no, end_no, device_id, incarnation, state FROM lease "
        "WHERE merchant_id = ? AND id = ?",
        *(merchant_id, lease_id),
    )
    if row is None:
        raise Refusal("lease-unknown")
    return Lease(*row)


def _told(transaction: Transaction, device: Device, op: Op, at_ms: int, *, type_: str, body: dict[str, Any]) -> Outcome:
    at = to_wire(from_ms(at_ms))
    seq = feed.append(transaction, device.merchant_id, type_, op_id=op.op_id, at=at, body=body)
    return {"status": "applied", "seq": seq}


def _name(transaction: Transaction, device_id: str) -> str:
    row = transaction.one("SELECT name FROM device WHERE id = ?", device_id)
    return "" if row is None else str(row[0])


def _number(value: Any, *, least: int = 0) -> int:
    """Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**53:
        raise ValueError("number")
    return value


def _until(text: Any, at_ms: int) -> int:
    until_ms = to_ms(from_wire(str(text)))
    if not at_ms < until_ms <= at_ms + LONGEST_MS:
        raise Refusal("invalid", pointers=["/body/until"])
    return until_ms
