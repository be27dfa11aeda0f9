"""A copy of an endpoint's database, made while it serves, and looked at before it gets its name."""

import os
from contextlib import closing, suppress
from pathlib import Path

from sync import points
from sync.durable import settle
from sync.server.database import Store
from sync.server.dialects import SQLITE, file_of
from sync.server.verifying import Verdict, verify


def copy(url: str, out: Path) -> Verdict:
    """One state of a SQLite database as a file of its own; what was verified of it. A copy that is cut off leaves
    nothing under its name. Raises ValueError with a sentence."""
    if out.exists():
        raise ValueError(f"{out} is there already. Choose another name; nothing was written over.")
    if not out.parent.is_dir():
        raise ValueError(f"There is no folder {out.parent}. Make it, or choose another one.")
    half = out.with_name(f".{out.name}.making")
    _forget(half)  # left by a copy that was killed
    try:
        with closing(SQLITE.connect(url)) as connection:
            connection.execute("VACUUM INTO ?", (str(half),))
        verdict = _verified(half)
        if not verdict.ok:
            raise ValueError(f"The copy is not whole ({verdict.findings[0]}), so it was not kept. Run verify.")
        points.passed("endpoint.copied")
        _keep(half, out)
    except SQLITE.broken as error:
        raise ValueError(f"The copy of {file_of(url)} could not be written: {error}. Nothing was kept.") from error
    finally:
        _forget(half)
    return verdict


def _verified(half: Path) -> Verdict:
    store = Store(str(half))
    try:
        return store.read_now(verify)
    finally:
        store.stop()


def _keep(half: Path, out: Path) -> None:
    """Under its name only once it lies on the disk."""
    with half.open("rb+") as file:
        os.fsync(file.fileno())
    half.replace(out)
    settle(out.parent)


def _forget(half: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            half.with_name(half.name + end).unlink()
