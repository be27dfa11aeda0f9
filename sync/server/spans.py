"""Which cards somebody else than the endpoint decides about at the moment."""

from collections.abc import Sequence

from sync.server.transaction import Transaction

Span = tuple[int, int]
"""Numbers of cards: from the first up to, not with, the end."""


def open_spans(transaction: Transaction, batch_ids: Sequence[int]) -> dict[int, list[Span]]:
    """What other than the endpoint decides about, by batch."""
    spans: dict[int, list[Span]] = {}
    found = transaction.among(
        "SELECT batch_id, first_no, end_no FROM lease WHERE state = 'open' AND batch_id IN (…)", list(batch_ids)
    )
    for batch_id, first, end in found:
        spans.setdefault(batch_id, []).append((first, end))
    return spans
