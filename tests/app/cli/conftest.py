"""Vaults that were made before: a command that opens one of these need not stretch its passphrase for long."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Config
from tests.drivers.terminal import Terminal


@pytest.fixture
def desk(new_folder: Path, tmp_path: Path) -> Terminal:
    """Over a new vault. That a command makes one, as strong as it has to be, is for test_walk to show."""
    return Terminal(Path(shutil.copytree(new_folder, tmp_path / "数据 desk")))


@pytest.fixture
def served(desk: Terminal, empty_endpoint: Path) -> Iterator[Terminal]:
    """The same with the endpoint of this machine, gone again afterwards whatever happened."""
    config = Config(desk.data)
    config.endpoint.mkdir()
    shutil.copy(empty_endpoint, config.endpoint)
    started = desk.do("endpoint", "embedded", "start")
    assert started["mode"] == "embedded"
    assert started["running"]
    assert {"url", "device_id", "merchant_id"} <= started.keys()
    yield desk
    stopped = desk.do("endpoint", "embedded", "stop")
    assert not stopped["running"]
