"""`card show`, `card reveal`, `card top-up`, `card refund`, `card receipt`, `redeem`, `reverse`."""

from typing import Annotated, Any

import typer

from app.cli.receipts import receipt
from app.cli.shell import Shell, minor, secret_in
from app.services.redemptions import RedemptionResult
from app.vocabulary import CARD_STATES, HAPPENED, word
from app.words import moment, tr, worth, yuan


def add_to(cli: typer.Typer) -> None:
    card = typer.Typer(help="Single cards.", no_args_is_help=True)
    card.command("show")(show)
    card.command("reveal")(reveal)
    card.command("top-up")(top_up)
    card.command("refund")(refund)
    card.command("receipt")(receipt)
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


def top_up(
    context: typer.Context,
    code_or_serial: str,
    amount: Annotated[str, typer.Argument(help="Like 200.00.")],
    reason: Annotated[str, typer.Option(help="Kept in the audit log.")] = "",
    place: Annotated[str | None, typer.Option(help="Where it is paid.")] = None,
    over_limit: Annotated[bool, typer.Option(help="It is to hold more than a rule of the trade says.")] = False,
) -> None:
    """Put money onto a card, at the endpoint."""
    shell: Shell = context.obj
    with shell.open() as services:
        card_id, put_on = services.cards.find(code_or_serial), minor("amount", amount) or 0
        result = services.redemptions.top_up(card_id, put_on, reason=reason, place=place, over_limit=over_limit)
    words = tr(
        "Topped up {amount}, {remaining} on the card", amount=yuan(-result.redeemed_minor), remaining=_left(result)
    )
    shell.tell(_document(result), words)


def refund(
    context: typer.Context,
    code_or_serial: str,
    amount: Annotated[str | None, typer.Option(help="A part of the money; without it all that is left.")] = None,
    reason: Annotated[str, typer.Option(help="Kept in the audit log.")] = "",
    place: Annotated[str | None, typer.Option(help="Where it is paid out.")] = None,
) -> None:
    """Pay out what is left of a card, or a part of it, at the endpoint."""
    shell: Shell = context.obj
    with shell.open() as services:
        card_id = services.cards.find(code_or_serial)
        result = services.redemptions.refund(card_id, minor("amount", amount), reason=reason, place=place)
    words = tr("Refunded {amount}, {remaining} left", amount=_used(result), remaining=_left(result))
    shell.tell(_document(result), words)


def redeem(
    context: typer.Context,
    code: str,
    amount: Annotated[str | None, typer.Option()] = None,
    pin_env: Annotated[str | None, typer.Option(help="Variable with the manager's PIN: beyond the limit.")] = None,
) -> None:
    """Redeem a card at the endpoint or under a lease, wholly or in part."""
    shell: Shell = context.obj
    pin = secret_in(pin_env, "pin_env")
    with shell.open() as services:
        result = services.redemptions.redeem(code, minor("amount", amount), pin=pin.reveal() if pin else "")
    shell.tell(_document(result), _lines(result))


def _lines(result: RedemptionResult) -> list[str]:
    """What was used and is left, and the number that `reverse` asks for."""
    return [
        tr("Redeemed {redeemed}, {remaining} left", redeemed=_used(result), remaining=_left(result)),
        tr("Number of the redemption: {number}", number=result.redemption_id),
    ]


def reverse(context: typer.Context, redemption_id: str, reason: Annotated[str, typer.Option()] = "") -> None:
    """Undo a redemption by an entry of its own."""
    shell: Shell = context.obj
    with shell.open() as services:
        result = services.redemptions.reverse(redemption_id, reason=reason)
    shell.tell(_document(result), tr("Reversed."))


def _document(result: RedemptionResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in type(result).__dataclass_fields__}


def _used(result: RedemptionResult) -> str:
    return worth(None if result.remaining_minor is None else result.redeemed_minor, result.redeemed_uses)


def _left(result: RedemptionResult) -> str:
    return worth(result.remaining_minor, result.remaining_uses)
