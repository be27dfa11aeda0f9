"""`dashboard`: the figures of a period."""

from datetime import date, timedelta
from typing import Annotated

import typer

from app.cli.shell import Shell
from app.errors import InvalidInput
from app.models.base import now
from app.services.dashboard import Dashboard, Period
from app.services.dashboard.formulas import title_of
from app.words import NO_DATA, yuan, zone

DEFAULT_DAYS = 30


def add_to(cli: typer.Typer) -> None:
    cli.command("dashboard")(show)


def show(
    context: typer.Context,
    from_: Annotated[str | None, typer.Option("--from", help="First day, like 2026-09-01.")] = None,
    to: Annotated[str | None, typer.Option(help="Last day.")] = None,
    product: Annotated[int | None, typer.Option(help="Id of a product.")] = None,
    channel: Annotated[str | None, typer.Option(help="email, file, print or direct.")] = None,
    compare: Annotated[str, typer.Option(help="previous, year or lunar.")] = "previous",
) -> None:
    """Issued, redeemed, outstanding and the rates between; the last 30 days unless said."""
    shell: Shell = context.obj
    last = _day("to", to) or now().astimezone(zone()).date()
    first = _day("from", from_) or last - timedelta(days=DEFAULT_DAYS - 1)
    with shell.open() as services:
        shown = services.dashboard.summary(Period(first, last), product_id=product, channel=channel, compare=compare)
    shell.tell(document(shown), _lines(shown))


def document(shown: Dashboard) -> dict[str, object]:
    """Every figure as it is, with the period's two days at the top."""
    figures = {name: getattr(shown, name) for name in Dashboard.__dataclass_fields__ if name != "period"}
    return {"first_day": shown.period.first_day, "last_day": shown.period.last_day, **figures}


def _lines(shown: Dashboard) -> list[str]:
    lines = [f"{shown.period.first_day.isoformat()} - {shown.period.last_day.isoformat()}"]
    for key, count, minor in (
        ("issued", shown.issued.count, shown.issued.minor),
        ("redeemed", shown.redeemed.count, shown.redeemed.minor),
        ("outstanding", shown.outstanding_count, shown.outstanding_minor),
        ("expiring", shown.expiring.count, shown.expiring.minor),
    ):
        lines.append(f"{title_of(key)}  {count:,}  {yuan(minor)}")
    for key in shown.rates.__dataclass_fields__:
        rate = getattr(shown.rates, key)
        lines.append(f"{title_of(key)}  {NO_DATA if rate is None else f'{rate:.1%}'}")
    return lines


def _day(field: str, typed: str | None) -> date | None:
    if typed is None:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise InvalidInput(field, "not-a-date") from error
