"""The key-slot file: the master key, wrapped once per way to open the vault, authenticated as a whole.

Each slot wraps the same 32-byte master key with AES-256-GCM under a key of its own: Argon2id of the passphrase,
HKDF of the recovery key, or a random key that the system's keychain holds. Every parameter of a slot is bound as
associated data, and the cost parameters are capped on reading, so a forged file can neither weaken the derivation
nor make it eat the memory.
"""

import base64
import hmac
import json
import os
import threading
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from app.errors import KeySlotsDamaged
from app.services.vault.keys import VaultKeys, derive

VERSION = 1
MEMORY_KIB = 64 * 1024
MEMORY_LIMIT_KIB = 1024 * 1024
ITERATIONS = 3
ITERATIONS_LIMIT = 20
LANES = 4
_ONE = threading.Lock()


@dataclass(frozen=True, slots=True)
class Slot:
    """One way to open: `kind` is passphrase, recovery or keychain; `cost` is empty but for the passphrase."""

    kind: str
    salt: bytes
    cost: tuple[int, int, int] | None
    nonce: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class KeySlots:
    """The whole file, as read. `version` is raised when the file's form changes."""

    vault_id: UUID
    slots: tuple[Slot, ...]
    mac: bytes = b""

    def slot(self, kind: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.kind == kind), None)

    def with_slot(self, slot: Slot) -> "KeySlots":
        return replace(self, slots=(*(other for other in self.slots if other.kind != slot.kind), slot))

    def without(self, kind: str) -> "KeySlots":
        return replace(self, slots=tuple(slot for slot in self.slots if slot.kind != kind))


def make_slot(keys: VaultKeys, kind: str, secret: str, *, memory_kib: int = MEMORY_KIB) -> Slot:
    """Wrap the master key for `secret`: a passphrase, a canonical recovery key, or a keychain's random text."""
    salt, nonce = os.urandom(16), os.urandom(12)
    cost = (memory_kib, ITERATIONS, LANES) if kind == "passphrase" else None
    slot = Slot(kind, salt, cost, nonce, b"")
    wrapped = AESGCM(_slot_key(slot, secret)).encrypt(nonce, keys.master, _bound(keys.vault_id, slot))
    return replace(slot, wrapped=wrapped)


def open_slot(slots: KeySlots, kind: str, secret: str) -> VaultKeys | None:
    """The keys, or None when `secret` does not open the slot. Raises KeySlotsDamaged if the rest was altered."""
    slot = slots.slot(kind)
    if slot is None:
        return None
    try:
        master = AESGCM(_slot_key(slot, secret)).decrypt(slot.nonce, slot.wrapped, _bound(slots.vault_id, slot))
    except InvalidTag:
        return None
    keys = VaultKeys(slots.vault_id, master)
    if not hmac.compare_digest(slots.mac, _mac(slots, keys)):
        raise KeySlotsDamaged("")
    return keys


def read_slots(path: Path) -> KeySlots:
    """Raises KeySlotsDamaged for anything that is not a well-formed key-slot file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise KeySlotsDamaged(str(path))
        slots = tuple(_read_slot(slot) for slot in document["slots"])
        return KeySlots(UUID(document["vault_id"]), slots, base64.b64decode(document["mac"], validate=True))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeySlotsDamaged(str(path)) from error


def slots_document(slots: KeySlots, keys: VaultKeys) -> str:
    """The file's text, authenticated with the vault's header key."""
    body = _body(slots)
    return json.dumps({**body, "mac": base64.b64encode(_mac(slots, keys)).decode()}, indent=1) + "\n"


def _read_slot(document: dict[str, Any]) -> Slot:
    cost = document["cost"]
    if cost is not None:
        memory_kib, iterations, lanes = (int(part) for part in cost)
        if not (
            8 * lanes <= memory_kib <= MEMORY_LIMIT_KIB and 1 <= iterations <= ITERATIONS_LIMIT and 1 <= lanes <= 16
        ):
            raise ValueError("cost out of bounds")
        cost = (memory_kib, iterations, lanes)
    salt, nonce, wrapped = (base64.b64decode(document[part], validate=True) for part in ("salt", "nonce", "wrapped"))
    if len(salt) != 16 or len(nonce) != 12 or len(wrapped) != 48:
        raise ValueError("slot of a wrong size")
    return Slot(str(document["kind"]), salt, cost, nonce, wrapped)


def _body(slots: KeySlots) -> dict[str, Any]:
    return {
        "format": "kaxia-key-slots",
        "version": VERSION,
        "vault_id": str(slots.vault_id),
        "slots": [
            {
                "kind": slot.kind,
                "cost": slot.cost,
                "salt": base64.b64encode(slot.salt).decode(),
                "nonce": base64.b64encode(slot.nonce).decode(),
                "wrapped": base64.b64encode(slot.wrapped).decode(),
            }
            for slot in slots.slots
        ],
    }


def _mac(slots: KeySlots, keys: VaultKeys) -> bytes:
    return hmac.digest(keys.header, json.dumps(_body(slots), sort_keys=True).encode(), "sha256")


def _bound(vault_id: UUID, slot: Slot) -> bytes:
    return f"kx.slot.v{VERSION}|{vault_id}|{slot.kind}|{slot.cost}|{slot.salt.hex()}".encode()


def _slot_key(slot: Slot, secret: str) -> bytes:
    typed = unicodedata.normalize("NFKC", secret).encode()
    if slot.cost is None:
        return derive(typed, f"kx/slot/{slot.kind}", salt=slot.salt)
    memory_kib, iterations, lanes = slot.cost
    return stretched(typed, salt=slot.salt, memory_kib=memory_kib, iterations=iterations, lanes=lanes)


def stretched(
    secret: bytes, *, salt: bytes, memory_kib: int = MEMORY_KIB, iterations: int = ITERATIONS, lanes: int = LANES
) -> bytes:
    """Argon2id, 32 bytes. One at a time: two in one process wait for each other's lanes for ever."""
    with _ONE:
        kdf = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
        return kdf.derive(secret)
