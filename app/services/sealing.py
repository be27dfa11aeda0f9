"""Codes at rest: sealed blocks, one data key per batch, and the blind index that finds a code without opening any.

A block holds up to 1,024 codes under AES-256-GCM with a random nonce; batch, block number and count are bound as
associated data, so blocks cannot be swapped. Destroying a batch's data key shreds the batch.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import BatchUnreadable
from app.services.vault.keys import VaultKeys

BLOCK = 1024
"""Codes in a full block."""
NONCE = 12
BLIND = 16
"""Bytes of a blind index entry."""


@dataclass(frozen=True, slots=True)
class BatchSeal:
    """The data key of one batch, ready to seal and open its blocks."""

    cipher: AESGCM
    bound: bytes

    def seal(self, no: int, count: int, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self.cipher.encrypt(nonce, plain, self.bound + b"|%d|%d" % (no, count))

    def open(self, no: int, count: int, sealed: bytes) -> bytes:
        """Raises BatchUnreadable when the block was changed, moved or belongs to another batch."""
        try:
            return self.cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self.bound + b"|%d|%d" % (no, count))
        except InvalidTag as error:
            raise BatchUnreadable(no) from error


class Sealer:
    """Makes and opens the seals of batches."""

    def __init__(self, keys: VaultKeys) -> None:
        self._wrapping = AESGCM(keys.wrapping)
        self._vault = str(keys.vault_id).encode()

    def new(self, batch_uid: bytes) -> tuple[BatchSeal, bytes]:
        """A fresh data key: its seal, and the wrapped key to store with the batch."""
        key, nonce = os.urandom(32), os.urandom(NONCE)
        wrapped = nonce + self._wrapping.encrypt(nonce, key, self._bound(batch_uid))
        return BatchSeal(AESGCM(key), self._bound(batch_uid)), wrapped

    def opened(self, batch_uid: bytes, wrapped: bytes) -> BatchSeal:
        """Raises BatchUnreadable when the wrapped key does not belong to this vault and batch."""
        try:
            key = self._wrapping.decrypt(wrapped[:NONCE], wrapped[NONCE:], self._bound(batch_uid))
        except InvalidTag as error:
            raise BatchUnreadable(-1) from error
        return BatchSeal(AESGCM(key), self._bound(batch_uid))

    def _bound(self, batch_uid: bytes) -> bytes:
        return b"kx.block.v1|" + self._vault + b"|" + batch_uid


class BlindIndex:
    """HMAC-SHA-256 of a code, cut to 16 bytes. The two midstates are kept, which halves the cost of a code."""

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def one(self, code: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(code)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[:BLIND]

    def many(self, codes: bytes | memoryview, length: int) -> bytes:
        """Entries of equally long codes that stand one behind the other."""
        inner_copy, outer_copy = self._inner.copy, self._outer.copy
        made = []
        for start in range(0, len(codes), length):
            inner, outer = inner_copy(), outer_copy()
            inner.update(codes[start : start + length])
            outer.update(inner.digest())
            made.append(outer.digest()[:BLIND])
        return b"".join(made)

    def supplier(self, fields: Sequence[tuple[str, str]]) -> bytes:
        """Entry of a supplier code: its identifying fields, length-prefixed so that no two lists run together."""
        parts = [text.encode() for pair in fields for text in pair]
        return self.one(b"supplier\0" + b"".join(len(part).to_bytes(4, "big") + part for part in parts))


def is_blind_of(key: bytes, code: bytes, entry: bytes) -> bool:
    """The plain definition, for checks: what `BlindIndex` must equal."""
    return hmac.compare_digest(hmac.digest(key, code, "sha256")[:BLIND], entry)
