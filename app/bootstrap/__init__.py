"""The only place that knows every part: it builds them and joins them. Nothing heavy is loaded before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.config import READ_WORKBOOK, Config
from sync.memory import keep_memory_off_the_disk

if TYPE_CHECKING:
    from app.services import Services
    from app.services.vault.vaults import OpenVault


def wants_window(arguments: list[str]) -> bool:
    """No command: only `--data DIR` may stand there."""
    return not arguments or _folder_only(arguments) is not None


def run_window(arguments: list[str]) -> int:
    import gc
    from pathlib import Path

    gc.disable()  # what is made at the start stays; the window's warden takes over

    from app.bootstrap.desk import open_desk
    from app.bootstrap.logbook import keep_log

    keep_memory_off_the_disk()
    folder = _folder_only(arguments)
    config = Config.from_environment(Path(folder) if folder else None)
    keep_log(config.logs)
    return open_desk(config)


def run_command(arguments: list[str]) -> int:
    keep_memory_off_the_disk()
    if arguments == [READ_WORKBOOK]:
        from app.services.sheets.apart import read_for_parent

        return read_for_parent()
    from app.bootstrap.extras import add_to
    from app.bootstrap.logbook import keep_log
    from app.cli import run

    return run(arguments, build_services, keep_log=keep_log, extra=add_to)


def _folder_only(arguments: list[str]) -> str | None:
    """The folder where nothing but `--data DIR` or `--data=DIR` was typed."""
    if len(arguments) == 2 and arguments[0] == "--data":
        return arguments[1] or None
    if len(arguments) == 1 and arguments[0].startswith("--data="):
        return arguments[0][7:] or None
    return None


def build_services(config: Config, vault: OpenVault, *, autostart: bool = False) -> Services:
    """Every use case over one open vault; the window lets the embedded endpoint start by itself."""
    from app.bootstrap.building import services_over
    from app.services.unfinished import Unfinished

    Unfinished(vault.database).sweep()
    return services_over(config, vault, autostart=autostart)
