"""Redeem and reverse: the one transaction everything else exists for.

Dedupe first, rules second: a repeated op id gets its stored outcome, whatever the rules would say now.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from sync.protocol import HistoryEntry, from_ms, to_wire
from sync.rules import CardFacts, Wanted, judge
from sync.server import feed
from sync.server.database import Row, Transaction
from sync.server.problems import Refusal

FACTS = (
    "SELECT c.state, c.frozen, b.frozen, b.voided, b.sealed_ms, b.money, b.partial, c.balance_minor, c.uses_left, "
    "b.valid_from_ms, b.valid_until_ms, c.batch_id, c.no, b.uid, c.entries "
    "FROM card c JOIN batch b ON b.id = c.batch_id "
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One wish to redeem. `verifier` is the keyed digest of `d`."""

    merchant_id: str
    op_id: str
    verifier: bytes
    amount_minor: int | None
    uses: int | None
    entry: str
    at_ms: int
    place: str = ""
    device_id: str | None = None
    device_class: str = ""
    link_id: str | None = None


def redeem(transaction: Transaction, ask: Ask) -> dict[str, Any]:
    """The outcome, or `{"refused": key}`; the same for the same op id for ever. A code nobody knows is not kept: there
    is no card it could be one outcome of, and guessing must not fill the disk. Raises Refusal op-id-reused."""
    wanted = Wanted(ask.amount_minor, ask.uses)
    fingerprint = fingerprint_of("redeem", ask.verifier, str(ask.amount_minor), str(ask.uses))
    stored = answered(transaction, ask.merchant_id, ask.op_id, fingerprint)
    if stored is not None:
        return stored
    card = transaction.one(FACTS + "WHERE c.verifier = ? AND b.merchant_id = ?", ask.verifier, ask.merchant_id)
    if card is None:
        return {"refused": "card-unknown"}
    facts = facts_of(card)
    reason = judge(facts, wanted, from_ms(ask.at_ms))
    if reason is not None:
        refused = {"refused": reason, "more": _what_is_left(reason, facts)}
        keep(transaction, ask.merchant_id, ask.op_id, fingerprint=fingerprint, outcome=refused, at_ms=ask.at_ms)
        return refused
    amount, uses = _taken(facts, wanted)
    after = transaction.one(
        "UPDATE card SET balance_minor = balance_minor - ?, uses_left = uses_left - ?, entries = entries + 1, "
        "state = CASE WHEN balance_minor - ? = 0 OR (balance_minor IS NULL AND uses_left - ? = 0) THEN 'spent' "
        "ELSE 'active' END WHERE verifier = ? AND state = 'active' AND frozen = 0 AND uses_left >= ? "
        "AND (balance_minor IS NULL OR balance_minor >= ?) RETURNING balance_minor, uses_left, entries",
        *(amount, uses, amount, uses, ask.verifier, uses, amount),
    )
    if after is None:
        raise Refusal("card-spent")
    return _enter(transaction, ask, card, fingerprint, amount=amount, uses=uses, after=after)


def _enter(
    transaction: Transaction, ask: Ask, card: Row, fingerprint: bytes, *, amount: int, uses: int, after: Row
) -> dict[str, Any]:
    """Ledger entry, event and stored outcome."""
    left_minor, left_uses = after[0], None if card[5] else after[1]
    at = to_wire(from_ms(ask.at_ms))
    transaction.run(
        "INSERT INTO redemption (merchant_id, op_id, batch_id, card_no, use_no, kind, amount_minor, uses, "
        "remaining_minor, remaining_uses, reason, entry, place, device_id, at_ms) "
        "VALUES (?, ?, ?, ?, ?, 'redeemed', ?, ?, ?, ?, '', ?, ?, ?, ?)",
        *(ask.merchant_id, ask.op_id, card[11], card[12], after[2], amount, uses),
        *(left_minor, left_uses, ask.entry, ask.place, ask.device_id, ask.at_ms),
    )
    event = {
        "batch_id": card[13],
        "card_no": card[12],
        "use_no": after[2],
        "amount_minor": amount,
        "uses": uses,
        "remaining_minor": left_minor,
        "remaining_uses": left_uses,
        "entry": ask.entry,
        "place": ask.place,
        "device_id": ask.device_id,
        "device_class": ask.device_class,
        "link_id": ask.link_id,
    }
    seq = feed.append(transaction, ask.merchant_id, "redeemed@1", op_id=ask.op_id, at=at, body=event)
    outcome = {
        "status": "applied",
        "op_id": ask.op_id,
        "redeemed_minor": amount,
        "redeemed_uses": uses,
        "remaining_minor": left_minor,
        "remaining_uses": left_uses,
        "at": at,
        "seq": seq,
    }
    keep(transaction, ask.merchant_id, ask.op_id, fingerprint=fingerprint, outcome=outcome, at_ms=ask.at_ms)
    return outcome


@dataclass(frozen=True, slots=True)
class Undo:
    """One wish to give back what a redemption took."""

    merchant_id: str
    op_id: str
    redemption_id: str
    reason: str
    device_id: str
    at_ms: int


def reverse(transaction: Transaction, undo: Undo) -> dict[str, Any]:
    """Give back what one redemption took, by an entry of its own. Raises Refusal."""
    first = transaction.one(
        "SELECT r.batch_id, r.card_no, r.amount_minor, r.uses, b.uid, b.money FROM redemption r "
        "JOIN batch b ON b.id = r.batch_id WHERE r.merchant_id = ? AND r.op_id = ? AND r.kind = 'redeemed'",
        *(undo.merchant_id, undo.redemption_id),
    )
    if first is None:
        raise Refusal("redemption-unknown")
    again = "SELECT 1 FROM redemption WHERE merchant_id = ? AND reverses = ?"
    if transaction.one(again, undo.merchant_id, undo.redemption_id):
        raise Refusal("already-reversed")
    after = transaction.one(
        "UPDATE card SET balance_minor = balance_minor + ?, uses_left = uses_left + ?, entries = entries + 1, "
        "state = CASE WHEN state = 'spent' THEN 'active' ELSE state END WHERE batch_id = ? AND no = ? "
        "RETURNING balance_minor, uses_left, entries",
        *(first[2], first[3], first[0], first[1]),
    )
    assert after is not None, "a ledger entry has its card"
    return _enter_reversal(transaction, undo, first, after)


def _enter_reversal(transaction: Transaction, undo: Undo, first: Row, after: Row) -> dict[str, Any]:
    batch_id, card_no, amount, uses, uid, money = first
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
    event = {
        "batch_id": uid,
        "card_no": card_no,
        "use_no": after[2],
        "amount_minor": -amount,
        "uses": -uses,
        "reverses": undo.redemption_id,
        "reason": undo.reason,
        "device_id": undo.device_id,
    }
    seq = feed.append(transaction, undo.merchant_id, "reversed@1", op_id=undo.op_id, at=at, body=event | left)
    done = {"status": "applied", "op_id": undo.op_id, "redeemed_minor": -amount, "redeemed_uses": -uses}
    return done | left | {"at": at, "seq": seq}


def answered(transaction: Transaction, merchant_id: str, op_id: str, fingerprint: bytes) -> dict[str, Any] | None:
    """The stored outcome of an op id. Raises Refusal when the id stood for something else."""
    row = transaction.one("SELECT fingerprint, outcome FROM op WHERE merchant_id = ? AND op_id = ?", merchant_id, op_id)
    if row is None:
        return None
    if bytes(row[0]) != fingerprint:
        raise Refusal("op-id-reused")
    outcome: dict[str, Any] = msgspec.json.decode(row[1])
    return outcome


def told(outcome: dict[str, Any]) -> dict[str, Any]:
    """An outcome as an answer. Raises Refusal for a refused one; call it after the commit."""
    if "refused" in outcome:
        raise Refusal(str(outcome["refused"]), **outcome.get("more", {}))
    return outcome


def keep(
    transaction: Transaction, merchant_id: str, op_id: str, *, fingerprint: bytes, outcome: dict[str, Any], at_ms: int
) -> None:
    transaction.run(
        "INSERT INTO op (merchant_id, op_id, fingerprint, outcome, at_ms) VALUES (?, ?, ?, ?, ?)",
        *(merchant_id, op_id, fingerprint, msgspec.json.encode(outcome).decode(), at_ms),
    )


def facts_of(row: Row) -> CardFacts:
    """From the columns of FACTS."""
    return CardFacts(
        card_state=str(row[0]),
        card_frozen=bool(row[1]),
        batch_frozen=bool(row[2]),
        batch_voided=bool(row[3]),
        sealed=row[4] is not None,
        money=bool(row[5]),
        partial=bool(row[6]),
        balance_minor=row[7],
        uses_left=row[8],
        valid_from=None if row[9] is None else from_ms(row[9]),
        valid_until=None if row[10] is None else from_ms(row[10]),
    )


def history(transaction: Transaction, batch_id: int, card_no: int) -> list[HistoryEntry]:
    rows = transaction.all(
        "SELECT at_ms, amount_minor, uses, kind FROM redemption WHERE batch_id = ? AND card_no = ? ORDER BY use_no",
        *(batch_id, card_no),
    )
    return [HistoryEntry(to_wire(from_ms(row[0])), row[1], row[2], row[3]) for row in rows]


def _taken(facts: CardFacts, wanted: Wanted) -> tuple[int, int]:
    """Fen and uses that go; None asks for everything a card of money holds, or for one use of a voucher."""
    if facts.money:
        return (facts.balance_minor or 0) if wanted.amount_minor is None else wanted.amount_minor, 0
    return 0, wanted.uses or 1


def _what_is_left(reason: str, facts: CardFacts) -> dict[str, Any]:
    if reason != "insufficient-balance":
        return {}
    return {"remaining_minor": facts.balance_minor} if facts.money else {"remaining_uses": facts.uses_left}


def fingerprint_of(*parts: bytes | str) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.digest()
