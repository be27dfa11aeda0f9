"""Uploaded digests that wait for the seal: whoever has one can redeem with it, so the database gets them encrypted."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.protocol import RECORD
from sync.server.problems import Refusal

NONCE = 12


def packed(pepper: bytes, batch_id: int, n: int, *, records: bytes) -> bytes:
    """Chunk `n` of a batch as the database keeps it."""
    nonce = os.urandom(NONCE)
    return nonce + _cipher(pepper).encrypt(nonce, records, _bound(batch_id, n))


def unpacked(pepper: bytes, batch_id: int, n: int, *, kept: bytes) -> bytes:
    """The records of a chunk. Raises Refusal when the pepper is another one than at the upload."""
    if len(kept) % RECORD == 0:  # stored as it came by an endpoint of before: never the length of an encrypted one
        return kept
    try:
        return _cipher(pepper).decrypt(kept[:NONCE], kept[NONCE:], _bound(batch_id, n))
    except InvalidTag as error:
        raise Refusal("root-mismatch") from error


def _cipher(pepper: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, b"kx/upload").derive(pepper))


def _bound(batch_id: int, n: int) -> bytes:
    return b"kx.chunk.v1|%d|%d" % (batch_id, n)
