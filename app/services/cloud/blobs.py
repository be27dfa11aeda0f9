"""What the endpoint keeps of each sealed batch for this vault's own later self, unreadable to it.

A vault that is restored from an older backup gets the codes back of batches that were made after it. The pieces hold
the sealed blocks as they lie in the vault, with what the batch and its product are, encrypted once more.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import inspect

from app.models.base import Base
from app.models.batch import Batch, CodeBlock
from app.models.catalog import Product
from app.services.sealing import BLOCK
from app.services.vault.keys import VaultKeys

NONCE = 12
LARGEST = 900_000
"""Bytes of blocks in a piece: with all around them it stays below the mebibyte that an endpoint takes at once."""
LOCAL = frozenset(
    {"id", "product_id", "first_card_id", "made", "taken", "state", "frozen_at", "released_at", "sealed_at"}
)
"""Columns of a batch that say where it lies in this vault and how far it came: its later self finds its own."""

Block = tuple[int, int, bytes]
"""Number, count of codes, sealed."""


class Piece(msgspec.Struct, frozen=True):
    """One blob, opened. `batch` and `product` are columns."""

    batch: dict[str, Any]
    product: dict[str, Any]
    blocks: list[Block]
    version: int = 1


class Blobs:
    """Makes and opens the pieces of a batch; one is bound to its vault, batch and number."""

    def __init__(self, keys: VaultKeys) -> None:
        self._cipher = AESGCM(keys.blob)
        self._vault = keys.vault_id

    def pieces(self, batch: Batch, product: Product, blocks: Iterable[CodeBlock]) -> Iterator[bytes]:
        """All of them, in the order of their numbers; one is in memory at a time."""
        uid = UUID(bytes=batch.uid)
        facts, kind = _columns(batch, without=LOCAL), _columns(product, without=frozenset({"archived_at"}))
        for n, some in enumerate(_by_size(blocks)):
            plain = msgspec.msgpack.encode(Piece(facts, kind, some))
            nonce = os.urandom(NONCE)
            yield nonce + self._cipher.encrypt(nonce, plain, self._bound(uid, n))

    def opened(self, uid: UUID, n: int, content: bytes) -> Piece | None:
        """None for what another vault left, or somebody changed."""
        try:
            plain = self._cipher.decrypt(content[:NONCE], content[NONCE:], self._bound(uid, n))
        except (InvalidTag, ValueError):
            return None
        return msgspec.msgpack.decode(plain, type=Piece)

    def _bound(self, uid: UUID, n: int) -> bytes:
        return b"kx.blob.v1|" + self._vault.bytes + uid.bytes + n.to_bytes(4, "big")


def blob_id(uid: UUID, n: int) -> str:
    return f"{uid}.{n}"


def is_whole(pieces: Iterable[Piece], quantity: int) -> bool:
    """Whether all blocks of a batch are there."""
    return sum(len(piece.blocks) for piece in pieces) == -(-quantity // BLOCK)


def values_of(columns: Mapping[str, Any], kind: type[Base]) -> dict[str, Any]:
    """As the model takes them; a column that this version does not know is left out."""
    return {name: columns[name] for name in _names(kind) if name in columns}


def _names(kind: type[Base]) -> list[str]:
    return [column.key for column in inspect(kind).column_attrs]


def _columns(record: Base, *, without: frozenset[str]) -> dict[str, Any]:
    names = [name for name in _names(type(record)) if name not in without]
    return {name: getattr(record, name) for name in names}


def _by_size(blocks: Iterable[CodeBlock]) -> Iterator[list[Block]]:
    some: list[Block] = []
    size = 0
    for block in blocks:
        if some and size + len(block.sealed) > LARGEST:
            yield some
            some, size = [], 0
        some.append((block.no, block.count, block.sealed))
        size += len(block.sealed)
    if some:
        yield some
