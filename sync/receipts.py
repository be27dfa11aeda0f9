"""What the endpoint answers for: its word on single entries of the ledger, and on its feed up to a place.

A receipt binds one entry; only the endpoint can make it, and it knows its own again: whoever has one can give the entry
back to an endpoint that was put back from a backup. A checkpoint is signed, so everybody can check it, and by the chain
of hashes it binds every event before it, with its receipt. A signature for each entry would cost a fifth of all
redemptions in a second.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from sync.protocol import LONGEST_NAME, LONGEST_TEXT, Checkpoint, Difference, Digest, Id, Whole, b64, bound, unb64

GIVEN_BACK = 500
"""Entries of the ledger that are given back at once."""
BOUND = ("batch_id", "card_no", "amount_minor", "uses", "remaining_minor", "remaining_uses", "reverses")
"""What a receipt says of an entry, by the names in the body of its event."""


class WitnessRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint that was taken from this endpoint earlier."""

    checkpoint: Checkpoint


class WitnessAnswer(Struct, frozen=True):
    """`agrees`; `differs`: another history at that place; `restored`: the endpoint learnt by it that it was put back
    from a backup; `past`: of an epoch of before."""

    verdict: str
    epoch: str


class GivenBack(Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of the ledger as the feed told it, with its receipt."""

    op_id: Id
    kind: Annotated[str, Meta(pattern="^(redeemed|reversed|topped_up|refunded)$")]
    batch_id: Id
    card_no: Whole
    amount_minor: Difference
    uses: Difference
    remaining_minor: Whole | None
    remaining_uses: Whole | None
    at: Annotated[str, Meta(max_length=40)]
    receipt: Digest
    reverses: Id | None = None
    reason: Annotated[str, Meta(max_length=LONGEST_TEXT)] = ""
    entry: Annotated[str, Meta(max_length=20)] = "counter"
    place: Annotated[str, Meta(max_length=LONGEST_NAME)] = ""
    device_class: Annotated[str, Meta(max_length=20)] = ""


class GiveBackRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`done`: this device has nothing more that the endpoint lost."""

    entries: Annotated[list[GivenBack], Meta(max_length=GIVEN_BACK)]
    done: bool = False


class GiveBackAnswer(Struct, frozen=True):
    """For each entry: `entered`, `known`, or why not: a problem's key."""

    results: list[str]
    mode: str


def entry_statement(merchant_id: str, op_id: str, kind: str, at: str, body: Mapping[str, Any]) -> bytes:
    """What a receipt is made over. `kind` is redeemed or reversed, `at` as it stands in the feed."""
    said = ["" if part is None else str(part) for part in map(body.get, BOUND)]
    return bound(b"kx.receipt.v1\0", [merchant_id, op_id, kind, at, *said])


def signed(merchant_id: str, *, epoch: str, seq: int, digest: bytes, at: str, key: Ed25519PrivateKey) -> Checkpoint:
    """The endpoint's word that its feed of that epoch has this hash at `seq`."""
    told = b64(digest)
    return Checkpoint(epoch, seq, told, at, b64(key.sign(_checkpoint_statement(merchant_id, epoch, seq, told, at))))


def is_genuine(checkpoint: Checkpoint, merchant_id: str, public_key: bytes) -> bool:
    statement = _checkpoint_statement(merchant_id, checkpoint.epoch, checkpoint.seq, checkpoint.hash, checkpoint.at)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(unb64(checkpoint.signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def _checkpoint_statement(merchant_id: str, epoch: str, seq: int, digest: str, at: str) -> bytes:
    return bound(b"kx.checkpoint.v1\0", [merchant_id, epoch, str(seq), digest, at])
