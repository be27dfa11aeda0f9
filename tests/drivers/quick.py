"""A Python that begins `python -m sync.server` in a moment: a fork of a process that has loaded it (quick_python.py).

It is named where `sys.executable` would be; whoever starts it starts a process, ends it and waits for it as ever. Only
on Linux, and only where nobody measures what the tests run: elsewhere it is Python itself.
"""

import marshal
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drivers import quick_python as stub
from tests.drivers.warm import ALONE, AT_START, MEASURED, ROOT

PROGRAM = ["-m", "sync.server"]
STREAMS = {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
"""As the desktop starts its endpoint. To one that is started without them they make no difference: it writes to pipes
and files, and flushes."""


@dataclass
class Zygote:
    """The process that forks, and the folder through which it is asked."""

    folder: Path
    process: subprocess.Popen[bytes]


_lit: list[Zygote] = []


def quick_python() -> str:
    """What to start for Python."""
    if not sys.platform.startswith("linux") or MEASURED in os.environ:
        return sys.executable
    if not _lit:
        _lit.append(_zygote())
    return str(_lit[0].folder / "python")


def _zygote() -> Zygote:
    folder = Path(tempfile.mkdtemp(prefix="kaxia-quick-"))
    python = folder / "python"
    python.write_text(
        f'#!/bin/sh\nexec {shlex.join([sys.executable, "-IS", stub.__file__, str(folder)])} "$@"\n', "utf-8"
    )
    python.chmod(0o700)
    world = dict(os.environ) | STREAMS
    kept = [PROGRAM, str(ROOT), stub.at_start(world, AT_START, tuple(STREAMS))]
    (folder / "world").write_bytes(marshal.dumps((kept, AT_START, tuple(STREAMS))))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.bind(str(folder / "line"))
        asked.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.drivers.server_zygote", str(asked.fileno())],
            cwd=ROOT,
            env=world | ALONE,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[asked.fileno()],
        )
    return Zygote(folder, process)


@contextmanager
def quick() -> Iterator[None]:
    """Whatever is told meanwhile to start Python later on will start the quick one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", quick_python())
        yield


def put_out() -> None:
    """At the end of a session."""
    while _lit:
        zygote = _lit.pop()
        zygote.process.communicate()
        shutil.rmtree(zygote.folder)
