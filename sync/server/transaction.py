"""SQL of one transaction, written once for SQLite and PostgreSQL, and what their errors mean."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, TypeVar

import msgspec

from sync.server.dialects import Dialect
from sync.server.problems import Refusal

Row = Sequence[Any]
T = TypeVar("T")
Asked = Callable[[], T]
"""Brings an answer that may not be there yet."""
HEAD = "SELECT feed_seq, feed_hash FROM merchant WHERE id = ?"
LOCK = "SELECT feed_seq, feed_hash FROM merchant WHERE id = %s FOR UPDATE"
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
        self._locked: dict[str, Asked[Row | None]] = {}
        """Feed positions that this transaction found and nobody else can move."""

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
        return self.ask_among(sql, keys, *first)()

    def ask_among(self, sql: str, keys: Sequence[Any], *first: Any) -> "Asked[list[Row]]":
        """The same, to be heard later."""
        if not keys:
            return list
        if self._numbered:
            said = self._said(sql.replace("IN (…)", "= ANY(?)"))
            return self._connection.execute(said, (*first, list(keys))).fetchall  # type: ignore[no-any-return]
        padded = 1 << (len(keys) - 1).bit_length()  # few different texts, so that each stays prepared
        marks = ", ".join("?" * padded)
        found = self.all(sql.replace("…", marks), *first, *keys, *([keys[-1]] * (padded - len(keys))))
        return lambda: found

    def lock(self, merchant: str) -> None:
        """Let nobody else move this merchant's feed until the end. PostgreSQL."""
        self._locked[merchant] = self._connection.execute(LOCK, (merchant,)).fetchone

    def head_of(self, merchant: str) -> tuple[int, bytes] | None:
        """Number and hash of the last event of its feed, as this transaction moved it or found it."""
        if merchant in self.heads:
            return self.heads[merchant]
        row = self._locked[merchant]() if merchant in self._locked else self.one(HEAD, merchant)
        if row is None:
            return None
        self._locked[merchant] = lambda: row
        return int(row[0]), bytes(row[1])

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is said in here goes to PostgreSQL in one piece, and its answers come in one: each of them alone costs
        the way there and back. What is asked in here may be heard afterwards; a fault comes at the end."""
        if self._numbered:
            with self._connection.pipeline():
                yield
        else:
            yield

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

    def change(self, sql: str, columns: Sequence[str], rows: Sequence[Row]) -> "Asked[int]":
        """An UPDATE of PostgreSQL; the rows stand as a document where `sql` has its ?. How many it changed."""
        cursor = self._connection.execute(self._said(sql), (self._document(columns, rows),))
        return lambda: int(cursor.rowcount)

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
