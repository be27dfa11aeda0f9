"""`audit verify`, `audit list`."""

from typing import Annotated

import typer

from app.acts import ACTIONS
from app.cli.shell import Shell
from app.vocabulary import word
from app.words import moment, ntr, tr


def add_to(cli: typer.Typer) -> None:
    audit = typer.Typer(help="The audit log.", no_args_is_help=True)
    audit.command("verify")(verify)
    audit.command("list")(list_)
    cli.add_typer(audit, name="audit")


def verify(context: typer.Context) -> int:
    """Walk the whole chain."""
    shell: Shell = context.obj
    with shell.open() as services:
        verdict = services.audit.verify(shell.progress)
    shell.tell(
        {"ok": verdict.ok, "entries": verdict.entries, "findings": verdict.findings},
        ntr("{count} entry, the chain holds", "{count} entries, the chain holds", verdict.entries)
        if verdict.ok
        else tr("The audit log was changed: {findings}", findings=", ".join(verdict.findings)),
    )
    return 0 if verdict.ok else 1


def list_(context: typer.Context, limit: Annotated[int, typer.Option()] = 50) -> None:
    """The newest entries."""
    shell: Shell = context.obj
    with shell.open() as services:
        rows = services.audit.rows(limit=limit)
    lines = [f"{row.id}  {moment(row.at)}  {row.actor}  {word(ACTIONS, row.action)}  {row.subject}" for row in rows]
    shell.tell({"entries": rows}, lines)
