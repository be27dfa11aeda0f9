"""Numbers short enough for a card: in full up to six digits, then in the units of the language."""

from app.words import NO_DATA, language, tr, yuan

FULL = 10**6
"""Below it a number is written in full."""


def short(number: float, *, sign: str = "") -> str:
    """`12,345`, `1.23M` or `123.5 ten thousand`, with a currency sign before it."""
    minus = "-" if number < 0 else ""
    size = abs(number)
    if size < FULL:
        return f"{minus}{sign}{size:,.0f}"
    if language() == "zh_CN":
        words = (
            tr("{number} hundred million", number=f"{sign}{size / 10**8:,.2f}")
            if size >= 10**8
            else tr("{number} ten thousand", number=f"{sign}{size / 10**4:,.1f}")
        )
    else:
        words = (
            tr("{number}B", number=f"{sign}{size / 10**9:,.2f}")
            if size >= 10**9
            else tr("{number}M", number=f"{sign}{size / 10**6:,.2f}")
        )
    return minus + words


def short_yuan(amount_minor: int) -> str:
    """Whole yuan on a card; cents only where the amount is small enough to care."""
    return yuan(amount_minor) if abs(amount_minor) < 1_000_000 else short(amount_minor / 100, sign="¥")


def percent(rate: float | None) -> str:
    return NO_DATA if rate is None else f"{rate:.1%}"


def change_of(now: float, before: float) -> float | None:
    """Growth as a share; None when there was nothing before."""
    return (now - before) / abs(before) if before else None
