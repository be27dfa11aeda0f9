"""What a vault's file is asked, and how SQLite finds the answers: a test of speed that needs no clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.models.database import Database

Question = tuple[str, Any]
"""A statement and its values."""


@contextmanager
def asked(database: Database) -> Iterator[list[Question]]:
    """Every statement that is said meanwhile."""
    said: list[Question] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    event.listen(database._engine, "before_cursor_execute", note)
    yield said
    event.remove(database._engine, "before_cursor_execute", note)


def plan(database: Database, question: Question) -> str:
    """How SQLite goes about it, in its own words."""
    statement, values = question
    with database.read() as session:
        steps = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    return "\n".join(str(step[3]) for step in steps)
