"""Undo a redemption: what it took is given back, by an entry of its own."""

from dataclasses import dataclass

from sync.protocol import b64, from_ms, to_wire
from sync.receipts import entry_statement
from sync.server import feed
from sync.server.batches import CLOSED, verifier_at
from sync.server.outcomes import Outcome
from sync.server.problems import Refusal
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Row, Transaction

HOLDING = "CASE WHEN state <> 'spent' THEN state WHEN voided = 1 THEN 'voided' ELSE 'active' END"
"""How a card stands that has got something back."""


@dataclass(frozen=True, slots=True)
class Undo:
    """One wish to give back what a redemption took."""

    merchant_id: str
    op_id: str
    redemption_id: str
    reason: str
    device_id: str
    at_ms: int
    moved: bool = False
    """Another endpoint decided it."""


def reverse(transaction: Transaction, undo: Undo, secrets: ServerSecrets) -> Outcome:
    """Give back what one redemption took, by an entry of its own. Raises Refusal."""
    first = transaction.one(
        "SELECT r.batch_id, r.card_no, r.amount_minor, r.uses, b.uid, b.money, b.frozen FROM redemption r "
        "JOIN batch b ON b.id = r.batch_id WHERE r.merchant_id = ? AND r.op_id = ? AND r.kind = 'redeemed'",
        *(undo.merchant_id, undo.redemption_id),
    )
    if first is None:
        raise Refusal("redemption-unknown")
    if first[6] & CLOSED and not undo.moved:
        raise Refusal("batch-closed")
    again = "SELECT 1 FROM redemption WHERE merchant_id = ? AND reverses = ?"
    if transaction.one(again, undo.merchant_id, undo.redemption_id):
        raise Refusal("already-reversed")
    after = transaction.one(
        "UPDATE card SET balance_minor = balance_minor + ?, uses_left = uses_left + ?, entries = entries + 1, "
        f"state = {HOLDING} WHERE verifier = ? RETURNING balance_minor, uses_left, entries",
        *(first[2], first[3], verifier_at(transaction, first[0], first[1])),
    )
    assert after is not None, "a ledger entry has its card"
    return _enter_reversal(transaction, undo, first, after, secrets)


def _enter_reversal(transaction: Transaction, undo: Undo, first: Row, after: Row, secrets: ServerSecrets) -> Outcome:
    batch_id, card_no, amount, uses, uid, money, _ = first
    left_minor, left_uses = after[0], None if money else after[1]
    transaction.run(
        "INSERT INTO redemption (merchant_id, op_id, batch_id, card_no, use_no, kind, amount_minor, uses, "
        "remaining_minor, remaining_uses, reverses, reason, entry, place, device_id, at_ms) "
        "VALUES (?, ?, ?, ?, ?, 'reversed', ?, ?, ?, ?, ?, ?, 'counter', '', ?, ?)",
        *(undo.merchant_id, undo.op_id, batch_id, card_no, after[2], -amount, -uses),
        *(left_minor, left_uses, undo.redemption_id, undo.reason, undo.device_id, undo.at_ms),
    )
    at = to_wire(from_ms(undo.at_ms))
    left = {"remaining_minor": left_minor, "remaining_uses": left_uses}
    body = (
        left
        | {
            "batch_id": uid,
            "card_no": card_no,
            "use_no": after[2],
            "amount_minor": -amount,
            "uses": -uses,
            "reverses": undo.redemption_id,
            "reason": undo.reason,
            "device_id": undo.device_id,
        }
        | ({"moved": True} if undo.moved else {})
    )
    receipt = b64(secrets.receipt(entry_statement(undo.merchant_id, undo.op_id, "reversed", at, body)))
    seq = feed.append(transaction, undo.merchant_id, "reversed@1", op_id=undo.op_id, at=at, body=body, receipt=receipt)
    done = {"status": "applied", "op_id": undo.op_id, "redeemed_minor": -amount, "redeemed_uses": -uses}
    return done | left | {"at": at, "seq": seq, "receipt": receipt}
