"""Processes of our own beside this one: how this build starts them, and what they may know."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUIET: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""On Windows: no black window for a program of the console."""


def own_command(name: str, module: str) -> tuple[str, ...]:
    """The frozen program brings `name` as an executable beside itself; elsewhere Python runs `module`."""
    if getattr(sys, "frozen", False):
        return (str(Path(sys.executable).with_name(f"{name}.exe" if os.name == "nt" else name)),)
    return (sys.executable, "-m", module)


def environment() -> dict[str, str]:
    """Not the passphrase: it is nothing for another process."""
    kept = {name: value for name, value in os.environ.items() if name != "KAXIA_PASSPHRASE"}
    return kept | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
