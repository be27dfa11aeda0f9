"""The dashboard as sheets of a workbook: the same numbers, with period, filters and formulas."""

from collections.abc import Iterator, Sequence, Set

from app.services.dashboard.formulas import WEEKDAYS, formula, title_of
from app.services.dashboard.rows import Dashboard, Rates
from app.services.writers.tables import SheetOut, fitting
from app.vocabulary import CHANNELS, word
from app.words import NO_DATA, moment, tr


def percent(rate: float | None) -> str:
    return NO_DATA if rate is None else f"{rate:.1%}"


def sheets_of(dashboard: Dashboard) -> list[SheetOut]:
    """Counts and amounts are numbers to go on with; an amount of cards that hold no money is an empty cell."""
    count, yuan = tr("Count"), tr("Amount (yuan)")
    product_head = (
        tr("Product"),
        tr("Issued"),
        tr("Issued (yuan)"),
        tr("Redeemed"),
        tr("Redeemed (yuan)"),
        tr("Outstanding (yuan)"),
    )
    moved_head = (tr("Topped up (yuan)"), tr("Refunded (yuan)"))
    funnel_head = (tr("Channel"), tr("Step"), count, tr("Of the step before"), tr("Of the first step"))
    return [
        _sheet(tr("Figures"), (tr("Figure"), count, yuan, tr("How it is counted")), _figures(dashboard), money={2}),
        _sheet(tr("Products"), product_head, _products(dashboard), money={2, 4, 5}),
        _sheet(tr("By day"), (tr("Day"), *product_head[1:5], *moved_head), _days(dashboard), money={2, 4, 5, 6}),
        _sheet(tr("Funnel"), funnel_head, _funnels(dashboard)),
        SheetOut(
            tr("Hours"),
            ("", *(f"{hour:02d}" for hour in range(24))),
            _hours(dashboard),
            widths=(10, *([6] * 24)),
        ),
    ]


def _sheet(
    name: str, header: Sequence[str], rows: Iterator[tuple[object, ...]], *, money: Set[int] = frozenset()
) -> SheetOut:
    listed = list(rows)
    return SheetOut(name, header, listed, widths=fitting(header, listed), money_columns=frozenset(money))


def _figures(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    period = dashboard.period
    yield tr("Period"), f"{period.first_day.isoformat()} - {period.last_day.isoformat()}", None, ""
    yield tr("As of"), moment(dashboard.as_of), None, ""
    for key, count, minor in (
        ("issued", dashboard.issued.count, dashboard.issued.minor),
        ("redeemed", dashboard.redeemed.count, dashboard.redeemed.minor),
        ("topped_up", dashboard.topped_up.count, dashboard.topped_up.minor),
        ("refunded", dashboard.refunded.count, dashboard.refunded.minor),
        ("outstanding", dashboard.outstanding_count, dashboard.outstanding_minor),
        ("expiring", dashboard.expiring.count, dashboard.expiring.minor),
    ):
        yield title_of(key), count, minor if dashboard.has_money else None, formula(key)
    for key in Rates.__dataclass_fields__:
        yield title_of(key), percent(getattr(dashboard.rates, key)), None, formula(key)


def _products(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    for row in dashboard.by_product:
        sums = (row.issued_minor, row.redeemed_minor, row.outstanding_minor)
        issued, redeemed, owed = sums if any(sums) else (None, None, None)
        yield row.name, row.issued, issued, row.redeemed, redeemed, owed


def _days(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    for row in dashboard.trend:
        amounts = (row.issued_minor, row.redeemed_minor, row.topped_up_minor, row.refunded_minor)
        issued, redeemed, *moved = amounts if dashboard.has_money else (None,) * len(amounts)
        yield row.day.isoformat(), row.issued, issued, row.redeemed, redeemed, *moved


def _funnels(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    named = [(tr("All"), dashboard.funnel)]
    named += [(word(CHANNELS, channel), steps) for channel, steps in dashboard.channels.items()]
    for name, steps in named:
        for step in steps:
            rates = percent(step.rate_of_before), percent(step.rate_of_first)
            yield name, title_of(step.step), step.count, *rates


def _hours(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    for weekday, hours in enumerate(dashboard.heatmap):
        yield word(WEEKDAYS, str(weekday)), *hours
