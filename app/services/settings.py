"""Typed settings of the vault: declared once here, stored as one JSON value per key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from app.models.database import Database
from app.models.setting import Setting
from app.services.audit import AuditLog
from app.services.texts import one_line
from app.topics import Topic

DEFAULTS: dict[str, Any] = {
    "merchant.id": "",
    "merchant.name": "",
    "merchant.phone": "",
    "merchant.purpose": "sell",
    "merchant.slug": "",
    "people.mappings": {},
    "lists.views": {},
    "look.language": "zh_CN",
    "look.row_height": "comfortable",
    "lock.idle_minutes": 10,
    "backup.folder": "",
    "backup.on_exit": True,
    "backup.every_hours": 24,
    "backup.last": None,
    "cloud.mode": "embedded",
    "cloud.lan_address": "",
    "cloud.url": "",
    "cloud.port": 0,
    "cloud.device": {},
    "cloud.devices": {},
    "cloud.devices_due": "",
    "cloud.cursor": "",
    "cloud.events_known": "",
    "cloud.feed_hash": "",
    "cloud.public_key": "",
    "cloud.checkpoint": {},
    "cloud.catching_up": "",
    "cloud.told_as": "",
    "cloud.leaving": {},
    "cloud.closed": [],
    "cloud.recovery": {},
    "cloud.last_sync": None,
    "cloud.last_problem": "",
    "cloud.differences": [],
    "cloud.compared": {},
    "cloud.role": "",
    "cloud.agreed": [],
    "cloud.twin_since": None,
    "counter.place": "",
    "counter.offline_uses": 20,
    "counter.offline_minor": 200_000,
    "counter.pin": {},
    "mail.server": {},
    "mail.trial_to": "",
    "files.unfinished": [],
    "recovery.confirmed": False,
    "vault.incarnation": "",
}
"""Every setting there is, with its value when nothing was stored."""

SECRET = frozenset({"mail.server", "mail.trial_to", "cloud.device", "counter.pin", "lists.views"})
"""Their values never go into the audit log."""

TABLE = Setting.__table__
STORED = select(TABLE.c.value).where(TABLE.c.key == bindparam("key"))
SEVERAL = select(TABLE.c.key, TABLE.c.value).where(TABLE.c.key.in_(bindparam("keys", expanding=True)))
PUT = insert(Setting)
PUT = PUT.on_conflict_do_update(index_elements=["key"], set_={"value": PUT.excluded.value})
"""Built once, and of columns instead of objects: they are asked dozens of times in each sync."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who owns the vault. `id` takes part in every code's digest and never changes."""

    id: str
    name: str
    phone: str
    purpose: str


def stored(session: Session, key: str) -> Any:
    """A setting inside a running transaction: for services that hold one."""
    value = session.scalar(STORED, {"key": key})
    return DEFAULTS.get(key) if value is None else value


def stored_all(session: Session, *keys: str) -> list[Any]:
    """Several, in the order they were named."""
    found = {row.key: row.value for row in session.execute(SEVERAL, {"keys": keys})}
    return [DEFAULTS.get(key) if found.get(key) is None else found[key] for key in keys]


def store(session: Session, key: str, value: Any) -> None:
    """Put a setting inside a running transaction."""
    session.connection().execute(PUT, {"key": key, "value": value})


class SettingService:
    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def get(self, key: str) -> Any:
        """The stored value, else the declared default; an undeclared key is a bug."""
        if key not in DEFAULTS:
            raise KeyError(key)
        with self._database.read() as session:
            return stored(session, key)

    def put(self, key: str, value: Any) -> None:
        """Store and record the change (the value itself only where it is no secret). Raises InvalidInput."""
        self.put_all({key: value})

    def put_all(self, values: Mapping[str, Any]) -> None:
        """Several settings at once: all of them, or none."""
        if unknown := values.keys() - DEFAULTS:
            raise KeyError(*unknown)
        if "merchant.name" in values:
            values = {**values, "merchant.name": one_line("merchant", values["merchant.name"])}
        if "merchant.phone" in values:
            phone = str(values["merchant.phone"]).strip()  # none is needed
            values = {**values, "merchant.phone": one_line("service_phone", phone) if phone else ""}
        with self._database.write(Topic.SETTINGS, Topic.AUDIT) as session:
            for key, value in values.items():
                self._put(session, key, value)

    def _put(self, session: Session, key: str, value: Any) -> None:
        before = stored(session, key)
        if before != value:
            store(session, key, value)
            shown = {} if key in SECRET else {"before": before, "after": value}
            self._audit.record(session, "setting.changed", subject=key, **shown)

    def merchant(self) -> Merchant:
        with self._database.read() as session:
            values = stored_all(session, *(f"merchant.{part}" for part in ("id", "name", "phone", "purpose")))
        return Merchant(*map(str, values))
