"""The only place that knows every part: it builds them and joins them. Nothing heavy is loaded before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.config import Config

if TYPE_CHECKING:
    from app.services import Services
    from app.services.vault.vaults import OpenVault


def wants_window(arguments: list[str]) -> bool:
    """No command: only `--data DIR` may stand there."""
    return not arguments or (arguments[0] == "--data" and len(arguments) == 2)


def run_window(arguments: list[str]) -> int:
    from pathlib import Path

    from app.bootstrap.desk import open_desk

    return open_desk(Config.from_environment(Path(arguments[1]) if arguments else None))


def run_command(arguments: list[str]) -> int:
    from app.bootstrap.extras import add_to
    from app.cli import run

    return run(arguments, build_services, add_to)


def build_services(config: Config, vault: OpenVault) -> Services:
    """Every use case over one open vault."""
    from app.services import Services
    from app.services.audit import AuditLog
    from app.services.backups import BackupService
    from app.services.batches import BatchService
    from app.services.cards import CardService
    from app.services.cards.codes import CodeReader
    from app.services.catalog import CatalogService
    from app.services.sealing import BlindIndex, Sealer
    from app.services.settings import SettingService

    database, keys = vault.database, vault.keys
    audit = AuditLog(database, keys)
    settings = SettingService(database, audit)
    sealer, blind = Sealer(keys), BlindIndex(keys.blind)
    reader = CodeReader(database, sealer)
    return Services(
        audit=audit,
        backups=BackupService(config, database, keys, audit=audit, settings=settings),
        batches=BatchService(database, audit, sealer=sealer, blind=blind),
        cards=CardService(database, audit, reader=reader, blind=blind),
        catalog=CatalogService(database, audit),
        settings=settings,
    )
