"""A window, and what it remembers of a person besides the vault."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from app.config import Config
from tests.drivers.desk import DeskDriver


@pytest.fixture
def memory(config: Config) -> QSettings:
    config.data.mkdir(parents=True)
    made = QSettings(str(config.data / "memory.ini"), QSettings.Format.IniFormat)
    made.setValue("language", "zh_CN")
    made.setValue("theme", "light")
    return made


@pytest.fixture
def desk(qtbot: QtBot, config: Config, memory: QSettings) -> Iterator[DeskDriver]:
    """Where nothing was made yet."""
    driver = DeskDriver(qtbot, config, memory)
    yield driver
    driver.close()


@pytest.fixture
def open_desk(desk: DeskDriver) -> DeskDriver:
    desk.make_vault()
    desk.settled()
    return desk
