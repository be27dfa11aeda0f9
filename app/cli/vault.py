"""`init`: make the vault."""

from typing import Annotated

import typer

from app.cli.shell import Shell
from app.services.vault.recovery import shown_recovery_key
from app.services.vault.vaults import NewVault
from app.words import tr


def add_to(cli: typer.Typer) -> None:
    cli.command("init")(init)


def init(
    context: typer.Context,
    merchant: Annotated[str, typer.Option(help="Name of the merchant.")],
    purpose: Annotated[str, typer.Option(help="sell, welfare or shop.")] = "sell",
    language: Annotated[str, typer.Option(help="zh_CN or en.")] = "zh_CN",
) -> None:
    """Make a vault; prints its recovery key once."""
    shell: Shell = context.obj
    new = NewVault(merchant, shell.new_passphrase(), purpose=purpose, language=language)
    vault, recovery_key = shell.vaults.create(new)
    try:
        services = shell.services_of(shell.config, vault)
        services.audit.note("vault.created", purpose=purpose)
        merchant_id = services.settings.merchant().id
    finally:
        vault.close()
    shown = shown_recovery_key(recovery_key)
    document = {"vault_id": str(vault.keys.vault_id), "merchant_id": merchant_id, "recovery_key": shown}
    lines = [tr("The vault is ready in {path}.", path=shell.config.data), tr("Recovery key: {key}", key=shown)]
    shell.tell(document, [*lines, tr("Write it down: it is shown only now, and nobody can find it again for you.")])
