"""The receipt of a distribution, for Finance: who got which card, and totals to the fen, as PDF and as XLSX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.services.writers import atomically
from app.services.writers.tables import SheetOut, write_xlsx
from app.words import plain_amount, tr, yuan


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


@dataclass(frozen=True, slots=True)
class ReceiptOut:
    """A receipt ready to be written. `totals`: what is counted → (cards, fen), in the order shown."""

    title: str
    merchant: str
    product: str
    made_at: str
    lines: Sequence[ReceiptLine]
    totals: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def write_receipt_pdf(path: Path, *, receipt: ReceiptOut) -> None:
    """A4 lying, the header row on every page, the totals after the last line."""
    from app.services.writers.paper import Column, Sheet, Table

    titles = _titles()
    shares = (6.0, 18.0, 20.0, 15.0, 10.0, 14.0, 12.0, 17.0, 17.0, 17.0)
    columns = [
        Column(title, share, right=at == 5) for at, (title, share) in enumerate(zip(titles, shares, strict=True))
    ]
    under = "  ·  ".join(part for part in (receipt.merchant, receipt.product, receipt.made_at) if part)
    with atomically(path) as beside:
        sheet = Sheet(beside, receipt.title, landscape=True)
        note = tr("{count} cards in this receipt", count=f"{len(receipt.lines):,}")
        Table(sheet, columns, title=receipt.title, under=under, note=note).draw(
            [_cells(line) for line in receipt.lines],
            totals=[
                ["", label, tr("{count} cards", count=f"{count:,}"), "", "", yuan(minor), "", "", "", ""]
                for label, (count, minor) in receipt.totals.items()
            ],
        )
        sheet.save()


def write_receipt_xlsx(path: Path, *, receipt: ReceiptOut) -> None:
    """The lines as one sheet with amounts as numbers, the totals and where they come from as another."""
    lines = SheetOut(
        name=tr("Receipt"),
        header=[*_titles()[:5], tr("Amount (yuan)"), *_titles()[6:]],
        rows=(_values(line) for line in receipt.lines),
        widths=(8, 14, 22, 16, 12, 14, 12, 18, 18, 18),
        money_columns=frozenset({5}),
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
        rows=[*([label, f"{count}", minor] for label, (count, minor) in receipt.totals.items()), *facts],
        widths=(36, 12, 16),
        money_columns=frozenset({2}),
    )
    write_xlsx(path, [lines, totals])


def _titles() -> list[str]:
    return [
        tr("No."),
        tr("Full name"),
        tr("Department"),
        tr("Phone"),
        tr("Card ends in"),
        tr("Amount"),
        tr("State"),
        tr("Sent"),
        tr("Opened"),
        tr("Redeemed"),
    ]


def _cells(line: ReceiptLine) -> list[str]:
    cells = [str(line.no), line.name, line.department, line.phone_masked, line.card_tail]
    amount = "" if line.amount_minor is None else plain_amount(line.amount_minor)
    return [*cells, amount, line.state, line.sent, line.opened, line.redeemed]


def _values(line: ReceiptLine) -> list[object]:
    return [*_cells(line)[:5], line.amount_minor, *_cells(line)[6:]]
