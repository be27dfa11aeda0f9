"""Whoever sees nothing or has no mouse: every stop of Tab has a name, and Tab goes as one reads, through all of it."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QTabWidget

from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from tests.drivers.desk import DeskDriver
from tests.drivers.focus import faults

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
STAFF = "姓名\t手机\t部门\n张三\t13800138000\t市场部\n李四\t139\t财务部"


@pytest.fixture
def filled(open_desk: DeskDriver) -> DeskDriver:
    """With a product, cards and two people."""
    desk = open_desk
    assert desk.desk.services is not None
    product = desk.desk.services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    desk.desk.services.batches.generate(BatchSpec(product, 3))
    desk.desk.services.catalog.add(ProductSpec("视频会员", "supplier"))
    checked = desk.desk.services.people.check(desk.desk.services.people.stage(STAFF))
    desk.desk.services.people.store(checked)
    desk.settled()
    return desk


def test_every_page_is_gone_through_as_it_is_read(filled: DeskDriver) -> None:
    view = filled.window.view
    assert view is not None
    found: dict[str, list[str]] = {}
    for key in list(view._specs):
        filled.go(key)
        filled.settled()
        if QApplication.focusWidget() is None:
            filled.page.setFocus()
        found[key] = faults(filled.window)
    assert {key: told for key, told in found.items() if told} == {}


def test_every_tab_of_the_settings_is_gone_through_as_it_is_read(filled: DeskDriver) -> None:
    filled.go("settings")
    filled.settled()
    tabs: QTabWidget = filled.page.tabs
    found: dict[str, list[str]] = {}
    for at in range(tabs.count()):
        tabs.setCurrentIndex(at)
        filled.settled()
        tabs.tabBar().setFocus()
        found[tabs.tabText(at)] = faults(filled.window)
    assert {key: told for key, told in found.items() if told} == {}


def test_the_gate_is_gone_through_as_it_is_read(desk: DeskDriver) -> None:
    page = desk.page
    found = {"first": faults(desk.window)}
    page._show_page(1)
    found["passphrase"] = faults(desk.window)
    page._show_page(2)
    found["recovery key"] = faults(desk.window)
    page._show_page(3)
    found["shop"] = faults(desk.window)
    assert {key: told for key, told in found.items() if told} == {}


def open_drawer(desk: DeskDriver) -> None:
    desk.go("cards")
    desk.settled()
    desk.table.setFocus()
    desk.table.go_to_row(0)
    desk.key(Qt.Key.Key_Return)
    desk.wait(lambda: desk.page.drawer.isVisible())


def test_a_drawer_is_gone_through_as_it_is_read(filled: DeskDriver) -> None:
    open_drawer(filled)
    filled.settled()
    assert faults(filled.window) == []


def test_the_wizard_is_gone_through_as_it_is_read(filled: DeskDriver) -> None:
    filled.go("distribution", ("list", STAFF))
    filled.settled()
    wizard = filled.page.wizard
    found: dict[str, list[str]] = {}
    for _ in range(4):
        wizard.next_button.setFocus()
        found[wizard.step.step_title] = faults(filled.window)
        wizard.go_on()
        filled.settled()
    assert len(found) == 4
    assert {key: told for key, told in found.items() if told} == {}


def test_the_way_back_is_the_way_there(filled: DeskDriver) -> None:
    filled.go("batches")
    filled.settled()
    filled.table.setFocus()
    there = [QApplication.focusWidget()]
    for _ in range(4):
        filled.key(Qt.Key.Key_Tab)
        there.append(QApplication.focusWidget())
    assert len(set(there)) == 5
    for stop in there[-2::-1]:
        filled.key(Qt.Key.Key_Backtab)
        assert QApplication.focusWidget() is stop


def test_the_search_gives_the_keys_back(filled: DeskDriver) -> None:
    filled.go("cards")
    filled.settled()
    filled.table.setFocus()
    filled.key(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert filled.window.palette_box is not None
    filled.wait(filled.window.palette_box.isVisible)
    filled.key(Qt.Key.Key_Escape)
    filled.settled()
    assert filled.window.palette_box.isHidden()
    assert QApplication.focusWidget() is filled.table


DIALOGS: dict[str, Callable[[DeskDriver], object]] = {
    "new product": lambda desk: (desk.go("catalog"), desk.page.add()),
    "generate": lambda desk: (desk.go("batches"), desk.press("生成", within=desk.page)),
    "import codes": lambda desk: (desk.go("batches"), desk.press("导入供应商卡密", within=desk.page)),
    "import people": lambda desk: (desk.go("people"), desk.page.ask_for_list()),
    "import a list": lambda desk: (desk.go("people"), desk.page.import_list(STAFF)),
    "lease cards": lambda desk: (desk.go("counter"), desk.page.bar.take()),
    "keys": lambda desk: desk.window.show_keys(),
    "show a code": lambda desk: (desk.go("cards"), desk.settled(), desk.table.go_to_row(0), desk.page.show_code()),
}


@pytest.mark.parametrize("name", list(DIALOGS))
def test_a_dialog_is_gone_through_as_it_is_read_and_gives_the_focus_back(filled: DeskDriver, name: str) -> None:
    DIALOGS[name](filled)
    filled.settled()
    dialog = filled.dialog
    filled.settled()
    assert faults(dialog) == []
    filled.key(Qt.Key.Key_Escape)
    filled.wait(lambda: QApplication.activeModalWidget() is None)
    filled.window.activateWindow()
    filled.wait(filled.window.isActiveWindow)
    back = QApplication.focusWidget()
    assert back is not None
    assert back.window() is filled.window
    assert back.isVisible()
