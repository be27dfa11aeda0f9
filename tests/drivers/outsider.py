"""Somebody else at a database of PostgreSQL, who holds rows, ends connections and looks who waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg


@contextmanager
def other_at(url: str) -> Iterator[psycopg.Connection[Any]]:
    """In a transaction, which ends with it."""
    with psycopg.connect(url) as connection:
        yield connection


def of_all(url: str) -> str:
    """The database that everybody can reach."""
    return url.rpartition("/")[0] + "/postgres"


def is_blocked(connection: psycopg.Connection[Any]) -> bool:
    """Whether anybody at its database waits for another's row."""
    here = "SELECT oid FROM pg_database WHERE datname = current_database()"
    own = f"SELECT pid FROM pg_locks WHERE database = ({here})"
    return bool(connection.execute(f"SELECT 1 FROM pg_locks WHERE NOT granted AND pid IN ({own})").fetchall())


def is_free(url: str) -> bool:
    """Whether the row of failures could be changed."""
    with psycopg.connect(url) as other:
        return other.execute("SELECT 1 FROM failure FOR UPDATE SKIP LOCKED").fetchone() is not None


def cut_again_and_again(url: str, times: int) -> None:
    """Every other connection of its database, some twenty times a second."""
    with psycopg.connect(url, autocommit=True) as other:
        for cut in range(times):
            other.execute("SELECT pg_sleep(%s)", (cut % 7 * 0.003 + 0.05,))
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
