"""Lots on PostgreSQL, on the event loop: while the database works on them, the loop hears and answers phones.

A thread that waited for each answer of the database would take the interpreter from the loop and give it back at every
one. Whatever goes wrong here is left to the writers (writer.py), who wait as long as it takes.
"""

import asyncio
import logging
import select
import threading
from collections.abc import Callable, Generator
from typing import Any

from sync import points
from sync.server.dialects import BY_INDEX, Dialect, close
from sync.server.group import Job, forget, lot_steps, resolve
from sync.server.transaction import Transaction, unavailable
from sync.server.waiting import Waiting

log = logging.getLogger(__name__)
LANES = 2
"""Lots of so many merchants at a time."""
LOT = 256
"""At most so many pieces in one."""
PAUSE_S = 1.0
"""Between two tries to connect."""

Connect = Callable[[], Any]
Heard = Callable[[set[str]], None]


class Lanes:
    """Connections that lots go through. Everything on the event loop. `jobs` is where the writers find work, `heard`
    is told which merchants' feeds moved."""

    def __init__(
        self, connect: Connect, jobs: Waiting, dialect: Dialect, *, heard: Heard, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._connect, self._jobs, self._dialect, self._heard, self._loop = connect, jobs, dialect, heard, loop
        self._waiting: dict[str, list[Job]] = {}
        self._busy: dict[str, _Lot] = {}
        self._free: list[Any] = []
        self._opening = 0
        self._tried_s = -PAUSE_S
        self._planned = self.is_ended = False
        for _ in range(LANES):  # nobody is served yet
            if (connection := self._open()) is not None:
                self._free.append(connection)

    def join(self, job: Job) -> None:
        """Take a piece of a lot along with the next one of its merchant."""
        self._waiting.setdefault(job.merchant, []).append(job)
        self._plan()

    def stop(self) -> None:
        """Everything is written or left to the writers; the event loop waits here."""
        self.is_ended = True
        while self._busy:  # beside each other: one may wait for a row that another holds until its commit
            poll = select.poll()
            for lot in self._busy.values():
                poll.register(lot.socket, lot.wants)
            ready = [socket for socket, _ in poll.poll()]
            for lot in [one for one in self._busy.values() if one.socket in ready]:
                lot.hear()
        for jobs in self._waiting.values():
            self._jobs.put(jobs)
        self._waiting = {}
        while self._free:
            close(self._free.pop(), self._dialect)

    def _plan(self) -> None:
        if not self._planned and not self.is_ended:
            self._planned = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._planned = False
        if self.is_ended:
            return
        self._open_missing()
        for merchant in [one for one in self._waiting if one not in self._busy]:
            if self._free:
                lot = _Lot(self, self._free.pop(), self._dialect, self._loop, self._take(merchant))
                self._busy[merchant] = lot
                lot.go_on()
            elif len(self._busy) < LANES:  # one is lost, and nobody knows how long the others are busy
                self._jobs.put(self._waiting.pop(merchant))

    def _take(self, merchant: str) -> list[Job]:
        """Pieces of one lot; the rest waits on."""
        waiting = self._waiting.pop(merchant)
        first, later = waiting[:LOT], waiting[LOT:]
        jobs = [job for job in first if job.work is first[0].work]
        if rest := [*(job for job in first if job.work is not first[0].work), *later]:
            self._waiting[merchant] = rest
        return jobs

    def done(self, lot: "_Lot", moved: set[str]) -> None:
        """Its answers can be given."""
        self._free.append(lot.connection)
        self._end(lot)
        if moved:
            self._heard(moved)
        resolve(lot.jobs)

    def failed(self, lot: "_Lot", error: Exception) -> None:
        """Nothing of it was stored, unless the answer to its COMMIT was lost: then it is not known, and told so."""
        close(lot.connection, self._dialect)
        if lot.is_told:
            log.error("a lot of %d failed: %s", len(lot.jobs), type(error).__name__)
            for job in lot.jobs:
                job.error = unavailable(error)
            resolve(lot.jobs)
        else:
            log.info("a lot of %d is left to the writers: %s", len(lot.jobs), type(error).__name__)
            forget(lot.jobs)
            self._jobs.put(lot.jobs)
        self._end(lot)

    def _end(self, lot: "_Lot") -> None:
        del self._busy[lot.jobs[0].merchant]
        if self._waiting:
            self._plan()

    # --- connections ---

    def _open_missing(self) -> None:
        missing = LANES - len(self._free) - len(self._busy) - self._opening
        if missing > 0 and self._loop.time() - self._tried_s >= PAUSE_S:
            self._tried_s = self._loop.time()
            for _ in range(missing):
                self._opening += 1
                threading.Thread(target=self._open_later, name="lane", daemon=True).start()

    def _open(self) -> Any:
        connection = None
        try:
            connection = self._connect()
            connection.execute(BY_INDEX)
        except self._dialect.broken as error:
            log.warning("no connection for lots: %s", type(error).__name__)
            close(connection, self._dialect)
            return None
        return connection

    def _open_later(self) -> None:
        """On a thread: it may take long."""
        connection = self._open()
        try:
            self._loop.call_soon_threadsafe(self._opened, connection)
        except RuntimeError:  # the loop is closed
            close(connection, self._dialect)

    def _opened(self, connection: Any) -> None:
        self._opening -= 1
        if self.is_ended:
            close(connection, self._dialect)
        elif connection is not None:
            self._free.append(connection)
            self._plan()


class _Lot:
    """One on its way."""

    def __init__(
        self, lanes: Lanes, connection: Any, dialect: Dialect, loop: asyncio.AbstractEventLoop, jobs: list[Job]
    ) -> None:
        self.connection, self.jobs = connection, jobs
        self.is_told = False
        """Whether PostgreSQL was told to commit it."""
        self.socket, self.wants = -1, 0
        """What it waits for: `poll` knows both."""
        self._lanes, self._dialect, self._loop = lanes, dialect, loop
        self._pipe: Any = None
        self._transaction = Transaction(connection, dialect)
        self._steps = self._all()

    def _all(self) -> Generator[None]:
        """From its beginning to its commit; between two steps PostgreSQL answers."""
        assert self._dialect.pipe is not None, "only PostgreSQL has one"
        self._pipe = self._dialect.pipe(self.connection)
        self._transaction.through(self._pipe)
        self._transaction.begin(self.jobs[0].merchant)
        yield from lot_steps(self._transaction, self.jobs)
        points.passed("endpoint.commit", self._dialect.broken[0])
        self.is_told = True
        self._transaction.end()
        self._pipe.end()
        yield
        points.passed("endpoint.committed")

    def go_on(self) -> None:
        """To the next answers that are needed, or to the end."""
        self._try(self._go_on)

    def hear(self) -> None:
        """What the socket has to say."""
        self._try(self._hear)

    def _try(self, act: Callable[[], None]) -> None:
        """`act` watches the socket at its very end, if at all."""
        try:
            act()
        except StopIteration:
            self._lanes.done(self, set(self._transaction.heads))
        except Exception as error:  # noqa: BLE001 - if it is a bug, the writers meet it, too, and tell of it
            self._lanes.failed(self, error)

    def _go_on(self) -> None:
        next(self._steps)
        while not self._pipe.asks:
            next(self._steps)
        self._watch()

    def _hear(self) -> None:
        self._hush()
        if not self._pipe.take():
            self._watch()
            return
        if self._pipe.error is not None:
            raise self._pipe.error
        self._go_on()

    def _watch(self) -> None:
        """Until the socket says something; not while libpq works, which closes it when the connection is lost: its
        number may be another's by then."""
        self.wants = select.POLLIN if self._pipe.send() else select.POLLIN | select.POLLOUT
        self.socket = self._pipe.socket
        if self._lanes.is_ended:
            return
        self._loop.add_reader(self.socket, self.hear)
        if self.wants & select.POLLOUT:
            self._loop.add_writer(self.socket, self.hear)

    def _hush(self) -> None:
        for stop in (self._loop.remove_reader, self._loop.remove_writer):
            stop(self.socket)
