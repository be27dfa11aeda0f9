"""Making, opening and locking the vault of one data folder."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from sqlalchemy import insert

from app.config import Config
from app.errors import (
    DiskFull,
    KeychainSilent,
    KeySlotsDamaged,
    NotWritable,
    VaultDamaged,
    VaultExists,
    VaultInUse,
    VaultMissing,
    WeakPassphrase,
    WrongPassphrase,
    WrongRecoveryKey,
)
from app.models import migrations
from app.models.base import now
from app.models.database import Database
from app.models.setting import Setting
from app.services.texts import one_line
from app.services.vault import slots as key_slots
from app.services.vault.keys import VaultKeys
from app.services.vault.recovery import new_recovery_key, read_recovery_key
from app.services.vault.slots import KeySlots, make_slot, open_slot, read_slots, slots_document
from app.topics import Topic
from sync import points
from sync.durable import settle

STRONG_ENOUGH = 3
"""zxcvbn score 0 … 4; 3 stands more than 10^8 guesses, which Argon2id makes expensive."""
PURPOSES = ("sell", "welfare", "shop")
FREE_TRIES = 3
LONGEST_WAIT_S = 60
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No room on the disk, in this user's share of it, or in one file of it."""
SCRATCH = ".scratch-"
"""How folders in the data folder begin that are there for a moment; whoever is alone in it clears away what is left."""


@dataclass(frozen=True, slots=True)
class Strength:
    """`score` 0 … 4, and why it is not higher (a key of messages.PASSPHRASE_HINTS), if known."""

    score: int
    enough: bool


@dataclass(frozen=True, slots=True)
class NewVault:
    """What the first run asks."""

    merchant: str
    passphrase: str
    purpose: str = "sell"
    language: str = "zh_CN"
    recovery_key: str | None = None
    """Canonical; made here when the caller did not show one already."""


@dataclass(frozen=True, slots=True)
class OpenVault:
    """A vault with its keys and its database; `close` gives the file free."""

    keys: VaultKeys
    database: Database
    release: Callable[[], None]

    def close(self) -> None:
        self.database.close()
        self.release()


def passphrase_strength(passphrase: str, merchant: str = "") -> Strength:
    """By pattern, not by length rules (zxcvbn). Chinese counts as what it is: a large alphabet."""
    if not passphrase:
        return Strength(0, enough=False)
    from zxcvbn import zxcvbn  # its word lists take a while to load

    score = int(zxcvbn(passphrase[:72], user_inputs=[merchant, "kaxia"])["score"])
    return Strength(score, score >= STRONG_ENOUGH)


class Vaults:
    """The vault of one data folder, closed or open. Knows nothing of what lies inside."""

    def __init__(self, config: Config, *, memory_kib: int = key_slots.MEMORY_KIB) -> None:
        self._config = config
        self._memory_kib = memory_kib
        self._failures = 0
        self._next_try = 0.0

    @property
    def exists(self) -> bool:
        return self._config.key_slots.exists()

    def create(self, new: NewVault) -> tuple[OpenVault, str]:
        """A new vault, open, and its recovery key (canonical), which is not kept anywhere.

        Raises VaultExists, InvalidInput, WeakPassphrase, NotWritable, DiskFull.
        """
        if self.exists:
            raise VaultExists(str(self._config.data))
        new = replace(new, merchant=one_line("merchant", new.merchant))
        strength = passphrase_strength(new.passphrase, new.merchant)
        if not strength.enough:
            raise WeakPassphrase(strength.score)
        release = _locked(self._config)
        try:
            self._put_orphan_aside()
            keys = VaultKeys(uuid4(), secrets.token_bytes(32))
            recovery_key = new.recovery_key or new_recovery_key()
            database = Database(self._config.vault, keys.file)
            migrations.upgrade(database)
            with database.write(Topic.SETTINGS) as session:
                session.execute(insert(Setting), _first_settings(new))
            slots = KeySlots(keys.vault_id, ()).with_slot(self._passphrase_slot(keys, new.passphrase))
            self._save(slots.with_slot(make_slot(keys, "recovery", recovery_key)), keys)
        except BaseException:
            release()
            raise
        return OpenVault(keys, database, release), recovery_key

    def open(self, passphrase: str) -> OpenVault:
        """Raises WrongPassphrase (with the wait before the next try), VaultMissing, VaultInUse, VaultDamaged …"""
        self._wait_over()
        keys = open_slot(self._slots(), "passphrase", passphrase)
        if keys is None:
            raise WrongPassphrase(self._failed())
        self._failures = 0
        return self._opened(keys)

    def open_with_recovery_key(self, typed: str, new_passphrase: str) -> OpenVault:
        """The recovery key opens, and a new passphrase replaces the forgotten one. Raises WrongRecoveryKey …"""
        keys = self._by_recovery_key(typed)
        vault = self._opened(keys)
        try:
            self.reset_passphrase(typed, new_passphrase)
        except BaseException:
            vault.close()
            raise
        return vault

    def reset_passphrase(self, typed: str, new_passphrase: str) -> None:
        """A new passphrase by the recovery key, also while the vault is open and only locked."""
        keys = self._by_recovery_key(typed)
        strength = passphrase_strength(new_passphrase)
        if not strength.enough:
            raise WeakPassphrase(strength.score)
        self._save(self._slots().with_slot(self._passphrase_slot(keys, new_passphrase)), keys)

    def check_passphrase(self, passphrase: str) -> None:
        """Asked again before plain codes leave. Raises WrongPassphrase."""
        self._wait_over()
        if open_slot(self._slots(), "passphrase", passphrase) is None:
            raise WrongPassphrase(self._failed())
        self._failures = 0

    def check_recovery_key(self, typed: str) -> None:
        """Raises WrongRecoveryKey unless what was typed opens this vault."""
        self._by_recovery_key(typed)

    def change_passphrase(self, current: str, new: str) -> None:
        """Raises WrongPassphrase, WeakPassphrase. The file key stays; only the slot is made anew."""
        self._wait_over()
        slots = self._slots()
        keys = open_slot(slots, "passphrase", current)
        if keys is None:
            raise WrongPassphrase(self._failed())
        strength = passphrase_strength(new)
        if not strength.enough:
            raise WeakPassphrase(strength.score)
        self._save(slots.with_slot(self._passphrase_slot(keys, new)), keys)

    def renew_recovery_key(self, keys: VaultKeys) -> str:
        """A new recovery key; the printed one stops working."""
        key = new_recovery_key()
        self._save(self._slots().with_slot(make_slot(keys, "recovery", key)), keys)
        return key

    def remember_on_this_machine(self, keys: VaultKeys) -> bool:
        """Put a slot's secret into the system's keychain; False when there is no keychain."""
        secret = secrets.token_urlsafe(32)
        if not _keychain("set_password", str(keys.vault_id), secret):
            return False
        self._save(self._slots().with_slot(make_slot(keys, "keychain", secret)), keys)
        return True

    def forget_on_this_machine(self, keys: VaultKeys) -> None:
        _keychain("delete_password", str(keys.vault_id))
        self._save(self._slots().without("keychain"), keys)

    @property
    def remembered(self) -> bool:
        return self.exists and self._slots().slot("keychain") is not None

    def open_from_keychain(self) -> OpenVault:
        """Raises KeychainSilent, VaultInUse, VaultDamaged …"""
        slots = self._slots()
        secret = _keychain("get_password", str(slots.vault_id))
        keys = open_slot(slots, "keychain", secret) if isinstance(secret, str) else None
        if keys is None:
            raise KeychainSilent
        return self._opened(keys)

    def _by_recovery_key(self, typed: str) -> VaultKeys:
        key = read_recovery_key(typed)
        keys = open_slot(self._slots(), "recovery", key) if key else None
        if keys is None:
            raise WrongRecoveryKey
        return keys

    def _opened(self, keys: VaultKeys) -> OpenVault:
        release = _locked(self._config)
        try:
            database = self._whole(keys)
            migrations.upgrade(database, lambda: self._copy_before_upgrade(database))
        except BaseException:
            release()
            raise
        return OpenVault(keys, database, release)

    def _whole(self, keys: VaultKeys) -> Database:
        """The database, which is made before its key slots are: one that is not there, or empty, is one that got lost.

        An empty file is not even opened: SQLite would take it for a new one, and throw away the log beside it.
        """
        path = self._config.vault
        if not path.exists() or path.stat().st_size == 0:
            raise VaultDamaged(str(path))
        database = Database(path, keys.file)
        if migrations.revision(database) is None:
            raise VaultDamaged(str(path))
        return database

    def _copy_before_upgrade(self, database: Database) -> None:
        folder = self._config.backups
        folder.mkdir(parents=True, exist_ok=True)
        database.copy_to(folder / f"before-upgrade-{now():%Y%m%d-%H%M%S}.db")

    def _slots(self) -> KeySlots:
        if not self.exists:
            raise VaultMissing(str(self._config.data))
        try:
            return read_slots(self._config.key_slots)
        except KeySlotsDamaged as damaged:
            raise KeySlotsDamaged(str(self._config.key_slots)) from damaged

    def _passphrase_slot(self, keys: VaultKeys, passphrase: str) -> key_slots.Slot:
        return make_slot(keys, "passphrase", passphrase, memory_kib=self._memory_kib)

    def _save(self, slots: KeySlots, keys: VaultKeys) -> None:
        replace_file(self._config.key_slots, slots_document(slots, keys).encode())

    def _put_orphan_aside(self) -> None:
        """A database without key slots is what a crash during creation leaves. It is kept, under another name."""
        if self._config.vault.exists():
            for suffix in ("", "-wal", "-shm"):
                path = self._config.vault.with_name(self._config.vault.name + suffix)
                if path.exists():
                    path.rename(path.with_name(f"orphan-{now():%Y%m%d%H%M%S}-{path.name}"))

    def _wait_over(self) -> None:
        wait_s = self._next_try - time.monotonic()
        if wait_s > 0:
            raise WrongPassphrase(int(wait_s) + 1)

    def _failed(self) -> int:
        """Count a wrong try; seconds until the next one is looked at."""
        self._failures += 1
        if self._failures < FREE_TRIES:
            return 0
        wait_s = min(1 << min(self._failures - FREE_TRIES, 10), LONGEST_WAIT_S)
        self._next_try = time.monotonic() + wait_s
        return wait_s


@contextmanager
def alone_in(config: Config) -> Iterator[None]:
    """Nobody else opens, makes or restores a vault in this folder meanwhile. Raises VaultInUse, NotWritable."""
    release = _locked(config)
    try:
        yield
    finally:
        release()


def _locked(config: Config) -> Callable[[], None]:
    """One open vault per folder, over all processes."""
    with file_refusals(config.data):
        config.data.mkdir(parents=True, exist_ok=True)
        lock = FileLock(config.lock, timeout=0, thread_local=False)  # opened on a worker, closed by the window
        try:
            lock.acquire()
        except Timeout:
            raise VaultInUse(str(config.data)) from None
        try:
            for left in config.data.glob(f"{SCRATCH}*"):
                shutil.rmtree(left, ignore_errors=True)
        except BaseException:
            lock.release()
            raise
    return lock.release


def _first_settings(new: NewVault) -> list[dict[str, Any]]:
    purpose = new.purpose if new.purpose in PURPOSES else PURPOSES[0]
    facts = {
        "merchant.id": str(uuid4()),
        "merchant.name": new.merchant,
        "merchant.phone": "",
        "merchant.purpose": purpose,
        "look.language": new.language,
        "vault.incarnation": secrets.token_hex(16),
    }
    return [{"key": key, "value": value} for key, value in facts.items()]


def _keychain(call: str, vault_id: str, *secret: str) -> object:
    """One call of the system's keychain; None when there is none or it refuses."""
    import keyring  # finds its backends by looking through all packages: slow
    from keyring.errors import KeyringError

    try:
        answer = getattr(keyring, call)("Kaxia", vault_id, *secret)
    except KeyringError:
        return None
    return True if call == "set_password" else answer


@contextmanager
def file_refusals(path: Path) -> Iterator[None]:
    """What the file system says becomes a refusal a user can be told about."""
    try:
        yield
    except OSError as error:
        raise (DiskFull(str(path)) if error.errno in FULL else NotWritable(str(path))) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write beside, flush to the disk, then take the name: a crash leaves the old file or the new one."""
    beside = path.with_name(path.name + ".new")
    with file_refusals(path):
        with open(beside, "wb", opener=_for_its_owner) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        points.passed("desk.slots")
        take_name(beside, path)


def take_name(beside: Path, path: Path) -> None:
    """Give a file that is on the disk its name, so that the name is there after a power cut, too."""
    beside.replace(path)
    settle(path.parent)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
