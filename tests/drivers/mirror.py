"""A program that tells what it was started with, or ends in the way it is told to."""

import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path


def main() -> int:
    how = sys.argv[1]
    if how == "tell":
        sys.stdout.write(json.dumps(world()) + "\n")
        sys.stderr.write("told\n")
    elif how == "stumble":
        raise ZeroDivisionError("on purpose")
    elif how == "wait":
        sys.stdout.write(f"{os.getpid()}\n")
        sys.stdout.flush()
        threading.Event().wait()
    elif how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return int(sys.argv[2])


def world() -> dict[str, object]:
    """What a program finds around itself."""
    return {
        "arguments": sys.argv,
        "command": __name__,
        "environment": dict(os.environ),
        "files": sorted(file.name for file in Path("/proc/self/fd").iterdir())[:-1],  # the last is that of the list
        "folder": str(Path.cwd()),
        "interrupt": str(signal.getsignal(signal.SIGINT)),
        "keychain": "keyring" in sys.modules,
        "path": sys.path,
        "stdin": sys.stdin.read(),
        "streams": [(one.encoding, one.errors, one.isatty(), one.line_buffering) for one in (sys.stdout, sys.stderr)],
        "temporary": tempfile.tempdir,
        "threads": len([*Path("/proc/self/task").iterdir()]),
    }


if __name__ == "__main__":
    sys.exit(main())
