"""Files that are being written: noted in the vault, so that what a crash left of them goes at the next start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.models.database import Database
from app.services.settings import store, stored
from app.services.writers import sweep
from app.topics import Topic

KEY = "files.unfinished"


class Unfinished:
    """What lies beside a file until it is whole may be plain codes, and nobody would ever look for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def noted(self, *paths: Path) -> Iterator[None]:
        """While the block runs, the vault knows that these are written."""
        names = [str(path.absolute()) for path in paths]
        self._change(names, [])
        try:
            yield
        finally:
            self._change([], names)

    def sweep(self) -> None:
        """Clear away what a crash left. Only for a vault that was just opened: nothing is written yet."""
        with self._database.read() as session:
            left = [Path(name) for name in stored(session, KEY)]
        gone = [path for path in left if path.parent.is_dir()]  # a drive that is not here now may come back
        for path in gone:
            sweep(path)
        if gone:
            self._change([], [str(path) for path in gone])

    def _change(self, came: list[str], went: list[str]) -> None:
        with self._database.write(Topic.SETTINGS) as session:
            names = [*stored(session, KEY), *came]
            for name in went:
                names.remove(name)
            store(session, KEY, names)
