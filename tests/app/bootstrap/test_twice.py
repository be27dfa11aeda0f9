"""Whatever is pressed twice in the real window happens once: impatient fingers, a key that bounces, a double click."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from app.config import Config
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.views.cards.reveal_dialog import RevealDialog
from app.views.catalog.product_dialog import ProductDialog
from app.views.jobs import Job, JobRunner
from app.views.settings.recovery import RenewDialog
from app.views.settings.security import SecuritySection
from app.views.vault.first_run import Beginnings, FirstRunPage
from app.views.widgets.dialog import Dialog
from app.views.widgets.passphrase_field import Strength
from tests.drivers.desk import PASSPHRASE, PATIENCE_MS, DeskDriver

OTHER = "seven green herons 卡匣 at dusk"
STAFF = "姓名\t手机\n张三\t13800138000\n李四\t13900139000"


@pytest.fixture
def memory(tmp_path: Path) -> QSettings:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue("language", "zh_CN")
    memory.setValue("theme", "light")
    return memory


@pytest.fixture
def gate(qtbot: QtBot, config: Config, memory: QSettings) -> Iterator[DeskDriver]:
    driver = DeskDriver(qtbot, config, memory)
    yield driver
    driver.close()


@pytest.fixture
def desk(gate: DeskDriver) -> DeskDriver:
    gate.make_vault()
    gate.settled()
    return gate


def made_batch(desk: DeskDriver, count: int = 3) -> int:
    assert desk.desk.services is not None
    product = desk.desk.services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    return desk.desk.services.batches.generate(BatchSpec(product, count))


def security(desk: DeskDriver) -> SecuritySection:
    desk.go("settings", "security")
    desk.settled()
    found: SecuritySection = desk.page.tabs.currentWidget().findChild(SecuritySection)
    return found


def shown(desk: DeskDriver, kind: type[Dialog]) -> list[Dialog]:
    return [dialog for dialog in desk.window.findChildren(kind) if dialog.isVisible()]


def enter_twice(desk: DeskDriver) -> None:
    desk.key(Qt.Key.Key_Return)
    desk.key(Qt.Key.Key_Return)
    desk.settled()


def enter_product_twice(desk: DeskDriver, face: str) -> ProductDialog:
    desk.go("catalog")
    desk.page.add()
    dialog = desk.dialog
    assert isinstance(dialog, ProductDialog)
    dialog.name.setText("中秋福利卡")
    dialog.face.setText(face)
    dialog.name.setFocus()
    enter_twice(desk)
    return dialog


def products(desk: DeskDriver) -> int:
    assert desk.desk.services is not None
    return len(desk.desk.services.catalog.products())


def test_a_new_product_is_made_once(desk: DeskDriver) -> None:
    enter_product_twice(desk, face="200")
    assert products(desk) == 1


def test_a_new_product_that_was_refused_can_be_saved_after_all(desk: DeskDriver) -> None:
    dialog = enter_product_twice(desk, face="")
    assert dialog.form.fields["face_minor"].error.text()
    dialog.face.setText("200")
    dialog.face.setFocus()
    enter_twice(desk)
    assert products(desk) == 1


def test_the_key_that_is_shown_is_the_only_one_that_was_made(desk: DeskDriver) -> None:
    """A second renewal would make the key worthless that is being written down."""
    assert desk.desk.services is not None
    security(desk).renew()
    dialog = desk.dialog
    assert isinstance(dialog, RenewDialog)
    dialog.passphrase.entry.setText(PASSPHRASE)
    dialog.passphrase.setFocus()
    enter_twice(desk)
    renewed = [row for row in audit(desk) if row == "recovery.renewed"]
    assert len(renewed) == 1


def test_a_key_that_counts_is_shown_whatever_is_pressed_meanwhile(desk: DeskDriver) -> None:
    """From now on it is the only one; the printed one is worthless already."""
    security(desk).renew()
    dialog = desk.dialog
    assert isinstance(dialog, RenewDialog)
    dialog.passphrase.entry.setText(PASSPHRASE)
    desk.press(dialog.renew_button.text(), within=dialog)
    desk.key(Qt.Key.Key_Escape)
    desk.settled()
    assert dialog.isVisible()
    assert len(dialog.shown.text().replace("-", "")) == 28
    desk.key(Qt.Key.Key_Escape)
    desk.wait(lambda: not shown(desk, RenewDialog))


def test_a_passphrase_that_is_set_opens_whatever_is_pressed_meanwhile(
    gate: DeskDriver, qtbot: QtBot, config: Config, memory: QSettings
) -> None:
    page = gate.page
    key = page._recovery_key
    gate.make_vault()
    gate.settled()
    gate.close()
    again = DeskDriver(qtbot, config, memory)
    again.page.ask_recovery_key()
    dialog = again.dialog
    dialog.key.setText(key)
    dialog.passphrase.entry.setText(OTHER)
    again.press(dialog.open_button.text(), within=dialog)
    again.key(Qt.Key.Key_Escape)
    again.wait(lambda: again.window.view is not None)
    again.settled()
    opened = again.desk.services
    assert opened is not None
    again.wait(lambda: opened.settings.get("recovery.confirmed"))  # nobody is asked whether they have the key
    again.close()


def test_a_changed_passphrase_is_not_called_wrong(desk: DeskDriver) -> None:
    section = security(desk)
    section.current.entry.setText(PASSPHRASE)
    section.new.entry.setText(OTHER)
    for _ in range(2):
        desk.bot.mouseClick(section.change_button, Qt.MouseButton.LeftButton)
    desk.settled()
    assert not section.form.fields["current"].error.text()
    assert section.change_button.isEnabled()


def test_one_enter_shows_a_code_once(desk: DeskDriver) -> None:
    """Every time a code is shown is an entry of the audit log."""
    made_batch(desk)
    desk.go("cards")
    desk.settled()
    desk.table.go_to_row(0)
    desk.page.show_code()
    dialog = desk.dialog
    assert isinstance(dialog, RevealDialog)
    dialog.reason.setText("顾客来电")
    desk.key(Qt.Key.Key_Return)
    desk.settled()
    assert [row for row in audit(desk) if row == "card.revealed"] == ["card.revealed"]


def test_a_double_click_opens_one_dialog(desk: DeskDriver) -> None:
    made_batch(desk)
    desk.go("batches")
    desk.settled()
    desk.page.ask_for_batch()
    desk.page.ask_for_batch()
    desk.settled()
    assert len(shown(desk, Dialog)) == 1


def test_next_pressed_twice_goes_one_step(desk: DeskDriver) -> None:
    desk.go("distribution", ("list", STAFF))
    desk.settled()
    wizard = desk.page.wizard
    for _ in range(2):
        wizard.go_on()
        desk.settled()
    assert wizard.step is wizard.check
    for _ in range(2):
        desk.bot.mouseClick(wizard.next_button, Qt.MouseButton.LeftButton)
    desk.settled()
    assert wizard.step is wizard.assign


def test_a_step_that_was_left_meanwhile_does_not_come_back(desk: DeskDriver) -> None:
    desk.go("distribution", ("list", STAFF))
    desk.settled()
    wizard = desk.page.wizard
    for _ in range(2):
        wizard.go_on()
        desk.settled()
    wizard.go_on()
    wizard.back()
    desk.settled()
    assert wizard.step is wizard.columns


def test_nothing_else_is_begun_while_the_demo_is_made(qtbot: QtBot) -> None:
    """It takes seconds, in which a vault of one's own would end up in a folder that is thrown away."""
    jobs, finish = JobRunner(), Event()
    made: list[Job] = []

    def demo() -> Job:
        made.append(jobs.start(finish.wait, PATIENCE_MS / 1000, title="demo"))
        return made[-1]

    page = FirstRunPage(
        Beginnings(create=str, judge=lambda text: Strength(4, text), save_sheet=print, restore=print, demo_wanted=demo),
        jobs=jobs,
    )
    qtbot.addWidget(page)
    page.show()
    for _ in range(2):
        qtbot.mouseClick(page.demo_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(page.next_button, Qt.MouseButton.LeftButton)
    assert len(made) == 1
    assert page.pages.currentIndex() == 0
    finish.set()
    qtbot.waitUntil(page.demo_button.isEnabled)
    qtbot.mouseClick(page.next_button, Qt.MouseButton.LeftButton)
    assert page.pages.currentIndex() == 1
    jobs.stop()


def test_a_demo_that_cannot_be_made_leaves_all_as_it_was(
    gate: DeskDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vault that is made afterwards must not lie in the folder of the demo."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    config = gate.desk.config
    assert gate.desk.open_demo() is gate.desk.open_demo()
    gate.settled()
    assert not gate.desk.is_demo
    assert gate.desk.config is config
    gate.make_vault()
    gate.settled()
    assert config.vault.exists()


def audit(desk: DeskDriver) -> list[str]:
    assert desk.desk.services is not None
    log = desk.desk.services.audit
    return [row.action for row in log.rows_of(log.ids())]
