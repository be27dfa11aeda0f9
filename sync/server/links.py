"""Claim links and pick-up codes: ciphertext behind a token and a gate; opened by a POST, claimed by an ack."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from sync.phone import CardState, LinkRequest, LookupAnswer, OpenAnswer, PickupRequest, StateAnswer
from sync.protocol import Op, b64, from_ms, from_wire, gate_digest, to_ms, to_wire, unb64
from sync.server import feed
from sync.server.access import Device, merchant_card, require
from sync.server.batches import verifier_at
from sync.server.epochs import recovering
from sync.server.ledger import history
from sync.server.outcomes import answered, fingerprint_of, keep
from sync.server.problems import Refusal
from sync.server.redemption import FACTS, facts_of
from sync.server.spans import open_spans
from sync.server.transaction import Row, Transaction

TOKEN_MS = 24 * 60 * 60 * 1000
COLUMNS = (
    "SELECT id, merchant_id, batch_id, card_no, auth_digest, ciphertext, expires_at, gate_kind, gate_mac, "
    "pickup_ciphertext, opened_ms, claimed_ms, recalled_ms FROM link "
)


@dataclass(frozen=True, slots=True)
class Link:
    """One stored link."""

    id: str
    merchant_id: str
    batch_id: int
    card_no: int
    auth_digest: bytes
    ciphertext: str
    expires_at: str | None
    gate_kind: str | None
    gate_mac: bytes | None
    pickup_ciphertext: str | None
    opened_ms: int | None
    claimed_ms: int | None
    recalled_ms: int | None

    def state(self, at_ms: int) -> str:
        if self.recalled_ms is not None:
            return "recalled"
        if self.expires_at is not None and at_ms > to_ms(from_wire(self.expires_at)):
            return "expired"
        if self.claimed_ms is not None:
            return "claimed"
        return "opened" if self.opened_ms is not None else "waiting"


def put(
    transaction: Transaction, device: Device, link_id: str, request: LinkRequest, *, pepper: bytes, at_ms: int
) -> dict[str, Any]:
    """Store a link; the same again is harmless. Raises Refusal."""
    print_ = fingerprint_of("link", link_id, msgspec.json.encode(request))
    known = answered(transaction, device.merchant_id, request.op_id, print_)
    if known is not None:
        return known
    require(device, "link.put@1")
    batch = transaction.one(
        "SELECT id, uid FROM batch WHERE merchant_id = ? AND uid = ?",
        *(device.merchant_id, str(UUID(request.batch_id))),
    )
    if batch is None:
        raise Refusal("batch-unknown")
    if transaction.one("SELECT 1 FROM link WHERE id = ?", link_id):
        raise Refusal("stale-version")
    gate, pickup = request.gate, request.pickup
    _refuse_unread(request)
    transaction.run(
        "INSERT INTO link (id, merchant_id, batch_id, card_no, auth_digest, ciphertext, expires_at, gate_kind, "
        "gate_mac, pickup_mac, pickup_ciphertext, stored_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(link_id, device.merchant_id, batch[0], request.card_no, unb64(request.auth_digest), request.ciphertext),
        *(request.expires_at, gate.kind if gate else None, _mac(pepper, gate.digest) if gate else None),
        *(_mac(pepper, pickup.lookup) if pickup else None, pickup.ciphertext if pickup else None, at_ms),
    )
    body = {"link_id": link_id, "batch_id": batch[1], "card_no": request.card_no}
    at = to_wire(from_ms(at_ms))
    seq = feed.append(transaction, device.merchant_id, "link.stored@1", op_id=request.op_id, at=at, body=body)
    outcome = {"status": "applied", "seq": seq}
    keep(transaction, device.merchant_id, request.op_id, fingerprint=print_, outcome=outcome, at_ms=at_ms)
    return outcome


def _refuse_unread(request: LinkRequest) -> None:
    """What could be stored and never be read again."""
    try:
        unb64(request.auth_digest)
        if request.expires_at is not None:
            from_wire(request.expires_at)
    except ValueError as error:
        raise Refusal("invalid", pointers=["/auth_digest", "/expires_at"]) from error


def recall(transaction: Transaction, device: Device, op: Op, at_ms: int) -> dict[str, Any]:
    """Take a link back, unless its card was claimed: decided here, where the claim would be."""
    link_id = str(op.body["link_id"])
    link = _found(transaction, "WHERE id = ? AND merchant_id = ?", link_id, device.merchant_id)
    if link is None:
        raise Refusal("link-unknown")
    if link.claimed_ms is not None or link.opened_ms is not None:
        raise Refusal("link-claimed")
    transaction.run("UPDATE link SET recalled_ms = ? WHERE id = ? AND opened_ms IS NULL", at_ms, link_id)
    body = _named(transaction, link)
    at = to_wire(from_ms(at_ms))
    seq = feed.append(transaction, device.merchant_id, "link.recalled@1", op_id=op.op_id, at=at, body=body)
    return {"status": "applied", "seq": seq}


def authentic(transaction: Transaction, link_id: str, auth: str, at_ms: int) -> Link:
    """The link behind a token of the fragment or of a pick-up. One answer for unknown and wrong."""
    link = _found(transaction, "WHERE id = ?", link_id)
    try:
        digest = hashlib.sha256(unb64(auth)).digest()
    except ValueError:
        digest = b""
    if link is None:
        raise Refusal("link-unknown")
    if hmac.compare_digest(link.auth_digest, digest):
        return link
    token = transaction.one(
        "SELECT 1 FROM link_token WHERE digest = ? AND link_id = ? AND expires_ms >= ?", digest, link_id, at_ms
    )
    if token is None:
        raise Refusal("link-unknown")
    return link


def check_gate(link: Link, given: str | None, pepper: bytes) -> None:
    """Raises Refusal gate-required or gate-wrong."""
    if link.gate_mac is None:
        return
    if not given:
        raise Refusal("gate-required", gate_kind=link.gate_kind)
    if not hmac.compare_digest(link.gate_mac, _mac(pepper, given)):
        raise Refusal("gate-wrong", gate_kind=link.gate_kind)


def open_(transaction: Transaction, link: Link, *, op_id: str, at_ms: int) -> OpenAnswer:
    """Hand out the ciphertext; the first time is a fact of its own."""
    _refuse_gone(link, at_ms)
    if link.opened_ms is None:
        transaction.run("UPDATE link SET opened_ms = ? WHERE id = ? AND opened_ms IS NULL", at_ms, link.id)
        _tell(transaction, link, "opened@1", op_id=op_id, at_ms=at_ms)
    row = transaction.one("SELECT uid FROM batch WHERE id = ?", link.batch_id)
    assert row is not None, "a link has its batch"
    link = _found(transaction, "WHERE id = ?", link.id) or link
    return OpenAnswer(link.ciphertext, str(row[0]), link.expires_at, state_of(transaction, link, at_ms))


def acknowledge(transaction: Transaction, link: Link, *, op_id: str, at_ms: int) -> StateAnswer:
    """The phone has decrypted the card: claimed. Again is harmless. Nobody has decrypted what was never handed out: a
    link alone must not get past the gate. Raises Refusal gate-required."""
    _refuse_gone(link, at_ms)
    if link.opened_ms is None:
        raise Refusal("gate-required", gate_kind=link.gate_kind)
    if link.claimed_ms is None:
        transaction.run("UPDATE link SET claimed_ms = ? WHERE id = ? AND claimed_ms IS NULL", at_ms, link.id)
        _tell(transaction, link, "claimed@1", op_id=op_id, at_ms=at_ms)
    link = _found(transaction, "WHERE id = ?", link.id) or link
    return StateAnswer(state_of(transaction, link, at_ms), link.gate_kind)


def open_pickup(
    transaction: Transaction, request: PickupRequest, *, pepper: bytes, op_id: str, at_ms: int
) -> OpenAnswer:
    """The other door: pick-up code and the gate's value. One generic answer whatever was wrong."""
    row = transaction.one("SELECT id FROM merchant WHERE slug = ?", request.slug)
    link = (
        None
        if row is None
        else _found(transaction, "WHERE pickup_mac = ? AND merchant_id = ?", _mac(pepper, request.lookup), str(row[0]))
    )
    if link is None or link.pickup_ciphertext is None:
        raise Refusal("link-unknown")
    value = request.value.strip().upper()
    if link.gate_mac is not None and not hmac.compare_digest(link.gate_mac, _mac(pepper, gate_digest(link.id, value))):
        raise Refusal("link-unknown")
    opened = open_(transaction, link, op_id=op_id, at_ms=at_ms)
    token = secrets.token_bytes(24)
    transaction.run(
        "INSERT INTO link_token (digest, link_id, expires_ms) VALUES (?, ?, ?)",
        *(hashlib.sha256(token).digest(), link.id, at_ms + TOKEN_MS),
    )
    return OpenAnswer(
        link.pickup_ciphertext, opened.batch_id, opened.expires_at, opened.state, link_id=link.id, auth=b64(token)
    )


def state_of(transaction: Transaction, link: Link, at_ms: int) -> CardState:
    """How the card behind a link stands. Behind one that was taken back it is somebody else's."""
    if link.recalled_ms is not None:
        merchant = merchant_card(transaction, link.merchant_id)
        return CardState("voided", None, None, [], link.state(at_ms), merchant)
    row = transaction.one(FACTS + "WHERE c.verifier = ?", verifier_at(transaction, link.batch_id, link.card_no))
    return _state(transaction, row, link.merchant_id, at_ms=at_ms, link=link.state(at_ms), link_batch=link.batch_id)


def look_up(transaction: Transaction, device: Device, verifier: bytes, *, at_ms: int) -> LookupAnswer:
    """How a card stands, for the merchant's own counter. Raises Refusal card-unknown, recovering."""
    require(device, "look")
    row = transaction.one(FACTS + "WHERE c.verifier = ? AND b.merchant_id = ?", verifier, device.merchant_id)
    if row is None:
        raise Refusal("card-unknown")
    if recovering(transaction, {device.merchant_id}):
        raise Refusal("recovering")  # it may have been used since: nobody is to say that it is good
    batch = transaction.one("SELECT name, face_minor FROM batch WHERE id = ?", row[11])
    assert batch is not None, "a card has its batch"
    until = None if row[10] is None else to_wire(from_ms(row[10]))
    state = _state(transaction, row, device.merchant_id, at_ms=at_ms, link="", link_batch=row[11])
    leased = any(first <= row[12] < end for first, end in open_spans(transaction, [row[11]]).get(row[11], ()))
    return LookupAnswer(state, str(row[13]), int(row[12]), str(batch[0]), batch[1], until, leased)


def _state(
    transaction: Transaction, row: Row | None, merchant_id: str, *, at_ms: int, link: str, link_batch: int
) -> CardState:
    merchant = merchant_card(transaction, merchant_id)
    if row is None:
        kind = transaction.one("SELECT kind, voided, frozen FROM batch WHERE id = ?", link_batch)
        word = "supplier" if kind is not None and kind[0] == "supplier" else "unsealed"
        return CardState(word, None, None, [], link, merchant)
    facts = facts_of(row)
    money = facts.money
    return CardState(
        _word(row, at_ms),
        facts.balance_minor if money else None,
        None if money else facts.uses_left,
        history(transaction, row[11], row[12]),
        link,
        merchant,
    )


def _word(row: Row, at_ms: int) -> str:
    facts = facts_of(row)
    if not facts.sealed:
        return "unsealed"
    if facts.ended or facts.card_state == "voided":
        return "voided"
    if facts.card_state == "spent":
        return "spent"
    if facts.batch_frozen or facts.card_frozen:
        return "frozen"
    expired = facts.valid_until is not None and from_ms(at_ms) > facts.valid_until
    return "expired" if expired else "active"


def _refuse_gone(link: Link, at_ms: int) -> None:
    state = link.state(at_ms)
    if state in ("recalled", "expired"):
        raise Refusal(f"link-{state}")


def _tell(transaction: Transaction, link: Link, type_: str, *, op_id: str, at_ms: int) -> None:
    at = to_wire(from_ms(at_ms))
    feed.append(transaction, link.merchant_id, type_, op_id=op_id, at=at, body=_named(transaction, link))


def _named(transaction: Transaction, link: Link) -> dict[str, Any]:
    row = transaction.one("SELECT uid FROM batch WHERE id = ?", link.batch_id)
    return {"link_id": link.id, "batch_id": row[0] if row else "", "card_no": link.card_no}


def _found(transaction: Transaction, where: str, *values: Any) -> Link | None:
    row = transaction.one(COLUMNS + where, *values)
    if row is None:
        return None
    parts = list(row)
    parts[4] = bytes(parts[4])
    parts[8] = None if parts[8] is None else bytes(parts[8])
    return Link(*parts)


def _mac(pepper: bytes, digest: str) -> bytes:
    return hmac.digest(pepper, b"kx.link.v1|" + digest.encode(), hashlib.sha256)
