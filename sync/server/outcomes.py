"""Outcomes of ops, kept for ever: the same id gets the same answer, and never stands for anything else."""

import hashlib
from typing import Any

import msgspec

from sync.server.problems import Refusal
from sync.server.transaction import Row, Transaction

Outcome = dict[str, Any]
REDEEM = b"\0\0\0\6redeem\0\0\0\x20"
Kept = tuple[bytes, str]
"""Fingerprint of what was asked, and the outcome as JSON."""


def answered(transaction: Transaction, merchant_id: str, op_id: str, *fingerprints: bytes) -> Outcome | None:
    """The stored outcome of an op id. Raises Refusal when the id stood for something else."""
    row = transaction.one("SELECT fingerprint, outcome FROM op WHERE merchant_id = ? AND op_id = ?", merchant_id, op_id)
    return None if row is None else same((bytes(row[0]), str(row[1])), *fingerprints)


def is_decided(transaction: Transaction, merchant_id: str, op_id: str) -> bool:
    """Whether the op id has its outcome, whatever it stands for."""
    return transaction.one("SELECT 1 FROM op WHERE merchant_id = ? AND op_id = ?", merchant_id, op_id) is not None


def same(kept: Kept, *fingerprints: bytes) -> Outcome:
    """The outcome of what has one of these fingerprints. Raises Refusal op-id-reused."""
    if kept[0] not in fingerprints:
        raise Refusal("op-id-reused")
    outcome: Outcome = msgspec.json.decode(kept[1])
    return outcome


def told(outcome: Outcome) -> Outcome:
    """An outcome as an answer. Raises Refusal for a refused one; call it after the commit."""
    if "refused" in outcome:
        raise refusal_of(outcome)
    return outcome


def refusal_of(outcome: Outcome) -> Refusal:
    """Of a refused one."""
    return Refusal(str(outcome["refused"]), **outcome.get("more", {}))


def keep(
    transaction: Transaction, merchant_id: str, op_id: str, *, fingerprint: bytes, outcome: Outcome, at_ms: int
) -> None:
    keep_all(transaction, [row_of(merchant_id, op_id, fingerprint=fingerprint, outcome=outcome, at_ms=at_ms)])


def keep_all(transaction: Transaction, rows: list[Row]) -> None:
    transaction.put("op", ("merchant_id", "op_id", "fingerprint", "outcome", "at_ms"), rows)


def row_of(merchant_id: str, op_id: str, *, fingerprint: bytes, outcome: Outcome, at_ms: int) -> Row:
    """For `keep_all`."""
    return merchant_id, op_id, fingerprint, msgspec.json.encode(outcome).decode(), at_ms


def fingerprint_of(*parts: bytes | str) -> bytes:
    raws = [part.encode() if isinstance(part, str) else part for part in parts]
    return hashlib.sha256(b"".join([len(raw).to_bytes(4, "big") + raw for raw in raws])).digest()


def redemption_print(verifier: bytes, amount_minor: int | None, uses: int | None) -> bytes:
    """`fingerprint_of("redeem", verifier, …)`, written out: it is made for each redemption."""
    amount, times = str(amount_minor), str(uses)
    told = f"\0\0\0{chr(len(amount))}{amount}\0\0\0{chr(len(times))}{times}"
    return hashlib.sha256(REDEEM + verifier + told.encode()).digest()


def returned_print(about: bytes | str) -> bytes:
    """Of an entry that was given back: what exactly was asked is not known any more, only of which card, or what it
    reverses."""
    return fingerprint_of("returned", about)
