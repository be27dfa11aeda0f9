"""Batches as the endpoint knows them, and their cards by number: the verifiers in blocks, in the order of the numbers.

A second index over a million cards would be written all over for every chunk of an upload; blocks are written one
behind the other, and few ask for a card by its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sync.server.problems import Refusal
from sync.server.transaction import Transaction

BLOCK = 500
"""Cards in a block: a divisor of what a chunk holds, so that a chunk is whole blocks."""
VERIFIER = 32
FROZEN, CLOSED = 1, 2
"""Bits of a batch's `frozen`: by people; because another endpoint decides about it, see stopping.py."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`staged`: how much of its cards is put in; see uploads.py."""

    id: int
    count: int
    sealed_ms: int | None
    face_minor: int | None
    uses: int
    kind: str
    staged: int


def batch_of(transaction: Transaction, merchant_id: str, uid: str) -> Batch:
    """Raises Refusal for an unknown or foreign one."""
    row = transaction.one(
        "SELECT id, count, sealed_ms, face_minor, uses, kind, staged FROM batch WHERE merchant_id = ? AND uid = ?",
        *(merchant_id, uid),
    )
    if row is None:
        raise Refusal("batch-unknown")
    return Batch(*row)


def put_verifiers(transaction: Transaction, batch_id: int, first: int, verifiers: Sequence[bytes]) -> None:
    """Of the cards from number `first` on, a multiple of BLOCK."""
    rows = [
        (batch_id, (first + at) // BLOCK, b"".join(verifiers[at : at + BLOCK]))
        for at in range(0, len(verifiers), BLOCK)
    ]
    transaction.many("INSERT INTO card_block (batch_id, n, verifiers) VALUES (?, ?, ?)", rows)


def verifier_at(transaction: Transaction, batch_id: int, number: int) -> bytes:
    """Of one card; empty where the batch has none of this number here."""
    row = transaction.one(
        "SELECT substr(verifiers, ?, ?) FROM card_block WHERE batch_id = ? AND n = ?",
        *(number % BLOCK * VERIFIER + 1, VERIFIER, batch_id, number // BLOCK),
    )
    return b"" if row is None else bytes(row[0])
