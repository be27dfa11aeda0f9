"""The whole walk in the real window by keyboard alone: from the first run to a redeemed card on the dashboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from python_calamine import load_workbook

from app.config import Config
from app.services.vault.recovery import shown_recovery_key
from app.views.widgets.kpi_card import KpiCard
from tests.drivers.desk import DeskDriver
from tests.drivers.rosters import people

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
GIVEN = 30
PASSPHRASE = "correct horse battery staple"
FACE, PART = "200.00", "88.50"
pytestmark = [pytest.mark.timeout(300), pytest.mark.qt_log_ignore("This plugin does not support", extend=True)]


class Hands:
    """What a keyboard can do, and eyes that wait for what the screen shows."""

    def __init__(self, desk: DeskDriver) -> None:
        self.desk = desk

    @property
    def page(self) -> QWidget:
        return self.desk.page

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.desk.key(key, held)
        QApplication.processEvents()

    def type(self, text: str) -> None:
        self.desk.keys(text)

    def tab_to(self, widget: QWidget) -> None:
        for _ in range(80):
            if widget.hasFocus():
                return
            self.press(Key.Key_Tab)
        raise AssertionError(f"{widget} cannot be reached with Tab")

    def find_page(self, name: str, key: str) -> None:
        """By the palette, as somebody does who knows the name."""
        self.press(Key.Key_K, CTRL)
        self.type(name)
        self.press(Key.Key_Return)
        self.desk.wait(lambda: self.desk.window.view is not None and self.desk.window.view.current == key)
        self.desk.settled()


@pytest.fixture
def hands(qtbot: QtBot, config: Config) -> Iterator[Hands]:
    config.data.mkdir(parents=True)
    memory = QSettings(str(config.data / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue("language", "zh_CN")
    driver = DeskDriver(qtbot, config, memory, alone=False)
    yield Hands(driver)
    if driver.desk.services is not None:
        driver.desk.services.cloud.stop_embedded()
    driver.close()


def test_from_an_empty_machine_to_a_redeemed_card_by_keyboard_alone(hands: Hands, tmp_path: Path) -> None:
    make_a_vault(hands)
    make_a_product(hands)
    (tmp_path / "out").mkdir()
    codes = give_cards(hands, tmp_path / "out")
    assert len(codes) == GIVEN
    sync(hands)
    redeem(hands, codes[4])
    see_it_on_the_dashboard(hands)
    lock_and_unlock(hands)


def make_a_vault(hands: Hands) -> None:
    page = hands.page
    hands.tab_to(page.next_button)
    hands.press(Key.Key_Space)
    hands.desk.wait(page.passphrase.entry.hasFocus)
    hands.type(PASSPHRASE)
    hands.press(Key.Key_Return)
    hands.desk.wait(page.groups[0].hasFocus)
    shown = shown_recovery_key(page._recovery_key).split("-")  # read off the screen
    for at, field in zip(page._asked, page.groups, strict=True):
        hands.tab_to(field)
        hands.type(shown[at])
    hands.tab_to(page.next_button)
    hands.press(Key.Key_Space)
    hands.desk.wait(page.merchant.hasFocus)
    hands.type("云杉科技")
    hands.press(Key.Key_Return)
    hands.desk.wait(lambda: hands.desk.window.view is not None)
    hands.desk.settled()


def make_a_product(hands: Hands) -> None:
    hands.find_page("商品", "catalog")
    hands.press(Key.Key_N, CTRL)
    dialog = hands.desk.dialog
    hands.desk.wait(dialog.name.hasFocus)
    hands.type("中秋福利卡")
    hands.tab_to(dialog.face)
    hands.type(FACE)
    hands.press(Key.Key_Return)
    hands.desk.wait(lambda: hands.desk.table.count == 1)
    hands.desk.settled()


def give_cards(hands: Hands, out: Path) -> list[str]:
    """Paste a list, make what is missing, write one file; the codes in it."""
    hands.press(Key.Key_D, CTRL | SHIFT)
    wizard = hands.page.wizard
    hands.desk.wait(wizard.loading.zone.hasFocus)
    rows = "\n".join(f"{one.name}\t{one.phone}\t{one.department}" for one in people(GIVEN))
    QGuiApplication.clipboard().setText("姓名\t手机\t部门\n" + rows)
    hands.press(Key.Key_V, CTRL)
    hands.desk.wait(lambda: wizard.draft.roster is not None)
    for step in (wizard.columns, wizard.check, wizard.assign):
        hands.desk.settled()
        hands.press(Key.Key_Return, CTRL)
        hands.desk.wait(lambda step=step: wizard.step is step)
    hands.desk.wait(lambda: wizard.assign.limits.shortage.isVisible())
    hands.tab_to(wizard.assign.limits.shortage.act)
    hands.press(Key.Key_Space)
    hands.desk.wait(lambda: wizard.assign.plan is not None and not wizard.assign.plan.missing)
    hands.desk.settled()
    hands.press(Key.Key_Return, CTRL)
    hands.desk.wait(lambda: wizard.step is wizard.channel)
    hands.tab_to(wizard.channel.folder)
    hands.press(Key.Key_A, CTRL)
    hands.type(str(out))
    for step in (wizard.when, wizard.confirm):
        hands.desk.settled()
        hands.press(Key.Key_Return, CTRL)
        hands.desk.wait(lambda step=step: wizard.step is step)
    hands.desk.wait(wizard.confirm.entry.hasFocus)
    hands.desk.settled()
    hands.type(str(GIVEN))
    hands.press(Key.Key_Return)
    hands.desk.wait(lambda: wizard.step is wizard.receipt)
    hands.desk.settled()
    (book,) = out.glob("*.xlsx")
    table = load_workbook(str(book)).get_sheet_by_index(0).to_python()
    head = next(row for row in table if "卡密" in row)
    return [str(row[head.index("卡密")]) for row in table[table.index(head) + 1 :]]


def sync(hands: Hands) -> None:
    hands.find_page("同步", "sync")
    hands.press(Key.Key_F5)
    services = hands.desk.desk.services
    assert services is not None
    hands.desk.wait(lambda: services.cloud.status().last_sync_at is not None and hands.desk.desk.jobs.idle)
    assert services.cloud.status().pending == 0


def redeem(hands: Hands, code: str) -> None:
    hands.press(Key.Key_F9)
    page = hands.page
    hands.desk.wait(page.entry.hasFocus)
    hands.type(code.lower().replace("-", " "))
    hands.press(Key.Key_Return)
    hands.desk.wait(lambda: "可用" in page.band.shown.spoken and "200.00" in page.band.shown.spoken)
    hands.press(Key.Key_F4)
    hands.desk.wait(page.amount.hasFocus)
    hands.type(PART)
    hands.press(Key.Key_Return)
    hands.desk.wait(lambda: "已核销" in page.band.shown.spoken and PART in page.band.shown.spoken)
    hands.desk.settled()


def see_it_on_the_dashboard(hands: Hands) -> None:
    hands.find_page("看板", "dashboard")

    def numbers() -> set[str]:
        return {card.number.text() for card in hands.page.findChildren(KpiCard) if card.isVisible()}

    hands.desk.wait(lambda: f"¥{PART}" in numbers())
    assert str(GIVEN) in numbers()


def lock_and_unlock(hands: Hands) -> None:
    hands.press(Key.Key_L, CTRL)
    hands.desk.wait(lambda: hands.desk.window.view is None)
    hands.desk.wait(lambda: hands.page.passphrase.entry.hasFocus())
    hands.type(PASSPHRASE)
    hands.press(Key.Key_Return)
    hands.desk.wait(lambda: hands.desk.window.view is not None)
    hands.desk.settled()
