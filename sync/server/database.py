"""The endpoint's database: one queue of writes with group commit, readers beside it; SQLite or PostgreSQL.

On SQLite there is one writer. On PostgreSQL a transaction holds the work of one merchant and begins by locking that
merchant's row, so feed numbers cannot become visible out of order and nothing deadlocks.
"""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from sqlcipher3 import dbapi2 as sqlite

from sync import points
from sync.server.checkpoint import Checkpointer
from sync.server.dialects import close, dialect_of, file_of, shown
from sync.server.group import Job, LotWork, Waiter
from sync.server.lanes import Lanes
from sync.server.migrations import HEAD, revision
from sync.server.problems import Refusal
from sync.server.transaction import Transaction, unavailable
from sync.server.waiting import Waiting
from sync.server.writer import Heard, Writer

T = TypeVar("T")
READERS = 4
WRITERS_ON_POSTGRES = 2
OLDEST_SQLITE = (3, 51, 3)
"""Before it, a checkpoint beside a writer could damage the file."""


class Store:
    """`url` is a path, `sqlite:///path`, or `postgresql://…`."""

    def __init__(self, url: str) -> None:
        self._dialect = dialect_of(url)
        self.on_postgres = self._dialect.on_postgres
        self._url = url
        if not self.on_postgres and sqlite.sqlite_version_info < OLDEST_SQLITE:
            raise RuntimeError(f"SQLite {sqlite.sqlite_version} is too old")
        self._jobs = Waiting(apart=self.on_postgres)
        self._gathered: list[Job] = []
        self._local = threading.local()
        self._looking: list[Any] = []
        """Connections that read, one for each thread that did."""
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._writers: list[Writer] = []
        self._checkpointer: Checkpointer | None = None
        self._joins = False
        self._lanes: Lanes | None = None

    def migrate(self) -> None:
        """Bring the schema up to date. Raises RuntimeError with a sentence."""
        if self.is_up_to_date():
            return
        from alembic.util import CommandError  # most of a second of imports that an endpoint needs once in its life
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self._migrate()
        except CommandError as error:
            raise RuntimeError(f"{shown(self._url)} was written by a newer endpoint. Update this one first.") from error
        except SQLAlchemyError as error:
            why = str(getattr(error, "orig", error)).strip().partition("\n")[0]
            raise RuntimeError(f"The database {shown(self._url)} cannot be used: {why}") from error

    def is_up_to_date(self) -> bool:
        """False also for a database that cannot be used: the migration says why."""
        if not self.on_postgres and not file_of(self._url).exists():
            return False
        try:
            with closing(self._connect()) as connection:
                return revision(Transaction(connection, self._dialect)) == HEAD
        except self._dialect.broken:
            return False

    def _migrate(self) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        from sync.server.migrations import upgrade

        if self.on_postgres:
            address = "postgresql+psycopg" + self._url[self._url.index("://") :]
            engine = create_engine(address, poolclass=NullPool)
        else:
            file_of(self._url).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine("sqlite://", module=sqlite, creator=self._connect, poolclass=NullPool)
        with engine.begin() as connection:
            if self.on_postgres:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(726973)")  # many workers start at once
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # a step that was killed half-way is undone
            upgrade(connection)
            points.passed("endpoint.migrate")
        points.passed("endpoint.migrated")
        engine.dispose()

    def start(self, heard: Heard = lambda merchants: None, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Begin to write; `heard` is told which merchants' feeds moved, on a writer thread. With the loop that
        `write_in_lot` is called on, SQLite does lots there."""
        if self.on_postgres:
            self._writers = [
                Writer(self._connect, self._jobs, self._dialect, heard=heard) for _ in range(WRITERS_ON_POSTGRES)
            ]
            if loop is not None and sys.platform != "win32":  # whose event loop does not watch sockets of others
                self._lanes = Lanes(self._connect, self._jobs, self._dialect, heard=heard, loop=loop)
            return
        writer = Writer(self._connect, self._jobs, self._dialect, heard=heard, written=self._written, loop=loop)
        self._writers, self._joins = [writer], loop is not None
        self._checkpointer = Checkpointer(self._connect, writer.held)

    def stop(self) -> None:
        self._put_gathered()
        if self._lanes is not None:
            self._lanes.stop()
            self._lanes = None
        for writer in self._writers:
            writer.flush()
        self._jobs.close()
        for writer in self._writers:
            writer.stop()
        self._writers, self._joins, self._jobs = [], False, Waiting(apart=self.on_postgres)
        if self._checkpointer is not None:
            self._checkpointer.stop()
            self._checkpointer = None
        self._readers.shutdown()
        while self._looking:
            close(self._looking.pop(), self._dialect)
        self._local = threading.local()

    def _written(self, pieces: int) -> None:
        if self._checkpointer is not None:
            self._checkpointer.count(pieces)

    async def write(self, work: Callable[[Transaction], T], merchant: str = "") -> T:
        """Run `work` in a transaction; returns after the commit. What it raises rolls back only itself."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((Job(work, merchant, waiter=waiter),))
        return await waiter

    async def write_in_lot(self, work: LotWork, item: Any, merchant: str = "") -> Any:
        """The same for work that is quick and done in lots: it gets the items of everybody who asks for it at that
        time and gives a result for each, a Refusal as a result, too. When it raises, each is done by itself."""
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.join_lot(work, item, merchant, waiter=waiter)
        return await waiter

    def join_lot(self, work: LotWork, item: Any, merchant: str, *, waiter: Waiter) -> None:
        """The same without waiting: `waiter` hears the result. On the event loop."""
        job = Job(work, merchant, item=item, waiter=waiter)
        if self._lanes is not None:
            self._lanes.join(job)
            return
        if self._joins:
            self._writers[0].join(job)
            return
        self._gathered.append(job)
        if len(self._gathered) == 1:
            waiter.get_loop().call_soon(self._put_gathered)

    def _put_gathered(self) -> None:
        """What came in one turn of the event loop goes to a writer together."""
        gathered, self._gathered = self._gathered, []
        self._jobs.put(gathered)

    def write_now(self, work: Callable[[Transaction], T], merchant: str = "") -> T:
        """`write` from a thread without a loop (command line, tests)."""
        done: Future[T] = Future()
        self._jobs.put((Job(work, merchant, done=done),))
        return done.result()

    async def read(self, look: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, look)

    def read_now(self, look: Callable[[Transaction], T]) -> T:
        """Look at one state of the database."""
        try:
            connection = self._reader()
            try:
                return look(Transaction(connection, self._dialect))
            finally:
                connection.execute("ROLLBACK")
        except self._dialect.unfit as error:
            raise Refusal("invalid") from error
        except self._dialect.broken as error:
            self._drop_reader()
            raise unavailable(error) from error

    def _reader(self) -> Any:
        """This thread's connection, in a transaction; one that was lost meanwhile is made anew."""
        connection = getattr(self._local, "connection", None)
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if self.on_postgres else "BEGIN"
        if connection is not None:
            try:
                connection.execute(begin)
                return connection
            except self._dialect.broken:
                self._drop_reader()
        self._local.connection = connection = self._connect()
        self._looking.append(connection)
        connection.execute(begin)
        return connection

    def _drop_reader(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            self._looking.remove(connection)
        self._local.connection = None
        close(connection, self._dialect)

    def _connect(self) -> Any:
        return self._dialect.connect(self._url)


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """A migrated store that writes, for the command line."""
    store = Store(url)
    store.migrate()
    store.start()
    try:
        yield store
    finally:
        store.stop()
