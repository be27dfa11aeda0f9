"""What the dashboard takes and gives: frozen rows. Counts are whole numbers, amounts fen, rates shares of 1."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.words import zone

COMPARISONS = ("previous", "year", "lunar")
STEPS = ("issued", "sent", "delivered", "opened", "claimed", "redeemed")
MID_AUTUMN = (8, 15)
"""Month and day of the lunar calendar."""


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included."""

    first_day: date
    last_day: date

    @property
    def length(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def begin(self) -> datetime:
        """The first instant."""
        return datetime.combine(self.first_day, time(), zone()).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), zone()).astimezone(UTC)

    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=n) for n in range(self.length)]

    def compared(self, how: str) -> "Period":
        """`previous`: as long, right before. `year`: the same days last year. `lunar`: as far from the Mid-Autumn
        Festival as last year, which moves by up to a month."""
        if how == "year":
            return Period(_a_year_before(self.first_day), _a_year_before(self.last_day))
        back = self.length
        if how == "lunar":
            back = (mid_autumn(self.last_day.year) - mid_autumn(self.last_day.year - 1)).days
        return Period(self.first_day - timedelta(days=back), self.last_day - timedelta(days=back))


def mid_autumn(year: int) -> date:
    """The day of the Mid-Autumn Festival in a year."""
    from lunar_python import Lunar

    solar = Lunar.fromYmd(year, *MID_AUTUMN).getSolar()
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1) if (day.month, day.day) != (2, 29) else date(day.year - 1, 2, 28)


@dataclass(frozen=True, slots=True)
class Sum:
    count: int = 0
    minor: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """None where there is nothing to divide by."""

    delivery: float | None
    open: float | None
    claim: float | None
    redemption_cards: float | None
    redemption_money: float | None
    mature_30: float | None


@dataclass(frozen=True, slots=True)
class ProductFigures:
    product_id: int
    name: str
    issued: int
    issued_minor: int
    redeemed: int
    redeemed_minor: int
    outstanding_minor: int


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """`step` is one of STEPS; the last counts cards issued in the period that were redeemed at least in part."""

    step: str
    count: int
    rate_of_before: float | None
    rate_of_first: float | None


@dataclass(frozen=True, slots=True)
class DayFigures:
    day: date
    issued: int
    issued_minor: int
    redeemed: int
    redeemed_minor: int
    topped_up_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The same figures in another period; `how` is one of COMPARISONS."""

    how: str
    period: Period
    issued: Sum
    redeemed: Sum
    rates: Rates
    outstanding_minor: int
    """At the end of that period."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One state of the vault, all of it read in one snapshot."""

    period: Period
    product_id: int | None
    channel: str | None
    as_of: datetime
    issued: Sum
    redeemed: Sum
    topped_up: Sum
    refunded: Sum
    has_money: bool
    """Whether any card of what is looked at holds money; without it only cards and uses can be counted."""
    outstanding_minor: int
    outstanding_count: int
    expiring: Sum
    """Live cards whose validity ends within 30 days from now."""
    rates: Rates
    by_product: tuple[ProductFigures, ...]
    heatmap: tuple[tuple[int, ...], ...]
    """[weekday, Monday first][hour] → redemptions less reversals."""
    funnel: tuple[FunnelStep, ...]
    channels: Mapping[str, tuple[FunnelStep, ...]]
    trend: tuple[DayFigures, ...]
    compared: Compared
    sparks: Mapping[str, tuple[float, ...]]
    """KPI → 30 daily values up to the last day of the period; `expiring` looks 30 days ahead from now."""
