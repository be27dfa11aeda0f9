"""SQL of one transaction, written once for SQLite and PostgreSQL, and what their errors mean."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar

from sync.server.arrays import array_of
from sync.server.dialects import Dialect
from sync.server.problems import Refusal

Row = Sequence[Any]
T = TypeVar("T")
Asked = Callable[[], T]
"""Brings an answer that may not be there yet."""
HEAD = "SELECT feed_seq, feed_hash FROM merchant WHERE id = ?"
LOCK = "SELECT feed_seq, feed_hash, recovering_ms FROM merchant WHERE id = ? FOR UPDATE"
TOGETHER = 100
"""Rows of one statement."""


def once(asked: Asked[T]) -> Asked[T]:
    """The same answer every time, and no lock: whoever waits for the database must not hold one that others need."""
    heard: list[T] = []

    def answer() -> T:
        if not heard:
            heard.append(asked())
        return heard[0]

    return answer


class _Part(NamedTuple):
    """Of a statement that changes several tables at once. `expected`: so many rows, or `otherwise` is raised."""

    sql: str
    values: Sequence[Any]
    expected: int | None = None
    otherwise: Refusal | None = None


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
        self._has_changed = self._is_together = False
        self._parts: list[_Part] = []
        """What PostgreSQL has not been told yet."""
        self._unheard: list[Asked[None]] = []
        """What it was told, and whether it came out as it had to."""

    def all(self, sql: str, *values: Any) -> list[Row]:
        return list(self._say(sql, values).fetchall())

    def one(self, sql: str, *values: Any) -> Row | None:
        row: Row | None = self._say(sql, values).fetchone()
        return row

    def run(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        self._has_changed = True
        return int(self._say(sql, values).rowcount)

    def among(self, sql: str, keys: Sequence[Any], *first: Any) -> list[Row]:
        """`sql` ends with `IN (…)`, which stands for the keys; `first` are the values before it."""
        return self.ask_among(sql, keys, *first)()

    def ask_among(self, sql: str, keys: Sequence[Any], *first: Any) -> "Asked[list[Row]]":
        """The same, to be heard later."""
        if not keys:
            return list
        if self._numbered:
            return self._say(sql.replace("IN (…)", "= ANY(?)"), (*first, array_of(keys))).fetchall  # type: ignore[no-any-return]
        padded = 1 << (len(keys) - 1).bit_length()  # few different texts, so that each stays prepared
        marks = ", ".join("?" * padded)
        found = self.all(sql.replace("…", marks), *first, *keys, *([keys[-1]] * (padded - len(keys))))
        return lambda: found

    def ask_recovering(self, merchant: str) -> "Asked[bool] | None":
        """Whether a merchant waits for what is given back, as it was found when it was locked. None where it was not,
        and once anything was changed since."""
        locked = self._locked.get(merchant)
        return (
            None
            if locked is None or self._has_changed
            else lambda: (row := locked()) is not None and row[2] is not None
        )

    def head_of(self, merchant: str) -> tuple[int, bytes] | None:
        """Number and hash of the last event of its feed, as this transaction moved it or found it."""
        if merchant in self.heads:
            return self.heads[merchant]
        row = self._locked[merchant]() if merchant in self._locked else self.one(HEAD, merchant)
        if row is None:
            return None
        return int(row[0]), bytes(row[1])

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is said in here goes to PostgreSQL in one piece, and its answers come in one: each of them alone costs
        the way there and back. What is asked in here may be heard afterwards; a fault comes at the end."""
        if self._is_together or not self._numbered:
            yield
            return
        self._is_together = True
        try:
            with self._connection.pipeline():
                yield
                self.tell()
                self.hear()
        finally:
            self._is_together = False
            self._parts, self._unheard = [], []  # of what failed

    def run_each(self, sql: str, rows: Iterable[Row]) -> None:
        """For each of a few rows; nobody asks what it did."""
        if not self._is_together:
            self.many(sql, rows)
            return
        self._has_changed = True
        for row in rows:
            self._say(sql, row)

    def many(self, sql: str, rows: Iterable[Row]) -> int:
        """How many rows it changed in all; not together with other things."""
        assert not (self._numbered and self._is_together), "its answer would be waited for"
        self._has_changed = True
        cursor = self._connection.cursor()
        cursor.executemany(self._said(sql), rows)
        return int(cursor.rowcount)

    def put(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert some rows of one of our own tables. PostgreSQL gets them column by column: a statement for each row
        takes it ten times as long as the row itself."""
        if not self._numbered:
            names = ", ".join(columns)
            self.many(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)
            return
        found = zip(columns, map(array_of, zip(*rows, strict=True)), strict=True)
        arrays = {name: array for name, array in found if array is not None}
        each = ", ".join(["unnest(?)"] * len(arrays))
        self._join(_Part(f"INSERT INTO {table} ({', '.join(arrays)}) SELECT {each}", list(arrays.values())))

    def change_each(self, sql: str, rows: Sequence[Row], otherwise: Refusal) -> None:
        """An UPDATE of PostgreSQL; a ? in `sql` stands for each column of the rows. `otherwise` is raised, at the end
        of what is done together, when it changes another number of rows."""
        columns = list(map(array_of, zip(*rows, strict=True)))
        self._join(_Part(f"{sql} RETURNING 1", columns, len(rows), otherwise))

    def change(self, sql: str, *values: Any) -> None:
        """A change nobody asks any more about."""
        if self._numbered:
            self._join(_Part(sql, values))
        else:
            self.run(sql, *values)

    def _join(self, part: _Part) -> None:
        self._has_changed = True
        self._parts.append(part)
        if not self._is_together:
            self.tell()
            self.hear()

    def tell(self) -> None:
        """Tell PostgreSQL what is to be changed, in one statement; what came of it is heard later."""
        if not self._parts:
            return
        parts, self._parts = self._parts, []
        named = ", ".join([f"part{n} AS ({part.sql})" for n, part in enumerate(parts)])
        checked = [(n, part) for n, part in enumerate(parts) if part.expected is not None]
        counts = ", ".join([f"(SELECT count(*) FROM part{n})" for n, _ in checked])
        values = list(chain.from_iterable([part.values for part in parts]))
        told = self._say(f"WITH {named} SELECT {counts or 1}", values)

        def hear() -> None:
            for (_, part), changed in zip(checked, told.fetchone(), strict=False):
                if changed != part.expected and part.otherwise is not None:
                    raise part.otherwise

        self._unheard.append(hear)

    def hear(self) -> None:
        """What came of the changes. Raises what was to be raised otherwise."""
        unheard, self._unheard = self._unheard, []
        for hear in unheard:
            hear()

    def begin(self, merchant: str) -> None:
        """Let nobody else move this merchant's feed until the end. PostgreSQL. What is asked behind the lock sees what
        was done before it was got: other levels would see what was there when it was asked for."""
        self._say("BEGIN ISOLATION LEVEL READ COMMITTED")
        if merchant:
            self._locked[merchant] = once(self._say(LOCK, (merchant,)).fetchone)

    def end(self) -> None:
        """The end of it; within `together`, once that ends."""
        assert not [*self._parts, *self._unheard], "first hear what came of it"
        self._say("COMMIT")

    def through(self, pipe: Any) -> None:
        """All of it goes through a pipe (pipe.py), and nothing of it is waited for."""
        self._connection, self._is_together = pipe, True

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
        assert not self._is_together, "a fault ends all that is done together"
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

    def _say(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Its cursor; behind what waits to be told."""
        self.tell()
        return self._connection.execute(self._said(sql), values)

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
