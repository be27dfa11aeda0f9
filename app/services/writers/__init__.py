"""Files the program hands out, each written beside its place and named only when it is whole."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.config import is_own
from app.errors import NotWritable
from app.services.vault.vaults import file_refusals, take_name

PART = re.compile(r"\.making-[0-9a-f]{12}-")


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """The path of a temporary sibling to write to; it takes the name of `path` when the block ends well.

    On any error, a cancel among them, the sibling goes and what stood at `path` stays. What a crash left of the same
    file goes too: it may hold plain codes. Raises DiskFull, NotWritable, the latter also for what must not be written
    over: a vault's own files, and what is no file at all.
    """
    with file_refusals(path.parent if _is_part(path) else path):  # of a part nobody but us knows the name
        if is_own(path) or (path.exists() and not path.is_file()):
            raise NotWritable(str(path))
        if not _is_part(path):
            sweep(path)
        handle, name = tempfile.mkstemp(prefix=making(path), suffix=path.suffix, dir=path.parent)
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            take_name(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def making(path: Path) -> str:
    """How the names of the parts of `path` begin while it is written; a part of a part belongs to the whole."""
    if (part := PART.match(path.name)) is not None:
        return part[0]
    return f".making-{hashlib.blake2b(path.name.encode(), digest_size=6).hexdigest()}-"


def _is_part(path: Path) -> bool:
    return PART.match(path.name) is not None


def sweep(path: Path) -> None:
    """Take away what was left of an earlier try to write this file."""
    for left in path.parent.glob(making(path) + "*"):
        with suppress(OSError):  # somebody has it open: then it is no leftover
            shutil.rmtree(left) if left.is_dir() else left.unlink()
