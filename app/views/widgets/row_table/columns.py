"""What a table's columns are: where a value comes from and how it is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.views.widgets.state_mark import Shares, StateMark
from app.words import NO_DATA, day, moment

PADDING = 12
"""Left and right of what a cell says, in px."""


class Kind(StrEnum):
    TEXT = "text"
    MONEY = "money"  # an int in fen; the unit stands in the title
    COUNT = "count"
    SHARE = "share"  # per cent, as a text
    STATE = "state"  # a StateMark
    SHARES = "shares"  # a Shares bar
    CODE = "code"
    MOMENT = "moment"  # an aware datetime, shown to the minute
    DAY = "day"


RIGHT = frozenset({Kind.MONEY, Kind.COUNT, Kind.SHARE})


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names the attribute of the row (unless `value` finds it) and the sort order asked of the caller.

    `width` is in px; a column with `stretch` takes what is left over, one that is `roomy` is shown
    where there is room for all.
    """

    key: str
    title: str
    width: int = 120
    kind: Kind = Kind.TEXT
    sortable: bool = False
    stretch: bool = False
    hidden: bool = False
    roomy: bool = False
    value: Callable[[Any], object] | None = None
    tip: Callable[[Any], str] | None = None

    @property
    def right(self) -> bool:
        return self.kind in RIGHT

    def of(self, row: object) -> object:
        return self.value(row) if self.value else getattr(row, self.key)


def written(kind: Kind, value: object) -> str:
    """A value as the cell, the clipboard and a screen reader have it; nothing is `--`."""
    if value is None or value == "":
        return NO_DATA
    if isinstance(value, StateMark):
        return value.word
    if isinstance(value, Shares):
        return value.caption
    if isinstance(value, datetime):
        return day(value) if kind is Kind.DAY else moment(value)
    if isinstance(value, int) and kind is Kind.MONEY:
        sign = "-" if value < 0 else ""
        whole, cents = divmod(abs(value), 100)
        return f"{sign}{whole:,}.{cents:02d}"
    if isinstance(value, int) and kind is Kind.COUNT:
        return f"{value:,}"
    return str(value)


def as_tsv(columns: Sequence[Column], rows: Sequence[object], *, headers: bool) -> str:
    """Rows for the clipboard; a tab or line break inside a value becomes a space."""
    lines = [[written(column.kind, column.of(row)) for column in columns] for row in rows]
    if headers:
        lines.insert(0, [column.title for column in columns])
    return "\n".join("\t".join(" ".join(cell.split()) for cell in line) for line in lines)
