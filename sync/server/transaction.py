"""SQL of one transaction, written once for SQLite and PostgreSQL, and what their errors mean."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import msgspec

from sync.server.dialects import Dialect
from sync.server.problems import Refusal

Row = Sequence[Any]
TOGETHER = 100
"""Rows of one statement."""


class Transaction:
    """`?` stands for each value."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection = connection
        self._numbered = dialect.on_postgres
        self.dialect = dialect
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

    def among(self, sql: str, keys: Sequence[Any], *first: Any) -> list[Row]:
        """`sql` ends with `IN (…)`, which stands for the keys; `first` are the values before it."""
        if not keys:
            return []
        padded = 1 << (len(keys) - 1).bit_length()  # few different texts, so that each stays prepared
        marks = ", ".join("?" * padded)
        return self.all(sql.replace("…", marks), *first, *keys, *([keys[-1]] * (padded - len(keys))))

    def many(self, sql: str, rows: Iterable[Row]) -> int:
        """How many rows it changed in all."""
        cursor = self._connection.cursor()
        cursor.executemany(self._said(sql), rows)
        return int(cursor.rowcount)

    def put(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert some rows of one of our own tables. PostgreSQL gets them as one document: a statement for each row
        takes it ten times as long as the row itself."""
        names = ", ".join(columns)
        if self._numbered:
            document = self._document(columns, rows)
            self._connection.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)",
                (document,),
            )
        else:
            self.many(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)

    def change(self, sql: str, columns: Sequence[str], rows: Sequence[Row]) -> int:
        """An UPDATE of PostgreSQL; the rows stand as a document where `sql` has its ?. How many it changed."""
        return self.run(sql, self._document(columns, rows))

    @staticmethod
    def _document(columns: Sequence[str], rows: Sequence[Row]) -> str:
        return msgspec.json.encode(
            [
                {
                    name: "\\x" + value.hex() if isinstance(value, bytes) else value
                    for name, value in zip(columns, row, strict=True)
                }
                for row in rows
            ]
        ).decode()

    def insert(self, into: str, marks: str, rows: Iterable[Row]) -> None:
        """Very many rows: `INSERT INTO …` and what stands for one, `(?, ?)`; so many in a statement cost half."""
        waiting = iter(rows)
        whole = f"{into} VALUES {', '.join([marks] * TOGETHER)}"
        while lot := list(islice(waiting, TOGETHER)):
            if len(lot) == TOGETHER:
                self.run(whole, *chain.from_iterable(lot))
            else:
                self.many(f"{into} VALUES {marks}", lot)

    @contextmanager
    def step(self) -> Iterator[None]:
        """A part that may be refused while the rest of the work stands."""
        heads = dict(self.heads)
        self._connection.execute("SAVEPOINT step")
        done = False
        try:
            yield
            done = True
        finally:
            if not done:
                self._connection.execute("ROLLBACK TO SAVEPOINT step")
                self.heads = heads
            self._connection.execute("RELEASE SAVEPOINT step")

    def _said(self, sql: str) -> str:
        return sql.replace("%", "%%").replace("?", "%s") if self._numbered else sql


def told(error: Exception, dialect: Dialect) -> Exception:
    """What a constraint or a column refuses is a refusal to whoever asked, not a fault."""
    if isinstance(error, dialect.twice):
        refusal = Refusal("stale-version")
    elif isinstance(error, dialect.unfit):
        refusal = Refusal("invalid")
    else:
        return error
    refusal.__cause__ = error
    return refusal


def unavailable(error: BaseException) -> Refusal:
    """What is said when the database cannot be used."""
    refusal = Refusal("read-only")
    refusal.__cause__ = error
    return refusal
