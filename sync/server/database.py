"""The endpoint's database: one queue of writes with group commit, readers beside it; SQLite or PostgreSQL.

Everything that waits in the queue goes into one transaction, each piece of work behind a savepoint of its own; nobody
is answered before the commit. On SQLite one thread writes. On PostgreSQL a transaction holds the work of one merchant
and begins by locking that merchant's row, so feed numbers cannot become visible out of order and nothing deadlocks.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlcipher3 import dbapi2 as sqlite

from sync.server.migrations import upgrade
from sync.server.problems import Refusal

log = logging.getLogger(__name__)
T = TypeVar("T")
Row = Sequence[Any]
GROUP = 512
READERS = 4
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "temp_store=MEMORY",
    "secure_delete=ON",  # uploaded digests wait in `chunk` for the seal and must not linger in free pages
    "cache_size=-65536",
    "wal_autocheckpoint=0",  # the writer alone checkpoints
)
CHECKPOINT_EVERY = 4_000
OLDEST_SQLITE = (3, 45, 0)
TWICE = (sqlite.IntegrityError, psycopg.IntegrityError)
"""A constraint spoke: that piece of work is refused, the database is well."""
BROKEN = (sqlite.OperationalError, sqlite.DatabaseError, psycopg.OperationalError, psycopg.InternalError)


class Transaction:
    """SQL of one transaction, written once for both databases with `?` for each value."""

    def __init__(self, connection: Any, *, numbered: bool) -> None:
        self._connection = connection
        self._numbered = numbered
        self.heads: dict[str, tuple[int, bytes]] = {}
        """Feed positions moved in this group: merchant → number and hash, written once at its end."""

    def all(self, sql: str, *values: Any) -> list[Row]:
        return list(self._connection.execute(self._said(sql), values).fetchall())

    def one(self, sql: str, *values: Any) -> Row | None:
        row: Row | None = self._connection.execute(self._said(sql), values).fetchone()
        return row

    def run(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        return int(self._connection.execute(self._said(sql), values).rowcount)

    def many(self, sql: str, rows: Iterable[Row]) -> None:
        cursor = self._connection.cursor()
        cursor.executemany(self._said(sql), rows)

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part that may be refused while the rest of the work stands."""
        heads = dict(self.heads)
        self._connection.execute("SAVEPOINT step")
        try:
            yield
        except Refusal:
            self._connection.execute("ROLLBACK TO SAVEPOINT step")
            self.heads = heads
            raise
        finally:
            self._connection.execute("RELEASE SAVEPOINT step")

    def _said(self, sql: str) -> str:
        return sql.replace("?", "%s") if self._numbered else sql


@dataclass(slots=True)
class _Job:
    work: Callable[[Transaction], Any]
    merchant: str
    done: "Future[Any] | None"
    waiter: "asyncio.Future[Any] | None" = None
    result: Any = None
    error: BaseException | None = field(default=None)


class Store:
    """`url` is a path, `sqlite:///path`, or `postgresql://…`."""

    def __init__(self, url: str) -> None:
        self.on_postgres = url.startswith(("postgresql://", "postgres://"))
        self._url = url
        self._path = Path(url.removeprefix("sqlite:///"))
        if not self.on_postgres and sqlite.sqlite_version_info < OLDEST_SQLITE:
            raise RuntimeError(f"SQLite {sqlite.sqlite_version} is too old")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._heard: Callable[[set[str]], None] = lambda merchants: None
        self._threads: list[threading.Thread] = []

    def migrate(self) -> None:
        """Bring the schema up to date."""
        if self.on_postgres:
            address = "postgresql+psycopg" + self._url[self._url.index("://") :]
            engine = create_engine(address, poolclass=NullPool)
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine("sqlite://", module=sqlite, creator=self._connect, poolclass=NullPool)
        with engine.begin() as connection:
            if self.on_postgres:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(726973)")  # many workers start at once
            upgrade(connection)
        engine.dispose()

    def start(self, heard: Callable[[set[str]], None] = lambda merchants: None) -> None:
        """Begin to write; `heard` is told which merchants' feeds moved, on a writer thread."""
        self._heard = heard
        for number in range(2 if self.on_postgres else 1):
            thread = threading.Thread(target=self._write_for_ever, name=f"writer-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._readers.shutdown()

    async def write(self, work: Callable[[Transaction], T], merchant: str = "") -> T:
        """Run `work` in a transaction; returns after the commit. What it raises rolls back only itself."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, merchant, None, waiter))
        return await waiter

    def write_now(self, work: Callable[[Transaction], T], merchant: str = "") -> T:
        """The same from a thread without a loop (command line, tests)."""
        done: Future[T] = Future()
        self._jobs.put(_Job(work, merchant, done))
        return done.result()

    async def read(self, look: Callable[[Transaction], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, look)

    def read_now(self, look: Callable[[Transaction], T]) -> T:
        """Look at one state of the database."""
        try:
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return look(Transaction(connection, numbered=self.on_postgres))
            finally:
                connection.execute("ROLLBACK")
        except BROKEN as error:
            self._local.connection = None
            raise _unavailable(error) from error

    def _reader(self) -> Any:
        if getattr(self._local, "connection", None) is None:
            self._local.connection = self._connect()
        return self._local.connection

    def _connect(self) -> Any:
        if self.on_postgres:
            return psycopg.connect(self._url, autocommit=True, prepare_threshold=1)
        connection = sqlite.connect(str(self._path), check_same_thread=False, isolation_level=None)
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    # --- the writer ---

    def _write_for_ever(self) -> None:
        connection: Any = None
        written = 0
        while (jobs := self._next_jobs()) is not None:
            for group in self._groups(jobs):
                try:
                    connection = connection or self._connect()
                    self._write_group(connection, group)
                except BROKEN as error:
                    log.error("a group of %d writes failed: %s", len(group), type(error).__name__)
                    _close(connection)
                    connection = None
                    for job in group:
                        job.error = _unavailable(error)
                _answer(group)
                written += len(group)
            if connection is not None and written >= CHECKPOINT_EVERY and not self.on_postgres:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                written = 0
        if connection is not None and not self.on_postgres:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _close(connection)

    def _next_jobs(self) -> list[_Job] | None:
        """Everything that waits, at least one; None at the end."""
        first = self._jobs.get()
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < GROUP and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _groups(self, jobs: list[_Job]) -> Iterator[list[_Job]]:
        if not self.on_postgres:
            yield jobs
            return
        by_merchant: dict[str, list[_Job]] = {}
        for job in jobs:
            by_merchant.setdefault(job.merchant, []).append(job)
        yield from by_merchant.values()

    def _write_group(self, connection: Any, group: list[_Job]) -> None:
        transaction = Transaction(connection, numbered=self.on_postgres)
        connection.execute("BEGIN" if self.on_postgres else "BEGIN IMMEDIATE")
        if self.on_postgres and group[0].merchant:
            transaction.one("SELECT id FROM merchant WHERE id = ? FOR UPDATE", group[0].merchant)
        for job in group:
            _do(connection, transaction, job)
        for merchant, (seq, digest) in transaction.heads.items():
            transaction.run("UPDATE merchant SET feed_seq = ?, feed_hash = ? WHERE id = ?", seq, digest, merchant)
        connection.execute("COMMIT")
        if transaction.heads:
            self._heard(set(transaction.heads))


def _do(connection: Any, transaction: Transaction, job: _Job) -> None:
    heads = dict(transaction.heads)
    connection.execute("SAVEPOINT work")
    try:
        job.result = job.work(transaction)
        connection.execute("RELEASE SAVEPOINT work")
    except Exception as error:
        if isinstance(error, BROKEN) and not isinstance(error, TWICE):
            raise
        connection.execute("ROLLBACK TO SAVEPOINT work")  # it belongs to whoever asked; the others' work goes on
        connection.execute("RELEASE SAVEPOINT work")
        transaction.heads = heads
        job.error = error


def _answer(group: list[_Job]) -> None:
    """One wake-up of the event loop for the whole group."""
    waiting = [job for job in group if job.waiter is not None]
    if waiting:
        loop = waiting[0].waiter.get_loop()  # type: ignore[union-attr]  # filtered above
        loop.call_soon_threadsafe(_resolve, waiting)
    for job in group:
        if job.done is not None and job.error is not None:
            job.done.set_exception(job.error)
        elif job.done is not None:
            job.done.set_result(job.result)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.waiter is None or job.waiter.done():  # whoever asked has gone; the write stands
            continue
        if job.error is not None:
            job.waiter.set_exception(job.error)
        else:
            job.waiter.set_result(job.result)


def _unavailable(error: BaseException) -> Refusal:
    refusal = Refusal("read-only")
    refusal.__cause__ = error
    return refusal


def _close(connection: Any) -> None:
    if connection is not None:
        try:
            connection.close()
        except BROKEN:
            log.debug("the connection was gone already")


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


def shown(url: str) -> str:
    """The address without its password: for logs."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
