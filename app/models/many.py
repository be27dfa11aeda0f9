"""Very many values or rows in one statement, for what is too slow the usual way: a page of the feed has a thousand."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Insert, Table, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

Stored = Callable[[Any], Any]


def among(column: InstrumentedAttribute[Any], values: Iterable[str | int]) -> ColumnElement[bool]:
    """Whether the column has one of the values, which go there as one document: a list of a thousand is written out
    and read again for each question."""
    value = func.json_each(json.dumps(list(values))).table_valued("value").c.value
    return column.in_(select(value))


def put_all(session: Session, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows, which have the same keys. All is stored as ever, only that nobody looks at each row anew."""
    if not rows:
        return
    connection = session.connection()
    sql, names = _said(statement, connection.dialect, tuple(rows[0]))
    stored = _stored(statement.table, connection.dialect)
    columns = [
        [row[name] for row in rows] if (keep := stored[name]) is None else [keep(row[name]) for row in rows]
        for name in names
    ]
    connection.exec_driver_sql(sql, list(zip(*columns, strict=True)))


def _said(statement: Insert, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, list[str]]:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    return str(compiled), list(compiled.positiontup or ())


@lru_cache(64)
def _stored(table: Table, dialect: Dialect) -> dict[str, Stored | None]:
    """How the value of each column is stored; None: as it is."""
    return {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns}
