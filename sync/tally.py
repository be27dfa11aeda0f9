"""What a ledger of many entries comes to, so that two ends can compare it, and find the entry in which they differ.

The root of some entries is the sum of their digests: it does not ask for an order, and an entry can be added to it.
Entries lie in 256 drawers by the last byte of their op ids, which is random in every kind of UUID that is used here.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from sync.protocol import b64

DRAWERS = 256
SIZE = 1 << 256


class Booked(NamedTuple):
    """An entry of the ledger as both ends know it."""

    op_id: str
    card_no: int
    kind: str
    amount_minor: int
    uses: int


def root_of(entries: Iterable[Booked]) -> str:
    """Base64url of 32 bytes."""
    return _shown(sum(map(_digest, entries)))


def roots_of(entries: Iterable[Booked]) -> list[str]:
    """The root of each drawer."""
    sums = [0] * DRAWERS
    for entry in entries:
        sums[drawer_of(entry.op_id)] += _digest(entry)
    return [_shown(one) for one in sums]


def drawer_of(op_id: str) -> int:
    return int(op_id[-2:], 16)


def _digest(entry: Booked) -> int:
    op_id, card_no, kind, amount, uses = entry
    return int.from_bytes(sha256(f"kx.entry.v1\0{op_id}|{card_no}|{kind}|{amount}|{uses}".encode()).digest(), "big")


def _shown(total: int) -> str:
    return b64((total % SIZE).to_bytes(32, "big"))
