"""Which cards somebody else than the endpoint decides about at the moment."""

from collections.abc import Sequence

from sync.server.transaction import Asked, Transaction

Span = tuple[int, int]
"""Numbers of cards: from the first up to, not with, the end."""


def open_spans(transaction: Transaction, batch_ids: Sequence[int]) -> dict[int, list[Span]]:
    """What other than the endpoint decides about, by batch."""
    return ask_spans(transaction, batch_ids)()


def ask_spans(transaction: Transaction, batch_ids: Sequence[int]) -> Asked[dict[int, list[Span]]]:
    """The same, to be heard later."""
    found = transaction.ask_among(
        "SELECT batch_id, first_no, end_no FROM lease WHERE state = 'open' AND batch_id IN (…)", list(batch_ids)
    )

    def hear() -> dict[int, list[Span]]:
        spans: dict[int, list[Span]] = {}
        for batch_id, first, end in found():
            spans.setdefault(batch_id, []).append((first, end))
        return spans

    return hear
