"""A process that has loaded the program and waits: it forks itself for every command it is asked for.

It has no thread, no open vault and nothing of Qt. It is asked over the socket that is its stdin (see warm.py): module,
arguments and environment as JSON, with the files that become stdout and stderr. It answers with the pid, then with how
that one ended.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
from typing import NoReturn

from sqlalchemy.orm import configure_mappers

import app.cli
import app.services
from tests.drivers.warm import LARGEST

LAZY = ("app.bootstrap.building", "app.bootstrap.extras", "app.bootstrap.logbook", "typer._adapters", "zxcvbn")
"""What else commands load only when they need it. Not keyring: it looks into the environment while it loads."""


def main() -> None:
    """Returns once nobody can ask any more; and in a fork, when that one's work is done."""
    load()
    line = socket.socket(fileno=os.dup(0))
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever runs the tests
    while True:
        said, streams, _, _ = socket.recv_fds(line, LARGEST, 2)
        if not said:
            return
        pid = os.fork()
        if pid == 0:
            line.close()
            signal.signal(signal.SIGINT, interrupted)
            live(*json.loads(said), streams=streams)
            return
        for stream in streams:
            os.close(stream)
        line.send(b"%d" % pid)
        line.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def load() -> None:
    for package in (app.cli, app.services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in LAZY:
        importlib.import_module(name)
    configure_mappers()
    gc.collect()
    gc.freeze()  # a fork that looked through all this for garbage would copy it


def live(module: str, arguments: list[str], world: dict[str, str], *, streams: list[int]) -> None:
    """As `python -m module` with these arguments and this environment, and nothing on stdin."""
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(world)
    sys.argv[1:] = arguments
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        if isinstance(ending.code, int) and threading.active_count() == 1:
            leave(ending.code)
        raise


def leave(code: int) -> NoReturn:
    """As Python does, but takes nothing apart before: what is shared with whoever waits would be copied for that."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
