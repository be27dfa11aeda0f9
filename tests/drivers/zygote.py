"""A process that has loaded the program and waits: it forks itself for every command it is asked for.

It has no thread, no open vault and nothing of Qt. It is asked over the socket that is its stdin (see warm.py): module,
arguments and environment as JSON, with the files that become stdout and stderr. It answers with the pid, then with how
that one ended.
"""

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket

from sqlalchemy.orm import configure_mappers

import app.cli
import app.services
from tests.drivers.forked import live
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
            live(*json.loads(said), streams=(os.open(os.devnull, os.O_RDONLY), *streams))
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


if __name__ == "__main__":
    main()
