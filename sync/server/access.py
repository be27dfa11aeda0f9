"""Who is asking: merchants, pairing, devices, request signatures, roles."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from sync import points
from sync.protocol import (
    LONGEST_NAME,
    VERSION,
    DeviceState,
    EnrollAnswer,
    EnrollRequest,
    FeedHead,
    Hello,
    MerchantCard,
    ProtocolWindow,
    from_ms,
    new_op_id,
    to_wire,
    unb64,
)
from sync.server import epochs, feed
from sync.server.problems import Refusal
from sync.server.transaction import Transaction
from sync.signing import WINDOW_S, Signed, is_genuine, proves_enrolment

PAIRING_MS = 10 * 60 * 1000
NONCE_MS = 15 * 60 * 1000
MINUTE_MS = 60 * 1000
KEPT_CODES_MS = 24 * 60 * 60 * 1000
SLUG = re.compile(r"^[a-z0-9][a-z0-9-]{1,40}$")

WRITERS = frozenset({"owner", "manager", "distributor"})
ROLES: dict[str, frozenset[str]] = {
    "merchant.update@1": frozenset({"owner", "manager"}),
    "batch.create@1": WRITERS,
    "batch.freeze@1": WRITERS,
    "batch.thaw@1": frozenset({"owner", "manager"}),
    "batch.void@1": frozenset({"owner", "manager"}),
    "batch.close@1": frozenset({"owner", "manager"}),
    "batch.open@1": frozenset({"owner", "manager"}),
    "card.freeze@1": WRITERS,
    "card.thaw@1": frozenset({"owner", "manager"}),
    "card.void@1": WRITERS,
    "redeem@1": frozenset({"owner", "manager", "distributor", "clerk"}),
    "redeem.leased@1": frozenset({"owner", "manager", "distributor", "clerk"}),
    "reverse@1": frozenset({"owner", "manager", "clerk"}),
    "card.topup@1": frozenset({"owner", "manager"}),
    "card.refund@1": frozenset({"owner", "manager"}),
    "lease.take@1": frozenset({"owner", "manager", "distributor", "clerk"}),
    "lease.return@1": frozenset({"owner", "manager", "distributor", "clerk"}),
    "lease.reclaim@1": frozenset({"owner", "manager"}),
    "conflict.settle@1": frozenset({"owner", "manager"}),
    "carry": frozenset({"owner", "manager"}),
    "give.back": frozenset({"owner", "manager", "distributor", "clerk", "auditor"}),
    "recovery.lift@1": frozenset({"owner"}),
    "pairing.make": frozenset({"owner", "manager"}),
    "device.revoke@1": frozenset({"owner", "manager"}),
    "device.role@1": frozenset({"owner", "manager"}),
    "device.rename@1": frozenset({"owner", "manager"}),
    "link.put@1": WRITERS,
    "link.recall@1": WRITERS,
    "upload": WRITERS,
    "blob.get": WRITERS,
    "look": frozenset({"owner", "manager", "distributor", "clerk", "auditor"}),
}
"""Who may do what; what is not listed nobody may."""


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    merchant_id: str
    role: str
    incarnation: str = ""


@dataclass(frozen=True, slots=True)
class Pairing:
    merchant_id: str
    slug: str
    code: str


def require(device: Device, act: str) -> None:
    """Raises Refusal: an act nobody declared is an unknown one, another is not for this role."""
    if act not in ROLES:
        raise Refusal("op-unknown")
    if device.role not in ROLES[act]:
        raise Refusal("forbidden")


def add_merchant(transaction: Transaction, *, name: str, merchant_id: str = "", slug: str = "", at_ms: int) -> Pairing:
    """Make a merchant, or only a new pairing code for one that is there. Raises ValueError with a sentence."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ValueError(f"A merchant's name has 1 to {LONGEST_NAME} signs.")
    identity = str(UUID(merchant_id)) if merchant_id else str(uuid4())
    known = transaction.one("SELECT slug FROM merchant WHERE id = ?", identity)
    if known is None:
        slug = slug or identity.replace("-", "")[:10]
        if not SLUG.fullmatch(slug):
            raise ValueError("A slug has 2 to 41 small letters, digits and hyphens.")
        if transaction.one("SELECT id FROM merchant WHERE slug = ?", slug):
            raise ValueError(f"The slug {slug} is taken.")
        transaction.run(
            "INSERT INTO merchant (id, name, phone, slug, feed_seq, feed_hash, created_ms) "
            "VALUES (?, ?, '', ?, 0, ?, ?)",
            *(identity, name, slug, b"\0" * 32, at_ms),
        )
    else:
        slug = str(known[0])
    code = new_pairing_code()
    transaction.run(
        "INSERT INTO pairing (code_digest, merchant_id, role, expires_ms) VALUES (?, ?, 'owner', ?)",
        *(digest_of_code(code), identity, at_ms + PAIRING_MS),
    )
    return Pairing(identity, slug, code)


def new_pairing_code() -> str:
    """It is typed behind `endpoint pair URL`, where a hyphen would begin an option."""
    while (code := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return code


def merchant_of(transaction: Transaction, pairing_code: str) -> str:
    """Whose code it is, so that the enrolment locks that merchant's feed; empty for an unknown one."""
    row = transaction.one("SELECT merchant_id FROM pairing WHERE code_digest = ?", digest_of_code(pairing_code))
    return str(row[0]) if row else ""


def enroll(transaction: Transaction, request: EnrollRequest, *, at_ms: int) -> EnrollAnswer:
    """Register a device: the pairing code is used up by one conditional update."""
    try:
        public_key, proof = unb64(request.public_key), unb64(request.proof)
    except ValueError as error:
        raise Refusal("invalid", pointers=["/public_key"]) from error
    if len(public_key) != 32 or not proves_enrolment(public_key, request.pairing_code, proof):
        raise Refusal("pairing-refused")
    code = digest_of_code(request.pairing_code)
    if request.merchant_id is not None:
        _refuse_other(transaction, code, str(UUID(request.merchant_id)))
    row = transaction.one(
        "UPDATE pairing SET used_ms = ? WHERE code_digest = ? AND used_ms IS NULL AND expires_ms >= ? "
        "RETURNING merchant_id, role, name",
        *(at_ms, code, at_ms),
    )
    if row is None:
        raise Refusal("pairing-refused")
    merchant, role, name = str(row[0]), str(row[1]), str(row[2]) or request.device_name
    device_id = _register(transaction, request, public_key, merchant, role=role, name=name, at_ms=at_ms)
    body = {"device_id": device_id, "name": name, "role": role}
    feed.append(transaction, merchant, "device.enrolled@1", op_id=new_op_id(), at=to_wire(from_ms(at_ms)), body=body)
    return EnrollAnswer(device_id, merchant, hello(transaction, Device(device_id, merchant, role), at_ms=at_ms))


def _refuse_other(transaction: Transaction, code: bytes, merchant_id: str) -> None:
    """Raises Refusal before the code is used up: cards of one merchant are never found among another's."""
    row = transaction.one("SELECT merchant_id FROM pairing WHERE code_digest = ? AND used_ms IS NULL", code)
    if row is not None and str(row[0]) != merchant_id:
        raise Refusal("other-merchant")


def _register(
    transaction: Transaction,
    request: EnrollRequest,
    public_key: bytes,
    merchant: str,
    *,
    role: str,
    name: str,
    at_ms: int,
) -> str:
    """A new device in its first life; its id."""
    device_id = str(uuid4())
    transaction.run(
        "INSERT INTO device (id, merchant_id, name, public_key, role, state, incarnation, enrolled_ms, seen_ms) "
        "VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?)",
        *(device_id, merchant, name, public_key, role, request.incarnation, at_ms, _minute(at_ms)),
    )
    transaction.run(
        "INSERT INTO incarnation (device_id, incarnation, first_ms) VALUES (?, ?, ?)",
        *(device_id, request.incarnation, at_ms),
    )
    return device_id


def admit(transaction: Transaction, signed: Signed, *, at_ms: int) -> Device:
    """The device behind a signature. Order matters: who, genuine, when, once. Raises Refusal."""
    row = transaction.one(
        "SELECT merchant_id, public_key, role, state, incarnation, seen_ms FROM device WHERE id = ?", signed.device
    )
    if row is None or not is_genuine(signed, bytes(row[1])):
        raise Refusal("bad-signature")
    if abs(at_ms // 1000 - signed.created) > WINDOW_S:
        raise Refusal("clock-skew", server_time=to_wire(from_ms(at_ms)))
    if row[3] != "active":
        raise Refusal("device-revoked")
    fresh = transaction.run(
        "INSERT INTO nonce (device_id, nonce, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        *(signed.device, signed.nonce, at_ms),
    )
    if fresh != 1:
        raise Refusal("replayed-nonce")
    points.passed("endpoint.nonce")
    if row[4] != signed.incarnation:
        _live_on(transaction, signed, at_ms)
    if row[5] is None or row[5] < _minute(at_ms):  # kept to the minute: no write for each request
        transaction.run("UPDATE device SET seen_ms = ? WHERE id = ?", _minute(at_ms), signed.device)
    return Device(signed.device, str(row[0]), str(row[2]), signed.incarnation)


def _live_on(transaction: Transaction, signed: Signed, at_ms: int) -> None:
    """A life that was not heard before takes the place of the last one; one whose place was taken may not speak.

    Two machines with the same life, copied by hand, cannot be told apart until one of them takes a new one.
    """
    fresh = transaction.run(
        "INSERT INTO incarnation (device_id, incarnation, first_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        *(signed.device, signed.incarnation, at_ms),
    )
    if fresh == 1:
        transaction.run("UPDATE device SET incarnation = ? WHERE id = ?", signed.incarnation, signed.device)
        return
    last = transaction.one("SELECT incarnation FROM device WHERE id = ?", signed.device)
    if last is None or last[0] != signed.incarnation:  # else two of its first requests came side by side
        raise Refusal("restore-detected")


def forget_nonces(transaction: Transaction, at_ms: int) -> None:
    transaction.run("DELETE FROM nonce WHERE at_ms < ?", at_ms - NONCE_MS)
    transaction.run("DELETE FROM pairing WHERE expires_ms < ?", at_ms - KEPT_CODES_MS)
    transaction.run("DELETE FROM link_token WHERE expires_ms < ?", at_ms)
    transaction.run("DELETE FROM failure WHERE theoretical_ms < ?", at_ms)


def hello(transaction: Transaction, device: Device, *, at_ms: int) -> Hello:
    merchant, recovery = device.merchant_id, epochs.state(transaction, device.merchant_id)
    head = feed.head(transaction, merchant)
    return Hello(
        server_time=to_wire(from_ms(at_ms)),
        protocol=ProtocolWindow(VERSION, VERSION),
        feed=FeedHead(feed.epoch(transaction), head, epochs.restored_at(transaction, merchant)),
        mode="normal" if recovery is None else "recovering",
        merchant=merchant_card(transaction, device.merchant_id),
        device=DeviceState(device.id, device.role, "active"),
        public_key=feed.public_key(transaction),
        recovery=recovery,
        moves_frozen=True,
        closes=True,
    )


def merchant_card(transaction: Transaction, merchant_id: str) -> MerchantCard:
    row = transaction.one("SELECT id, name, phone, slug FROM merchant WHERE id = ?", merchant_id)
    if row is None:
        raise Refusal("not-found")
    return MerchantCard(*(str(part) for part in row))


def _minute(at_ms: int) -> int:
    return at_ms // MINUTE_MS * MINUTE_MS


def digest_of_code(code: str) -> bytes:
    return hashlib.sha256(b"kx.pairing\0" + code.encode()).digest()
