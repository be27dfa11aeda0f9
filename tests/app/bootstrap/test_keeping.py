"""What keeps a vault safe, in the real window: its keys, its lock, its backups, and what a crash left behind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.config import Config
from app.errors import WrongRecoveryKey
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.vault import vaults
from app.views.jobs import JobState
from app.views.settings.backups import BackupsSection
from app.views.settings.recovery import RenewDialog
from app.views.settings.security import SecuritySection
from app.views.vault.restore import RestoreDialog
from tests.drivers.desk import PASSPHRASE, DeskDriver

OTHER = "seven green herons 卡匣 at dusk"
Open = Callable[..., DeskDriver]
Kind = TypeVar("Kind", bound=QWidget)


class Keychain(KeyringBackend):
    """A keychain of the test's own: the library's interface over a dictionary."""

    priority = 1.0  # type: ignore[assignment]  # a number, as the library asks for

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError
        del self.kept[service, username]


@pytest.fixture
def keychain() -> Iterator[Keychain]:
    before, own = keyring.get_keyring(), Keychain()
    keyring.set_keyring(own)
    yield own
    keyring.set_keyring(before)


@pytest.fixture
def memory(tmp_path: Path) -> QSettings:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue("language", "zh_CN")
    memory.setValue("theme", "light")
    return memory


@pytest.fixture
def open_window(qtbot: QtBot, memory: QSettings) -> Iterator[Open]:
    """A window over a data folder; whatever is open at the end is closed."""
    drivers: list[DeskDriver] = []

    def open_(config: Config) -> DeskDriver:
        driver = DeskDriver(qtbot, config, memory)
        drivers.append(driver)
        return driver

    yield open_
    for driver in drivers:
        driver.close()


@pytest.fixture
def desk(open_window: Open, config: Config) -> DeskDriver:
    driver = open_window(config)
    driver.make_vault()
    driver.settled()
    return driver


def services(desk: DeskDriver) -> Services:
    assert desk.desk.services is not None
    return desk.desk.services


def section(desk: DeskDriver, key: str, kind: type[Kind]) -> Kind:
    """A section of the settings, as it is found there."""
    desk.go("settings", key)
    found: Kind | None = desk.page.tabs.currentWidget().findChild(kind)
    assert found is not None
    desk.settled()
    return found


def shown(page: QWidget, kind: type[Kind]) -> list[Kind]:
    return [widget for widget in page.findChildren(kind) if widget.isVisible()]


def made_cards(desk: DeskDriver, quantity: int = 10) -> int:
    product = services(desk).catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    return services(desk).batches.generate(BatchSpec(product, quantity))


def locked_and_opened(desk: DeskDriver, passphrase: str) -> bool:
    """Whether this passphrase shows the workspace again."""
    desk.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    desk.wait(lambda: desk.window.view is None)
    desk.unlock(passphrase)
    desk.wait(lambda: desk.window.view is not None or desk.page.field.error.text())
    return desk.window.view is not None


def test_a_changed_passphrase_opens_and_the_old_one_does_not(desk: DeskDriver) -> None:
    security = section(desk, "security", SecuritySection)
    security.current.entry.setText("not this one")
    security.new.entry.setText(OTHER)
    security.change()
    desk.wait(lambda: security.form.fields["current"].error.text())
    security.current.entry.setText(PASSPHRASE)
    security.new.entry.setText("password1")
    security.change()
    desk.wait(lambda: security.form.fields["new"].error.text())
    security.new.entry.setText(OTHER)
    security.change()
    desk.wait(lambda: not security.new.passphrase)
    assert not locked_and_opened(desk, PASSPHRASE)
    desk.unlock(OTHER)
    desk.wait(lambda: desk.window.view is not None)


def test_a_new_recovery_key_makes_the_printed_one_worthless(desk: DeskDriver, config: Config) -> None:
    security = section(desk, "security", SecuritySection)
    security.renew()
    dialog = desk.dialog
    assert isinstance(dialog, RenewDialog)
    keys = []
    for _ in range(2):
        dialog.passphrase.entry.setText(PASSPHRASE)
        dialog._renew()
        desk.wait(dialog.shown.isVisible)
        keys.append(dialog.shown.text())
        dialog.shown.hide()
    dialog.reject()
    first, second = keys
    doors = vaults.Vaults(config, memory_kib=64)
    doors.check_recovery_key(second)
    with pytest.raises(WrongRecoveryKey):
        doors.check_recovery_key(first)
    assert not services(desk).settings.get("recovery.confirmed")
    assert len(services(desk).audit.ids(action="recovery.renewed")) == 2


def test_the_printed_key_is_checked_later_and_the_reminder_goes(desk: DeskDriver) -> None:
    desk.go("home")
    desk.settled()
    desk.press("去核对")
    security = desk.page.tabs.currentWidget().findChild(SecuritySection)
    security.renew()
    renewing = desk.dialog
    renewing.passphrase.entry.setText(PASSPHRASE)
    renewing._renew()
    desk.wait(renewing.shown.isVisible)
    key = renewing.shown.text()
    renewing.reject()
    security.check()
    dialog = desk.dialog
    dialog.key.setText(key[:-1] + ("A" if key[-1] != "A" else "B"))
    desk.press("核对密钥", within=dialog)
    desk.wait(lambda: dialog.form.fields["key"].error.text())
    dialog.key.setText(key.lower().replace("-", " "))
    desk.press("核对密钥", within=dialog)
    desk.wait(lambda: services(desk).settings.get("recovery.confirmed"))
    desk.go("home")
    desk.wait(lambda: "去核对" not in {button.text() for button in shown(desk.page, QPushButton)})


def test_the_window_locks_itself_once_nobody_has_touched_it_for_as_long_as_was_chosen(desk: DeskDriver) -> None:
    security = section(desk, "security", SecuritySection)
    security.idle.setCurrentIndex(security.idle.findData(2))
    security.idle.activated.emit(security.idle.currentIndex())
    watch = desk.window.idle_watch
    watch.look()
    assert desk.window.view is not None
    watch._touched -= 119.0
    QTest.keyClick(desk.window.windowHandle(), Qt.Key.Key_Shift)
    watch._touched -= 119.0
    watch.look()
    assert desk.window.view is not None
    watch._touched -= 119.0
    watch.look()
    desk.wait(lambda: desk.window.view is None)
    desk.settled()


def test_a_remembered_vault_opens_by_itself_until_it_is_forgotten(
    desk: DeskDriver, keychain: Keychain, config: Config, open_window: Open
) -> None:
    section(desk, "security", SecuritySection).remember.click()
    desk.wait(lambda: keychain.kept)
    desk.settled()
    desk.close()
    again = open_window(config)
    again.wait(lambda: again.window.view is not None)
    assert not locked_and_opened(again, "")
    again.unlock()
    again.wait(lambda: again.window.view is not None)
    again.close()
    keychain.kept.clear()
    silent = open_window(config)
    silent.wait(lambda: silent.page.banner.isVisible())
    silent.unlock()
    silent.wait(lambda: silent.window.view is not None)
    security = section(silent, "security", SecuritySection)
    assert security.remember.isChecked()
    security.remember.click()
    silent.settled()
    assert not vaults.Vaults(config).remembered


def test_without_a_keychain_the_tick_goes_away_again(desk: DeskDriver, config: Config) -> None:
    security = section(desk, "security", SecuritySection)
    security.remember.click()
    desk.wait(lambda: not security.remember.isChecked())
    assert not vaults.Vaults(config).remembered


def test_a_backup_made_by_a_click_is_tried_and_put_back_on_another_machine(
    desk: DeskDriver, open_window: Open, tmp_path: Path
) -> None:
    made_cards(desk)
    backups = section(desk, "backups", BackupsSection)
    backups.try_restore()
    desk.wait(backups.banner.isVisible)
    backups.back_up()
    desk.wait(lambda: services(desk).backups.backups())
    desk.settled()
    [archive] = services(desk).backups.backups()
    assert str(archive.path) in backups.banner.words.text()
    backups.try_restore()
    desk.settled()
    assert "1" in backups.banner.words.text()
    desk.close()  # and makes another one, which takes the place of today's
    [path] = archive.path.parent.glob("kaxia-*")
    other = open_window(Config(tmp_path / "other"))
    other.page.ask_for_backup()
    dialog = other.dialog
    assert isinstance(dialog, RestoreDialog)
    dialog.file.setText(str(path))
    dialog.secret.setText("not this one")
    dialog.restore()
    other.wait(lambda: dialog.form.fields["secret"].error.text())
    dialog.secret.setText(PASSPHRASE)
    dialog.restore()
    other.wait(lambda: hasattr(other.page, "unlock"))
    other.unlock()
    other.wait(lambda: other.window.view is not None)
    assert [row.quantity for row in services(other).batches.batches()] == [10]


def test_a_damaged_backup_is_told_in_words(desk: DeskDriver) -> None:
    backups = section(desk, "backups", BackupsSection)
    backups.back_up()
    desk.wait(lambda: services(desk).backups.backups())
    desk.settled()
    path = services(desk).backups.backups()[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    backups.try_restore()
    desk.settled()
    assert backups.banner._tone == "error"
    assert "Traceback" not in backups.banner.words.text()


def test_a_long_task_is_seen_and_stopped_in_the_task_centre(desk: DeskDriver) -> None:
    product = services(desk).catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    desk.go("batches")
    job = desk.page.generate(BatchSpec(product, 1_000_000))
    desk.go("tasks")
    desk.wait(lambda: job.done)
    desk.press("取消")
    desk.wait(lambda: job.state is JobState.CANCELLED)
    desk.settled()
    assert services(desk).batches.batches() == []
    desk.press("清除已结束")
    desk.wait(desk.page.empty.isVisible)


@pytest.mark.parametrize("chosen", ["继续", "放弃"])
def test_a_batch_that_a_crash_cut_is_continued_or_discarded(desk: DeskDriver, chosen: str) -> None:
    product = services(desk).catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))

    def die(done: int, total: int) -> None:
        if done > total // 2:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        services(desk).batches.generate(BatchSpec(product, 50_000), die)
    [batch] = services(desk).batches.batches()
    desk.go("batches")
    desk.settled()
    desk.page.show_cards(batch.id)
    desk.press(chosen, within=desk.dialog)
    desk.settled()
    rows = services(desk).batches.batches()
    assert [(row.state, row.quantity) for row in rows] == ([("ready", 50_000)] if chosen == "继续" else [])
