"""What a power cut must not take away."""

import os
from contextlib import suppress
from pathlib import Path


def settle(folder: Path) -> None:
    """Names that were given or taken in a folder are on the disk when this returns; Windows does so by itself."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # a file system that keeps folders in its own way
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
