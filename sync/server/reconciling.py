"""Compare what a desktop believes with what is here. A difference is told, never written over."""

from collections.abc import Iterator, Mapping, Sequence

from sync import tally
from sync.protocol import (
    BatchClaim,
    BatchDifference,
    BookedEntry,
    DrawersAnswer,
    DrawersRequest,
    ReconcileAnswer,
    ReconcileRequest,
)
from sync.server import feed
from sync.server.access import Device, require
from sync.server.batches import batch_of
from sync.server.transaction import Row, Transaction
from sync.tally import Booked

MOST = 5_000
"""Entries that are told at once."""
PAGE = 5_000
"""Entries that are in memory at once: a batch may have a million."""


def reconcile(transaction: Transaction, device: Device, asked: ReconcileRequest) -> ReconcileAnswer:
    """Count and sums of each batch, and the root of its ledger where the claim has one."""
    require(device, "look")
    head = feed.head(transaction, device.merchant_id)
    if asked.at_seq != head:
        return ReconcileAnswer(head, 0, [])
    newer = _newer(transaction, device.merchant_id, asked.since) if asked.since else None
    differences: list[BatchDifference] = []
    for claim in asked.batches:
        differences += _differences(transaction, device, claim, newer)
    return ReconcileAnswer(head, len(asked.batches), differences)


def _differences(
    transaction: Transaction, device: Device, claim: BatchClaim, newer: Mapping[int, Sequence[Booked]] | None
) -> Iterator[BatchDifference]:
    """`newer`: the entries of each batch that are meant, where not all of them are."""
    row = transaction.one(
        "SELECT id, count FROM batch WHERE merchant_id = ? AND uid = ?", device.merchant_id, claim.batch_id
    )
    there = (claim.count, claim.redeemed_minor, claim.redeemed_uses)
    if row is None:
        here: tuple[int | None, ...] = (None, None, None)
    elif newer is None:
        here = (int(row[1]), *_sums(transaction, row[0]))
    else:
        some = newer.get(row[0], ())
        here = (int(row[1]), sum(entry.amount_minor for entry in some), sum(entry.uses for entry in some))
    for what, ours, theirs in zip(("count", "redeemed_minor", "redeemed_uses"), here, there, strict=True):
        if ours != theirs:
            yield BatchDifference(claim.batch_id, what, ours, theirs)
    if row is not None and claim.root is not None:
        entries = _booked(transaction, row[0]) if newer is None else newer.get(row[0], ())
        if tally.root_of(entries) != claim.root:
            yield BatchDifference(claim.batch_id, "root", None, None)


def _sums(transaction: Transaction, batch_id: int) -> Row:
    row = transaction.one(
        "SELECT coalesce(sum(amount_minor), 0), coalesce(sum(uses), 0) FROM redemption WHERE batch_id = ?", batch_id
    )
    assert row is not None, "an aggregate has a row"
    return [int(part) for part in row]


def _newer(transaction: Transaction, merchant_id: str, since: int) -> dict[int, list[Booked]]:
    """The entries of each batch that the feed told behind a place: what is compared does not grow with the ledger."""
    found: dict[int, list[Booked]] = {}
    rows = transaction.all(
        # CROSS JOIN: SQLite begins with what is new in the feed, which has no index of its ops
        "SELECT r.batch_id, r.op_id, r.card_no, r.kind, r.amount_minor, r.uses FROM feed f CROSS JOIN redemption r "
        "WHERE f.merchant_id = ? AND f.seq > ? AND r.merchant_id = f.merchant_id AND r.op_id = f.op_id",
        *(merchant_id, since),
    )
    for batch_id, *entry in rows:
        found.setdefault(batch_id, []).append(Booked(*entry))
    return found


def drawers(transaction: Transaction, device: Device, asked: DrawersRequest) -> DrawersAnswer:
    """The entries of the drawers of one batch that differ. Raises Refusal batch-unknown."""
    require(device, "look")
    head = feed.head(transaction, device.merchant_id)
    batch = batch_of(transaction, device.merchant_id, asked.batch_id)
    if asked.at_seq != head:
        return DrawersAnswer(head, [], [], False)
    ours = zip(tally.roots_of(_booked(transaction, batch.id)), asked.roots, strict=True)
    differ = {number for number, (here, there) in enumerate(ours) if here != there}
    entries = _booked(transaction, batch.id) if differ else iter(())
    told = [BookedEntry(*entry) for entry in entries if tally.drawer_of(entry.op_id) in differ]
    return DrawersAnswer(head, sorted(differ), told[:MOST], len(told) > MOST)


def _booked(transaction: Transaction, batch_id: int) -> Iterator[Booked]:
    card_no = use_no = -1
    while page := transaction.all(
        "SELECT op_id, card_no, kind, amount_minor, uses, use_no FROM redemption WHERE batch_id = ? "
        f"AND (card_no, use_no) > (?, ?) ORDER BY card_no, use_no LIMIT {PAGE}",
        *(batch_id, card_no, use_no),
    ):
        yield from (Booked(*row[:5]) for row in page)
        card_no, use_no = page[-1][1], page[-1][5]
