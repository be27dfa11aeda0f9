"""Group commit: everything that waits goes into one transaction, and nobody is answered before its commit.

On SQLite a group of nothing but lots runs on the event loop itself and only its COMMIT, which waits for the disk, on a
thread: two threads that hand the interpreter to each other at every statement are several times slower. Whoever holds
the lock has the connection. Uploads, seals and everything else long run on the writer's thread from end to end.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sync import points
from sync.server.dialects import BY_INDEX, Dialect, close
from sync.server.group import FellApart, Job, do_all, forget, is_lot, resolve
from sync.server.transaction import Transaction, unavailable
from sync.server.waiting import Waiting

log = logging.getLogger(__name__)
LOT = 128
"""At most so many in one group on the event loop."""
SLOW_S = 0.25
"""A group on the event loop that took longer found a slow disk: for a while the thread does them."""
AWHILE_S = 2.0
PATIENCE_MS = 5_000
"""How long the thread waits for another process's transaction; the event loop does not wait at all."""
TRIES = 3
"""For a group that PostgreSQL asks for again."""
PAUSE_S = 0.02
"""Before that: whoever waited for the rows has them by then, or both would block each other once more."""

Connect = Callable[[], Any]
Heard = Callable[[set[str]], None]


class Writer:
    """One connection that writes, and the thread that waits for work. Several may share it (PostgreSQL).

    `loop`: run lots on it (SQLite). `heard` is told which merchants' feeds moved, on any thread. `written` is told
    after each group how many pieces it had.
    """

    def __init__(
        self,
        connect: Connect,
        jobs: Waiting,
        dialect: Dialect,
        *,
        heard: Heard,
        written: Callable[[int], None] = lambda pieces: None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._connect = connect
        self._jobs = jobs
        self._dialect = dialect
        self._heard = heard
        self._written = written
        self._loop = loop
        self._connection: Any = None
        self._held = threading.Lock()
        self._has_begun = False
        self._waiting: list[Job] = []
        self._planned = False
        self._patient_until = 0.0
        self._prepared: queue.SimpleQueue[tuple[Transaction, list[Job]] | None] = queue.SimpleQueue()
        calls = (self._write_for_ever, *([] if loop is None else [self._commit_for_ever]))
        self._threads = [threading.Thread(target=call, name=call.__name__.strip("_"), daemon=True) for call in calls]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Once nothing more comes: everything is written and closed."""
        self._prepared.put(None)
        for thread in self._threads:
            thread.join()
        close(self._connection, self._dialect)

    # --- on the event loop ---

    def join(self, job: Job) -> None:
        """Take a piece of a lot along with the next group; to be called on the event loop."""
        self._waiting.append(job)
        if not self._planned:
            assert self._loop is not None, "only a writer with a loop"
            self._planned = True
            self._loop.call_soon(self._flush)

    def flush(self) -> None:
        """Do what waits, now."""
        self._jobs.put(self._waiting)
        self._waiting = []

    def _flush(self) -> None:
        self._planned = False
        if not self._waiting or not self._held.acquire(blocking=False):
            return  # whoever holds the connection calls again when it is free
        group, self._waiting = self._waiting[:LOT], self._waiting[LOT:]
        began = time.monotonic()
        if began < self._patient_until or not self._prepare(group):
            self._held.release()
            self._jobs.put(group)
        elif time.monotonic() - began > SLOW_S:
            self._patient_until = time.monotonic() + AWHILE_S

    def _prepare(self, group: list[Job]) -> bool:
        """Whether the group waits for its COMMIT now; otherwise nothing has happened."""
        connection = self._connection
        if connection is None:
            return False
        try:
            connection.execute("BEGIN IMMEDIATE")
        except self._dialect.broken:
            return False  # another process writes
        transaction = Transaction(connection, self._dialect)
        try:
            do_all(connection, transaction, group)
        except FellApart:
            self._roll_back()
            return False
        except Exception as error:  # noqa: BLE001 - everybody of the group is told
            transaction = self._lose(group, error)
        self._prepared.put((transaction, group))
        return True

    def _commit_for_ever(self) -> None:
        """Commit what the event loop prepared."""
        while (prepared := self._prepared.get()) is not None:
            transaction, group = prepared
            try:
                if self._connection is not None:
                    points.passed("endpoint.commit", self._dialect.broken[0])
                    self._connection.execute("COMMIT")
                    points.passed("endpoint.committed")
            except Exception as error:  # noqa: BLE001 - everybody of the group is told
                transaction = self._lose(group, error)
            self._release()
            self._tell(transaction, group)

    # --- on the thread ---

    def _write_for_ever(self) -> None:
        while group := self._jobs.take():
            with self.held():
                transaction = self._write(group)
            self._tell(transaction, group)
            self._jobs.done(group)

    def _write(self, group: list[Job]) -> Transaction:
        """Once more when PostgreSQL asks for it, or when its connection was lost before the commit."""
        for left in reversed(range(TRIES)):
            self._has_begun = not self._dialect.on_postgres or self._connection is None
            try:
                if self._connection is None:
                    self._connection = self._connect()
                    if self._dialect.on_postgres:
                        self._connection.execute(BY_INDEX)
                return self._do(group)
            except FellApart:
                self._roll_back()
                return self._write(group)
            except Exception as error:  # noqa: BLE001 - everybody of the group is told
                if left == 0 or not isinstance(error, self._dialect.again if self._has_begun else self._dialect.broken):
                    return self._lose(group, error)
                forget(group)
                self._roll_back()
                time.sleep(PAUSE_S)
        raise AssertionError("the last try returns")

    def _do(self, group: list[Job]) -> Transaction:
        """From its beginning to its commit. What PostgreSQL is told of a lot goes there in as few pieces as can be:
        nothing in it ends behind a savepoint."""
        transaction = Transaction(self._connection, self._dialect)
        with transaction.together() if is_lot(group) else nullcontext():
            self._begin(transaction, group[0].merchant)
            do_all(self._connection, transaction, group)
            self._has_begun = True
            with transaction.together():
                points.passed("endpoint.commit", self._dialect.broken[0])
                transaction.end()
        points.passed("endpoint.committed")
        return transaction

    def _begin(self, transaction: Transaction, merchant: str) -> None:
        if self._dialect.on_postgres:
            with transaction.together():
                transaction.begin(merchant)
            return
        self._connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("PRAGMA busy_timeout=0")

    # --- both ---

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except self._dialect.broken:
            close(self._connection, self._dialect)
            self._connection = None

    def _lose(self, group: list[Job], error: Exception) -> Transaction:
        """Nothing of the group was stored, unless the answer to its COMMIT was lost; the next one gets a new
        connection. A bug ends here, too: it must not end the thread that everybody waits for."""
        bug = None if isinstance(error, self._dialect.broken) else error
        log.error("a group of %d writes failed: %s", len(group), type(error).__name__, exc_info=bug)
        close(self._connection, self._dialect)
        self._connection = None
        for job in group:
            job.error = unavailable(error)
        return Transaction(None, self._dialect)

    def _tell(self, transaction: Transaction, group: list[Job]) -> None:
        """Answer everybody: one wake-up of the event loop for the whole group."""
        if transaction.heads:
            self._heard(set(transaction.heads))
        waiting = [job for job in group if job.waiter is not None]
        if waiting:
            waiting[0].waiter.get_loop().call_soon_threadsafe(resolve, waiting)  # type: ignore[union-attr]
        for job in group:
            if job.done is not None and job.error is not None:
                job.done.set_exception(job.error)
            elif job.done is not None:
                job.done.set_result(job.result)
        self._written(len(group))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is written meanwhile; not for the event loop."""
        self._held.acquire()
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        self._held.release()
        if self._loop is not None and self._waiting:
            self._loop.call_soon_threadsafe(self._flush)
