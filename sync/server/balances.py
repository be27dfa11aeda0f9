"""Top-ups and refunds: the merchant puts money onto a card, or pays out what is left on it.

Both are entries of the ledger like any other: the balance stays the face less the sum of the amounts.
"""

from dataclasses import dataclass

from sync.protocol import from_ms
from sync.rules import CardFacts, Wanted, judge_refund, judge_top_up, past_freezes
from sync.server import feed
from sync.server.batches import CLOSED, batch_of, verifier_at
from sync.server.ledger import Entry, at_of, write_down
from sync.server.outcomes import Outcome
from sync.server.problems import Refusal
from sync.server.redemption import FACTS, facts_of
from sync.server.secret_files import ServerSecrets
from sync.server.spans import open_spans
from sync.server.transaction import Row, Transaction

MOST = 2**53
"""Fen on a card: the largest whole number that every reader of JSON has."""


@dataclass(frozen=True, slots=True)
class Change:
    """Of which card, by whom, why. `uid` is the batch's id on the wire."""

    merchant_id: str
    op_id: str
    uid: str
    card_no: int
    reason: str
    place: str
    device_id: str
    at_ms: int
    moved: bool = False
    """Another endpoint decided it."""


def top_up(transaction: Transaction, change: Change, amount: int, secrets: ServerSecrets) -> Outcome:
    """Put money onto a card. It commutes with what a counter takes from it, so a leased one may be topped up, too.

    Raises Refusal.
    """
    verifier, row = _card(transaction, change)
    facts = past_freezes(facts_of(row)) if change.moved else facts_of(row)
    reason = judge_top_up(facts, from_ms(change.at_ms))
    if reason is not None:
        raise Refusal(reason)
    if (facts.balance_minor or 0) + amount > MOST:
        raise Refusal("invalid", pointers=["/body/amount_minor"])
    after = transaction.one(
        "UPDATE card SET balance_minor = balance_minor + ?, entries = entries + 1, state = 'active' "
        "WHERE verifier = ? RETURNING balance_minor, uses_left, entries",
        *(amount, verifier),
    )
    assert after is not None, "it was looked at just now"
    return _entered(transaction, _entry(change, row, after, took=(-amount, 0), kind="topped_up"), secrets)


def refund(transaction: Transaction, change: Change, wanted: Wanted, secrets: ServerSecrets) -> Outcome:
    """Pay out what is left of a card, or a part of it. Not while a counter decides about it alone: both would give the
    same money away. Raises Refusal."""
    verifier, row = _card(transaction, change)
    facts = facts_of(row)
    reason = "batch-closed" if row[2] & CLOSED and not change.moved else judge_refund(facts, wanted)
    if reason is not None:
        left = {"remaining_minor": facts.balance_minor} if facts.money else {"remaining_uses": facts.uses_left}
        raise Refusal(reason, **(left if reason == "insufficient-balance" else {}))
    if _is_leased(transaction, row):
        raise Refusal("card-leased")
    amount, uses = _taken(facts, wanted)
    after = transaction.one(
        "UPDATE card SET balance_minor = balance_minor - ?, uses_left = uses_left - ?, entries = entries + 1, "
        "state = CASE WHEN balance_minor - ? = 0 OR (balance_minor IS NULL AND uses_left - ? = 0) THEN 'spent' "
        "ELSE state END WHERE verifier = ? RETURNING balance_minor, uses_left, entries",
        *(amount, uses, amount, uses, verifier),
    )
    assert after is not None, "it was looked at just now"
    return _entered(transaction, _entry(change, row, after, took=(amount, uses), kind="refunded"), secrets)


def _card(transaction: Transaction, change: Change) -> tuple[bytes, Row]:
    """Its verifier and its columns of FACTS."""
    batch = batch_of(transaction, change.merchant_id, change.uid)
    if batch.sealed_ms is None:
        raise Refusal("not-sealed")
    verifier = verifier_at(transaction, batch.id, change.card_no)
    row = transaction.one(FACTS + "WHERE c.verifier = ?", verifier)
    if row is None:
        raise Refusal("card-unknown")
    return verifier, row


def _is_leased(transaction: Transaction, row: Row) -> bool:
    spans = open_spans(transaction, [row[11]]).get(row[11], ())
    return any(first <= row[12] < end for first, end in spans)


def _taken(facts: CardFacts, wanted: Wanted) -> tuple[int, int]:
    """Fen and uses; None asks for everything that is left."""
    if facts.money:
        return wanted.amount_minor or facts.balance_minor or 0, 0
    return 0, wanted.uses or facts.uses_left


def _entry(change: Change, row: Row, after: Row, *, took: tuple[int, int], kind: str) -> Entry:
    return Entry(
        *(change.merchant_id, change.op_id, int(row[11]), change.uid, change.card_no, int(after[2]), *took),
        *(after[0], None if row[5] else after[1]),
        entry="counter",
        place=change.place,
        device_id=change.device_id,
        device_class="desktop",
        at_ms=change.at_ms,
        kind=kind,
        reason=change.reason,
        moved=change.moved,
    )


def _entered(transaction: Transaction, entry: Entry, secrets: ServerSecrets) -> Outcome:
    """Ledger entry and event; the outcome."""
    write_down(transaction, [entry.row()])
    at, body = at_of(entry.at_ms), entry.body()
    receipt = entry.receipt(secrets, body)
    seq = feed.append(
        *(transaction, entry.merchant_id, f"{entry.kind}@1"), op_id=entry.op_id, at=at, body=body, receipt=receipt
    )
    return entry.outcome(seq, receipt)
