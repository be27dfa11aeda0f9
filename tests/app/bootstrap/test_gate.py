"""A gate at work: what is chosen meanwhile must not lose its answer."""

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.config import Config
from tests.drivers.desk import PASSPHRASE, DeskDriver


def test_a_language_chosen_while_the_vault_is_made_does_not_lose_it(desk: DeskDriver) -> None:
    page = desk.page
    page.go_on()
    page.passphrase.entry.setText(PASSPHRASE)
    page.go_on()
    page.later.setChecked(True)
    page.go_on()
    page.merchant.setText("某某商户")
    page.go_on()
    desk.window.choose_language("en")
    desk.settled()
    assert desk.window.view is not None
    desk.go("catalog")
    assert desk.page.accessibleName() == "Products"
    desk.settled()
    assert desk.desk.services is not None
    assert desk.desk.services.settings.get("look.language") == "en"


def test_a_language_chosen_while_the_vault_is_opened_does_not_shut_it_out(
    qtbot: QtBot, config: Config, memory: QSettings
) -> None:
    first = DeskDriver(qtbot, config, memory)
    first.make_vault()
    first.settled()
    first.close()
    second = DeskDriver(qtbot, config, memory)
    second.unlock()
    second.window.choose_language("en")
    second.settled()
    assert second.window.view is not None
    second.settled()
    second.close()


def test_the_menu_of_a_field_speaks_the_language_of_the_program(desk: DeskDriver) -> None:
    """Qt makes it, as it makes its file dialog and its message boxes."""

    def words() -> str:
        menu = QLineEdit(desk.window).createStandardContextMenu()
        return " ".join(act.text() for act in menu.actions())

    assert "粘贴" in words()
    desk.window.choose_language("en")
    assert "Paste" in words()
    desk.window.choose_language("zh_CN")
    assert "粘贴" in words()
