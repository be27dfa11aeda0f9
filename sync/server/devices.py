"""The devices of a merchant: letting in, listing, revoking, changing roles and names. Revoking beats granting."""

from typing import Any

from sync.devices import MANAGED, DeviceCard, DevicesAnswer, PairingAnswer, PairingRequest
from sync.protocol import (
    LONGEST_NAME,
    Op,
    b64,
    from_ms,
    to_wire,
)
from sync.server import feed
from sync.server.access import PAIRING_MS, Device, digest_of_code, new_pairing_code, require
from sync.server.outcomes import answered, fingerprint_of, keep
from sync.server.problems import Refusal
from sync.server.transaction import Transaction

Outcome = dict[str, Any]


def listed(transaction: Transaction, device: Device) -> DevicesAnswer:
    """All of the merchant's, revoked ones too, in the order they came."""
    require(device, "look")
    rows = transaction.all(
        "SELECT id, name, role, state, enrolled_ms, seen_ms, public_key FROM device WHERE merchant_id = ? "
        "ORDER BY enrolled_ms, id",
        device.merchant_id,
    )
    return DevicesAnswer(
        [
            DeviceCard(
                id=str(row[0]),
                name=str(row[1]),
                role=str(row[2]),
                state=str(row[3]),
                enrolled_at=to_wire(from_ms(int(row[4]))),
                seen_at=None if row[5] is None else to_wire(from_ms(int(row[5]))),
                you=row[0] == device.id,
                public_key=b64(bytes(row[6])),
            )
            for row in rows
        ]
    )


def let_in(transaction: Transaction, device: Device, request: PairingRequest, *, at_ms: int) -> PairingAnswer:
    """A one-time code for a new device. Only its digest is kept: a repeat cannot be told it. Raises Refusal."""
    require(device, "pairing.make")
    meant = fingerprint_of("pairing.make", request.role, request.name)
    if answered(transaction, device.merchant_id, request.op_id, meant) is not None:
        raise Refusal("pairing-told")
    if request.role not in MANAGED[_standing(transaction, device)]:
        raise Refusal("forbidden")
    name, code = " ".join(request.name.split()), new_pairing_code()
    transaction.run(
        "INSERT INTO pairing (code_digest, merchant_id, role, expires_ms, name, made_by) VALUES (?, ?, ?, ?, ?, ?)",
        *(digest_of_code(code), device.merchant_id, request.role, at_ms + PAIRING_MS, name, device.id),
    )
    body = {"role": request.role, "name": name, "by": device.id}
    outcome = _event(transaction, device, request.op_id, at_ms, type_="pairing.made@1", body=body)
    keep(transaction, device.merchant_id, request.op_id, fingerprint=meant, outcome=outcome, at_ms=at_ms)
    return PairingAnswer(code, request.role, name, PAIRING_MS // 1000)


def revoke(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """For good: its next request is refused, and so are the codes it handed out. A second time changes nothing."""
    other, role, state = _meant(transaction, device, op)
    if state != "active":
        return {"status": "applied"}
    _keep_an_owner(transaction, device.merchant_id, role)
    transaction.run("UPDATE device SET state = 'revoked' WHERE id = ?", other)
    transaction.run("DELETE FROM pairing WHERE made_by = ? AND used_ms IS NULL", other)
    body = {"device_id": other, "by": device.id}
    return _event(transaction, device, op.op_id, at_ms, type_="device.revoked@1", body=body)


def change_role(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    """Raises Refusal for one that was revoked, whichever word came first on its way here."""
    new = op.body["role"]
    if new not in MANAGED["owner"]:
        raise Refusal("invalid", pointers=["/body/role"])
    if new not in MANAGED[_standing(transaction, device)]:
        raise Refusal("forbidden")
    other, role, state = _meant(transaction, device, op)
    if state != "active":
        raise Refusal("device-gone")
    if new != role:
        _keep_an_owner(transaction, device.merchant_id, role)
    transaction.run("UPDATE device SET role = ? WHERE id = ?", new, other)
    for beyond in MANAGED["owner"] - MANAGED.get(new, frozenset()):
        made = "DELETE FROM pairing WHERE made_by = ? AND role = ? AND used_ms IS NULL"
        transaction.run(made, other, beyond)
    body = {"device_id": other, "role": new, "by": device.id}
    return _event(transaction, device, op.op_id, at_ms, type_="device.role-changed@1", body=body)


def rename(transaction: Transaction, device: Device, op: Op, at_ms: int) -> Outcome:
    other, _, state = _meant(transaction, device, op)
    name = " ".join(op.body["name"].split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Refusal("invalid", pointers=["/body/name"])
    if state != "active":
        raise Refusal("device-gone")
    transaction.run("UPDATE device SET name = ? WHERE id = ?", name, other)
    body = {"device_id": other, "name": name, "by": device.id}
    return _event(transaction, device, op.op_id, at_ms, type_="device.renamed@1", body=body)


ACTS = {"device.revoke@1": revoke, "device.role@1": change_role, "device.rename@1": rename}


def _standing(transaction: Transaction, device: Device) -> str:
    """The role of who asks, as it is now: it was let in a moment before this transaction began. Raises Refusal."""
    row = transaction.one("SELECT role, state FROM device WHERE id = ?", device.id)
    if row is None or row[1] != "active":
        raise Refusal("device-revoked")
    if str(row[0]) not in MANAGED:
        raise Refusal("forbidden")
    return str(row[0])


def _meant(transaction: Transaction, device: Device, op: Op) -> tuple[str, str, str]:
    """Id, role and state of the device an op is about. Raises Refusal for one that who asks may not manage."""
    row = transaction.one(
        "SELECT id, role, state FROM device WHERE id = ? AND merchant_id = ?",
        *(str(op.body["device_id"]), device.merchant_id),
    )
    if row is None:
        raise Refusal("device-unknown")
    managed = MANAGED[_standing(transaction, device)]
    if row[1] not in managed and not (op.type == "device.rename@1" and row[0] == device.id):
        raise Refusal("forbidden")
    return str(row[0]), str(row[1]), str(row[2])


def _keep_an_owner(transaction: Transaction, merchant: str, role: str) -> None:
    """Raises Refusal: without an owner nobody could ever let one in again from a desktop."""
    if role != "owner":
        return
    count = "SELECT count(*) FROM device WHERE merchant_id = ? AND role = 'owner' AND state = 'active'"
    row = transaction.one(count, merchant)
    if row is None or int(row[0]) < 2:
        raise Refusal("last-owner")


def _event(transaction: Transaction, device: Device, op_id: str, at_ms: int, *, type_: str, body: Outcome) -> Outcome:
    at = to_wire(from_ms(at_ms))
    seq = feed.append(transaction, device.merchant_id, type_, op_id=op_id, at=at, body=body)
    return {"status": "applied", "seq": seq}
