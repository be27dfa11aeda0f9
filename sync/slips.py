"""A slip: what a counter gives the customer in the hand, signed with the key of its device, as one short text for a QR
code.

It says what was used, where, when and by which device, and nothing that redeems a card or names a person. Who has the
device's public key can check it without a line.
"""

import base64
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from sync.protocol import Difference, Whole, bound, from_ms, to_ms, to_wire

MARK = "KXR1."
"""How every text begins. It is written in capitals and digits alone: a QR code holds these in fewer squares, and a
scanner types them right whatever the keyboard."""
SIGNATURE = 64
LONGEST = 4_000
LONGEST_SERIAL, LONGEST_PLACE = 80, 200
_Uuid = Annotated[bytes, Meta(min_length=16, max_length=16)]


class SlipUnreadable(ValueError):
    """The text begins as one and cannot be read: damaged, or of a later version."""


class Slip(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is signed, in the order it is written. Amounts in fen; of a reversal they are negative."""

    merchant: _Uuid
    op: _Uuid
    device: _Uuid
    reversal: bool
    serial: Annotated[str, Meta(max_length=LONGEST_SERIAL)]
    amount_minor: Difference
    uses: Difference
    remaining_minor: Whole | None
    remaining_uses: Whole | None
    at_ms: Annotated[int, Meta(ge=0, lt=1 << 46)]
    place: Annotated[str, Meta(max_length=LONGEST_PLACE)]
    leased: bool
    """Decided under a lease, without the endpoint."""

    @property
    def merchant_id(self) -> str:
        return str(UUID(bytes=self.merchant))

    @property
    def op_id(self) -> str:
        return str(UUID(bytes=self.op))

    @property
    def device_id(self) -> str:
        return str(UUID(bytes=self.device))

    @property
    def kind(self) -> str:
        return "reversed" if self.reversal else "redeemed"

    @property
    def at(self) -> datetime:
        return from_ms(self.at_ms)

    def statement(self) -> bytes:
        """What the signature is made over."""
        numbers = (self.amount_minor, self.uses, self.remaining_minor, self.remaining_uses)
        said = ["" if number is None else str(number) for number in numbers]
        who = [self.merchant_id, self.op_id, self.kind, self.serial]
        where = [to_wire(self.at), self.place, self.device_id, "leased" if self.leased else "asked"]
        return bound(b"kx.slip.v1\0", [*who, *said, *where])


def slip_of(
    *,
    merchant_id: str,
    op_id: str,
    device_id: str,
    kind: str,
    serial: str,
    amount_minor: int,
    uses: int,
    remaining_minor: int | None,
    remaining_uses: int | None,
    at: datetime,
    place: str,
    leased: bool,
) -> Slip:
    return Slip(
        UUID(merchant_id).bytes,
        UUID(op_id).bytes,
        UUID(device_id).bytes,
        kind == "reversed",
        serial[:LONGEST_SERIAL],
        amount_minor,
        uses,
        remaining_minor,
        remaining_uses,
        to_ms(at),
        place[:LONGEST_PLACE],
        leased,
    )


def written(slip: Slip, key: Ed25519PrivateKey) -> str:
    """Signed, as its text."""
    raw = msgspec.msgpack.encode(slip) + key.sign(slip.statement())
    return MARK + base64.b32encode(raw).decode().rstrip("=")


def is_slip(text: str) -> bool:
    """Whether it means to be one, right or wrong."""
    return text.lstrip()[: len(MARK)].upper() == MARK


def read(text: str) -> tuple[Slip, bytes]:
    """The slip and its signature, which nobody has checked yet. Raises SlipUnreadable."""
    packed = "".join(text.split()).upper()
    if not packed.startswith(MARK) or len(packed) > LONGEST:
        raise SlipUnreadable("not in this form")
    coded = packed.removeprefix(MARK)
    try:
        raw = base64.b32decode(coded + "=" * (-len(coded) % 8))
        slip = msgspec.msgpack.decode(raw[:-SIGNATURE], type=Slip)
    except (ValueError, msgspec.MsgspecError) as error:
        raise SlipUnreadable("damaged") from error
    if base64.b32encode(raw).decode().rstrip("=") != coded or msgspec.msgpack.encode(slip) != raw[:-SIGNATURE]:
        raise SlipUnreadable("not the one way to write it")
    return slip, raw[-SIGNATURE:]


def is_genuine(slip: Slip, signature: bytes, public_key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, slip.statement())
    except (InvalidSignature, ValueError):
        return False
    return True
