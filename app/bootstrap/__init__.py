"""The only place that knows every part: it builds them and joins them. Nothing heavy is loaded before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.config import READ_WORKBOOK, Config

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
    if arguments == [READ_WORKBOOK]:
        from app.services.sheets.apart import read_for_parent

        return read_for_parent()
    from app.bootstrap.extras import add_to
    from app.cli import run

    return run(arguments, build_services, add_to)


def build_services(config: Config, vault: OpenVault, *, autostart: bool = False) -> Services:
    """Every use case over one open vault; the window lets the embedded endpoint start by itself."""
    from app.bootstrap.building import services_over

    return services_over(config, vault, autostart=autostart)
