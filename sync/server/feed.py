"""The feed of a merchant: gapless, numbered, hash-chained; every effect puts its event down in the same transaction."""

import re
import secrets
from typing import Any

import msgspec

from sync.protocol import Event, EventsPage, b64, feed_hash, feed_row, unb64
from sync.server.problems import Refusal
from sync.server.transaction import Row, Transaction

PAGE = 1_000
SEQ = re.compile("[0-9]{1,15}")


def append(
    transaction: Transaction,
    merchant: str,
    type_: str,
    *,
    op_id: str,
    at: str,
    body: dict[str, Any],
    receipt: str = "",
) -> int:
    """Add one event; its number. The merchant's head is moved once, at the end of the group."""
    event = draw(transaction, merchant, type_, op_id=op_id, at=at, body=body, receipt=receipt)
    put(transaction, [event])
    return int(event[1])


def draw(
    transaction: Transaction,
    merchant: str,
    type_: str,
    *,
    op_id: str,
    at: str,
    body: dict[str, Any],
    receipt: str = "",
) -> Row:
    """The next event of a merchant, numbered and chained, for `put`; its number is the second value."""
    known = transaction.head_of(merchant)
    if known is None:
        raise Refusal("forbidden")
    seq = known[0] + 1
    told = msgspec.json.encode(body)
    digest = feed_hash(known[1], seq, feed_row(type_, op_id, at, told, receipt))
    transaction.heads[merchant] = (seq, digest)
    return merchant, seq, type_, op_id, at, told.decode(), digest, unb64(receipt) if receipt else None


def put(transaction: Transaction, events: list[Row]) -> None:
    """Write down what was drawn, in the order it was drawn."""
    columns = ("merchant_id", "seq", "type", "op_id", "at", "body", "hash", "receipt")
    transaction.put("feed", columns, events)


def head(transaction: Transaction, merchant: str) -> int:
    known = transaction.head_of(merchant)
    return 0 if known is None else known[0]


def epoch(transaction: Transaction) -> str:
    """Which life of the database this is; a restored server gets a new one. Made on first use."""
    row = transaction.one("SELECT value FROM instance WHERE key = 'epoch'")
    return str(row[0]) if row else ""


def begin(transaction: Transaction, pepper_id: str, signed_by: str) -> None:
    """Give a new database its epoch, and remember by which pepper its verifiers are made, and who signs."""
    made = "fe_" + secrets.token_hex(6)
    put = "INSERT INTO instance (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
    transaction.run(put, "epoch", made)
    transaction.run(put, "pepper", pepper_id)
    transaction.run(
        "INSERT INTO instance (key, value) VALUES ('public_key', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        signed_by,
    )


def public_key(transaction: Transaction) -> str:
    """What the endpoint that served last signs with."""
    row = transaction.one("SELECT value FROM instance WHERE key = 'public_key'")
    return str(row[0]) if row else ""


def pepper_id(transaction: Transaction) -> str:
    """Id of the pepper this database was made with; empty for one that was never served."""
    row = transaction.one("SELECT value FROM instance WHERE key = 'pepper'")
    return str(row[0]) if row else ""


def position(after: str, current: str) -> int:
    """`<epoch>.<seq>` → seq. Raises Refusal feed-reset for a position of another epoch."""
    if not after:
        return 0
    named, _, seq = after.rpartition(".")
    if not SEQ.fullmatch(seq):
        raise Refusal("invalid", pointers=["/after"])
    if named != current:
        raise Refusal("feed-reset")
    return int(seq)


def page(transaction: Transaction, merchant: str, *, after: str, limit: int) -> EventsPage:
    """Events behind a position, oldest first. Raises Refusal feed-reset for a position this feed never had."""
    current = epoch(transaction)
    seq = position(after, current)
    rows = transaction.all(
        "SELECT seq, type, op_id, at, body, hash, receipt FROM feed WHERE merchant_id = ? AND seq > ? "
        "ORDER BY seq LIMIT ?",
        *(merchant, seq, min(max(limit, 1), PAGE)),
    )
    last = head(transaction, merchant)
    if seq > last:  # the database was put back from a backup: what it says from now on is another history
        raise Refusal("feed-reset")
    events = [
        Event(int(row[0]), row[1], row[2], row[3], msgspec.Raw(str(row[4]).encode()), *_told(row[5], row[6]))
        for row in rows
    ]
    reached = events[-1].seq if events else seq
    return EventsPage(current, events, f"{current}.{reached}", reached < last, last)


def hash_at(transaction: Transaction, merchant: str, seq: int) -> bytes:
    """Of the event of that number; zeros before the first. Raises Refusal feed-reset beyond the head."""
    if seq == 0:
        return b"\0" * 32
    row = transaction.one("SELECT hash FROM feed WHERE merchant_id = ? AND seq = ?", merchant, seq)
    if row is None:
        raise Refusal("feed-reset")
    return bytes(row[0])


def _told(digest: bytes, receipt: bytes | None) -> tuple[str, str]:
    return b64(bytes(digest)), "" if receipt is None else b64(bytes(receipt))
