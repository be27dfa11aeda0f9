"""`backup …`, `verify`: keep the vault and check it."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.shell import Shell
from app.services.backups import restore as restore_backup
from app.words import moment, tr


def add_to(cli: typer.Typer) -> None:
    backup = typer.Typer(help="Backups of the vault.", no_args_is_help=True)
    backup.command("create")(create)
    backup.command("verify")(verify_backup)
    backup.command("restore")(restore)
    cli.add_typer(backup, name="backup")
    cli.command("verify")(verify)


def create(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Option("--to", help="Folder of the backup.")] = None,
) -> None:
    """Back the vault up, and prove the backup by opening it."""
    shell: Shell = context.obj
    with shell.open() as services:
        made = services.backups.create(folder)
    document = {"ok": True, "file": made.path, "bytes": made.bytes, "findings": []}
    shell.tell(document, tr("Backed up to {file}", file=made.path))


def verify_backup(context: typer.Context, file: Path) -> int:
    """Open a backup in a scratch folder and check everything in it."""
    shell: Shell = context.obj
    with shell.open() as services:
        verdict = services.backups.verify(file)
    made = moment(verdict.made_at)
    text = tr("Whole, made {at}", at=made) if verdict.ok else tr("Damaged: {what}", what=", ".join(verdict.findings))
    shell.tell({name: getattr(verdict, name) for name in type(verdict).__dataclass_fields__}, text)
    return 0 if verdict.ok else 1


def restore(context: typer.Context, file: Path) -> None:
    """Put a backup into an empty data folder, as a new incarnation."""
    shell: Shell = context.obj
    restore_backup(file, shell.config, secret=shell.passphrase())
    shell.tell({"ok": True, "findings": []}, tr("Restored to {path}", path=shell.config.data))


def verify(context: typer.Context, deep: Annotated[bool, typer.Option("--deep")] = False) -> int:
    """Check the vault: file, audit chain, balances against the ledger, and with --deep every sealed block."""
    shell: Shell = context.obj
    with shell.open() as services:
        verdict = services.integrity.verify(deep=deep, progress=shell.progress)
    document = {name: getattr(verdict, name) for name in type(verdict).__dataclass_fields__}
    lines = [tr("Everything holds.")] if verdict.ok else [str(finding) for finding in verdict.findings]
    shell.tell(document | {"ok": verdict.ok}, lines)
    return 0 if verdict.ok else 1
