"""The receipt of a distribution: one line a person, totals that add up to the fen, over all and per product."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import InvalidInput
from app.models.distribution import Distribution
from app.services.distribution.rows import IN_HAND, ON_THE_WAY, DeliveryRow
from app.services.writers.receipts import ReceiptLine, ReceiptOut, ReceiptTotal, write_receipt_pdf, write_receipt_xlsx
from app.vocabulary import DELIVERY_REASONS, DELIVERY_STATES, word
from app.words import moment, tr

SUMS: dict[str, tuple[str, ...]] = {
    "sent": ON_THE_WAY,
    "prepared": IN_HAND,
    "failed": ("failed",),
    "uncertain": ("uncertain",),
    "skipped": ("skipped",),
    "recalled": ("recalled",),
}
"""Every state stands in exactly one sum, so the sums make the whole."""


def receipt_of(distribution: Distribution, rows: Sequence[DeliveryRow], *, merchant: str) -> ReceiptOut:
    products = {row.product_id: row.product for row in rows if row.product_id is not None}
    totals = {tr("All"): _sum(rows)}
    for state, states in SUMS.items():
        totals[word(DELIVERY_STATES, state)] = _sum([row for row in rows if row.state in states], of=rows)
    return ReceiptOut(
        title=distribution.name,
        merchant=merchant,
        product=tr(", ").join(products.values()),
        made_at=moment(distribution.created_at),
        lines=[_line(row) for row in rows],
        totals=totals,
        by_product=list(_by_product(rows, products)) if len(products) > 1 else (),
    )


def write(path: Path, receipt: ReceiptOut) -> None:
    """As PDF or XLSX, by the ending of the name. Raises InvalidInput."""
    writers = {".pdf": write_receipt_pdf, ".xlsx": write_receipt_xlsx}
    if path.suffix.lower() not in writers:
        raise InvalidInput("out", "unknown-kind")
    writers[path.suffix.lower()](path, receipt=receipt)


def _by_product(rows: Sequence[DeliveryRow], products: dict[int, str]) -> Iterator[ReceiptTotal]:
    """Of each product all its cards, then how far they came."""
    for product_id, product in products.items():
        own = [row for row in rows if row.product_id == product_id]
        yield ReceiptTotal(product, *_sum(own))
        for state, states in SUMS.items():
            there = [row for row in own if row.state in states]
            if there:
                words = tr("{product}: {state}", product=product, state=word(DELIVERY_STATES, state))
                yield ReceiptTotal(words, *_sum(there, of=own))


def _sum(rows: Sequence[DeliveryRow], *, of: Sequence[DeliveryRow] | None = None) -> tuple[int, int | None]:
    """How many, and their amounts in fen; None where none of the whole they are part `of` holds money."""
    priced = any(row.amount_minor is not None for row in (rows if of is None else of))
    return len(rows), sum(row.amount_minor or 0 for row in rows) if priced else None


def _line(row: DeliveryRow) -> ReceiptLine:
    state = word(DELIVERY_STATES, row.state)
    return ReceiptLine(
        no=row.no,
        name=row.name,
        department=row.department,
        product=row.product,
        phone_masked=row.phone_masked,
        card_tail=row.card_tail,
        amount_minor=row.amount_minor,
        state=tr("{title}: {value}", title=state, value=word(DELIVERY_REASONS, row.reason)) if row.reason else state,
        sent=moment(row.sent_at),
        opened=moment(row.opened_at),
        redeemed=moment(row.redeemed_at),
    )
