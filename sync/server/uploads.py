"""Uploads of digests, and the seal that makes them redeemable, all at once.

Digests wait for the seal: whoever has one can redeem with it, so the database gets them encrypted. Their cards are put
in before the seal, in the order of the verifiers and in lots that the redemptions of others pass between; in the order
of the upload each chunk would touch the whole table.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync.merkle import merkle_root, sorted_records
from sync.protocol import CHUNK_RECORDS, RECORD, SealRequest, UploadState, b64, from_ms, to_wire
from sync.server import batches, feed
from sync.server.access import Device, require
from sync.server.batches import Batch, batch_of
from sync.server.outcomes import answered, fingerprint_of, keep
from sync.server.problems import Refusal
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Row, Transaction

NONCE = 12
DRAWERS = 256
"""Cards are sorted into as many by the first byte of their verifiers; `batch.staged` counts those that are put in."""
LOT = 1 << 16
"""About so many cards are put in at once: a tenth of a second."""
AT_ONCE = 64
"""Blocks that are read together."""
NUMBER = 4
"""Bytes of a card's number behind its verifier in a drawer."""
Step = Callable[[Transaction], None]


class Uploads:
    """`secrets` makes verifiers and signs receipts."""

    def __init__(self, secrets: ServerSecrets) -> None:
        self._secrets = secrets

    def state(self, transaction: Transaction, device: Device, uid: str) -> UploadState:
        require(device, "look")
        batch = batch_of(transaction, device.merchant_id, uid)
        have = transaction.all("SELECT n FROM chunk WHERE batch_id = ? ORDER BY n", batch.id)
        return UploadState(batch.count, CHUNK_RECORDS, [int(row[0]) for row in have], batch.sealed_ms is not None)

    def put_chunk(self, transaction: Transaction, device: Device, uid: str, *, n: int, records: bytes) -> None:
        """Take one chunk; nothing of it can be redeemed. The same chunk again is harmless. Raises Refusal."""
        require(device, "upload")
        batch = batch_of(transaction, device.merchant_id, uid)
        digest = hashlib.sha256(records).digest()
        known = transaction.one("SELECT digest FROM chunk WHERE batch_id = ? AND n = ?", batch.id, n)
        if known is not None and bytes(known[0]) == digest:
            return
        if batch.sealed_ms is not None:
            raise Refusal("batch-sealed")
        expected = min(CHUNK_RECORDS, batch.count - n * CHUNK_RECORDS)
        if known is not None or n < 0 or expected <= 0 or len(records) != expected * RECORD:
            raise Refusal("invalid", pointers=["/chunk"])
        kept = packed(self._secrets.pepper, batch.id, n, records=records)
        transaction.run(
            "INSERT INTO chunk (batch_id, n, digest, records) VALUES (?, ?, ?, ?)", batch.id, n, digest, kept
        )
        verifier = self._secrets.verifier
        verifiers = [verifier(records[at : at + RECORD]) for at in range(0, len(records), RECORD)]
        batches.put_verifiers(transaction, batch.id, n * CHUNK_RECORDS, verifiers)

    def steps_to_seal(self, transaction: Transaction, device: Device, uid: str, asked: SealRequest) -> list[Step]:
        """What puts the cards in, each in a transaction of its own; none where the seal was answered before. A seal
        that was cut off goes on where it stopped. Raises Refusal when count and Merkle root do not agree."""
        if answered(transaction, device.merchant_id, asked.op_id, _print_of(uid, asked)) is not None:
            return []
        require(device, "upload")
        batch = batch_of(transaction, device.merchant_id, uid)
        if batch.sealed_ms is not None:
            raise Refusal("batch-sealed")
        if asked.count != batch.count:
            raise Refusal("batch-incomplete")
        if b64(merkle_root(sorted_records(self._chunks(transaction, batch)))) != asked.root:
            raise Refusal("root-mismatch")
        drawers = _drawers(transaction, batch)
        width = DRAWERS >> min(8, ((batch.count - 1) // LOT).bit_length())
        return [
            partial(_stage, batch=batch, first=first, drawers=drawers[first : first + width])
            for first in range(0, DRAWERS, width)
        ]

    def seal(
        self, transaction: Transaction, device: Device, uid: str, asked: SealRequest, *, at_ms: int
    ) -> dict[str, Any]:
        """Make the batch redeemable, once all its cards are in: a signed receipt. Raises Refusal."""
        print_ = _print_of(uid, asked)
        known = answered(transaction, device.merchant_id, asked.op_id, print_)
        if known is not None:
            return known
        require(device, "upload")
        batch = batch_of(transaction, device.merchant_id, uid)
        if batch.sealed_ms is not None:
            raise Refusal("batch-sealed")
        if batch.staged < DRAWERS:
            raise Refusal("batch-incomplete")
        transaction.run("UPDATE batch SET sealed_ms = ? WHERE id = ?", at_ms, batch.id)
        transaction.run("DELETE FROM chunk WHERE batch_id = ?", batch.id)
        at = to_wire(from_ms(at_ms))
        body = {"batch_id": uid, "live": asked.count, "root": asked.root}
        seq = feed.append(transaction, device.merchant_id, "sealed@1", op_id=asked.op_id, at=at, body=body)
        receipt = {"kind": "seal", "batch_id": uid, "count": asked.count, "root": asked.root, "at": at, "seq": seq}
        signature = self._secrets.signing.sign(msgspec.json.encode(receipt, order="deterministic"))
        signed = receipt | {"signature": b64(signature)}
        outcome = {"status": "applied", "seq": seq, "live": asked.count, "receipt": signed}
        keep(transaction, device.merchant_id, asked.op_id, fingerprint=print_, outcome=outcome, at_ms=at_ms)
        return outcome

    def _chunks(self, transaction: Transaction, batch: Batch) -> Iterator[bytes]:
        for n in range(-(-batch.count // CHUNK_RECORDS)):
            row = transaction.one("SELECT records FROM chunk WHERE batch_id = ? AND n = ?", batch.id, n)
            if row is None:
                raise Refusal("batch-incomplete")
            yield unpacked(self._secrets.pepper, batch.id, n, kept=bytes(row[0]))


def _print_of(uid: str, asked: SealRequest) -> bytes:
    return fingerprint_of("seal", uid, str(asked.count), asked.root)


def _drawers(transaction: Transaction, batch: Batch) -> list[bytearray]:
    """Verifier and number of every card, by the verifier's first byte: a list of a million would take 200 MB."""
    drawers = [bytearray() for _ in range(DRAWERS)]
    number = 0
    for first in range(0, -(-batch.count // batches.BLOCK), AT_ONCE):
        found = transaction.all(
            "SELECT verifiers FROM card_block WHERE batch_id = ? AND n >= ? AND n < ? ORDER BY n",
            *(batch.id, first, first + AT_ONCE),
        )
        for row in found:
            verifiers = bytes(row[0])
            for at in range(0, len(verifiers), batches.VERIFIER):
                verifier = verifiers[at : at + batches.VERIFIER]
                drawers[verifier[0]] += verifier + number.to_bytes(NUMBER, "big")
                number += 1
    return drawers


def _stage(transaction: Transaction, batch: Batch, first: int, drawers: list[bytearray]) -> None:
    """Put in the cards of the drawers from `first` on; those that are in, by a seal that was cut off, are left out."""
    row = transaction.one("UPDATE batch SET staged = staged WHERE id = ? RETURNING staged", batch.id)  # nobody else now
    assert row is not None, "batches stay"
    missing = drawers[max(0, int(row[0]) - first) :]
    if missing:
        transaction.insert(
            "INSERT INTO card (verifier, batch_id, no, state, frozen, balance_minor, uses_left, entries)",
            "(?, ?, ?, 'active', 0, ?, ?, 0)",
            _cards(batch, missing),
        )
        transaction.run("UPDATE batch SET staged = ? WHERE id = ?", first + len(drawers), batch.id)


def _cards(batch: Batch, drawers: list[bytearray]) -> Iterator[Row]:
    """In the order of the verifiers."""
    long, size = batches.VERIFIER, batches.VERIFIER + NUMBER
    for drawer in drawers:
        raw = bytes(drawer)
        for record in sorted(raw[at : at + size] for at in range(0, len(raw), size)):
            yield record[:long], batch.id, int.from_bytes(record[long:], "big"), batch.face_minor, batch.uses


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
