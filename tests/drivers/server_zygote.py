"""A process that has loaded the endpoint and waits: it forks itself for every `python -m sync.server` it is asked for.

It has no thread and no database open. Whoever asks (quick_python.py) connects to its socket, sends arguments and
environment with what become stdin, stdout and stderr, later the numbers of signals, and hears at last how the fork
ended. It ends itself when its stdin does; its forks live on.
"""

import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import sys
from dataclasses import dataclass

import sync.server
from tests.drivers.forked import live

LARGEST = 1 << 18
"""Bytes of one question."""
LAZY = (
    *("alembic.command", "alembic.config", "sqlalchemy.dialects.sqlite", "psycopg"),
    *("anyio._backends._asyncio", "uvloop", "uvicorn.lifespan.on", "uvicorn.loops.auto"),
    *("uvicorn.loops.uvloop", "uvicorn.protocols.websockets.auto", "litestar._kwargs", "litestar.plugins.attrs"),
    *("litestar.plugins.pydantic", "litestar.middleware._internal.exceptions.middleware"),
)
"""What an endpoint loads only once it starts."""


@dataclass
class Fork:
    """One that lives, and whoever asked for it."""

    pid: int
    end: int
    """A file handle that can be read once it has ended."""
    line: socket.socket


Wish = tuple[list[str], dict[str, str], bool]


def main() -> None:
    """Returns once nobody can ask any more; and in a fork, when that one's work is done."""
    load()
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever runs the tests
    wish = Zygote(socket.socket(fileno=int(sys.argv[1]))).wish()
    if wish is not None:
        signal.signal(signal.SIGINT, interrupted)
        (arguments, world, leads), streams = wish
        if leads:
            os.setsid()
        live("sync.server", arguments, world, streams=streams)


def load() -> None:
    for module in pkgutil.walk_packages(sync.server.__path__, "sync.server."):
        if not module.name.startswith("sync.server.migrations."):  # those run when they are loaded
            importlib.import_module(module.name)
    del sys.modules["sync.server.__main__"]  # each fork runs it
    for name in LAZY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a fork that looked through all this for garbage would copy it


class Zygote:
    """Waits for whoever asks, for the signals they pass on, and for the ends of the forks."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        self._poll = selectors.PollSelector()
        self._poll.register(asked, selectors.EVENT_READ)
        self._poll.register(0, selectors.EVENT_READ)

    def wish(self) -> tuple[Wish, list[int]] | None:
        """In a fork: what it is to do. None once nobody can ask any more."""
        while True:
            for key, _ in self._poll.select():
                if key.fileobj == 0:
                    return None
                if key.fileobj is self._asked:
                    wish = self._forked()
                    if wish is not None:
                        return wish
                elif key.fileobj is key.data.line:
                    self._pass_on(key.data)
                else:
                    self._tell_end(key.data)

    def _forked(self) -> tuple[Wish, list[int]] | None:
        """None in the process that forks."""
        line, _ = self._asked.accept()
        said, streams, _, _ = socket.recv_fds(line, LARGEST, 3)
        pid = os.fork() if said else None
        if pid == 0:
            line.close()
            self._let_go()
            return marshal.loads(said), streams
        for stream in streams:
            os.close(stream)
        if pid is None:
            line.close()
            return None
        fork = Fork(pid, os.pidfd_open(pid), line)
        self._poll.register(line, selectors.EVENT_READ, fork)
        self._poll.register(fork.end, selectors.EVENT_READ, fork)
        return None

    def _let_go(self) -> None:
        """What only the process that forks needs."""
        for key in list(self._poll.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
            elif key.fd:
                os.close(key.fd)

    def _pass_on(self, fork: Fork) -> None:
        """Whoever asked was killed when nothing comes."""
        if fork.line.fileno() < 0:
            return  # the fork ended at the same time
        told = fork.line.recv(16)
        os.kill(fork.pid, int(told) if told else signal.SIGKILL)
        if not told:
            self._poll.unregister(fork.line)

    def _tell_end(self, fork: Fork) -> None:
        code = os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])
        self._poll.unregister(fork.end)
        os.close(fork.end)
        with contextlib.suppress(KeyError):  # whoever asked is gone
            self._poll.unregister(fork.line)
        with contextlib.suppress(OSError):
            fork.line.send(b"%d" % code)
        fork.line.close()


if __name__ == "__main__":
    main()
