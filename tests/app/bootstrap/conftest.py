"""What the program remembers of a person besides the vault."""

import pytest
from PySide6.QtCore import QSettings

from app.config import Config


@pytest.fixture
def memory(config: Config) -> QSettings:
    config.data.mkdir(parents=True)
    made = QSettings(str(config.data / "memory.ini"), QSettings.Format.IniFormat)
    made.setValue("language", "zh_CN")
    made.setValue("theme", "light")
    return made
