"""Backups of the vault: make, verify, rotate, restore.

A backup is one archive: the encrypted database (copied through SQLite, never as a file), the key slots and a manifest
with hashes. It is proved by opening it once before it takes its name. The archive itself holds nothing plain: the
database stays under the vault's file key.
"""

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from sqlalchemy import func, select

from app.config import Config
from app.errors import (
    BackupDamaged,
    BackupOfOtherVault,
    DiskFull,
    FileUnreadable,
    NotFound,
    NotWritable,
    VaultExists,
    WrongPassphrase,
)
from app.models import migrations
from app.models.audit import AuditEntry
from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.redemption import Redemption
from app.services.audit import AuditLog
from app.services.batches.generation import drop_half_made
from app.services.settings import SettingService, store
from app.services.unfinished import Unfinished
from app.services.vault.keys import VaultKeys
from app.services.vault.recovery import read_recovery_key
from app.services.vault.slots import open_slot, read_slots
from app.services.vault.vaults import SCRATCH, alone_in, file_refusals, replace_file, take_name
from app.services.writers import making
from app.topics import Topic
from sync import points

SUFFIX = ".kaxia-backup"
KEEP = (7, 4, 12)
"""Daily, weekly and monthly backups kept by rotation."""
LARGEST_ARCHIVE = 64 * 1024**3
LARGEST_MANIFEST = 1 << 20
WHOLE = "ZIP"
"""What does not hold when the archive cannot be read at all."""
BROKEN = (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What reading an archive raises that is not one of ours, or was."""


@dataclass(frozen=True, slots=True)
class BackupRow:
    """One archive in the backup folder."""

    path: Path
    made_at: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class BackupVerdict:
    """What a trial restore found. `findings` is empty for a good backup."""

    ok: bool
    made_at: datetime
    batches: int
    redemptions: int
    audit_entries: int
    findings: tuple[str, ...]


class BackupService:
    """Backups of the open vault."""

    def __init__(
        self, config: Config, database: Database, keys: VaultKeys, *, audit: AuditLog, settings: SettingService
    ) -> None:
        self._config = config
        self._database = database
        self._keys = keys
        self._audit = audit
        self._settings = settings
        self._unfinished = Unfinished(database)

    @property
    def folder(self) -> Path:
        chosen = self._settings.get("backup.folder")
        return Path(chosen) if chosen else self._config.backups

    def create(self, folder: Path | None = None) -> BackupRow:
        """A proved backup. Raises NotWritable, DiskFull, BackupDamaged; the vault itself is only read."""
        folder = folder or self.folder
        made_at = now()
        with file_refusals(folder):
            target = _free_name(folder, made_at)
        with file_refusals(folder), self._scratch(target) as scratch:
            archive = self._archive(Path(scratch), made_at)
            points.passed("desk.backup.archived")
            verdict = self.verify(archive)
            if not verdict.ok:
                raise BackupDamaged(str(target), ", ".join(verdict.findings))
            points.passed("desk.backup.proved")
            take_name(archive, target)
        points.passed("desk.backup.named")
        self._rotate(folder)
        self._settings.put("backup.last", made_at.isoformat())
        self._audit.note("backup.made", subject=target.name, bytes=target.stat().st_size)
        return BackupRow(target, made_at, target.stat().st_size)

    @contextmanager
    def _scratch(self, target: Path) -> Iterator[str]:
        """A folder beside the backup to be; what a crash leaves of it goes at the next start."""
        folder = _made(target.parent)
        with self._unfinished.noted(target), tempfile.TemporaryDirectory(prefix=making(target), dir=folder) as scratch:
            yield scratch

    def verify(self, archive: Path) -> BackupVerdict:
        """Open a backup in a scratch folder, count what is in it and check its audit chain."""
        return inspect(archive, self._keys, _made(self._config.data))

    def verify_newest(self) -> BackupVerdict | None:
        """The same with the newest backup in the folder; None when there is none. One that cannot be read counts."""
        for path in sorted(_named_like_ours(self.folder), reverse=True):
            try:
                own = _vault_and_day(path)[0] == str(self._keys.vault_id)
            except (OSError, *BROKEN) as error:
                raise BackupDamaged(str(path), WHOLE) from error
            if own:
                return self.verify(path)
        return None

    def backups(self) -> list[BackupRow]:
        """Those of this vault, newest first."""
        return _listed(self.folder, self._keys)

    def due(self, at: datetime) -> bool:
        """Has the schedule's time passed since the last backup? One from the future was made by a wrong clock."""
        last = self._settings.get("backup.last")
        hours = int(self._settings.get("backup.every_hours"))
        if hours <= 0 or last is None:
            return hours > 0
        return not timedelta(0) <= at - datetime.fromisoformat(last) < timedelta(hours=hours)

    def _archive(self, scratch: Path, made_at: datetime) -> Path:
        copy = scratch / "vault.db"
        try:
            self._database.copy_to(copy)
        except (DiskFull, NotWritable) as refusal:  # the copy's place is meant: the vault is only read
            raise type(refusal)(str(scratch.parent)) from refusal
        points.passed("desk.backup.copied")
        slots = self._config.key_slots.read_bytes()
        manifest = {
            "format": "kaxia-backup",
            "version": 1,
            "vault_id": str(self._keys.vault_id),
            "made_at": made_at.isoformat(),
            "sha256": {"vault.db": _sha256(copy), "vault.keys.json": hashlib.sha256(slots).hexdigest()},
        }
        archive = scratch / "archive.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, allowZip64=True) as bundle:
            bundle.writestr("manifest.json", json.dumps(manifest, indent=1))
            bundle.writestr("vault.keys.json", slots)
            bundle.write(copy, "vault.db")
        copy.unlink()
        _flush(archive)
        return archive

    def _rotate(self, folder: Path) -> None:
        """Keep the newest of each of the last 7 days, 4 weeks and 12 months. Other vaults may share the folder."""
        rows = _listed(folder, self._keys)
        keep: set[Path] = set()
        rules: tuple[tuple[int, Callable[[datetime], str]], ...] = (
            (KEEP[0], lambda at: f"{at:%Y-%m-%d}"),
            (KEEP[1], lambda at: f"{at:%G-%V}"),
            (KEEP[2], lambda at: f"{at:%Y-%m}"),
        )
        for count, name in rules:
            newest: dict[str, Path] = {}
            for row in rows:
                newest.setdefault(name(row.made_at), row.path)
            keep |= set(list(newest.values())[:count])
        for row in rows:
            if row.path not in keep:
                row.path.unlink(missing_ok=True)


def inspect(archive: Path, keys: VaultKeys, folder: Path) -> BackupVerdict:
    """Trial restore into a scratch folder in `folder`.

    Raises BackupDamaged, BackupOfOtherVault, NotFound, FileUnreadable, DiskFull.
    """
    with file_refusals(folder), tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as scratch:
        made_at = _unpack(archive, Path(scratch))
        if read_slots(Path(scratch) / "vault.keys.json").vault_id != keys.vault_id:
            raise BackupOfOtherVault(str(archive))
        database = Database(Path(scratch) / "vault.db", keys.file)
        try:
            findings = database.findings()
            with database.read() as session:
                batches = session.scalar(select(func.count()).select_from(Batch)) or 0
                redemptions = session.scalar(select(func.count()).select_from(Redemption)) or 0
                entries = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
            findings += AuditLog(database, keys).verify().findings
        finally:
            database.close()
    return BackupVerdict(not findings, made_at, batches, redemptions, entries, tuple(findings))


def restore(archive: Path, config: Config, *, secret: str) -> None:
    """Put a backup into an empty data folder, as a new incarnation. `secret`: its passphrase or recovery key.

    The outbox and the feed cursor come along: ops dedupe at the endpoint and what was lost is pulled again.
    Raises VaultExists, VaultInUse, WrongPassphrase, BackupDamaged, NotFound, FileUnreadable, NotWritable, DiskFull.
    """
    _refuse_filled(config)
    with alone_in(config):
        _refuse_filled(config)
        with (
            file_refusals(config.data),
            tempfile.TemporaryDirectory(prefix=SCRATCH, dir=_made(config.data)) as scratch,
        ):
            folder = Path(scratch)
            _unpack(archive, folder)
            _begin_new_life(folder, _opened(folder, secret), archive.name)
            if config.vault.exists():
                config.vault.rename(config.vault.with_name(f"orphan-{now():%Y%m%d%H%M%S}-vault.db"))
            _flush(folder / "vault.db")
            take_name(folder / "vault.db", config.vault)
            replace_file(config.key_slots, (folder / "vault.keys.json").read_bytes())


def _refuse_filled(config: Config) -> None:
    if config.key_slots.exists():
        raise VaultExists(str(config.data))


def _opened(folder: Path, secret: str) -> VaultKeys:
    """The keys of an unpacked backup. Raises WrongPassphrase, KeySlotsDamaged."""
    slots = read_slots(folder / "vault.keys.json")
    keys = open_slot(slots, "passphrase", secret)
    if keys is None and (recovery := read_recovery_key(secret)) is not None:
        keys = open_slot(slots, "recovery", recovery)
    if keys is None:
        raise WrongPassphrase
    return keys


def _begin_new_life(folder: Path, keys: VaultKeys, name: str) -> None:
    database = Database(folder / "vault.db", keys.file)
    try:
        migrations.upgrade(database)
        audit = AuditLog(database, keys)
        with database.write(Topic.SETTINGS, Topic.BATCHES, Topic.AUDIT) as session:
            store(session, "vault.incarnation", uuid4().hex)
            store(session, "files.unfinished", [])  # this very backup was, when it was taken
            audit.record(session, "vault.restored", subject=name)
            drop_half_made(session, audit)
    finally:
        database.close()


def _unpack(archive: Path, folder: Path) -> datetime:
    """Only the three known names are ever read; each must have the hash of the manifest."""
    if not archive.exists():
        raise NotFound("backup", str(archive))
    try:
        with _readable(archive) as file, zipfile.ZipFile(file) as bundle:
            manifest = _manifest(bundle)
            for name in ("vault.keys.json", "vault.db"):
                with bundle.open(_stored(bundle, name)) as source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target, 1024 * 1024)
                if _sha256(folder / name) != manifest["sha256"][name]:
                    raise BackupDamaged(str(archive), name)
            return datetime.fromisoformat(manifest["made_at"])
    except BROKEN as error:
        raise BackupDamaged(str(archive), WHOLE) from error


def _readable(archive: Path) -> IO[bytes]:
    try:
        return archive.open("rb")
    except OSError as error:
        raise FileUnreadable(str(archive), "file-not-opened") from error


def _manifest(bundle: zipfile.ZipFile) -> dict[str, Any]:
    found = json.loads(bundle.read(_stored(bundle, "manifest.json", LARGEST_MANIFEST)))
    if not isinstance(found, dict):
        raise TypeError("manifest")
    return found


def _stored(bundle: zipfile.ZipFile, name: str, largest: int = LARGEST_ARCHIVE) -> zipfile.ZipInfo:
    """A member as we write it: not compressed, so no larger than the archive. Raises ValueError, KeyError."""
    member = bundle.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > largest:
        raise ValueError(name)
    return member


def _listed(folder: Path, keys: VaultKeys) -> list[BackupRow]:
    """A vault's archives in a folder, by what their manifests say; newest first."""
    rows = []
    for path in _named_like_ours(folder):
        try:
            vault_id, made_at = _vault_and_day(path)
            if vault_id == str(keys.vault_id):
                rows.append(BackupRow(path, made_at, path.stat().st_size))
        except (OSError, *BROKEN):
            continue  # a file somebody named like ours, or a damaged one: neither is ours to delete
    return sorted(rows, key=lambda row: row.made_at, reverse=True)


def _named_like_ours(folder: Path) -> list[Path]:
    return list(folder.glob(f"kaxia-*{SUFFIX}")) if folder.exists() else []


def _vault_and_day(path: Path) -> tuple[str, datetime]:
    """What a manifest says. Raises OSError and what BROKEN names."""
    with path.open("rb") as file, zipfile.ZipFile(file) as bundle:
        manifest = _manifest(bundle)
    return manifest["vault_id"], datetime.fromisoformat(manifest["made_at"])


def _free_name(folder: Path, made_at: datetime) -> Path:
    """Backups of two vaults, or two within a second, must not take each other's name."""
    while (target := folder / f"kaxia-{made_at:%Y%m%d-%H%M%S}{SUFFIX}").exists():
        made_at += timedelta(seconds=1)
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
