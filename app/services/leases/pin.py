"""The manager's PIN: with it a counter goes beyond what may wait for upload, and the limits can be raised.

It is kept as Argon2id inside the encrypted vault. A few wrong ones, and nobody is heard for a while, whatever restarts
in between.
"""

import hmac
import math
import os
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.errors import InvalidInput, PinLocked, PinWrong
from app.models.base import now
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.settings import store, stored
from app.services.vault.slots import stretched
from app.topics import Topic

KEPT = "counter.pin"
FEWEST, MOST = 4, 12
"""Digits."""
TRIES = 5
PAUSE = timedelta(minutes=10)
"""Behind so many wrong ones."""
TOPICS = (Topic.SETTINGS, Topic.LEASES, Topic.AUDIT)


def is_set(session: Session) -> bool:
    return bool(stored(session, KEPT))


class ManagerPin:
    """`check_passphrase` raises WrongPassphrase."""

    def __init__(self, database: Database, audit: AuditLog, *, check_passphrase: Callable[[str], None]) -> None:
        self._database = database
        self._audit = audit
        self._check_passphrase = check_passphrase

    @property
    def is_set(self) -> bool:
        with self._database.read() as session:
            return is_set(session)

    def put(self, pin: str, *, passphrase: str) -> None:
        """A new one, or none any more where it is empty. Raises WrongPassphrase, InvalidInput."""
        if pin and (not pin.isdecimal() or not pin.isascii() or not FEWEST <= len(pin) <= MOST or len(set(pin)) == 1):
            raise InvalidInput("pin", "four-to-twelve-digits")
        self._check_passphrase(passphrase)
        salt = os.urandom(16)
        kept = {"salt": salt.hex(), "digest": _digest(pin, salt).hex(), "wrong": 0, "until": ""} if pin else {}
        with self._database.write(*TOPICS) as session:
            store(session, KEPT, kept)
            self._audit.record(session, "pin.set" if pin else "pin.removed")

    def prove(self, pin: str) -> None:
        """Raises PinWrong, PinLocked."""
        with self._database.read() as session:
            kept = stored(session, KEPT)
        if not kept:
            raise PinWrong(0)
        right = hmac.compare_digest(_digest(pin, bytes.fromhex(kept["salt"])), bytes.fromhex(kept["digest"]))
        with self._database.write(*TOPICS) as session:
            waits, left = self._count(session, right=right)
        if waits:
            raise PinLocked(math.ceil(waits.total_seconds() / 60))
        if not right:
            raise PinWrong(left)

    def _count(self, session: Session, *, right: bool) -> tuple[timedelta, int]:
        """How long nobody is heard, and the tries that are left. Tries that came together wait for each other here."""
        kept = dict(stored(session, KEPT))
        waits = datetime.fromisoformat(kept["until"]) - now() if kept["until"] else timedelta()
        if timedelta() < waits <= PAUSE:
            return waits, 0
        wrong = 0 if right else int(kept["wrong"]) + 1
        locks = wrong == TRIES or waits > PAUSE  # the clock was set back: the wait begins anew
        if not right:
            self._audit.record(session, "pin.wrong")
        elif not kept["wrong"] and not kept["until"]:
            return timedelta(), TRIES
        kept |= {"wrong": wrong % TRIES, "until": (now() + PAUSE).isoformat() if locks else ""}
        store(session, KEPT, kept)
        return PAUSE if locks else timedelta(), TRIES - wrong


def _digest(pin: str, salt: bytes) -> bytes:
    return stretched(pin.encode(), salt=salt)
