"""The dashboard as sheets of a workbook: the same numbers, with period, filters and formulas."""

from collections.abc import Iterator

from app.services.dashboard.formulas import WEEKDAYS, formula, title_of
from app.services.dashboard.rows import Dashboard, Rates
from app.services.writers.tables import SheetOut
from app.vocabulary import CHANNELS, word
from app.words import NO_DATA, moment, plain_amount, tr


def percent(rate: float | None) -> str:
    return NO_DATA if rate is None else f"{rate:.1%}"


def sheets_of(dashboard: Dashboard) -> list[SheetOut]:
    count, yuan = tr("Count"), tr("Amount (yuan)")
    product_head = (
        tr("Product"),
        tr("Issued"),
        tr("Issued (yuan)"),
        tr("Redeemed"),
        tr("Redeemed (yuan)"),
        tr("Outstanding (yuan)"),
    )
    day_head = (tr("Day"), *product_head[1:5])
    return [
        SheetOut(tr("Figures"), (tr("Figure"), count, yuan, tr("How it is counted")), _figures(dashboard)),
        SheetOut(tr("Products"), product_head, _products(dashboard), money_columns=frozenset({2, 4, 5})),
        SheetOut(tr("Days"), day_head, _days(dashboard), money_columns=frozenset({2, 4})),
        SheetOut(
            tr("Funnel"),
            (tr("Channel"), tr("Step"), count, tr("Of the step before"), tr("Of the first step")),
            _funnels(dashboard),
        ),
        SheetOut(tr("Hours"), ("", *(f"{hour:02d}" for hour in range(24))), _hours(dashboard)),
    ]


def _figures(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    period = dashboard.period
    yield tr("Period"), f"{period.first_day.isoformat()} - {period.last_day.isoformat()}", "", ""
    yield tr("As of"), moment(dashboard.as_of), "", ""
    for key, sum_ in (
        ("issued", (dashboard.issued.count, dashboard.issued.minor)),
        ("redeemed", (dashboard.redeemed.count, dashboard.redeemed.minor)),
        ("outstanding", (dashboard.outstanding_count, dashboard.outstanding_minor)),
        ("expiring", (dashboard.expiring.count, dashboard.expiring.minor)),
    ):
        yield title_of(key), sum_[0], plain_amount(sum_[1]), formula(key)
    for key in Rates.__dataclass_fields__:
        yield title_of(key), percent(getattr(dashboard.rates, key)), "", formula(key)


def _products(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    for row in dashboard.by_product:
        yield row.name, row.issued, row.issued_minor, row.redeemed, row.redeemed_minor, row.outstanding_minor


def _days(dashboard: Dashboard) -> Iterator[tuple[object, ...]]:
    for row in dashboard.trend:
        yield row.day.isoformat(), row.issued, row.issued_minor, row.redeemed, row.redeemed_minor


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
