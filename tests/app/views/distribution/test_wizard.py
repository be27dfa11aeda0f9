"""The wizard in the real window: a list with faults becomes cards in a file, and a receipt that adds up."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from app.config import Config
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.views.distribution.wizard.frame import CONFIRM, RECEIPT, SEND
from tests.drivers.desk import DeskDriver

PEOPLE = 30
DAMAGED = {4: "１３８ 0013 8004", 9: "+86 138-0013-8009", 14: "12345"}


@pytest.fixture
def desk(qtbot: QtBot, config: Config) -> Iterator[DeskDriver]:
    config.data.mkdir(parents=True)
    memory = QSettings(str(config.data / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue("language", "zh_CN")
    driver = DeskDriver(qtbot, config, memory)
    driver.make_vault()
    driver.settled()
    yield driver
    driver.close()


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """30 people in GBK; two phones can be repaired, one cannot."""
    path = tmp_path / "花名册.csv"
    with path.open("w", encoding="gbk", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["员工姓名", "联系电话", "Dept", "工号"])
        for number in range(PEOPLE):
            phone = DAMAGED.get(number, f"138001380{number:02d}")
            writer.writerow([f"员工{chr(0x4E00 + number)}", phone, "市场部", f"E{number:03d}"])
    return path


def stocked(desk: DeskDriver, quantity: int) -> None:
    services = desk.desk.services
    assert services is not None
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    services.batches.generate(BatchSpec(product, quantity))


def at_confirm(desk: DeskDriver, roster: Path, folder: Path) -> Any:
    """Everything before the typed count, by Ctrl+Enter."""
    folder.mkdir(exist_ok=True)
    desk.go("distribution", roster)
    desk.settled()
    wizard = desk.page.wizard
    for _ in range(CONFIRM + 2):
        if wizard.at == CONFIRM:
            break
        if wizard.step.__class__.__name__.startswith("Channel"):
            wizard.step.folder.setText(str(folder))
            wizard.step.folder.editingFinished.emit()
            desk.settled()
        before = wizard.at
        desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        desk.settled()
        desk.wait(lambda before=before: wizard.at > before or wizard.banner.isVisible())
        assert wizard.at > before, wizard.banner.words.text()
    desk.wait(lambda: wizard.at == CONFIRM)
    desk.settled()
    return wizard


def test_a_list_with_faults_becomes_cards_and_a_receipt(desk: DeskDriver, roster: Path, tmp_path: Path) -> None:
    stocked(desk, 50)
    wizard = at_confirm(desk, roster, tmp_path / "out")
    wizard.confirm.entry.setText("7")
    wizard.go_on()
    desk.settled()
    assert wizard.at == CONFIRM  # a wrong count does nothing
    wizard.confirm.entry.setText(str(PEOPLE - 1))
    wizard.go_on()
    desk.wait(lambda: wizard.at in (SEND, RECEIPT))
    desk.settled()
    services = desk.desk.services
    assert services is not None
    (run,) = services.distribution.distributions()
    assert (run.people, run.sent, run.failed, run.prepared) == (PEOPLE - 1, PEOPLE - 1, 0, 0)
    assert run.total_minor == (PEOPLE - 1) * 20_000
    assert list((tmp_path / "out").iterdir())
    assert services.integrity.verify(deep=True).findings == ()


def test_the_same_list_again_gives_nobody_a_second_card(desk: DeskDriver, roster: Path, tmp_path: Path) -> None:
    stocked(desk, 100)
    wizard = at_confirm(desk, roster, tmp_path / "out")
    wizard.confirm.entry.setText(str(PEOPLE - 1))
    wizard.go_on()
    desk.wait(lambda: wizard.at in (SEND, RECEIPT))
    desk.settled()
    wizard.start_anew()
    with pytest.raises(AssertionError, match="都已有此福利"):
        at_confirm(desk, roster, tmp_path / "out")
    services = desk.desk.services
    assert services is not None
    assert [row.sent for row in services.distribution.distributions()] == [PEOPLE - 1]
