"""The devices behind the sync page, over a real endpoint: let in, change, revoke; and what a revoked window says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.config import Config
from app.services import Services
from app.services.backups import restore
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.devices import DeviceRow
from app.views.sync.connect_dialog import ConnectDialog
from app.views.sync.device_dialogs import AddDeviceDialog, RenameDialog, RoleDialog
from app.views.sync.page import DEVICES, QUEUE
from app.views.widgets.dialog import ConfirmDialog
from tests.app.conftest import PASSPHRASE
from tests.app.views.test_sync_page import Desk
from tests.drivers.counter import Counter
from tests.drivers.online import a_batch, let_in, pair_with

Opened = Callable[[str], Services]
CLERK = 1
"""Its place in the list, behind this device."""


class DevicesDesk(Desk):
    def show(self) -> None:
        self.page.show_devices()
        self.settled()

    @property
    def rows(self) -> list[DeviceRow]:
        return self.page.devices.rows

    @property
    def dialog(self) -> Any:
        return QApplication.activeModalWidget()

    @property
    def offered(self) -> list[str]:
        menu = QMenu()
        self.page.devices._fill_menu(menu, [CLERK])
        return [action.text() for action in menu.actions()]

    def answer(self, kind: type) -> Any:
        dialog = self.dialog
        assert isinstance(dialog, kind)
        return dialog


def _words(dialog: QWidget) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


@pytest.fixture
def desk(qtbot: QtBot, services: Services, cloud: EmbeddedEndpoint) -> Iterator[DevicesDesk]:
    pair_with(services, cloud)
    made = DevicesDesk(qtbot, services)
    yield made
    made.jobs.stop()


def test_the_list_is_read_when_it_is_shown_and_marks_this_device(desk: DevicesDesk) -> None:
    assert desk.page.table.isVisible()
    assert desk.rows == []
    desk.show()
    assert desk.page.devices.table.isVisible()
    assert not desk.page.table.isVisible()
    (mine,) = desk.rows
    assert desk.page.devices.table.rows.columns[0].of(mine) == f"{mine.name}（本机）"
    desk.page.tabs_bar.setCurrentIndex(QUEUE)
    assert not desk.page.devices.add_button.isVisible()


def test_a_device_is_let_in_by_a_code_that_is_shown_once_and_copied_as_one_line(
    desk: DevicesDesk, second: Opened
) -> None:
    desk.show()
    desk.page.devices.add()
    dialog = desk.answer(AddDeviceDialog)
    assert list(dialog.roles.choices) == ["clerk", "distributor", "auditor", "manager", "owner"]
    dialog.invite()
    assert dialog.form.fields["device"].error.text() == "不能留空。"
    dialog.name.setText("门店一")
    dialog.roles.choices["manager"].setChecked(True)
    dialog.invite()
    desk.wait(lambda: dialog.code.isVisible())
    dialog.copy()
    url, code = QGuiApplication.clipboard().text().split()
    assert (dialog.code.address.text(), dialog.code.text.text()) == (url, code)
    assert dialog.code.left.text().startswith("只能用一次，剩余 ")
    assert dialog.code.qr._picture is not None
    other = second("other")
    other.cloud.pair(url, code)
    dialog.reject()
    desk.wait(lambda: len(desk.rows) == 2)
    assert (desk.rows[CLERK].name, desk.rows[CLERK].role) == ("门店一", "manager")


def test_a_code_that_is_too_old_is_shown_no_more(desk: DevicesDesk) -> None:
    desk.show()
    desk.page.devices.add()
    dialog = desk.answer(AddDeviceDialog)
    dialog.name.setText("门店一")
    dialog.invite()
    desk.wait(lambda: dialog.code.isVisible())
    dialog.code.invitation = _aged(dialog.code.invitation)
    dialog.code.show_left()
    assert dialog.code.left.text() == "这个配对码已过期。请关闭后重新生成。"
    assert dialog.code.qr._picture is None
    dialog.reject()


def _aged(invitation: Any) -> Any:
    return type(invitation)(invitation.url, invitation.code, invitation.role, invitation.name, 0)


def test_role_name_and_revocation_from_the_list(desk: DevicesDesk, second: Opened) -> None:
    let_in(desk.services, second("other"), "clerk", "门店一")
    desk.show()
    assert desk.offered == ["查看", "改名", "更改角色", "停用"]
    section = desk.page.devices
    section.change_role(CLERK)
    desk.answer(RoleDialog).roles.choices["distributor"].setChecked(True)
    desk.dialog.verb_button.click()
    desk.wait(lambda: desk.rows[CLERK].role == "distributor")
    desk.settled()
    section.rename(CLERK)
    desk.answer(RenameDialog).name.setText("")
    desk.dialog.rename()
    assert desk.dialog.form.fields["device"].error.text() == "不能留空。"
    desk.dialog.name.setText("门店二")
    desk.dialog.rename()
    desk.wait(lambda: desk.rows[CLERK].name == "门店二")
    desk.settled()
    section.open_record(CLERK)
    acts = [button.text() for button in desk.page.drawer.findChildren(QPushButton) if button.text()]
    assert {"改名", "更改角色", "停用"} <= set(acts)
    section.revoke(CLERK)
    assert "一直被拒绝" in _words(desk.answer(ConfirmDialog))
    desk.confirm()
    desk.wait(lambda: desk.rows[CLERK].state == "revoked")
    desk.settled()
    assert desk.offered == ["查看"]


def test_the_last_owner_is_told_why_it_stays(desk: DevicesDesk) -> None:
    desk.show()
    desk.page.devices.revoke(0)
    assert "这就是你正在用的设备" in _words(desk.answer(ConfirmDialog))
    desk.confirm()
    desk.wait(lambda: desk.page.banner.isVisible())
    assert "最后一个所有者" in desk.page.banner.words.text()


def test_a_clerk_sees_the_list_and_changes_nothing(
    qtbot: QtBot, services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    other = second("other")
    let_in(services, other)
    other.cloud.sync()
    desk = DevicesDesk(qtbot, other)
    desk.show()
    assert len(desk.rows) == 2
    assert not desk.page.devices.add_button.isEnabled()
    assert desk.offered == ["查看"]
    desk.jobs.stop()


def test_a_revoked_window_says_so_and_pairs_again_with_a_new_code(
    qtbot: QtBot, services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    other = second("other")
    row = let_in(services, other, "manager")
    other.cloud.sync()
    services.devices.revoke(row)
    a_batch(other)
    desk = DevicesDesk(qtbot, other)
    desk.page.sync()
    desk.wait(lambda: desk.page.banner.isVisible() and desk.page.banner.act.isVisible())
    desk.settled()
    assert desk.page.banner.words.text().startswith("本设备已被停用")
    assert desk.facts[3] != "0 条"
    desk.show()
    assert desk.rows == []
    desk.page.banner.act.click()
    dialog = desk.answer(ConnectDialog)
    assert dialog.url.text() == services.cloud.status().url
    assert not dialog.form.fields["url"].hint.isVisible(), "what stands there need not be typed"
    hint = dialog.form.fields["code"].hint
    assert services.settings.merchant().id in hint.text()
    assert hint.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    invitation = services.devices.invite("manager", "后台二")
    dialog.url.setText(f"{invitation.url} {invitation.code.reveal()}")
    assert dialog.code.text() == invitation.code.reveal()
    dialog.connect_now()
    desk.wait(lambda: desk.facts[3] == "0 条")
    desk.settled()
    assert not desk.page.banner.isVisible()
    desk.jobs.stop()


def test_a_window_whose_vault_lives_twice_says_so_until_somebody_settles_it(
    desk: DevicesDesk, second: Opened, tmp_path: Path
) -> None:
    restore(desk.services.backups.create().path, Config(tmp_path / "twin"), secret=PASSPHRASE)
    twin = second("twin")
    elsewhere = lambda: (desk.services.cloud.settle_twin(), desk.page.refresh())  # noqa: E731
    for settle in (elsewhere, lambda: (desk.page.banner.act.click(), desk.confirm())):
        twin.cloud.sync()
        desk.page.sync()
        desk.wait(lambda: desk.page.banner.act.isVisible())
        desk.settled()
        assert "金库有两份在用" in desk.page.banner.words.text()
        settle()
        desk.wait(lambda: not desk.page.banner.isVisible())


def test_without_a_line_the_list_says_why_it_is_empty(desk: DevicesDesk, cloud: EmbeddedEndpoint) -> None:
    desk.show()
    cloud.stop()
    desk.page.devices.refresh()
    desk.wait(lambda: desk.page.devices.table._empty is not None and desk.jobs.idle)
    assert desk.rows == []
    assert desk.page.tabs_bar.currentIndex() == DEVICES


def test_the_arrows_of_the_drawer_go_through_the_list_in_front(desk: DevicesDesk, second: Opened) -> None:
    let_in(desk.services, second("other"), "clerk", "门店一")
    desk.show()
    desk.page.devices.table.go_to_row(0)
    desk.page.devices.open_record(0)
    desk.page.drawer.stepped.emit(1)
    assert desk.page.drawer.heading.text() == "门店一"


def test_a_revoked_counter_says_that_it_is_not_the_card_and_leads_to_the_page_that_mends_it(
    qtbot: QtBot, services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    other = second("other")
    row = let_in(services, other, "clerk")
    other.cloud.sync()
    services.devices.revoke(row)
    counter, asked = Counter(qtbot, other), list[str]()
    counter.page.page_wanted.connect(lambda key, _: asked.append(key))
    counter.scan("7K3Q-X9PM-A2FT-8842-0000")
    counter.says("暂不能核销", "停用", "没有核销")
    assert counter.page.banner.act.text() == "前往同步"
    counter.page.banner.act.click()
    assert asked == ["sync"]
    counter.jobs.stop()
