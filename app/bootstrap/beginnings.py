"""What the first screen can set off."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.views.vault.first_run import Beginnings
from app.words import day

if TYPE_CHECKING:
    from app.bootstrap.parts import DeskParts


def save_recovery_sheet(path: Path, key: str, *, merchant: str = "") -> None:
    """Raises NotWritable, DiskFull."""
    from app.services.writers.recovery_sheet import write_recovery_sheet

    write_recovery_sheet(path, merchant=merchant, recovery_key=key, made_on=day(datetime.now(UTC)))


def beginnings_of(desk: DeskParts) -> Beginnings:
    return Beginnings(
        create=desk.create,
        judge=desk.judge,
        save_sheet=save_recovery_sheet,
        restore=desk.restore,
        demo_wanted=desk.open_demo,
    )
