"""The audit log: every act that matters, in a chain that shows any later change.

`hash` of an entry covers its fields and the hash before it. `mac` is made with a key that ratchets forward after each
entry, so that who steals today's key cannot rewrite yesterday. A signature over the head is made every 500 entries
or 24 hours.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.models.audit import AuditCheckpoint, AuditEntry
from app.models.base import now
from app.models.database import Database
from app.models.setting import Setting
from app.services.progress import Progress, unwatched
from app.services.vault.keys import VaultKeys
from app.topics import Topic

VERSION = b"kx.audit.v1"
CHECKPOINT_ENTRIES = 500
CHECKPOINT_AGE = timedelta(hours=24)
RATCHET = "audit.ratchet"
FIRST_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry as shown: `action` is a key of the closed list acts.ACTIONS."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, object]


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """`findings` name the first entry where the chain, a MAC, a checkpoint or the end of the log does not hold."""

    ok: bool
    entries: int
    checkpoints: int
    findings: tuple[str, ...]


class AuditLog:
    """Other services call `record` inside their own write transaction, so act and entry stand or fall together."""

    def __init__(self, database: Database, keys: VaultKeys, *, actor: str = "owner") -> None:
        self._database = database
        self._keys = keys
        self._actor = actor

    def record(self, session: Session, action: str, *, subject: str = "", **details: object) -> None:
        """Append an entry. Personal data goes in as digests only (`digest_of`), never as text."""
        at = now()
        last = session.execute(
            select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
        ).one_or_none()
        entry_id, before = (last.id + 1, last.hash) if last else (1, FIRST_HASH)
        key = self._ratchet(session)
        digest = _entry_hash(entry_id, at, self._actor, action, subject, details, before)
        session.execute(
            insert(AuditEntry).values(
                id=entry_id,
                at=at,
                actor=self._actor,
                action=action,
                subject=subject,
                details=details,
                hash=digest,
                mac=hmac.digest(key, digest, "sha256"),
            )
        )
        session.execute(update(Setting).where(Setting.key == RATCHET).values(value=_next_key(key).hex()))
        self._checkpoint(session, entry_id, at, digest)

    def note(self, action: str, *, subject: str = "", **details: object) -> None:
        """An entry that stands alone (login, lock, settings)."""
        with self._database.write(Topic.AUDIT) as session:
            self.record(session, action, subject=subject, **details)

    def digest_of(self, text: str) -> str:
        """A keyed digest that lets two entries about one person be matched without naming the person."""
        return hmac.digest(self._keys.audit, b"person\0" + text.encode(), "sha256")[:8].hex()

    def rows(self, *, before_id: int | None = None, action: str | None = None, limit: int = 200) -> list[AuditRow]:
        """Newest first, one page."""
        wanted = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
        if before_id is not None:
            wanted = wanted.where(AuditEntry.id < before_id)
        if action is not None:
            wanted = wanted.where(AuditEntry.action == action)
        with self._database.read() as session:
            return [_row(entry) for entry in session.scalars(wanted)]

    def ids(
        self,
        *,
        action: str | None = None,
        actor: str | None = None,
        subject: str = "",
        begin: datetime | None = None,
        end: datetime | None = None,
        descending: bool = True,
    ) -> list[int]:
        """Ids of all entries, newest first or last: what a table of entries holds.

        `subject`: one thing by its noun and number (`person:3`), all of a noun (`person:`), or a part of a name.
        """
        wanted = select(AuditEntry.id).order_by(AuditEntry.id.desc() if descending else AuditEntry.id)
        if action is not None:
            wanted = wanted.where(AuditEntry.action == action)
        if actor is not None:
            wanted = wanted.where(AuditEntry.actor == actor)
        if subject:
            one = ":" in subject and not subject.endswith(":")
            named = AuditEntry.subject.icontains(subject, autoescape=True)
            wanted = wanted.where(AuditEntry.subject == subject if one else named)
        if begin is not None:
            wanted = wanted.where(AuditEntry.at >= begin)
        if end is not None:
            wanted = wanted.where(AuditEntry.at < end)
        with self._database.read() as session:
            return list(session.scalars(wanted))

    def actors(self) -> list[str]:
        """Everybody who did something."""
        with self._database.read() as session:
            return list(session.scalars(select(AuditEntry.actor).distinct().order_by(AuditEntry.actor)))

    def rows_of(self, ids: list[int]) -> list[AuditRow]:
        with self._database.read() as session:
            found = {e.id: _row(e) for e in session.scalars(select(AuditEntry).where(AuditEntry.id.in_(ids)))}
        return [found[entry_id] for entry_id in ids if entry_id in found]

    def verify(self, progress: Progress = unwatched) -> AuditVerdict:
        """Walk the whole chain: hashes, MACs from the first key on, signatures, and that the end was not cut off."""
        findings: list[str] = []
        public = self._keys.signing.public_key()
        with self._database.read() as session:
            total = session.query(AuditEntry).count()
            signed = {c.entry_id: c for c in session.scalars(select(AuditCheckpoint))}
            before, key, expected = FIRST_HASH, self._keys.audit, 1
            for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=500)):
                wrong = _fault(entry, expected, before, key)
                checkpoint = signed.pop(entry.id, None)
                if checkpoint is not None and not _signed(public, checkpoint, entry.hash):
                    wrong = wrong or "checkpoint"
                if wrong:
                    findings.append(f"{wrong}: {entry.id}")
                    break
                before, key, expected = entry.hash, _next_key(key), entry.id + 1
                progress(entry.id, total)
            if not findings and signed:
                findings.append(f"missing: {min(signed)}")
            if not findings and total and self._ratchet(session) != key:
                findings.append(f"truncated: {expected}")
            checkpoints = session.query(AuditCheckpoint).count()
        return AuditVerdict(not findings, total, checkpoints, tuple(findings))

    def _ratchet(self, session: Session) -> bytes:
        stored = session.scalar(select(Setting.value).where(Setting.key == RATCHET))
        if stored is None:
            session.execute(insert(Setting).values(key=RATCHET, value=self._keys.audit.hex()))
            return self._keys.audit
        return bytes.fromhex(stored)

    def _checkpoint(self, session: Session, entry_id: int, at: datetime, digest: bytes) -> None:
        last = session.execute(
            select(AuditCheckpoint.entry_id, AuditCheckpoint.at).order_by(AuditCheckpoint.entry_id.desc()).limit(1)
        ).one_or_none()
        due = last is None or entry_id - last.entry_id >= CHECKPOINT_ENTRIES or at - last.at >= CHECKPOINT_AGE
        if due:
            signature = self._keys.signing.sign(_signed_text(entry_id, digest))
            session.execute(insert(AuditCheckpoint).values(entry_id=entry_id, at=at, hash=digest, signature=signature))


def _row(entry: AuditEntry) -> AuditRow:
    return AuditRow(entry.id, entry.at, entry.actor, entry.action, entry.subject, entry.details)


def _entry_hash(
    entry_id: int, at: datetime, actor: str, action: str, subject: str, details: dict[str, Any], before: bytes
) -> bytes:
    told = json.dumps(details, sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.sha256(VERSION)
    for field in (str(entry_id), at.isoformat(timespec="milliseconds"), actor, action, subject, told):
        text = field.encode()
        digest.update(len(text).to_bytes(4, "big") + text)
    digest.update(before)
    return digest.digest()


def _fault(entry: AuditEntry, expected: int, before: bytes, key: bytes) -> str | None:
    """What does not hold about one entry, or None."""
    if entry.id != expected:
        return "gap"
    told = _entry_hash(entry.id, entry.at, entry.actor, entry.action, entry.subject, entry.details, before)
    if told != entry.hash:
        return "changed"
    return None if hmac.compare_digest(hmac.digest(key, entry.hash, "sha256"), entry.mac) else "mac"


def _next_key(key: bytes) -> bytes:
    return hashlib.sha256(b"kx.audit.ratchet\0" + key).digest()


def _signed_text(entry_id: int, digest: bytes) -> bytes:
    return b"kx.audit.checkpoint.v1\0" + entry_id.to_bytes(8, "big") + digest


def _signed(public: Any, checkpoint: AuditCheckpoint, digest: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(checkpoint.signature, _signed_text(checkpoint.entry_id, checkpoint.hash))
    except InvalidSignature:
        return False
    return checkpoint.hash == digest
