"""Making, opening and losing the keys of a vault."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import text

from app.config import Config
from app.errors import (
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
from app.models.database import Database
from app.services.vault.recovery import read_recovery_key, shown_recovery_key
from app.services.vault.vaults import NewVault, Vaults, passphrase_strength
from app.topics import Topic
from tests.drivers.disk import one_more_file

PASSPHRASE = "correct horse battery staple 卡匣"
OTHER = "purple elephants juggle quietly 月饼"


@pytest.fixture
def closed(vaults: Vaults) -> str:
    """A closed vault; its recovery key."""
    vault, recovery_key = vaults.create(NewVault("某某商户", PASSPHRASE))
    vault.close()
    return recovery_key


def test_the_passphrase_opens_what_it_closed(vaults: Vaults, closed: str) -> None:
    vault = vaults.open(PASSPHRASE)
    assert vault.database.findings() == []
    vault.close()


def test_the_same_passphrase_typed_in_full_width_opens_too(vaults: Vaults, closed: str) -> None:
    vaults.open(PASSPHRASE.replace("c", "ｃ")).close()


def test_a_wrong_passphrase_is_refused_and_soon_has_to_wait(vaults: Vaults, closed: str) -> None:
    for _ in range(2):
        with pytest.raises(WrongPassphrase) as refused:
            vaults.open("wrong")
        assert refused.value.wait_s == 0
    with pytest.raises(WrongPassphrase) as refused:
        vaults.open("wrong")
    assert refused.value.wait_s >= 1
    with pytest.raises(WrongPassphrase) as refused:
        vaults.open(PASSPHRASE)  # not looked at while the wait runs
    assert refused.value.wait_s >= 1


def test_the_recovery_key_opens_and_sets_a_new_passphrase(vaults: Vaults, closed: str) -> None:
    typed = shown_recovery_key(closed).lower().replace("0", "o")
    vaults.open_with_recovery_key(typed, OTHER).close()
    vaults.open(OTHER).close()
    with pytest.raises(WrongPassphrase):
        vaults.open(PASSPHRASE)


def test_a_recovery_key_with_one_slip_is_refused(vaults: Vaults, closed: str) -> None:
    slip = ("X" if closed[3] != "X" else "Y").join((closed[:3], closed[4:]))
    assert read_recovery_key(slip) is None
    with pytest.raises(WrongRecoveryKey):
        vaults.open_with_recovery_key(slip, OTHER)
    vaults.open(PASSPHRASE).close()


def test_a_changed_passphrase_replaces_the_old_one(vaults: Vaults, closed: str) -> None:
    vaults.change_passphrase(PASSPHRASE, OTHER)
    vaults.open(OTHER).close()
    with pytest.raises(WrongPassphrase):
        vaults.open(PASSPHRASE)


def test_an_easy_passphrase_is_refused_before_anything_is_written(config: Config, vaults: Vaults) -> None:
    with pytest.raises(WeakPassphrase):
        vaults.create(NewVault("某某商户", "password123"))
    assert not config.data.exists()
    assert passphrase_strength("password123").score < passphrase_strength(PASSPHRASE).score


def test_one_vault_is_open_once(config: Config, vaults: Vaults, closed: str) -> None:
    vault = vaults.open(PASSPHRASE)
    with pytest.raises(VaultInUse):
        Vaults(config).open(PASSPHRASE)
    vault.close()
    Vaults(config).open(PASSPHRASE).close()


def test_a_second_vault_in_the_same_folder_is_refused(vaults: Vaults, closed: str) -> None:
    with pytest.raises(VaultExists):
        vaults.create(NewVault("别的商户", PASSPHRASE))


def test_a_folder_without_a_vault_says_so(vaults: Vaults) -> None:
    with pytest.raises(VaultMissing):
        vaults.open(PASSPHRASE)


def test_a_folder_that_cannot_be_written_gets_words(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(NotWritable):
        Vaults(Config(blocked / "data"), memory_kib=64).create(NewVault("某某商户", PASSPHRASE))


def test_whoever_had_no_file_handle_to_open_it_may_try_again(vaults: Vaults, closed: str) -> None:
    with one_more_file(), pytest.raises(NotWritable) as refused:  # it is the lock that gets the handle
        vaults.open(PASSPHRASE)
    vaults.open(PASSPHRASE).close()
    assert refused.value.__cause__ is not None, "it is still held: whoever shows it may do so for long"


@pytest.mark.parametrize("field", ["salt", "nonce", "wrapped", "cost", "kind"])
def test_an_altered_slot_never_opens(config: Config, vaults: Vaults, closed: str, field: str) -> None:
    document = json.loads(config.key_slots.read_text())
    slot = document["slots"][0]
    slot[field] = {"cost": [128, 1, 1], "kind": "recovery"}.get(field) or "A" + slot[field][1:-3] + "AA="[:3]
    config.key_slots.write_text(json.dumps(document))
    with pytest.raises((WrongPassphrase, KeySlotsDamaged)):
        vaults.open(PASSPHRASE)


def test_a_removed_slot_shows_as_damage(config: Config, vaults: Vaults, closed: str) -> None:
    document = json.loads(config.key_slots.read_text())
    document["slots"] = [slot for slot in document["slots"] if slot["kind"] == "passphrase"]
    config.key_slots.write_text(json.dumps(document))
    with pytest.raises(KeySlotsDamaged):
        vaults.open(PASSPHRASE)


def test_costs_that_would_eat_the_memory_are_not_tried(config: Config, vaults: Vaults, closed: str) -> None:
    document = json.loads(config.key_slots.read_text())
    document["slots"][0]["cost"] = [64 * 1024 * 1024, 3, 4]
    config.key_slots.write_text(json.dumps(document))
    with pytest.raises(KeySlotsDamaged):
        vaults.open(PASSPHRASE)


def test_a_damaged_file_gets_words_and_stays_as_it_is(config: Config, vaults: Vaults, closed: str) -> None:
    content = bytearray(config.vault.read_bytes())
    content[100:132] = os.urandom(32)
    config.vault.write_bytes(content)
    with pytest.raises(VaultDamaged):
        vaults.open(PASSPHRASE)
    assert config.vault.read_bytes() == bytes(content)


def test_an_emptied_file_is_damaged_and_not_a_new_vault(config: Config, vaults: Vaults, closed: str) -> None:
    config.vault.write_bytes(b"")  # what some file systems leave of a file after a power cut
    with pytest.raises(VaultDamaged):
        vaults.open(PASSPHRASE)
    assert config.vault.stat().st_size == 0


def test_a_database_without_a_schema_is_damaged(config: Config, vaults: Vaults, closed: str) -> None:
    vault = vaults.open(PASSPHRASE)
    keys = vault.keys
    vault.close()
    config.vault.unlink()
    with Database(config.vault, keys.file).write(Topic.SETTINGS) as session:
        session.execute(text("CREATE TABLE something (id INTEGER)"))
    with pytest.raises(VaultDamaged):
        vaults.open(PASSPHRASE)


def test_nothing_in_the_file_is_readable(config: Config, vaults: Vaults, closed: str) -> None:
    for path in config.data.iterdir():
        content = path.read_bytes()
        assert "某某商户".encode() not in content
        assert b"SQLite format 3" not in content


def test_a_vault_half_made_by_a_crash_is_put_aside_not_lost(config: Config, vaults: Vaults, closed: str) -> None:
    config.key_slots.unlink()
    vault, _ = vaults.create(NewVault("某某商户", PASSPHRASE))
    vault.close()
    assert [path.name for path in config.data.glob("orphan-*")] != []
