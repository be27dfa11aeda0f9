"""The six figures of the top row, as cards show them."""

from dataclasses import dataclass, replace

from app.services.dashboard import Dashboard, formula
from app.services.dashboard.formulas import title_of
from app.views.dashboard.numbers import change_of, percent, short, short_yuan
from app.views.widgets.kpi_card import Figure
from app.vocabulary import Words, word
from app.words import NO_DATA, ntr, tr, yuan

KEYS = ("issued", "redeemed", "redemption_money", "outstanding", "claim", "expiring")
AGAINST: Words = {"previous": "vs before", "year": "vs last year", "lunar": "vs last Mid-Autumn"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure, the few signs below its number, and the whole sentence for the tooltip."""

    figure: Figure
    note: str
    sentence: str


def figures_of(dashboard: Dashboard) -> dict[str, Shown]:
    """KPI → what its card shows."""
    before = dashboard.compared
    return {
        "issued": _sum(
            dashboard,
            "issued",
            short(dashboard.issued.count),
            exact=_exact(dashboard.issued.count, dashboard.issued.minor),
            change=change_of(dashboard.issued.count, before.issued.count),
        ),
        "redeemed": _sum(
            dashboard,
            "redeemed",
            short_yuan(dashboard.redeemed.minor),
            exact=_times(dashboard.redeemed.count, dashboard.redeemed.minor),
            change=change_of(dashboard.redeemed.minor, before.redeemed.minor),
        ),
        "redemption_money": _rate(
            dashboard, "redemption_money", dashboard.rates.redemption_money, before=before.rates.redemption_money
        ),
        "outstanding": _sum(
            dashboard,
            "outstanding",
            short_yuan(dashboard.outstanding_minor),
            exact=_exact(dashboard.outstanding_count, dashboard.outstanding_minor),
            change=change_of(dashboard.outstanding_minor, before.outstanding_minor),
            more_is_better=None,
        ),
        "claim": _rate(dashboard, "claim", dashboard.rates.claim, before=before.rates.claim),
        "expiring": _expiring(dashboard),
    }


def _sum(
    dashboard: Dashboard,
    key: str,
    number: str,
    *,
    exact: str,
    change: float | None,
    more_is_better: bool | None = True,
) -> Shown:
    figure = Figure(
        title_of(key),
        number,
        formula(key),
        change,
        word(AGAINST, dashboard.compared.how),
        more_is_better,
        dashboard.sparks[key],
        exact,
    )
    return Shown(figure, replace(figure, against="").change_words, figure.change_words)


def _rate(dashboard: Dashboard, key: str, rate: float | None, *, before: float | None) -> Shown:
    """A rate moves by points, never by a share of a share."""
    against = word(AGAINST, dashboard.compared.how)
    change = rate - before if rate is not None and before is not None else None
    figure = Figure(title_of(key), percent(rate), formula(key), change, against, True, dashboard.sparks[key])
    if change is None:
        return Shown(figure, NO_DATA, figure.change_words)
    arrow = "\u25b2" if change > 0 else "\u25bc" if change < 0 else "="
    points = f"{arrow} {change * 100:+.1f}"
    sentence = tr("{points} percentage points {against}", points=points, against=against)
    return Shown(figure, tr("{points} pp", points=points), sentence)


def _expiring(dashboard: Dashboard) -> Shown:
    ending = dashboard.expiring
    exact = _exact(ending.count, ending.minor)
    figure = Figure(
        title_of("expiring"),
        short(ending.count),
        formula("expiring"),
        more_is_better=None,
        spark=dashboard.sparks["expiring"],
        exact=exact,
    )
    return Shown(figure, short_yuan(ending.minor), exact)


def _exact(count: int, minor: int) -> str:
    return ntr("{count} card, {amount}", "{count} cards, {amount}", count, amount=yuan(minor))


def _times(count: int, minor: int) -> str:
    return ntr("{count} time, {amount}", "{count} times, {amount}", count, amount=yuan(minor))
