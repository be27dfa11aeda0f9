"""A real vault in a fresh folder, with every service over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.vault.vaults import NewVault, OpenVault, Vaults

PASSPHRASE = "correct horse battery staple 卡匣"
CHEAP_KIB = 64
"""Argon2id memory for tests: the derivation is the same, only quick."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path / "data")


@pytest.fixture
def vaults(config: Config) -> Vaults:
    return Vaults(config, memory_kib=CHEAP_KIB)


@pytest.fixture
def vault(vaults: Vaults) -> Iterator[OpenVault]:
    vault, _ = vaults.create(NewVault("某某商户", PASSPHRASE))
    yield vault
    vault.close()


@pytest.fixture
def services(config: Config, vault: OpenVault) -> Services:
    return build_services(config, vault)


@pytest.fixture
def online(services: Services) -> Iterator[Services]:
    """Over a vault whose own endpoint runs."""
    services.cloud.start_embedded()
    yield services
    services.cloud.stop_embedded()
