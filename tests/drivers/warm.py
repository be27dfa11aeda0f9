"""Commands that begin in a moment: each a process of its own, forked from one that has loaded the program (zygote.py).

Only on Linux: elsewhere the system's own libraries do not bear a fork.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 1 << 18
"""Bytes of one question: module, arguments and environment."""
LOADS_S = 60.0
"""How long the first one may load the program, or the system may take to end one that is killed."""
CHUNK = 1 << 16
AT_START = ("PYTHON", "LANG", "LC_", "TZ", "LD_", "OPENSSL", "COV", "KAXIA_FAULT", "KAXIA_CLOCK")
"""How the names of variables begin that count while a process starts or loads the program, and not afterwards."""
MEASURED = "COVERAGE_PROCESS_START"
"""Set when somebody measures which lines the tests run, in each process from its start on."""
ALONE = {"OPENBLAS_NUM_THREADS": "1"}
"""Whoever forks has no threads; numpy would bring some."""


class Warm:
    """A process that waits, in the world that it was started in. It does one command at a time."""

    def __init__(self, world: dict[str, str]) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.drivers.zygote"],
                cwd=ROOT,
                env=world | ALONE,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,  # Python asks once what its streams are: those of a fork are pipes, too
                stderr=subprocess.PIPE,
            )

    def run(
        self, module: str, arguments: list[str], world: dict[str, str], *, patience_s: float
    ) -> tuple[int, str, str]:
        """`python -m module` as by `subprocess.run`: its exit code, stdout and stderr, once nobody holds these open.

        Raises subprocess.TimeoutExpired.
        """
        with _pipes() as (reading, writing):
            socket.send_fds(self._line, [json.dumps([module, arguments, world]).encode()], writing)
            for stream in writing:
                os.close(stream)
            writing.clear()
            pid, until = self._heard(time.monotonic() + LOADS_S), time.monotonic() + patience_s
            try:
                out, said = _read(reading, until)
                return self._heard(until), out, said
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self._heard(time.monotonic() + LOADS_S)
                raise subprocess.TimeoutExpired([module, *arguments], patience_s) from None

    def _heard(self, until: float) -> int:
        self._line.settimeout(max(until - time.monotonic(), 0.001))
        told = self._line.recv(CHUNK)
        assert told, f"the process that has loaded the program is gone: {self._process.communicate()[1].decode()}"
        return int(told)

    def end(self) -> None:
        self._line.close()
        self._process.terminate()
        self._process.communicate()


_idle: defaultdict[tuple[tuple[str, str], ...], list[Warm]] = defaultdict(list)
"""By the world they were started in."""


@contextmanager
def warm(world: dict[str, str]) -> Iterator[Warm]:
    """One that nobody else uses meanwhile. When something goes wrong it is ended and not used again."""
    fitting = _idle[tuple(sorted(world.items()))]
    try:
        taken = fitting.pop()
    except IndexError:
        taken = Warm(world)
    try:
        yield taken
    except BaseException:
        taken.end()
        raise
    fitting.append(taken)


def put_out() -> None:
    """At the end of a session."""
    for fitting in _idle.values():
        while fitting:
            fitting.pop().end()


@contextmanager
def _pipes() -> Iterator[tuple[list[int], list[int]]]:
    """Two pipes: their ends to read from, and those to write to. What is still in the lists is closed at the end."""
    both = [os.pipe(), os.pipe()]
    reading, writing = ([pipe[end] for pipe in both] for end in (0, 1))
    try:
        yield reading, writing
    finally:
        for stream in (*reading, *writing):
            os.close(stream)


def _read(streams: list[int], until: float) -> list[str]:
    """What comes through each until its end. Raises TimeoutError."""
    came = {stream: bytearray() for stream in streams}
    with selectors.DefaultSelector() as still_open:
        for stream in streams:
            still_open.register(stream, selectors.EVENT_READ)
        while still_open.get_map():
            ready = still_open.select(until - time.monotonic())
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, CHUNK)
                came[key.fd] += chunk
                if not chunk:
                    still_open.unregister(key.fd)
    return [text.decode("utf-8") for text in came.values()]
