"""A desktop: the real services over a real vault, which can die at each of its commits and be put back from a copy."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar
from unittest.mock import patch

from sqlalchemy.orm import Session

from app.bootstrap import build_services
from app.config import Config
from app.errors import AppError
from app.models.database import Database
from app.services import Services, backups
from app.services.cloud import connection
from app.services.vault.keys import VaultKeys
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.campaigns.simulation.wire import Wire, client_over
from tests.campaigns.simulation.world import Clock, DesktopCrash, Fuse

T = TypeVar("T")


class Mortal(Database):
    """The real database; the process may die before or behind each commit. It is used for one file after the other:
    compiling the same statements anew for each would take nine tenths of the time."""

    kept: ClassVar[dict[str, "Mortal"]] = {}
    _fuse: Fuse

    @classmethod
    def over(cls, name: str, path: Path, key: bytes, fuse: Fuse) -> "Mortal":
        """`name` is the desktop's: no two that are open have the same."""
        if name not in cls.kept:
            cls.kept[name] = cls(path, key)
            cls.kept[name]._engine._compiled_cache.capacity = 5_000  # type: ignore[union-attr]
        database = cls.kept[name]
        database.path, database._key, database._fuse = path, key, fuse
        database._write_lock, database._writer, database._listeners = threading.Lock(), None, []
        return database

    @contextmanager
    def write(self, *topics: Topic) -> Iterator[Session]:
        with super().write(*topics) as session:
            yield session
            self._fuse.moment()
        self._fuse.moment()


@dataclass
class Desktop:
    """`life` names the device's present life."""

    name: str
    folder: Path
    keys: VaultKeys
    wire: Wire
    clock: Clock
    skew_ms: int = 0
    fuse: Fuse = field(default_factory=lambda: Fuse(DesktopCrash))
    lives: int = 0
    life: str = ""

    def __post_init__(self) -> None:
        self.life = self.life or f"{self.name}{self.lives}"
        self.open()

    def open(self) -> None:
        self._database = Mortal.over(self.name, Config(self.folder).vault, self.keys.file, self.fuse)
        self.services: Services = build_services(
            Config(self.folder), OpenVault(self.keys, self._database, lambda: None)
        )

    @property
    def database(self) -> Database:
        return self._database

    def close(self) -> None:
        self._database.close()

    def act(
        self, work: Callable[[Services], T], *, refused: Callable[[AppError], None] = lambda error: None
    ) -> T | None:
        """None when it was refused or died; it lives again then. What was refused is told to `refused`."""
        try:
            with (
                self.clock.skewed(self.skew_ms),
                patch.object(connection, "SyncClient", client_over(self.wire, self.life)),
            ):
                return work(self.services)
        except AppError as error:
            refused(error)
        except DesktopCrash:
            self.wire.met["desktop crash"] += 1
            self.close()
            self.open()
        return None

    def copy(self, target: Path) -> None:
        """A backup's database."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        self._database.copy_to(target)

    def restore(self, copy: Path) -> None:
        """The disk is gone, the copy is put in its place: a new life."""
        self.close()
        self.fuse.put_out()
        self.lives += 1
        self.life = f"{self.name}{self.lives}"
        put_back(copy, self.folder, self.keys)
        self.open()


def put_back(copy: Path, folder: Path, keys: VaultKeys) -> None:
    """As `backups.restore` does, but for the archive around it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(copy, folder / "vault.db")
    kept = lambda path, key: Mortal.over("restored", path, key, Fuse(DesktopCrash))  # noqa: E731
    with patch.object(backups, "Database", kept):
        backups._begin_new_life(folder, keys, copy.name)
