"""The pairing of this vault with an endpoint: address, device key, place in the feed."""

import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from app.models.database import Database
from app.services.audit import AuditLog
from app.services.settings import store, stored
from app.services.vault.keys import VaultKeys
from app.topics import Topic
from sync.client import Identity, SyncClient, new_incarnation
from sync.protocol import EnrollAnswer, b64, unb64

NONCE = 12


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a paired vault knows about its endpoint."""

    mode: str
    url: str
    device_id: str
    incarnation: str
    wrapped_key: str


class Connection:
    """Makes clients that sign as this device."""

    def __init__(self, database: Database, audit: AuditLog, keys: VaultKeys) -> None:
        self._database = database
        self._audit = audit
        self._wrapping = AESGCM(keys.wrapping)
        self._bound = b"kx.device.v1|" + str(keys.vault_id).encode()

    def pairing(self) -> Pairing | None:
        with self._database.read() as session:
            return pairing_of(session)

    def client(self) -> SyncClient | None:
        """A client for the paired endpoint; None before the first pairing."""
        pairing = self.pairing()
        if pairing is None:
            return None
        key = Ed25519PrivateKey.from_private_bytes(self._unwrapped(pairing.wrapped_key))
        return SyncClient(pairing.url, Identity(pairing.device_id, pairing.incarnation, key))

    def enroll(self, url: str, code: str, *, device_name: str, mode: str) -> EnrollAnswer:
        """Pair with an endpoint: a key of its own, made here and kept here. Raises Unreachable, Refused."""
        key, incarnation = Ed25519PrivateKey.generate(), new_incarnation()
        client = SyncClient(url)
        try:
            answer = client.enroll(code, device_name=device_name, key=key, incarnation=incarnation)
        finally:
            client.close()
        nonce = os.urandom(NONCE)
        wrapped = nonce + self._wrapping.encrypt(nonce, key.private_bytes_raw(), self._bound)
        device = {"id": answer.device_id, "incarnation": incarnation, "key": b64(wrapped)}
        with self._database.write(Topic.CLOUD, Topic.SETTINGS, Topic.AUDIT) as session:
            for name, value in (
                ("cloud.mode", mode),
                ("cloud.url", client.base_url),
                ("cloud.device", device),
                ("cloud.cursor", ""),
                ("cloud.feed_hash", ""),
                ("cloud.differences", []),
                ("merchant.slug", answer.hello.merchant.slug),
            ):
                store(session, name, value)
            self._audit.record(session, "endpoint.paired", subject=client.base_url, mode=mode, device=answer.device_id)
        return answer

    def move_address(self, url: str) -> None:
        """The embedded endpoint answers somewhere else now; everything else stays."""
        with self._database.write(Topic.CLOUD, Topic.SETTINGS) as session:
            store(session, "cloud.url", url)

    def _unwrapped(self, wrapped: str) -> bytes:
        raw = unb64(wrapped)
        try:
            return self._wrapping.decrypt(raw[:NONCE], raw[NONCE:], self._bound)
        except InvalidTag as error:
            raise ValueError("the device key belongs to another vault") from error


def pairing_of(session: Session) -> Pairing | None:
    device: dict[str, Any] = stored(session, "cloud.device") or {}
    url = str(stored(session, "cloud.url") or "")
    if not device or not url:
        return None
    incarnation = str(stored(session, "vault.incarnation") or device["incarnation"])  # a restored vault is a new life
    return Pairing(str(stored(session, "cloud.mode")), url, device["id"], incarnation, device["key"])
