"""Carries the write-ahead log over into the SQLite file, beside the writer and hardly noticed by it.

Most of it happens while the writer goes on (SQLite before 3.51.3 could not bear that, so the start checks the version).
A log that is being written to is never carried over to its end and would grow for ever: so the rest, what was written
meanwhile, is carried over while the writer is held for a few milliseconds.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sync import points
from sync.server.dialects import SQLITE

log = logging.getLogger(__name__)
EVERY = 4_000
"""Pieces of work; what a commit writes besides counts as some more, or few writes would leave a large log."""
A_COMMIT = 8


class Checkpointer:
    """`held` holds the writer."""

    def __init__(self, connect: Callable[[], Any], held: Callable[[], AbstractContextManager[None]]) -> None:
        self._connect = connect
        self._held = held
        self._pieces = 0
        self._due = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)
        self._thread.start()

    def count(self, pieces: int) -> None:
        """So many pieces of work were committed at once."""
        self._pieces += pieces + A_COMMIT
        if self._pieces >= EVERY:
            self._pieces = 0
            self._due.set()

    def stop(self) -> None:
        """When nobody writes any more: leaves an empty log."""
        self._stopped = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            try:
                self._carry_over(last=self._stopped)
            except SQLITE.broken as error:
                log.error("the log could not be carried over: %s", type(error).__name__)
            if self._stopped:
                return

    def _carry_over(self, *, last: bool) -> None:
        connection = self._connect()
        try:
            if last:
                points.passed("endpoint.checkpoint.last")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            points.passed("endpoint.checkpoint", SQLITE.broken[0])
            with self._held():
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()
