"""`lease …`, `conflict …`."""

from datetime import timedelta
from typing import Annotated

import typer

from app.cli.shell import Shell, secret_in
from app.errors import InvalidInput
from app.models.base import now
from app.services.leases import ConflictRow, LeaseRow
from app.vocabulary import CONFLICT_WAYS, LEASE_STATES, word
from app.words import moment, ntr, tr, yuan


def add_to(cli: typer.Typer) -> None:
    lease = typer.Typer(help="Cards that this computer redeems without a line.", no_args_is_help=True)
    for command in (take, give_back, reclaim, standing):
        lease.command(command.__name__.replace("give_back", "return"))(command)
    lease.command("list")(list_leases)
    lease.command("pin")(set_pin)
    cli.add_typer(lease, name="lease")
    conflict = typer.Typer(help="What a counter gave out and the card could not pay.", no_args_is_help=True)
    conflict.command("list")(list_conflicts)
    conflict.command("settle")(settle)
    cli.add_typer(conflict, name="conflict")


def take(
    context: typer.Context,
    batch_id: int,
    hours: Annotated[float, typer.Option(min=0.1, max=168, help="For how long.")] = 8,
    first: Annotated[int, typer.Option("--from", min=1, help="Number of the first card.")] = 1,
    count: Annotated[int | None, typer.Option(min=1, help="How many cards; without it all from there on.")] = None,
) -> None:
    """Lease cards of a batch to this computer."""
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.leases.take(batch_id, until=now() + timedelta(hours=hours), first_no=first, count=count)
    shell.tell({"lease": row}, _line(row))


def give_back(context: typer.Context, lease_id: str) -> None:
    """Give a lease of this computer back; nothing is redeemed under it any more."""
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.leases.give_back(lease_id)
    shell.tell({"lease": row}, _line(row))


def reclaim(
    context: typer.Context, lease_id: str, reason: Annotated[str, typer.Option(help="Kept in the audit log.")]
) -> None:
    """Take a lease back from a computer that does not come back."""
    shell: Shell = context.obj
    with shell.open() as services:
        row = services.leases.reclaim(lease_id, reason=reason)
    shell.tell({"lease": row}, _line(row))


def standing(context: typer.Context) -> None:
    """What this computer can redeem without a line."""
    shell: Shell = context.obj
    with shell.open() as services:
        found = services.leases.standing()
    words = ntr("{count} card can be redeemed offline", "{count} cards can be redeemed offline", found.cards)
    until = tr("until {at}", at=moment(found.until)) if found.until else ""
    limit = tr(
        "{uses} of {most_uses} uses and {minor} of {most_minor} wait for upload",
        uses=found.uses,
        most_uses=found.most_uses,
        minor=yuan(found.minor),
        most_minor=yuan(found.most_minor),
    )
    shell.tell({"standing": found}, [" ".join(filter(None, (words, until))), limit])


def set_pin(
    context: typer.Context,
    pin_env: Annotated[str | None, typer.Option(help="Variable with the new PIN.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Have no PIN any more.")] = False,
) -> None:
    """Set or remove the manager's PIN, with which a counter goes beyond its limit. Asks for the passphrase again."""
    shell: Shell = context.obj
    pin = secret_in(pin_env, "pin_env")
    if (pin is None) != remove:
        raise InvalidInput("pin", "pin-or-remove")
    with shell.open() as services:
        services.leases.pin.put(pin.reveal() if pin else "", passphrase=shell.passphrase())
    shell.tell({"pin": pin is not None}, tr("PIN set") if pin else tr("PIN removed"))


def list_leases(
    context: typer.Context, ended: Annotated[bool, typer.Option("--all", help="Ended ones, too.")] = False
) -> None:
    """Leases in force, of every computer."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.leases.leases(ended=ended)
    shell.tell({"leases": rows}, [_line(row) for row in rows] or tr("No card is leased"))


def list_conflicts(
    context: typer.Context, settled: Annotated[bool, typer.Option("--all", help="Settled ones, too.")] = False
) -> None:
    """What was given out offline and the ledger does not have, with what had used the card up."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.leases.conflicts(settled=settled)
    lines = [line for row in rows for line in _stories(row)]
    shell.tell({"conflicts": rows}, lines or tr("There is no conflict"))


def settle(
    context: typer.Context,
    conflict_id: str,
    way: Annotated[str, typer.Option(help="loss, contacted or undone.")],
    note: Annotated[str, typer.Option(help="What was done; kept in the audit log.")],
) -> None:
    """Put down how a conflict was settled."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.leases.settle(conflict_id, way=way, note=note)
    shell.tell({"settled": conflict_id, "way": way}, tr("Settled: {way}", way=word(CONFLICT_WAYS, way)))


def _line(row: LeaseRow) -> str:
    whose = tr("this computer") if row.mine else row.device_name
    cards = ntr("{count} card", "{count} cards", row.cards)
    state = word(LEASE_STATES, row.state)
    return f"{row.id}  {row.serial}  {cards}  {whose}  {moment(row.until)}  {state}"


def _stories(row: ConflictRow) -> list[str]:
    amount = yuan(row.amount_minor) if row.amount_minor else ntr("{count} use", "{count} uses", row.uses)
    ours = f"{row.id}  {row.serial}  {amount}  {moment(row.decided_at)}  {row.place or row.device_name}"
    return [
        ours,
        *(
            f"  {moment(story.at)}  {yuan(story.amount_minor) if story.amount_minor else story.uses}  {story.place}"
            for story in row.others
        ),
    ]
