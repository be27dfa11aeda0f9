"""The six figures of the top row, as cards show them."""

from dataclasses import dataclass

from app.services.dashboard import Dashboard, formula
from app.services.dashboard.formulas import title_of
from app.views.widgets.kpi_card import Figure
from app.views.widgets.numbers import change_of, percent, short, short_yuan
from app.vocabulary import Words, word
from app.words import NO_DATA, ntr, tr, yuan

KEYS = ("issued", "redeemed", "redemption_money", "outstanding", "claim", "expiring")
AGAINST: Words = {"previous": "vs before", "year": "vs last year", "lunar": "vs last Mid-Autumn"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure, the change below its number, what that is measured against, and all of it as a sentence."""

    figure: Figure
    note: str
    against: str
    sentence: str


def figures_of(dashboard: Dashboard) -> dict[str, Shown]:
    """KPI → what its card shows. Where no card holds money, cards and uses are counted."""
    before, redeemed = dashboard.compared, dashboard.redeemed
    issued = _sum(
        dashboard,
        "issued",
        short(dashboard.issued.count),
        exact=_cards(dashboard, dashboard.issued.count, dashboard.issued.minor),
        change=change_of(dashboard.issued.count, before.issued.count),
    )
    used = _sum(
        dashboard,
        "redeemed",
        short_yuan(redeemed.minor) if dashboard.has_money else short(redeemed.count),
        exact=_times(dashboard, redeemed.count, redeemed.minor),
        change=change_of(redeemed.minor, before.redeemed.minor)
        if dashboard.has_money
        else change_of(redeemed.count, before.redeemed.count),
        spark="redeemed" if dashboard.has_money else "redeemed_times",
    )
    return {
        "issued": issued,
        "redeemed": used,
        "redemption_money": _rate(dashboard, "redemption_money" if dashboard.has_money else "redemption_cards"),
        "outstanding": _outstanding(dashboard),
        "claim": _rate(dashboard, "claim"),
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
    spark: str = "",
) -> Shown:
    against = word(AGAINST, dashboard.compared.how)
    line = dashboard.sparks.get(spark or key, ())
    figure = Figure(title_of(key), number, formula(key), change, "", more_is_better, line, exact)
    return _shown(figure, figure.change_words, against if change is not None else "")


def _outstanding(dashboard: Dashboard) -> Shown:
    """What it was at some past day is only known in money."""
    exact = _cards(dashboard, dashboard.outstanding_count, dashboard.outstanding_minor)
    if dashboard.topped_up.count:
        exact += " · " + tr("topped up {amount} in the period", amount=yuan(dashboard.topped_up.minor))
    if dashboard.refunded.minor:
        exact += " · " + tr("refunded {amount} in the period", amount=yuan(dashboard.refunded.minor))
    if not dashboard.has_money:
        number = short(dashboard.outstanding_count)
        return _sum(dashboard, "outstanding_cards", number, exact=exact, change=None, more_is_better=None)
    return _sum(
        dashboard,
        "outstanding",
        short_yuan(dashboard.outstanding_minor),
        exact=exact,
        change=change_of(dashboard.outstanding_minor, dashboard.compared.outstanding_minor),
        more_is_better=None,
    )


def _rate(dashboard: Dashboard, key: str) -> Shown:
    """A rate moves by points, never by a share of a share."""
    rate: float | None = getattr(dashboard.rates, key)
    before: float | None = getattr(dashboard.compared.rates, key)
    against = word(AGAINST, dashboard.compared.how)
    change = rate - before if rate is not None and before is not None else None
    figure = Figure(title_of(key), percent(rate), formula(key), change, "", True, dashboard.sparks[key])
    if change is None:
        return _shown(figure, NO_DATA, "")
    arrow = "\u25b2" if change > 0 else "\u25bc" if change < 0 else "="
    points = f"{arrow} {change * 100:+.1f}"
    sentence = tr("{points} percentage points {against}", points=points, against=against)
    return Shown(figure, tr("{points} pp", points=points), against, sentence)


def _expiring(dashboard: Dashboard) -> Shown:
    ending = dashboard.expiring
    exact = _cards(dashboard, ending.count, ending.minor)
    figure = Figure(
        title_of("expiring"),
        short(ending.count),
        formula("expiring"),
        more_is_better=None,
        spark=dashboard.sparks["expiring"],
        exact=exact,
    )
    return Shown(figure, short_yuan(ending.minor) if ending.minor else NO_DATA, "", exact)


def _shown(figure: Figure, note: str, against: str) -> Shown:
    return Shown(figure, note, against, tr("{share} {against}", share=note, against=against).strip())


def _cards(dashboard: Dashboard, count: int, minor: int) -> str:
    if not dashboard.has_money:
        return ntr("{count} card", "{count} cards", count)
    return ntr("{count} card, {amount}", "{count} cards, {amount}", count, amount=yuan(minor))


def _times(dashboard: Dashboard, count: int, minor: int) -> str:
    if not dashboard.has_money:
        return ntr("{count} time", "{count} times", count)
    return ntr("{count} time, {amount}", "{count} times, {amount}", count, amount=yuan(minor))
