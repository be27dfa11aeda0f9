"""Opaque pieces that desktops leave for their own later selves: sealed codes, for a restore from an older backup."""

from sync.server.access import Device, require
from sync.server.problems import Refusal
from sync.server.transaction import Transaction


def put(transaction: Transaction, device: Device, blob_id: str, *, content: bytes, at_ms: int) -> None:
    """The first stays for ever: nobody, also no device that was taken over, can put something else in its place."""
    require(device, "upload")
    if not content:
        raise Refusal("invalid", pointers=["/content"])
    transaction.run(
        "INSERT INTO blob (merchant_id, id, content, stored_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        *(device.merchant_id, blob_id, content, at_ms),
    )


def get(transaction: Transaction, device: Device, blob_id: str) -> bytes:
    """Raises Refusal not-found, also for another merchant's."""
    require(device, "blob.get")
    row = transaction.one("SELECT content FROM blob WHERE merchant_id = ? AND id = ?", device.merchant_id, blob_id)
    if row is None:
        raise Refusal("not-found")
    return bytes(row[0])
