"""The two databases of the endpoint: how a connection is made and what its errors mean.

PostgreSQL's driver takes a third of a second to load, so it is loaded by an endpoint that uses it and by no other.
"""

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlcipher3 import dbapi2 as sqlite

log = logging.getLogger(__name__)
Faults = tuple[type[Exception], ...]
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=5000",
    "temp_store=MEMORY",
    "secure_delete=ON",  # uploaded digests wait in `chunk` for the seal and must not linger in free pages
    "cache_size=-8192",  # the system's cache has the file; a large one of its own only costs at every commit
    "wal_autocheckpoint=0",  # see checkpoint.py
)


DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
"""What is acknowledged is on the disk, however the server is set up; a stronger setting (replicas) stays."""


BY_INDEX = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"
"""For who writes: a plan that was made while a table was small is kept, and would walk through a large one for ever.
Without the second, a plan is made anew for every list of keys."""


class Dialect(NamedTuple):
    """What `connect` gives speaks SQL with ? for values on SQLite, with %s on PostgreSQL."""

    on_postgres: bool
    connect: Callable[[str], Any]
    twice: Faults
    """A constraint spoke: that piece of work is refused, the database is well."""
    unfit: Faults
    """A value that no column takes: the same."""
    again: Faults
    """The database asks for the whole transaction once more."""
    broken: Faults
    pipe: Callable[[Any], Any] | None = None
    """What a connection of PostgreSQL is told at once (pipe.py)."""


def _connect_sqlite(url: str) -> Any:
    connection = sqlite.connect(str(file_of(url)), check_same_thread=False, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


SQLITE = Dialect(
    on_postgres=False,
    connect=_connect_sqlite,
    twice=(sqlite.IntegrityError,),
    unfit=(OverflowError, UnicodeEncodeError),
    again=(),
    broken=(sqlite.OperationalError, sqlite.DatabaseError),
)


@cache
def postgres() -> Dialect:
    import psycopg

    from sync.server.arrays import teach
    from sync.server.pipe import Connection, Pipe

    teach()
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of a lost connection it warns beside the exception

    def connect(url: str) -> Any:
        # arrays.py and pipe.py speak UTF-8, whatever the database or its user has been set to
        connection = Connection.connect(url, autocommit=True, prepare_threshold=1, client_encoding="UTF8")
        connection.execute(DURABLE)
        return connection

    return Dialect(
        on_postgres=True,
        connect=connect,
        twice=(psycopg.IntegrityError,),
        unfit=(OverflowError, UnicodeEncodeError, psycopg.DataError),
        again=(psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure),
        broken=(psycopg.OperationalError, psycopg.InternalError),
        pipe=Pipe,
    )


def close(connection: Any, dialect: Dialect) -> None:
    if connection is not None:
        try:
            connection.close()
        except dialect.broken:
            log.debug("the connection was gone already")


def dialect_of(url: str) -> Dialect:
    return postgres() if is_postgres(url) else SQLITE


def is_postgres(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))


def is_address(url: str) -> bool:
    """Whether PostgreSQL's driver can read it; what it says to that may have the password in it."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return bool(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        return False


def file_of(url: str) -> Path:
    """The SQLite file of an address, which is a path or `sqlite:///path`."""
    return Path(url.removeprefix("sqlite:///"))


def shown(url: str) -> str:
    """The address without its password: for logs."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
