"""A real vault in a fresh folder, with every service over it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from sync.server.database import Store
from tests.drivers.days import from_noon
from tests.drivers.online import another_endpoint, pair_with
from tests.drivers.quick import quick

PASSPHRASE = "correct horse battery staple 卡匣"
CHEAP_KIB = 64
"""Argon2id memory for tests: the derivation is the same, only quick."""


@pytest.fixture
def noon() -> Iterator[None]:
    """For what counts by days, without an endpoint: that one has a clock of its own."""
    with from_noon():
        yield


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path / "data")


@pytest.fixture
def vaults(config: Config) -> Vaults:
    return Vaults(config, memory_kib=CHEAP_KIB)


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a vault that was just made and closed; to be copied, for making one takes ten times as long."""
    folder = tmp_path_factory.mktemp("new") / "data"
    made, _ = Vaults(Config(folder), memory_kib=CHEAP_KIB).create(NewVault("某某商户", PASSPHRASE))
    made.close()
    return folder


@pytest.fixture
def vault(new_folder: Path, config: Config, vaults: Vaults) -> Iterator[OpenVault]:
    shutil.copytree(new_folder, config.data, dirs_exist_ok=True)
    vault = vaults.open(PASSPHRASE)
    yield vault
    vault.close()


@pytest.fixture
def services(config: Config, vault: OpenVault) -> Services:
    with quick():
        return build_services(config, vault)


@pytest.fixture(scope="session")
def empty_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Database of an endpoint that never ran; to be copied, for making its tables takes as long as its start."""
    database = tmp_path_factory.mktemp("endpoint") / "endpoint.db"
    Store(str(database)).migrate()
    return database


@pytest.fixture
def online(services: Services, config: Config, empty_endpoint: Path) -> Iterator[Services]:
    """Over a vault whose own endpoint runs."""
    config.endpoint.mkdir(parents=True)
    shutil.copy(empty_endpoint, config.endpoint)
    services.cloud.start_embedded()
    yield services
    services.cloud.stop_embedded()


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory, empty_endpoint: Path) -> Iterator[EmbeddedEndpoint]:
    """Another endpoint, as if it stood in the cloud."""
    other = another_endpoint(tmp_path_factory.mktemp("cloud"))
    other.database.parent.mkdir()
    shutil.copy(empty_endpoint, other.database)
    other.start()
    yield other
    other.stop()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[EmbeddedEndpoint]:
    """And one more, to move to."""
    made = another_endpoint(tmp_path / "other")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def moving(services: Services, cloud: EmbeddedEndpoint) -> Services:
    """Over a vault that works with the one in the cloud."""
    pair_with(services, cloud)
    return services


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Callable[[str], Services]]:
    """Opens the vault in a folder of that name, as on another machine, and makes it when there is none."""
    opened: list[OpenVault] = []

    def desk(name: str) -> Services:
        config = Config(tmp_path / name)
        vaults = Vaults(config, memory_kib=CHEAP_KIB)
        if not config.key_slots.exists():
            vaults.create(NewVault("第二台", PASSPHRASE))[0].close()
        opened.append(vaults.open(PASSPHRASE))
        with quick():
            return build_services(config, opened[-1])

    yield desk
    for vault in opened:
        vault.close()
