"""The one door to the vault file: read() for looking, write(topics) for changing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlcipher3 import dbapi2 as sqlcipher

from app.errors import AppError, DiskFull, InvalidInput, NotWritable, VaultBusy, VaultDamaged
from app.topics import Topic
from sync import points

Listener = Callable[[frozenset[Topic]], None]

PRAGMAS = (
    "cipher_memory_security=OFF",  # locking every page in memory costs a factor 2 and guards against swap only
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "temp_store=MEMORY",  # a temporary file would hold plain rows
    "cache_size=-65536",
    "wal_autocheckpoint=4000",
)


class Database:
    """The encrypted file of one vault. `key` is the 32-byte raw file key."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key
        self._engine = create_engine(
            "sqlite://",
            module=sqlcipher,
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=8,
        )
        event.listen(self._engine, "begin", _begin)
        self._write_lock = threading.Lock()
        self._writer: int | None = None
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        """`listener` hears the topics of every commit, on the thread that wrote."""
        self._listeners.append(listener)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot: sees one state of the file, whatever is written meanwhile."""
        with self._told(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self, *topics: Topic) -> Iterator[Session]:
        """One transaction. It names what it changes; listeners hear that after the commit, never after a rollback."""
        if not topics:
            raise TypeError("a write transaction must name what it changes")
        if self._writer == threading.get_ident():
            raise RuntimeError("a write transaction inside a write transaction: pass the session instead")
        with self._told(), self._write_lock, Session(self._engine, expire_on_commit=False) as session:
            self._writer = threading.get_ident()
            try:
                session.connection(execution_options={"kaxia_write": True})
                yield session
                points.passed("desk.commit", sqlcipher.OperationalError)
                session.commit()
                points.passed("desk.committed")
            finally:
                self._writer = None
        for listener in tuple(self._listeners):
            listener(frozenset(topics))

    @contextmanager
    def schema_change(self) -> Iterator[Connection]:
        """A bare connection for a migration; nobody else writes meanwhile."""
        with self._told(), self._write_lock, self._engine.connect() as connection:
            yield connection

    def copy_to(self, target: Path) -> None:
        """A consistent copy under the same key, made through SQLite itself while others go on reading and writing."""
        with self._told():
            source, copy = self._connect(), self._connect(target)
            try:
                source.execute("BEGIN")  # of one moment: else each write of somebody else begins the copy anew
                source.execute("SELECT 1 FROM sqlite_master").fetchone()
                source.backup(copy, pages=2000)
                source.execute("COMMIT")
                copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                copy.execute("PRAGMA journal_mode=DELETE")
            finally:
                copy.close()
                source.close()

    def findings(self) -> list[str]:
        """What SQLite and SQLCipher find wrong with the file; an empty list is a whole file."""
        with self._told():
            connection = self._connect()
            try:
                # a power cut may have torn pages that the log still holds whole; the next look is at the file alone
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                pages = [str(row[0]) for row in connection.execute("PRAGMA cipher_integrity_check")]
                rows = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
                keys = [f"foreign key: {row[0]} row {row[1]}" for row in connection.execute("PRAGMA foreign_key_check")]
                return pages + rows + keys
            finally:
                connection.close()

    def close(self) -> None:
        self._engine.dispose()

    def _connect(self, path: Path | None = None) -> Any:
        connection = sqlcipher.connect(str(path or self.path), check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA cipher_log_level = NONE")  # a wrong key is an answer here, not news for stderr
        connection.execute(f"PRAGMA key = \"x'{self._key.hex()}'\"")
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the file system did to us becomes a refusal a user can be told about."""
        try:
            yield
        except (DatabaseError, sqlcipher.DatabaseError) as error:
            refusal = _refusal(str(error), self.path)
            if refusal is None:
                raise
            raise refusal from error
        except OverflowError as error:  # nothing here has such a number
            raise InvalidInput("number", "out-of-range") from error


def _refusal(words: str, path: Path) -> AppError | None:
    for mark, make in (
        ("disk is full", DiskFull),
        ("readonly database", NotWritable),
        ("unable to open", NotWritable),
        ("disk I/O error", DiskFull),
        ("file is not a database", VaultDamaged),
        ("malformed", VaultDamaged),
    ):
        if mark in words:
            return make(str(path))
    return VaultBusy() if "database is locked" in words else None


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("kaxia_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
