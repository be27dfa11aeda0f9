"""`endpoint …`, `sync`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app.cli.devices import twin_line
from app.cli.shell import Shell
from app.services.cloud import CloudStatus
from app.vocabulary import HAPPENED, word
from app.words import NO_DATA, ntr, tr, yuan

Gone = Annotated[
    bool,
    typer.Option("--leave-unreachable", help="Leave the present endpoint without a last sync: it is gone for ever."),
]
Confirm = Annotated[str, typer.Option("--confirm", help="Host of the endpoint that is left, as its refusal names it.")]


def add_to(cli: typer.Typer) -> None:
    endpoint = typer.Typer(help="The endpoint where holders claim and redeem.", no_args_is_help=True)
    endpoint.command("pair")(pair)
    endpoint.command("status")(status)
    endpoint.command("differences")(differences)
    endpoint.command("lift")(lift)
    embedded = typer.Typer(help="The endpoint on this machine.", no_args_is_help=True)
    embedded.command("start")(start)
    embedded.command("stop")(stop)
    endpoint.add_typer(embedded, name="embedded")
    cli.add_typer(endpoint, name="endpoint")
    cli.command("sync")(sync)


def pair(context: typer.Context, url: str, code: str, leave_unreachable: Gone = False, confirm: Confirm = "") -> None:
    """Pair with an endpoint by its address and a one-time code."""
    shell: Shell = context.obj
    with shell.open() as services:
        found = services.cloud.pair(url, code, leave=confirm if leave_unreachable else None, progress=shell.progress)
    _tell(shell, found)


def status(context: typer.Context) -> None:
    """Which endpoint this vault works with."""
    shell: Shell = context.obj
    with shell.open() as services:
        found = services.cloud.status()
    _tell(shell, found)


def differences(context: typer.Context) -> None:
    """Batches whose ledger differs from the endpoint's, entry by entry."""
    shell: Shell = context.obj
    with shell.open() as services:
        found = {serial: services.cloud.explain(serial) for serial in services.cloud.status().differences}
    lines = [
        f"{one.serial}  {one.op_id}  {word(HAPPENED, one.kind)}  {_taken(one.here_minor, one.here_uses)} | "
        f"{_taken(one.there_minor, one.there_uses)}"
        for entries in found.values()
        for one in entries
    ]
    shell.tell({"differences": found}, lines or tr("The ledgers agree"))


def _taken(minor: int | None, uses: int | None) -> str:
    """What an entry took; nothing where it does not stand."""
    if minor is None:
        return NO_DATA
    return yuan(minor) if minor else ntr("{count} use", "{count} uses", uses or 0)


def lift(
    context: typer.Context, reason: Annotated[str, typer.Option("--reason", help="Why the others are not waited for.")]
) -> None:
    """Let an endpoint that was put back from a backup redeem again, though not every computer was heard."""
    shell: Shell = context.obj
    with shell.open() as services:
        services.cloud.lift_recovery(reason)
        found = services.cloud.status()
    _tell(shell, found)


def start(
    context: typer.Context,
    lan: Annotated[str | None, typer.Option("--lan", help="Address of this machine that phones can reach.")] = None,
    leave_unreachable: Gone = False,
    confirm: Confirm = "",
) -> None:
    """Start the endpoint on this machine; it goes on running."""
    shell: Shell = context.obj
    with shell.open() as services:
        found = services.cloud.start_embedded(
            lan, leave=confirm if leave_unreachable else None, progress=shell.progress
        )
    _tell(shell, found)


def stop(context: typer.Context) -> None:
    """Stop the endpoint on this machine."""
    shell: Shell = context.obj
    with shell.open() as services:
        found = services.cloud.stop_embedded()
    _tell(shell, found)


def sync(context: typer.Context) -> None:
    """Push what waits, pull what happened."""
    shell: Shell = context.obj
    with shell.open() as services:
        done = services.cloud.sync(shell.progress)
        found = services.cloud.status()
    document: dict[str, Any] = {name: getattr(done, name) for name in type(done).__dataclass_fields__}
    text = tr(
        "{pushed} sent, {pulled} received, {rejected} refused, {pending} waiting",
        pushed=done.pushed,
        pulled=done.pulled,
        rejected=done.rejected,
        pending=done.pending,
    )
    shell.tell(document, [text, *twin_line(found)])


def _tell(shell: Shell, found: CloudStatus) -> None:
    document = {name: getattr(found, name) for name in type(found).__dataclass_fields__}
    waits = found.recovery
    document["recovery"] = None if waits is None else asdict(waits)
    running = tr("running") if found.running else tr("not running")
    lines = [f"{found.mode}  {found.url or '--'}  {running}", *twin_line(found)]
    if waits is not None:
        told = tr("recovering: {done} of {devices} computers were heard", done=waits.done, devices=waits.devices)
        lines.append(told)
    shell.tell(document, lines)
