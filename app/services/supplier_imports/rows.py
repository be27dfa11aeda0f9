"""What importing supplier codes takes and gives. Nothing here holds a code in plain where a log could print it."""

from dataclasses import dataclass, field
from datetime import datetime

CODE_FIELDS = ("card_no", "password", "pin", "link", "code")
"""Fields that are the code itself, in the order they are stored and compared; valid_until and face describe it."""
FIELDS = (*CODE_FIELDS, "valid_until", "face")
LARGEST = 200_000
"""Rows of one import: it is one transaction."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was not imported. `line` counts from 1; `reason` is a key of messages.REASONS."""

    line: int
    reason: str
    value_masked: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """`read` = imported + duplicates + problems. In a dry run `imported` is what would be, and there is no batch.

    `header` is None when the file has none. Rows of different validity or face value are batches of their own;
    `batch_id` is the first of them.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...] | None
    read: int
    imported: int
    duplicates: int
    problems: tuple[Problem, ...]
    batch_id: int | None
    batch_ids: tuple[int, ...] = ()
    unused: tuple[str, ...] = ()
    """Headings of filled columns that are not read: what stands there reaches nobody."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: up to three samples, masked, and the field it seems to hold ("" for none)."""

    index: int
    name: str
    samples: tuple[str, ...]
    field: str


@dataclass(frozen=True, slots=True)
class Preview:
    """How a file was understood, before anything is imported. `mapping` is field → 0-based column."""

    encoding: str
    delimiter: str
    header: tuple[str, ...] | None
    columns: tuple[Column, ...]
    mapping: dict[str, int]
    rows: int


@dataclass(frozen=True, slots=True)
class Table:
    """Data rows as (line number, cells), cut and without labels; `mapping` is field → column.

    `width` is how many cells a row of a text file has: where one has more, a delimiter stood inside a code.
    """

    header: tuple[str, ...] | None
    rows: list[tuple[int, list[str]]] = field(repr=False)
    mapping: dict[str, int]
    width: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What cards of one batch have in common. `dated` is False where the file says nothing of validity."""

    valid_until: datetime | None
    face_minor: int | None
    dated: bool


@dataclass(frozen=True, slots=True)
class SupplierCode:
    """One good row. `values` are its code fields in the order of CODE_FIELDS."""

    values: tuple[str, ...] = field(repr=False)
    terms: Terms


def masked(value: str) -> str:
    """At most the last four signs, and never more than a third: short codes must not be told by their tail."""
    return "····" + value[len(value) - min(4, len(value) // 3) :] if value else ""
