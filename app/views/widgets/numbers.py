"""Numbers short enough for a tile or an axis: in full up to four digits, then in the units of the language."""

from app.words import NO_DATA, language, ntr, tr, yuan

FULL = 10**4
"""Below it a number is written in full; the exact one belongs into the tooltip."""


def short(number: float, *, sign: str = "") -> str:
    """`9,999`, then `12.3K` and `1.23M`, or the same in ten thousands, with a currency sign before it."""
    minus = "-" if number < 0 else ""
    size = abs(number)
    if size < FULL:
        return f"{minus}{sign}{size:,.0f}"
    if language() == "zh_CN":
        return minus + (
            tr("{number} hundred million", number=f"{sign}{size / 10**8:,.2f}")
            if size >= 10**8 - 5_000
            else tr("{number} ten thousand", number=f"{sign}{size / 10**4:,.{2 if size < 10**7 else 1}f}")
        )
    if size < 10**6 - 50:  # what rounds up to the next unit is written in that
        return minus + tr("{number}K", number=f"{sign}{size / 10**3:,.1f}")
    if size < 10**9 - 5_000_000:
        return minus + tr("{number}M", number=f"{sign}{size / 10**6:,.2f}")
    return minus + tr("{number}B", number=f"{sign}{size / 10**9:,.2f}")


def short_yuan(amount_minor: int) -> str:
    """To the fen while it is short."""
    return yuan(amount_minor) if abs(amount_minor) < FULL * 100 else short(amount_minor / 100, sign="¥")


def axis(tick: float) -> str:
    """A round number beside a grid line: no more digits than it has."""
    if tick < FULL:
        return f"{tick:,.0f}" if tick == int(tick) else f"{tick:g}"
    if language() == "zh_CN":
        return (
            tr("{number} hundred million", number=f"{tick / 10**8:g}")
            if tick >= 10**8
            else tr("{number} ten thousand", number=f"{tick / 10**4:g}")
        )
    if tick < 10**6:
        return tr("{number}K", number=f"{tick / 10**3:g}")
    return tr("{number}M", number=f"{tick / 10**6:g}")


def times(count: int) -> str:
    """`11 times`, or a rounded number of them."""
    return ntr("{count} time", "{count} times", count) if abs(count) < FULL else tr("{count} times", count=short(count))


def percent(rate: float | None) -> str:
    return NO_DATA if rate is None else f"{rate:.1%}"


def change_of(now: float, before: float) -> float | None:
    """Growth as a share; None when there was nothing before."""
    return (now - before) / abs(before) if before else None
