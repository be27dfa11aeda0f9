"""What the first screen can set off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.views.vault.first_run import Beginnings

if TYPE_CHECKING:
    from app.bootstrap.desk import Desk


def beginnings_of(desk: Desk) -> Beginnings:
    def save_sheet(path: Path, key: str) -> None:
        raise RuntimeError(path, key)

    return Beginnings(
        create=desk.create,
        judge=desk.judge,
        save_sheet=save_sheet,
        restore_wanted=lambda: None,
        demo_wanted=lambda: None,
    )
