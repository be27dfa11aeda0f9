"""Columns of rows as PostgreSQL takes them for the least work: arrays in its binary form.

It reads a document of the same rows letter by letter, and twice; of such an array it takes the bytes as they are.
Layout: the array_recv of PostgreSQL's arrayfuncs.c.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any

HEAD = Struct("!5i")
"""Dimensions, whether any is null, the type of each, how many, and the number of the first."""
LENGTH = Struct("!i")
NULL, EIGHT = LENGTH.pack(-1), LENGTH.pack(8)
BYTEA, BIGINT, TEXT = 17, 20, 25


class Texts(bytes):
    """`text[]` on its way to the database."""


class Blobs(bytes):
    """`bytea[]`."""


class Numbers(bytes):
    """`bigint[]`."""


Array = Texts | Blobs | Numbers
ARRAYS = ((Texts, 1009), (Blobs, 1001), (Numbers, 1016))


def array_of(values: Sequence[Any]) -> Array | None:
    """All of one type, text, bytes or whole numbers; None stands for no value. None if there is no value at all.

    Raises OverflowError, UnicodeEncodeError for what no column takes."""
    known = next((value for value in values if value is not None), None)
    if isinstance(known, int):
        return Numbers(_head(BIGINT, values) + b"".join([_number(value) for value in values]))
    if isinstance(known, str):
        raws = [None if value is None else value.encode() for value in values]
        return Texts(_head(TEXT, values) + b"".join([_blob(raw) for raw in raws]))
    return None if known is None else Blobs(_head(BYTEA, values) + b"".join([_blob(value) for value in values]))


def teach() -> None:
    """Let the driver send them."""
    from psycopg import adapters  # takes a third of a second; see dialects.py
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class AsItIs(Dumper):
        format = Format.BINARY

        def dump(self, obj: Any) -> bytes:
            raw: bytes = obj
            return raw

    for kind, number in ARRAYS:
        adapters.register_dumper(kind, type(f"{kind.__name__}Dumper", (AsItIs,), {"oid": number}))


def _head(type_: int, values: Sequence[Any]) -> bytes:
    return HEAD.pack(1, None in values, type_, len(values), 1)


def _number(value: int | None) -> bytes:
    return NULL if value is None else EIGHT + value.to_bytes(8, "big", signed=True)


def _blob(value: bytes | None) -> bytes:
    return NULL if value is None else LENGTH.pack(len(value)) + value
