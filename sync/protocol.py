"""The messages both ends speak, and their version."""

import base64
import hashlib
import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from sync import clock

VERSION = 1
OPS_PER_PUSH = 200
CLAIMS = 5_000
"""Batches that are compared at once."""
CHUNK_RECORDS = 5_000
RECORD = 32
"""Bytes of one uploaded record: `d` of a card."""
LONGEST_TEXT, LONGEST_CIPHERTEXT = 2_000, 8_192
LONGEST_NAME = 200
BODY_LIMIT = 1 << 20
CHUNK_LIMIT = 256 << 10
PROBLEM = "https://kaxia.example/problems/"
"""Problem types are names, not addresses to fetch; the part behind the last slash is the stable key."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Id = Annotated[str, Meta(min_length=36, max_length=36, pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
"""A UUID."""
Token = Annotated[str, Meta(max_length=128, pattern="^[A-Za-z0-9_-]+$")]
"""Bytes as base64url without padding, or another short opaque text."""
Digest = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
"""32 bytes as base64url without padding."""
Signature = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{85}[AQgw]$")]
"""64 bytes, the same way."""
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Difference = Annotated[int, Meta(ge=-(2**53), le=2**53)]


def new_op_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    stamp = clock.now_ms()
    value = stamp << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError for anything that is not base64url without padding."""
    padded = (text.replace("-", "+").replace("_", "/") + "==="[: -len(text) % 4]).encode()
    raw = a2b_base64(padded)
    if b2a_base64(raw, newline=False) != padded or "+" in text or "/" in text or "=" in text:
        raise ValueError("not base64url without padding")
    return raw


def to_wire(instant: datetime) -> str:
    """An aware instant as RFC 3339 in UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_wire(text: str) -> datetime:
    """Raises ValueError for a text without a zone."""
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if instant.tzinfo is None:
        raise ValueError("an instant needs its zone")
    return instant.astimezone(UTC)


def to_ms(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


def from_ms(stamp: int) -> datetime:
    return EPOCH + timedelta(milliseconds=stamp)


def gate_digest(link_id: str, value: str) -> str:
    """What the phone sends in place of the phone tail or employee number."""
    return b64(hashlib.sha256(b"kx.gate.v1\0" + link_id.encode() + b"\0" + value.encode()).digest())


def pickup_lookup(merchant_id: UUID, code: str) -> str:
    """What finds a link by its pick-up code."""
    return b64(hashlib.sha256(b"kx.pickup.v1\0" + merchant_id.bytes + code.encode()).digest())


def feed_hash(before: bytes, seq: int, row: bytes) -> bytes:
    """Chain of the feed: each row is bound to everything before it."""
    return hashlib.sha256(b"kx.feed.v1\0" + before + seq.to_bytes(8, "big") + row).digest()


def feed_row(type_: str, op_id: str, at: str, body: bytes, receipt: str = "") -> bytes:
    """The bytes of an event that its hash covers; `body` is the JSON as it stands in the feed."""
    row = b"\n".join((type_.encode(), op_id.encode(), at.encode(), body))
    return row + b"\n" + receipt.encode() if receipt else row


def bound(domain: bytes, parts: Sequence[str]) -> bytes:
    """What is signed: each part behind its length in bytes, as four of them."""
    short = "".join([f"\0\0\0{chr(len(part))}{part}" for part in parts])
    if short.isascii():  # as nearly always: then no part is longer than 127 and its letters are its bytes
        return domain + short.encode()
    raws = [part.encode() for part in parts]
    return domain + b"".join([len(raw).to_bytes(4, "big") + raw for raw in raws])


# --- what everyone may ask ---


class ProtocolWindow(Struct, frozen=True):
    min: int
    max: int


class FeedHead(Struct, frozen=True):
    """`restored_at`: where the feed stood when the endpoint was last put back from a backup."""

    epoch: str
    head: int
    restored_at: int | None = None


class MerchantCard(Struct, frozen=True):
    id: str
    name: str
    phone: str = ""
    slug: str = ""


class DeviceState(Struct, frozen=True):
    id: str
    role: str
    state: str


class Limits(Struct, frozen=True):
    ops_per_push: int = OPS_PER_PUSH
    chunk_records: int = CHUNK_RECORDS


class RecoveryState(Struct, frozen=True):
    """An endpoint that was put back waits for `devices` to give back what they hold; `done` of them have."""

    since: str
    devices: int
    done: int
    entries: int
    """So many entries of the ledger came back."""


class Hello(Struct, frozen=True):
    """`mode` is normal or recovering; `public_key` is what the endpoint signs with, empty for one of before."""

    server_time: str
    protocol: ProtocolWindow
    feed: FeedHead
    mode: str
    merchant: MerchantCard
    device: DeviceState
    limits: Limits = msgspec.field(default_factory=Limits)
    public_key: str = ""
    recovery: RecoveryState | None = None
    moves_frozen: bool = False
    """Whether entries of the ledger that another endpoint decided get in here whatever is frozen."""
    closes: bool = False
    """Whether it knows `batch.close@1`: nothing is decided about the batch here until it is opened again."""


class EnrollRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pairing_code: Annotated[str, Meta(min_length=1, max_length=64)]
    device_name: Annotated[str, Meta(max_length=LONGEST_NAME)]
    public_key: Digest
    incarnation: Token
    proof: Signature
    """Ed25519 over `kx-enroll` ‖ 0 ‖ pairing code."""
    merchant_id: Id | None = None
    """Whose cards the vault holds: a code of another merchant is then refused and stays unused."""


class EnrollAnswer(Struct, frozen=True):
    device_id: str
    merchant_id: str
    hello: Hello


# --- ops and the feed ---


class Op(Struct, frozen=True, forbid_unknown_fields=True):
    op_id: Id
    type: Annotated[str, Meta(max_length=40)]
    occurred_at: Annotated[str, Meta(max_length=40)]
    body: dict[str, Any]


class OpsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    ops: Annotated[list[Op], Meta(min_length=1, max_length=OPS_PER_PUSH)]


class Problem(Struct, frozen=True, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str = ""
    retryable: bool = False
    retry_after_s: float | None = None
    server_time: str | None = None
    remaining_minor: int | None = None
    remaining_uses: int | None = None
    gate_kind: str | None = None
    pointers: list[str] | None = None
    trace: str = ""

    @property
    def key(self) -> str:
        return self.type.rpartition("/")[2]


class OpResult(Struct, frozen=True, omit_defaults=True):
    op_id: str
    status: str
    """applied, duplicate (the stored outcome of the same op), rejected, or retry: not tried, for one before it that is
    about the same was refused."""
    seq: int | None = None
    outcome: dict[str, Any] | None = None
    problem: Problem | None = None


class Event(Struct, frozen=True, omit_defaults=True):
    """`receipt`: the endpoint's word on an entry of the ledger; see receipts.py."""

    seq: int
    type: str
    op_id: str
    at: str
    body: msgspec.Raw
    hash: str
    receipt: str = ""


class Checkpoint(Struct, frozen=True):
    """What the feed's hash is at `seq`, signed."""

    epoch: Token
    seq: Whole
    hash: Digest
    at: Annotated[str, Meta(max_length=40)]
    signature: Signature


class OpsAnswer(Struct, frozen=True):
    """`checkpoint` is of the feed behind these ops, here and in the next ones; an endpoint of before gives none."""

    results: list[OpResult]
    head: int
    checkpoint: Checkpoint | None = None


class EventsPage(Struct, frozen=True):
    """`checkpoint` is of the last event; an endpoint of before gives none."""

    epoch: str
    events: list[Event]
    next: str
    has_more: bool
    head: int
    checkpoint: Checkpoint | None = None


class UploadState(Struct, frozen=True):
    total: int
    chunk_records: int
    have: list[int]
    sealed: bool


class SealRequest(Struct, frozen=True, forbid_unknown_fields=True):
    op_id: Id
    count: Whole
    root: Digest


class SealAnswer(Struct, frozen=True):
    status: str
    seq: int
    live: int
    receipt: dict[str, Any]
    checkpoint: Checkpoint | None = None


class FreezeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    op_id: Id
    batch_id: Id
    occurred_at: Annotated[str, Meta(max_length=40)] = ""


class FreezeAnswer(Struct, frozen=True):
    status: str
    in_force: str
    """`now`, or `now_except_leases`."""
    seq: int
    checkpoint: Checkpoint | None = None


class LeaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Cards of a sealed batch: `count` from number `first_no` on, or all the rest of it."""

    op_id: Id
    batch_id: Id
    until: Annotated[str, Meta(max_length=40)]
    first_no: Whole = 0
    count: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class ReturnRequest(Struct, frozen=True, forbid_unknown_fields=True):
    op_id: Id
    lease_id: Id


class LeaseAnswer(Struct, frozen=True):
    """The id of a lease is the op id that took it. What is leased is told by the event `seq`."""

    status: str
    lease_id: str
    seq: int


class BatchClaim(Struct, frozen=True, forbid_unknown_fields=True):
    """What a desktop believes about one batch: of its entries those that the feed told behind the request's `since`."""

    batch_id: Id
    count: Whole
    redeemed_minor: Difference
    redeemed_uses: Difference
    root: Digest | None = None
    """Of those entries, see tally.py."""


class ReconcileRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    at_seq: Whole
    """Feed position the claims were computed at."""
    batches: Annotated[list[BatchClaim], Meta(max_length=CLAIMS)]
    since: Whole = 0
    """Feed position up to which all is known to agree: the claims are about what came after it. 0: about everything."""


class BatchDifference(Struct, frozen=True):
    batch_id: str
    what: str
    here: int | None
    there: int | None


class DrawersRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The roots of the drawers of one batch, to find the entries in which it differs."""

    at_seq: Whole
    batch_id: Id
    roots: Annotated[list[Digest], Meta(min_length=256, max_length=256)]


class BookedEntry(Struct, frozen=True):
    op_id: str
    card_no: int
    kind: str
    amount_minor: int
    uses: int


class DrawersAnswer(Struct, frozen=True):
    """Which drawers differ, and the entries that lie in them here. None of both when the feed has moved on."""

    head: int
    drawers: list[int]
    entries: list[BookedEntry]
    has_more: bool


class ReconcileAnswer(Struct, frozen=True):
    head: int
    compared: int
    differences: list[BatchDifference]
