"""Processes of our own beside this one: how this build starts them, and what they may know."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUIET = 0x0800_0000 if os.name == "nt" else 0
"""On Windows: no black window for a program of the console (subprocess.CREATE_NO_WINDOW, which costs every start)."""

NEEDED = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP", "VIRTUAL_ENV"),
        *("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC"),
        *("PATHEXT", "USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
        *("KAXIA_FAULT", "KAXIA_CLOCK_OFFSET_MS"),
    )
)
NEEDED_KINDS = ("LC_", "XDG_", "DYLD_", "PYTHON", "COV", "KAXIA_ENDPOINT_")


def own_command(name: str, module: str) -> tuple[str, ...]:
    """The frozen program brings `name` as an executable beside itself; elsewhere Python runs `module`."""
    if getattr(sys, "frozen", False):
        return (str(Path(sys.executable).with_name(f"{name}.exe" if os.name == "nt" else name)),)
    return (sys.executable, "-m", module)


def environment() -> dict[str, str]:
    """What a program needs to find its way, and no more: a shell also holds passphrases under names of its own."""
    kept = {
        name: value for name, value in os.environ.items() if name.upper() in NEEDED or name.startswith(NEEDED_KINDS)
    }
    return kept | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
