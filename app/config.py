"""Where things are and how the program was asked to run."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

RESOURCES = Path(getattr(sys, "_MEIPASS", Path(__file__).resolve().parent.parent)) / "resources"

READ_WORKBOOK = "read-workbook"
"""The argument by which the program asks a second one of its kind to read an old workbook; no command for people."""


class Config(NamedTuple):
    """Paths of one data folder. One folder holds one merchant's vault."""

    data: Path

    @classmethod
    def from_environment(cls, data: Path | None = None) -> "Config":
        """`--data`, else `KAXIA_DATA`, else the platform's folder for user data."""
        named = data or os.environ.get("KAXIA_DATA")
        if named:
            return cls(Path(named).expanduser())
        from platformdirs import user_data_dir

        return cls(Path(user_data_dir("Kaxia", appauthor=False)))

    @property
    def vault(self) -> Path:
        return self.data / "vault.db"

    @property
    def key_slots(self) -> Path:
        return self.data / "vault.keys.json"

    @property
    def lock(self) -> Path:
        return self.data / "vault.lock"

    @property
    def backups(self) -> Path:
        return self.data / "backups"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def endpoint(self) -> Path:
        """Folder of the embedded endpoint: its database, its secrets, its log, its pid file."""
        return self.data / "endpoint"


def is_own(path: Path) -> bool:
    """Whether this is a file of some vault's folder, without which the vault could not be opened or redeemed from."""
    folder = path.resolve().parent
    in_endpoint = folder.name == "endpoint"
    vault = Config(folder.parent if in_endpoint else folder)
    own = path.name.startswith((vault.vault.name, vault.key_slots.name, vault.lock.name))
    return path.exists() and vault.key_slots.exists() and (own or in_endpoint)
