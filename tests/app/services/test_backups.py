"""Backups: made, proved, rotated, restored, and what a damaged one says."""

import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.bootstrap import build_services
from app.config import Config
from app.errors import (
    BackupDamaged,
    BackupOfOtherVault,
    DiskFull,
    FileUnreadable,
    NotFound,
    NotWritable,
    VaultExists,
    VaultInUse,
    WrongPassphrase,
)
from app.models.base import now
from app.services import Services
from app.services.backups import restore
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.vault.vaults import NewVault, OpenVault, Vaults, alone_in
from tests.drivers.disk import disk_of

PASSPHRASE = "correct horse battery staple 卡匣"


@pytest.fixture
def filled(services: Services) -> Services:
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    services.batches.generate(BatchSpec(product_id, 1500))
    return services


def test_a_backup_holds_what_the_vault_holds(filled: Services) -> None:
    made = filled.backups.create()
    verdict = filled.backups.verify(made.path)
    assert (verdict.ok, verdict.batches, verdict.findings) == (True, 1, ())
    assert [row.path for row in filled.backups.backups()] == [made.path]


def test_a_restored_vault_has_its_codes_and_a_new_incarnation(filled: Services, tmp_path: Path) -> None:
    card_id = filled.cards.ids(CardFilter())[0]
    code = filled.cards.reveal(card_id, reason="x").reveal()
    made = filled.backups.create()
    elsewhere = Config(tmp_path / "elsewhere")
    restore(made.path, elsewhere, secret=PASSPHRASE)
    vault = Vaults(elsewhere).open(PASSPHRASE)
    restored = build_services(elsewhere, vault)
    assert restored.cards.find(code) == card_id
    assert restored.settings.get("vault.incarnation") != filled.settings.get("vault.incarnation")
    assert restored.audit.verify().ok
    vault.close()


def test_a_wrong_passphrase_restores_nothing(filled: Services, tmp_path: Path) -> None:
    made = filled.backups.create()
    elsewhere = Config(tmp_path / "elsewhere")
    with pytest.raises(WrongPassphrase):
        restore(made.path, elsewhere, secret="wrong")
    assert not elsewhere.vault.exists()


def test_a_restore_never_overwrites_a_vault(filled: Services, config: Config) -> None:
    made = filled.backups.create()
    with pytest.raises(VaultExists):
        restore(made.path, config, secret=PASSPHRASE)


def test_the_recovery_key_restores_too(config: Config, vaults: Vaults, tmp_path: Path) -> None:
    vault, recovery_key = vaults.create(NewVault("某某商户", PASSPHRASE))
    made = build_services(config, vault).backups.create()
    vault.close()
    elsewhere = Config(tmp_path / "elsewhere")
    restore(made.path, elsewhere, secret=recovery_key)
    again = Vaults(elsewhere).open(PASSPHRASE)
    assert build_services(elsewhere, again).settings.merchant().name == "某某商户"
    again.close()


DAMAGES = ["cut", "flip", "text", "member", "manifest", "squeezed", "locked", "nothing"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_says_so(filled: Services, tmp_path: Path, damage: str) -> None:
    path = filled.backups.create().path
    content = bytearray(path.read_bytes())
    if damage == "locked":  # the flag of an encrypted member, in the archive's table of contents
        content[content.rindex(b"PK\x01\x02") + 8] |= 1
    if damage == "nothing":
        content.clear()
    if damage == "cut":
        content = content[: len(content) // 2]
    if damage == "flip":
        content[len(content) // 2] ^= 1
    if damage == "text":
        content = bytearray(b"not a backup")
    path.write_bytes(content)
    if damage == "member":
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("../escape", "x")
    if damage == "manifest":
        with zipfile.ZipFile(path, "w") as bundle:
            bundle.writestr("manifest.json", "[]")
    if damage == "squeezed":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr("manifest.json", " " * 100_000)
    with pytest.raises(BackupDamaged) as told:
        filled.backups.verify(path)
    assert told.value.part in {"ZIP", "vault.db", "vault.keys.json"}, "a part that a user can have heard of"
    with pytest.raises(BackupDamaged):
        restore(path, Config(tmp_path / "elsewhere"), secret=PASSPHRASE)
    assert not (tmp_path / "elsewhere" / "vault.keys.json").exists()


def test_a_folder_is_no_backup_and_a_vault_being_made_is_left_alone(filled: Services, tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        filled.backups.verify(tmp_path)
    made = filled.backups.create()
    elsewhere = Config(tmp_path / "elsewhere")
    with alone_in(elsewhere), pytest.raises(VaultInUse):
        restore(made.path, elsewhere, secret=PASSPHRASE)


def test_a_backup_of_another_vault_is_told_apart(filled: Services, tmp_path: Path) -> None:
    other = Config(tmp_path / "other")
    vault, _ = Vaults(other, memory_kib=64).create(NewVault("别家", PASSPHRASE))
    made = build_services(other, vault).backups.create()
    vault.close()
    with pytest.raises(BackupOfOtherVault):
        filled.backups.verify(made.path)


def test_a_folder_that_is_not_there_or_cannot_be_written(filled: Services, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        filled.backups.verify(tmp_path / "nowhere")
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(NotWritable):
        filled.backups.create(blocked / "folder")


def test_a_full_disk_under_the_backups_is_told_as_theirs(filled: Services, vault: OpenVault, tmp_path: Path) -> None:
    filled.batches.generate(BatchSpec(1, 20_000))
    with vault.database.schema_change() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with disk_of(256 * 1024), pytest.raises(DiskFull) as refused:
        filled.backups.create(tmp_path)
    assert refused.value.data["path"] == str(tmp_path)
    assert not list(tmp_path.glob("*.kaxia-backup"))
    assert filled.backups.create(tmp_path).path.parent == tmp_path


def test_the_schedule_is_due_after_its_hours(filled: Services) -> None:
    assert filled.backups.due(now())
    filled.backups.create()
    assert not filled.backups.due(now())
    assert filled.backups.due(now() + timedelta(hours=25))


def test_a_backup_from_the_future_holds_up_no_other(filled: Services) -> None:
    """A clock that was a year ahead and is set right would mean a year without backups."""
    filled.settings.put("backup.last", (now() + timedelta(days=365)).isoformat())
    assert filled.backups.due(now())
    filled.backups.create()
    assert not filled.backups.due(now())


def test_rotation_keeps_days_weeks_and_months(filled: Services, vault: OpenVault) -> None:
    folder = filled.backups.create().path.parent
    for days in range(1, 100):
        old_backup(folder, now() - timedelta(days=days), str(vault.keys.vault_id))
    filled.backups.create()
    kept = filled.backups.backups()
    assert 10 <= len(kept) <= 7 + 4 + 12


def test_backups_of_another_vault_in_the_same_folder_stay(filled: Services, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    theirs = [old_backup(folder, now() - timedelta(minutes=minutes), str(uuid4())) for minutes in (1, 2)]
    unreadable = folder / "kaxia-20200101-000000.kaxia-backup"
    unreadable.write_bytes(b"who knows")
    ours = [filled.backups.create(folder).path for _ in range(3)]
    assert sorted(folder.iterdir()) == sorted([*theirs, unreadable, ours[-1]])
    filled.settings.put("backup.folder", str(folder))
    assert [row.path for row in filled.backups.backups()] == [ours[-1]]


def old_backup(folder: Path, made_at: datetime, vault_id: str) -> Path:
    """As much of an archive as rotation reads."""
    folder.mkdir(exist_ok=True)
    path = folder / f"kaxia-{made_at:%Y%m%d-%H%M%S}.kaxia-backup"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("manifest.json", json.dumps({"vault_id": vault_id, "made_at": made_at.isoformat()}))
    return path


def test_nothing_plain_is_in_a_backup(filled: Services, vault: OpenVault) -> None:
    code = filled.cards.reveal(filled.cards.ids(CardFilter())[0], reason="x").reveal().replace("-", "")
    content = filled.backups.create().path.read_bytes()
    assert code.encode() not in content
    assert "某某商户".encode() not in content
