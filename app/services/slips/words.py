"""The words of a slip, in the language of whoever stands at the counter."""

from collections.abc import Iterator

from app.services.slips.rows import Receipt
from app.services.writers.slip import SlipOut
from app.words import last_second, tr, worth


def in_words(receipt: Receipt) -> SlipOut:
    back = receipt.kind == "reversed"
    return SlipOut(
        merchant=receipt.merchant,
        title=tr("Receipt of an undone use") if back else tr("Receipt of a redemption"),
        amount=much(receipt.amount_minor, receipt.uses),
        state=tr("Given back onto the card") if back else tr("Redeemed"),
        facts=[(name, value) for name, value in _facts(receipt) if value],
        note=_note(receipt),
        code=receipt.text,
        how=tr("To check it, scan this code at any of our counters.\nThat works offline and redeems nothing."),
        foot=receipt.redemption_id,
    )


def much(amount_minor: int, uses: int) -> str:
    """`¥200.00` or `3 uses`, of a reversal without the sign."""
    return worth(abs(amount_minor) if amount_minor else None, abs(uses))


def left(remaining_minor: int | None, remaining_uses: int | None) -> str:
    return worth(remaining_minor, remaining_uses)


def _facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    yield tr("Product"), receipt.product
    yield tr("Serial"), receipt.serial
    yield tr("Left on it"), left(receipt.remaining_minor, receipt.remaining_uses)
    yield tr("Time"), last_second(receipt.at)
    yield tr("Place"), receipt.place
    yield tr("Counter"), receipt.counter
    yield tr("Receipt no."), receipt.number


def _note(receipt: Receipt) -> str:
    """A use the endpoint decided needs none."""
    if receipt.leased and receipt.waits:
        return tr("Decided at this counter; waits for upload.")
    return tr("Decided at this counter; uploaded since.") if receipt.leased else ""
