"""The devices of this merchant as the endpoint told them last, kept so that a slip of each can be checked without a
line."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.models.database import Database
from app.services.settings import store, stored
from app.topics import Topic
from sync.client import Refused, SyncClient
from sync.devices import DeviceCard
from sync.protocol import Event, unb64

KEPT, DUE = "cloud.devices", "cloud.devices_due"
ABOUT = frozenset({"device.enrolled@1", "device.revoked@1", "device.role-changed@1", "device.renamed@1"})


@dataclass(frozen=True, slots=True)
class KnownDevice:
    id: str
    name: str
    public_key: bytes
    state: str
    """active or revoked."""


def note(session: Session, events: Iterable[Event], epoch: str) -> None:
    """The feed told of devices: the list is asked for with the next sync."""
    places = [f"{epoch}.{event.seq}" for event in events if event.type in ABOUT]
    if places:
        store(session, DUE, places[-1])


def hear(database: Database, client: SyncClient) -> None:
    """Ask for the list where the feed told of changes since. An endpoint that does not tell keys is asked again."""
    with database.read() as session:
        due, heard = str(stored(session, DUE)), dict(stored(session, KEPT))
    if heard.get("heard") == due:
        return
    with suppress(Refused):  # nothing else waits for it
        cards = client.devices().devices
        if not all(card.public_key for card in cards):
            return
        with database.write(Topic.CLOUD) as session:
            keep(session, cards)
            store(session, KEPT, dict(stored(session, KEPT)) | {"heard": due})


def keep(session: Session, cards: Iterable[DeviceCard]) -> None:
    """A device has one key for ever: the one that was heard first stays, whatever is told later. Those of an endpoint
    that was left stay, too: their slips are in people's hands."""
    kept = dict(stored(session, KEPT))
    known = dict(kept.get("cards") or {})
    for card in cards:
        key = known.get(card.id, {}).get("key") or card.public_key
        if key:
            known[card.id] = {"name": card.name, "key": key, "state": card.state}
    if known != kept.get("cards"):
        store(session, KEPT, kept | {"cards": known})


def known_device(session: Session, device_id: str) -> KnownDevice | None:
    card = (dict(stored(session, KEPT)).get("cards") or {}).get(device_id)
    return KnownDevice(device_id, card["name"], unb64(card["key"]), card["state"]) if card else None


def hear_now(database: Database, client: SyncClient) -> None:
    """Somebody showed a slip of a device that is not known here."""
    cards = client.devices().devices
    with database.write(Topic.CLOUD) as session:
        keep(session, cards)
