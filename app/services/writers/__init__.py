"""Files the program hands out, each written beside its place and named only when it is whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.services.vault.vaults import file_refusals


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """The path of a temporary sibling to write to; it takes the name of `path` when the block ends well.

    On any error, a cancel among them, the sibling goes and what stood at `path` stays. Raises DiskFull, NotWritable.
    """
    with file_refusals(path):
        handle, name = tempfile.mkstemp(prefix=".making-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        beside = Path(name)
        try:
            yield beside
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
