"""`card show`, `card reveal`, `redeem`, `reverse`."""

from typing import Annotated

import typer

from app.cli.shell import Shell, minor
from app.services.redemptions import RedemptionResult
from app.vocabulary import CARD_STATES, HAPPENED, word
from app.words import moment, tr, worth, yuan


def add_to(cli: typer.Typer) -> None:
    card = typer.Typer(help="Single cards.", no_args_is_help=True)
    card.command("show")(show)
    card.command("reveal")(reveal)
    cli.add_typer(card, name="card")
    cli.command("redeem")(redeem)
    cli.command("reverse")(reverse)


def show(context: typer.Context, code_or_serial: str) -> None:
    """A card and its life."""
    shell: Shell = context.obj
    with shell.open() as services:
        detail = services.cards.detail(services.cards.find(code_or_serial))
    row = detail.row
    document = {name: getattr(row, name) for name in type(row).__dataclass_fields__}
    lines = [f"{row.serial}  {row.product}  {word(CARD_STATES, row.state)}  {yuan(row.balance_minor)}"]
    lines += [f"{moment(entry.at)}  {word(HAPPENED, entry.what)}  {entry.detail}" for entry in detail.timeline]
    shell.tell(document | {"timeline": detail.timeline}, lines)


def reveal(context: typer.Context, serial: str, reason: Annotated[str, typer.Option()] = "") -> None:
    """The plain code of a card; the audit log keeps who and why."""
    shell: Shell = context.obj
    with shell.open() as services:
        card_id = services.cards.find(serial)
        row = services.cards.detail(card_id).row
        code = services.cards.reveal(card_id, reason=reason)
    shell.tell({"serial": row.serial, "state": row.state, "code": code.reveal()}, code.reveal())


def redeem(context: typer.Context, code: str, amount: Annotated[str | None, typer.Option()] = None) -> None:
    """Redeem a card at the endpoint, wholly or in part."""
    shell: Shell = context.obj
    with shell.open() as services:
        result = services.redemptions.redeem(code, minor("amount", amount))
    document = {name: getattr(result, name) for name in type(result).__dataclass_fields__}
    shell.tell(document, _lines(result))


def _lines(result: RedemptionResult) -> list[str]:
    """What was used and is left, and the number that `reverse` asks for."""
    used_minor = None if result.remaining_minor is None else result.redeemed_minor
    redeemed, remaining = worth(used_minor, result.redeemed_uses), worth(result.remaining_minor, result.remaining_uses)
    return [
        tr("Redeemed {redeemed}, {remaining} left", redeemed=redeemed, remaining=remaining),
        tr("Number of the redemption: {number}", number=result.redemption_id),
    ]


def reverse(context: typer.Context, redemption_id: str, reason: Annotated[str, typer.Option()] = "") -> None:
    """Undo a redemption by an entry of its own."""
    shell: Shell = context.obj
    with shell.open() as services:
        result = services.redemptions.reverse(redemption_id, reason=reason)
    document = {name: getattr(result, name) for name in type(result).__dataclass_fields__}
    shell.tell(document, tr("Reversed."))
