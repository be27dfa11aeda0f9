"""The program under a library of our own between it and the system's: writes that fail, writes that are noted.

It is built with the machine's C compiler into a temporary folder, and the campaign starts itself anew under it.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
FOR_EVER = 2**40
VARIABLE = "LD_PRELOAD"


def under_shim(module: str, main: Callable[[], int]) -> int:
    """Run `main`, in this process if the library is there already, else in one that has it."""
    if "kaxia-shim" in os.environ.get(VARIABLE, ""):
        return main()
    with tempfile.TemporaryDirectory(prefix="kaxia-shim-") as name:
        library = Path(name) / "shim.so"
        build = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(build, check=True)
        world = os.environ | {VARIABLE: str(library)}
        return subprocess.run([sys.executable, "-m", module, *sys.argv[1:]], env=world, check=False).returncode


def arm(folder: Path, n: int, times: int = FOR_EVER) -> None:
    """The n-th write below `folder`, and as many behind it, find the disk full. With n beyond them, only count."""
    _library().kx_arm(os.fsencode(folder), ctypes.c_long(n), ctypes.c_long(times))


def seen() -> int:
    """Writes and flushes since it was armed."""
    return int(_library().kx_seen())


def make_readonly(folder: Path) -> None:
    """No file below it can be opened for writing any more."""
    _library().kx_readonly(os.fsencode(folder))


def note(folder: Path, log: Path) -> None:
    """Write down what happens to files below `folder`."""
    _library().kx_note(os.fsencode(folder), os.fsencode(log))


def mark(what: str) -> None:
    """Put a mark between the notes."""
    _library().kx_mark(what.encode())


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    library.kx_seen.restype = ctypes.c_long
    return library
