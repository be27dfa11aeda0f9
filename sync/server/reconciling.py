"""Compare what a desktop believes with what is here. A difference is told, never written over."""

from collections.abc import Iterator

from sync import tally
from sync.protocol import BatchClaim, BatchDifference, BookedEntry, DrawersAnswer, DrawersRequest, ReconcileAnswer
from sync.server import feed
from sync.server.access import Device, require
from sync.server.batches import batch_of
from sync.server.transaction import Transaction
from sync.tally import Booked

MOST = 5_000
"""Entries that are told at once."""


def reconcile(transaction: Transaction, device: Device, at_seq: int, claims: list[BatchClaim]) -> ReconcileAnswer:
    """Count and sums of each batch, and the root of its ledger where the claim has one."""
    require(device, "look")
    head = feed.head(transaction, device.merchant_id)
    differences: list[BatchDifference] = []
    for claim in claims if at_seq == head else []:
        differences += _differences(transaction, device, claim)
    return ReconcileAnswer(head, len(claims) if at_seq == head else 0, differences)


def _differences(transaction: Transaction, device: Device, claim: BatchClaim) -> Iterator[BatchDifference]:
    row = transaction.one(
        "SELECT b.count, coalesce(sum(r.amount_minor), 0), coalesce(sum(r.uses), 0), b.id FROM batch b "
        "LEFT JOIN redemption r ON r.batch_id = b.id WHERE b.merchant_id = ? AND b.uid = ? GROUP BY b.count, b.id",
        *(device.merchant_id, claim.batch_id),
    )
    there = (claim.count, claim.redeemed_minor, claim.redeemed_uses)
    here = (None, None, None) if row is None else tuple(int(value) for value in row[:3])
    for what, ours, theirs in zip(("count", "redeemed_minor", "redeemed_uses"), here, there, strict=True):
        if ours != theirs:
            yield BatchDifference(claim.batch_id, what, ours, theirs)
    if row is not None and claim.root is not None and tally.root_of(_booked(transaction, row[3])) != claim.root:
        yield BatchDifference(claim.batch_id, "root", None, None)


def drawers(transaction: Transaction, device: Device, asked: DrawersRequest) -> DrawersAnswer:
    """The entries of the drawers of one batch that differ. Raises Refusal batch-unknown."""
    require(device, "look")
    head = feed.head(transaction, device.merchant_id)
    batch = batch_of(transaction, device.merchant_id, asked.batch_id)
    if asked.at_seq != head:
        return DrawersAnswer(head, [], [], False)
    entries = _booked(transaction, batch.id)
    ours = zip(tally.roots_of(entries), asked.roots, strict=True)
    differ = {number for number, (here, there) in enumerate(ours) if here != there}
    told = [BookedEntry(*entry) for entry in entries if tally.drawer_of(entry.op_id) in differ]
    return DrawersAnswer(head, sorted(differ), told[:MOST], len(told) > MOST)


def _booked(transaction: Transaction, batch_id: int) -> list[Booked]:
    rows = transaction.all(
        "SELECT op_id, card_no, kind, amount_minor, uses FROM redemption WHERE batch_id = ?", batch_id
    )
    return [Booked(*row) for row in rows]
