"""The receipt of a distribution, for Finance: who got which card, and totals to the fen, as PDF and as XLSX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.services.writers import atomically
from app.services.writers.tables import SheetOut, fitting, write_xlsx
from app.words import NO_DATA, plain_amount, tr, yuan

PRODUCT_AT = 3
"""Where the product stands among the columns, if it does."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One person's card. Everything but the amount is text as it is shown: masked phone, state, times."""

    no: int
    name: str
    department: str
    phone_masked: str
    card_tail: str
    amount_minor: int | None
    state: str
    sent: str
    opened: str
    redeemed: str
    product: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptTotal:
    """Something counted: its words, how many cards, and their amounts in fen; None where no card holds money."""

    words: str
    cards: int
    minor: int | None


@dataclass(frozen=True, slots=True)
class ReceiptOut:
    """A receipt ready to be written. `totals`: what is counted → (cards, fen or None), in the order shown.

    `by_product` stands on receipts of several products only: the lines then name theirs.
    """

    title: str
    merchant: str
    product: str
    made_at: str
    lines: Sequence[ReceiptLine]
    totals: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    by_product: Sequence[ReceiptTotal] = ()

    @property
    def every_total(self) -> list[ReceiptTotal]:
        return [*(ReceiptTotal(words, *counted) for words, counted in self.totals.items()), *self.by_product]


def write_receipt_pdf(path: Path, *, receipt: ReceiptOut) -> None:
    """A4 lying, the header row on every page, the totals after the last line."""
    from app.services.writers.paper import Column, Sheet, Table

    titles = _titles(receipt)
    shares = [6.0, 16.0, 14.0, 14.0, 12.5, 13.5, 24.0, 17.0, 17.0, 17.0]  # a failure says why beside its state
    if receipt.by_product:
        shares.insert(PRODUCT_AT, 18.0)
    amount_at = len(titles) - 5
    columns = [
        Column(title, share, right=at in (0, amount_at))
        for at, (title, share) in enumerate(zip(titles, shares, strict=True))
    ]
    under = "  ·  ".join(part for part in (receipt.merchant, receipt.product, receipt.made_at) if part)
    with atomically(path) as beside:
        sheet = Sheet(beside, receipt.title, landscape=True)
        note = tr("{count} cards in this receipt", count=f"{len(receipt.lines):,}")
        Table(sheet, columns, title=receipt.title, under=under, note=note).draw(
            [_cells(receipt, line) for line in receipt.lines],
            totals=[_total(total, len(titles), amount_at) for total in receipt.every_total],
        )
        sheet.save()


def write_receipt_xlsx(path: Path, *, receipt: ReceiptOut) -> None:
    """The lines as one sheet with amounts as numbers, the totals and where they come from as another."""
    titles = _titles(receipt)
    amount_at = len(titles) - 5
    rows = [_values(receipt, line, amount_at) for line in receipt.lines]
    lines = SheetOut(
        name=tr("Receipt"),
        header=titles,
        rows=rows,
        widths=fitting(titles, rows),
        money_columns=frozenset({amount_at}),
    )
    facts = [
        [receipt.title, None, None],
        [receipt.merchant, None, None],
        [receipt.product, None, None],
        [receipt.made_at, None, None],
    ]
    totals = SheetOut(
        name=tr("Totals"),
        header=[tr("Item"), tr("Count"), tr("Amount (yuan)")],
        rows=[*([total.words, total.cards, total.minor] for total in receipt.every_total), *facts],
        widths=(36, 12, 16),
        money_columns=frozenset({2}),
    )
    write_xlsx(path, [lines, totals])


def _titles(receipt: ReceiptOut) -> list[str]:
    titles = [
        tr("No."),
        tr("Full name"),
        tr("Department"),
        tr("Phone"),
        tr("Card ends in"),
        tr("Amount (yuan)"),
        tr("State"),
        tr("Sent"),
        tr("Opened"),
        tr("Redeemed"),
    ]
    return _with_product(receipt, titles, tr("Product"))


def _cells(receipt: ReceiptOut, line: ReceiptLine) -> list[str]:
    cells = [str(line.no), line.name, line.department, line.phone_masked, line.card_tail]
    amount = NO_DATA if line.amount_minor is None else plain_amount(line.amount_minor)
    return _with_product(receipt, [*cells, amount, line.state, line.sent, line.opened, line.redeemed], line.product)


def _values(receipt: ReceiptOut, line: ReceiptLine, amount_at: int) -> list[object]:
    values: list[object] = [*_cells(receipt, line)]
    values[0], values[amount_at] = line.no, line.amount_minor
    return values


def _with_product(receipt: ReceiptOut, cells: list[str], product: str) -> list[str]:
    return [*cells[:PRODUCT_AT], product, *cells[PRODUCT_AT:]] if receipt.by_product else cells


def _total(total: ReceiptTotal, width: int, amount_at: int) -> list[str]:
    cells = ["", total.words, tr("{count} cards", count=f"{total.cards:,}"), *[""] * (width - 3)]
    cells[amount_at] = yuan(total.minor)
    return cells
