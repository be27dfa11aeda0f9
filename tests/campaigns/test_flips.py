"""A short, seeded run of the flips, and a lie that must be seen; long ones are in CAMPAIGNS.md."""

from pathlib import Path

import pytest

from app.config import Config
from app.services.vault.vaults import Vaults
from app.topics import Topic
from tests.campaigns import flips
from tests.campaigns.kill import PASSPHRASE


def test_a_bit_that_is_turned_over_is_told_or_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "CARDS", 300)
    found = flips.campaign(rounds=12, seed=7)
    assert found.total() == 12
    assert found["vault-damaged"] > 0


def test_a_vault_that_says_something_else_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(path: Path, _: int) -> None:
        vault = Vaults(Config(path.parent)).open(PASSPHRASE)
        with vault.database.write(Topic.CARDS) as session:
            session.connection().exec_driver_sql("UPDATE card SET balance_minor = balance_minor - 1")
        vault.close()

    monkeypatch.setattr(flips, "CARDS", 30)
    monkeypatch.setattr(flips, "_flip", lie)
    with pytest.raises(AssertionError, match="is a lie"):
        flips.campaign(rounds=1, seed=7)
