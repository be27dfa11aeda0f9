"""What a fork of a process that has loaded the program does: it becomes `python -m module`, as if started anew."""

import atexit
import os
import runpy
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn


def live(module: str, arguments: list[str], world: dict[str, str], *, streams: Sequence[int]) -> None:
    """As `python -m module` with these arguments and this environment; `streams` become stdin, stdout and stderr."""
    for number, stream in enumerate(streams):
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
