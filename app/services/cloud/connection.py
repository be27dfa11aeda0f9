"""The pairing of this vault with an endpoint: address, device key, place in the feed."""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.cloud import queue
from app.services.settings import store, stored, stored_all
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


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An endpoint that knows this device, before this vault has taken it for its own."""

    url: str
    answer: EnrollAnswer
    identity: Identity
    wrapped_key: str

    def continues(self, epoch: str, seq: int) -> bool:
        """Whether its feed goes on from that place. The enrolment is an event of its own: with no more than `seq` in it
        the endpoint's database was put back from a backup, and what it lost has to be told anew."""
        feed = self.answer.hello.feed
        return feed.epoch == epoch and feed.head > seq

    def client(self) -> SyncClient:
        return SyncClient(self.url, self.identity)


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
        return None if pairing is None else SyncClient(pairing.url, self._identity(pairing))

    def identity(self) -> Identity | None:
        """Who this device is, with the key it signs with; None before the first pairing."""
        pairing = self.pairing()
        return None if pairing is None else self._identity(pairing)

    def enroll(self, url: str, code: str, *, device_name: str, merchant_id: str | None) -> Enrolled:
        """Become known to an endpoint, by a key made here; nothing is kept yet. `merchant_id`: whose code it has to be.

        Raises Unreachable, Refused.
        """
        with self._database.read() as session:
            incarnation = str(stored(session, "vault.incarnation")) or new_incarnation()
        key = Ed25519PrivateKey.generate()
        client = SyncClient(url)
        try:
            answer = client.enroll(
                code, device_name=device_name, key=key, incarnation=incarnation, merchant_id=merchant_id
            )
        finally:
            client.close()
        nonce = os.urandom(NONCE)
        wrapped = nonce + self._wrapping.encrypt(nonce, key.private_bytes_raw(), self._bound)
        return Enrolled(client.base_url, answer, Identity(answer.device_id, incarnation, key), b64(wrapped))

    def keep(self, session: Session, enrolled: Enrolled, *, mode: str, anew: bool) -> None:
        """Work with that endpoint from now on, and hear its feed `anew` or go on where it was left."""
        who, answer = enrolled.identity, enrolled.answer
        device = {"id": who.device_id, "incarnation": who.incarnation, "key": enrolled.wrapped_key}
        values = {
            "cloud.mode": mode,
            "cloud.url": enrolled.url,
            "cloud.device": device,
            "cloud.public_key": answer.hello.public_key,
            "cloud.recovery": {},
            "cloud.role": answer.hello.device.role,
            "merchant.slug": answer.hello.merchant.slug,
        }
        if anew:
            values |= {"cloud.cursor": "", "cloud.feed_hash": "", "cloud.differences": []}
            values |= {"cloud.checkpoint": {}, "cloud.catching_up": "", "cloud.compared": {}, "cloud.told_as": ""}
            values |= {"cloud.closed": []}
        for name, value in values.items():
            store(session, name, value)
        queue.ask_again(session)
        self._audit.record(session, "endpoint.paired", subject=enrolled.url, mode=mode, device=who.device_id)

    def move_address(self, url: str) -> None:
        """The embedded endpoint answers somewhere else now; everything else stays."""
        with self._database.write(Topic.CLOUD, Topic.SETTINGS) as session:
            store(session, "cloud.url", url)

    def begin_new_life(self, spoken: str) -> None:
        """Go on under another incarnation: a later life than `spoken` was heard there, so this vault has a twin.

        Everything that waits goes on waiting: ops are recognised by their ids.
        """
        with self._database.write(Topic.CLOUD, Topic.SETTINGS, Topic.AUDIT) as session:
            pairing = pairing_of(session)
            if pairing is None or pairing.incarnation != spoken:
                return  # begun already, by another request that was refused
            store(session, "vault.incarnation", new_incarnation())
            if not stored(session, "cloud.twin_since"):
                store(session, "cloud.twin_since", now().isoformat())
                self._audit.record(session, "vault.lives-twice", subject=pairing.url)

    def settle_twin(self) -> None:
        """Somebody has seen to it that only this vault lives; should the other one speak again, that is told anew."""
        with self._database.write(Topic.CLOUD, Topic.AUDIT) as session:
            if stored(session, "cloud.twin_since"):
                store(session, "cloud.twin_since", None)
                self._audit.record(session, "vault.lives-once")

    def _identity(self, pairing: Pairing) -> Identity:
        key = Ed25519PrivateKey.from_private_bytes(self._unwrapped(pairing.wrapped_key))
        return Identity(pairing.device_id, pairing.incarnation, key)

    def _unwrapped(self, wrapped: str) -> bytes:
        raw = unb64(wrapped)
        try:
            return self._wrapping.decrypt(raw[:NONCE], raw[NONCE:], self._bound)
        except InvalidTag as error:
            raise ValueError("the device key belongs to another vault") from error


def pairing_of(session: Session) -> Pairing | None:
    device, url, life, mode = stored_all(session, "cloud.device", "cloud.url", "vault.incarnation", "cloud.mode")
    if not device or not url:
        return None
    incarnation = str(life or device["incarnation"])  # a restored vault is a new life
    return Pairing(str(mode), str(url), device["id"], incarnation, device["key"])
