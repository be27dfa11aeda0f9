"""The Merkle root both ends compare before a batch is sealed, in flat memory for a million records."""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice

from sync.protocol import RECORD

BLOCK = 1 << 10
"""Leaves folded at a time: a power of two, so that a block is a whole branch of the tree."""


def merkle_root(records: Iterable[bytes]) -> bytes:
    """Root over records in the given (sorted) order: leaf SHA-256(0x00 ‖ d), node SHA-256(0x01 ‖ left ‖ right); an odd
    node moves up unchanged. No records: the hash of nothing."""
    sha256, waiting = hashlib.sha256, iter(records)
    tops = []
    while block := [sha256(b"\0" + record).digest() for record in islice(waiting, BLOCK)]:
        tops.append(_folded(block))
    return _folded(tops) if tops else sha256(b"").digest()


def sorted_records(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Records in order, out of pieces that hold whole ones in any: put in drawers by their first byte, and each
    drawer sorted when its turn comes. A list of a million would take 100 MB."""
    drawers = [bytearray() for _ in range(256)]
    for piece in pieces:
        for at in range(0, len(piece), RECORD):
            drawers[piece[at]] += piece[at : at + RECORD]
    for drawer in drawers:
        raw = bytes(drawer)
        drawer.clear()
        yield from sorted(raw[at : at + RECORD] for at in range(0, len(raw), RECORD))


def _folded(level: list[bytes]) -> bytes:
    sha256 = hashlib.sha256
    while len(level) > 1:
        paired = [sha256(b"\1" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]
