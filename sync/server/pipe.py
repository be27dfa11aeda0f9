"""What a transaction tells PostgreSQL without waiting for answers: libpq's pipeline mode, by psycopg's wrapper of it.

psycopg's own `Connection.pipeline` waits at the end and gives up the interpreter at each statement; its asynchronous
connection needs a task for each and does not run on every event loop. Here what was said goes out in one piece, and
whoever watches the socket learns when it is answered (lanes.py). A connection that speaks through pipes says nothing
else: psycopg lets go of everything prepared when it rolls back.
The rules of the mode: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format

from sync.server.arrays import ARRAYS

WELL = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
ARRAY_TYPES: dict[type, int] = dict(ARRAYS)
BYTEA, ANY = 17, 0
Statement = tuple[str, tuple[int, ...]]
"""Its text and the types of its values."""


class Connection(psycopg.Connection[Any]):
    """One that remembers what was prepared through its pipes."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.prepared: dict[Statement, bytes] = {}
        self.names = count()


class Answer:
    """To one statement: what a cursor gives, once it is there. Raises AssertionError before that."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.result: Any = None

    def fetchall(self) -> list[Any]:
        assert self.result is not None, "nobody waits for it"
        reader = Transformer(self._connection)
        reader.set_pgresult(self.result, format=Format.BINARY)
        return list(reader.load_rows(0, self.result.ntuples, tuple))

    def fetchone(self) -> Any:
        rows = self.fetchall()
        return rows[0] if rows else None

    @property
    def rowcount(self) -> int:
        assert self.result is not None, "nobody waits for it"
        return self.result.command_tuples or 0


class Pipe:
    """For one transaction, of which everything is said through `execute`. A fault ends it, and the connection with
    it: what was said behind the fault is not done."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._line = connection, connection.pgconn
        self._asked: deque[Answer] = deque()
        """Whose results come, in this order."""
        self._is_said = False
        """Whether there is something nobody asked the answer of."""
        self.error: Exception | None = None
        """The first one."""
        self._line.nonblocking = 1
        self._line.enter_pipeline_mode()

    @property
    def socket(self) -> int:
        """Raises psycopg.OperationalError when the connection is lost."""
        return int(self._line.socket)

    @property
    def asks(self) -> bool:
        """Whether there is anything to be answered."""
        return bool(self._asked)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """`%s` stands for each value."""
        told = [_told(value) for value in values]
        statement = sql, tuple([type_ for _, type_, _ in told])
        name = self._connection.prepared.get(statement) or self._prepare(statement)
        self._line.send_query_prepared(name, [raw for raw, _, _ in told], [form for _, _, form in told], Format.BINARY)
        return self._expect()

    def _prepare(self, statement: Statement) -> bytes:
        name = b"kx%d" % next(self._connection.names)
        self._line.send_prepare(name, _numbered(statement[0]), statement[1])
        self._expect()
        self._connection.prepared[statement] = name
        return name

    def _expect(self) -> Answer:
        answer = Answer(self._connection)
        self._asked.append(answer)
        self._is_said = True
        return answer

    def send(self) -> bool:
        """Ask for the answers to what was said; whether all of it is on its way. Raises psycopg.OperationalError."""
        if self._is_said:
            self._line.send_flush_request()
            self._is_said = False
        return self._line.flush() == 0

    def end(self) -> None:
        """Nothing more will be said; the last answer is that all of it is through."""
        self._line.pipeline_sync()
        self._expect()

    def take(self) -> bool:
        """What came; whether everything has its answer, or there is an error. Raises psycopg.OperationalError."""
        self._line.consume_input()
        while self._asked and not self._line.is_busy():
            result = self._line.get_result()
            if result is None:
                self._asked.popleft()
            elif result.status == ExecStatus.PIPELINE_SYNC:
                self._asked.popleft()
                self._line.exit_pipeline_mode()
            elif result.status in WELL:
                self._asked[0].result = result
            elif self.error is None:
                self.error = psycopg.errors.error_from_result(result)
        return not self._asked or self.error is not None


def _told(value: Any) -> tuple[bytes | None, int, Format]:
    """Its bytes, type and form; of most values PostgreSQL knows the type by the place."""
    kind: type = type(value)
    if kind in ARRAY_TYPES:
        return value, ARRAY_TYPES[kind], Format.BINARY
    if value is None:
        return None, ANY, Format.TEXT
    if kind is bytes:
        return value, BYTEA, Format.BINARY
    return str(value).encode(), ANY, Format.TEXT


@lru_cache(512)
def _numbered(sql: str) -> bytes:
    first, *others = sql.split("%s")
    return (first + "".join([f"${n}{other}" for n, other in enumerate(others, 1)])).replace("%%", "%").encode()
