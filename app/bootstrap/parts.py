"""What the pages are joined with: the parts of the desk that outlive a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.services.vault.vaults import NewVault, OpenVault, Vaults
    from app.views.changes import Changes
    from app.views.distribution.draft import Shelf
    from app.views.jobs import Job, JobRunner
    from app.views.main_window import MainWindow
    from app.views.widgets.passphrase_field import Strength


class DeskParts(Protocol):
    jobs: JobRunner
    changes: Changes
    window: MainWindow

    def vaults(self) -> Vaults:
        """Makes and opens vaults of this data folder."""

    @property
    def is_demo(self) -> bool:
        """Whether the vault is a throw-away one, gone with the program."""

    def shelf(self) -> Shelf:
        """Where what is begun in this vault outlives a lock."""

    def judge(self, passphrase: str) -> Strength:
        """How good a passphrase is, in words."""

    def create(self, new: NewVault) -> OpenVault:
        """Make the vault of this data folder."""

    def restore(self, backup: Path, secret: str) -> None:
        """Put a backup into this data folder."""

    def open_demo(self) -> Job:
        """Leave the gate for a throw-away vault with demo data."""
