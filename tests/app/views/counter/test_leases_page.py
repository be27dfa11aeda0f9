"""The lists of leases and of conflicts: give back, take back by force, settle, by mouse and by keyboard."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot
from sqlalchemy import select, update

from app.config import Config
from app.models.base import now
from app.models.catalog import Product
from app.models.lease import Conflict, Lease
from app.models.redemption import Redemption
from app.services import Services
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.changes import Changes
from app.views.counter.conflicts import ConflictsPage
from app.views.counter.leases import LeasesPage, ReclaimDialog, _computer, whose
from app.views.counter.settle_dialog import SettleDialog
from app.views.home.page import HomePage
from app.views.jobs import JobRunner
from app.views.sync.page import SyncPage
from app.views.widgets.dialog import ConfirmDialog
from app.views.widgets.toast import Toasts
from app.words import moment, set_language
from sync.protocol import new_op_id
from tests.drivers.counter import LEAST_ROOM
from tests.drivers.endpoint import Desktop, new_merchant, paired
from tests.drivers.online import EVENING, a_code, redeem_on_the_phone, sealed_batch

PATIENCE_MS = 20_000
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Lists:
    def __init__(self, services: Services, vault: OpenVault, bot: QtBot) -> None:
        self.bot, self.services, self.jobs, changes = bot, services, JobRunner(), Changes()
        vault.database.subscribe(changes.tell)
        self.leases = LeasesPage(services.leases, jobs=self.jobs, changes=changes)
        self.conflicts = ConflictsPage(services.leases, jobs=self.jobs, changes=changes)
        for page in (self.conflicts, self.leases):
            bot.addWidget(page)
            page.resize(1200, 760)
            with bot.waitExposed(page):
                page.show()
        self.leases.activateWindow()

    def wait(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def rows(self, count: int) -> None:
        self.wait(lambda: self.leases.table.count == count and self.jobs.idle)

    def toast(self, page: LeasesPage | ConflictsPage) -> str:
        toasts = page.window().findChild(Toasts)
        return toasts.toasts()[-1].words.text() if toasts and toasts.toasts() else ""

    def cells(self, row: int = 0) -> list[str]:
        rows = self.leases.table.rows
        return [str(rows.index(row, at).data()) for at in range(len(rows.columns))]


@pytest.fixture
def batch(online: Services) -> int:
    return sealed_batch(online)


@pytest.fixture
def lists(qtbot: QtBot, online: Services, vault: OpenVault, batch: int) -> Iterator[Lists]:
    made = Lists(online, vault, qtbot)
    yield made
    made.jobs.stop()


@pytest.fixture
def other(online: Services, config: Config) -> Iterator[Desktop]:
    """Another computer of this merchant."""
    url, merchant = online.cloud.status().url, UUID(online.settings.merchant().id)
    device = paired(url, new_merchant(str(config.endpoint / "endpoint.db"), merchant_id=merchant))
    yield device
    device.client.close()


def of_another(lists: Lists, vault: OpenVault, batch: int) -> None:
    """What this computer had leased belongs to another one."""
    lists.services.leases.take(batch, until=now() + EVENING, count=10)
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(device_id=str(UUID(int=7)), device_name="西湖店前台"))


def test_a_lease_of_this_computer_is_given_back_after_a_question(lists: Lists, batch: int) -> None:
    lists.services.leases.take(batch, until=now() + EVENING, first_no=3, count=10)
    lists.services.redemptions.redeem(a_code(lists.services, batch, 2), 5_000)
    lists.rows(1)
    lists.wait(lambda: "1" in lists.cells())
    assert {"中秋福利卡", "3-12", "本机", "10"} <= set(lists.cells())
    lists.leases.table.setFocus()
    lists.leases.table.go_to_row(0)
    lists.bot.keyClick(lists.leases.table, Qt.Key.Key_Return)
    assert lists.leases.drawer.isVisible()
    button = next(one for one in lists.leases.drawer.findChildren(QPushButton) if one.text() == "归还")
    lists.bot.mouseClick(button, Qt.MouseButton.LeftButton)
    lists.wait(lambda: isinstance(QApplication.activeModalWidget(), ConfirmDialog))
    lists.bot.keyClick(QApplication.activeModalWidget(), Qt.Key.Key_Return)
    lists.rows(0)
    assert "已归还" in lists.toast(lists.leases)
    lists.leases.show_ended(ended=True)
    lists.rows(1)
    lists.leases.table.go_to_row(0)
    lists.leases.end_current()
    assert "已结束" in lists.leases.banner.words.text()


def test_a_lease_of_another_is_taken_back_only_with_a_reason(lists: Lists, vault: OpenVault, batch: int) -> None:
    of_another(lists, vault, batch)
    lists.rows(1)
    lists.wait(lambda: "西湖店前台" in lists.cells())
    lists.leases.table.go_to_row(0)
    lists.leases.end_current()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ReclaimDialog)
    assert any("冲突" in one.text() for one in dialog.findChildren(QLabel))
    lists.bot.keyClick(dialog.reason, Qt.Key.Key_Return)
    assert dialog.form.fields["reason"].error.text()
    assert lists.services.leases.leases()
    lists.bot.keyClicks(dialog.reason, "broken")
    lists.bot.keyClick(dialog.reason, Qt.Key.Key_Return)
    lists.rows(0)
    assert "收回" in lists.toast(lists.leases)


def test_without_a_line_a_lease_is_taken_back_later_and_that_is_said(
    lists: Lists, vault: OpenVault, batch: int
) -> None:
    of_another(lists, vault, batch)
    lists.rows(1)
    lists.services.cloud.stop_embedded()
    lists.leases.end(lists.services.leases.leases()[0])
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ReclaimDialog)
    dialog.reason.setText("电脑坏了")
    dialog.reclaim()
    lists.wait(lambda: "联网后收回" in lists.toast(lists.leases))
    assert lists.services.leases.leases()


def test_one_that_ran_out_is_marked_and_given_back_at_once(lists: Lists, vault: OpenVault, batch: int) -> None:
    lists.services.leases.take(batch, until=now() + EVENING)
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(until=now()))
    lists.rows(1)
    lists.wait(lambda: "已到期，未归还" in lists.cells())
    lists.leases.end(lists.services.leases.leases()[0])
    lists.rows(0)


def conflict(lists: Lists, other: Desktop, batch: int) -> None:
    """The counter gave 150 yuan out offline, the phone had taken 80."""
    services = lists.services
    lease = services.leases.take(batch, until=now() + EVENING, count=10)
    code = a_code(services, batch)
    services.redemptions.redeem(code, 15_000, place="东门店")
    other.push("lease.reclaim@1", {"lease_id": lease.id, "reason": "没有回来"})
    redeem_on_the_phone(services, code, 8_000)
    services.cloud.sync()
    lists.wait(lambda: lists.conflicts.table.count == 1 and lists.jobs.idle)


def test_a_conflict_shows_both_stories_and_is_settled_by_keyboard(lists: Lists, other: Desktop, batch: int) -> None:
    conflict(lists, other, batch)
    page = lists.conflicts
    page.activateWindow()
    page.table.setFocus()
    page.table.go_to_row(0)
    lists.bot.keyClick(page.table, Qt.Key.Key_Return)
    told = [one.text() for one in page.drawer.findChildren(QLabel)]
    assert {"核销台交付", "¥150.00", "流水已有", "¥80.00", "手机页"} <= set(told)
    assert any("东门店" in one for one in told)
    page.settle_current()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, SettleDialog)
    lists.bot.keyClick(dialog.note, Qt.Key.Key_Return)
    assert dialog.form.fields["way"].error.text()
    lists.bot.keyClick(dialog.choices["contacted"], Qt.Key.Key_Space)
    assert not dialog.form.fields["way"].error.text()
    lists.bot.keyClick(dialog.note, Qt.Key.Key_Return)
    assert dialog.form.fields["note"].error.text()
    lists.bot.keyClicks(dialog.note, "paid by transfer")
    lists.bot.keyClick(dialog.note, Qt.Key.Key_Return)
    lists.wait(lambda: page.table.count == 0)
    lists.wait(lambda: not page.drawer.isVisible())
    (settled,) = lists.services.leases.conflicts(settled=True)
    assert (settled.way, settled.note) == ("contacted", "paid by transfer")
    page.show_settled(settled=True)
    lists.wait(lambda: page.table.count == 1 and lists.jobs.idle)
    page.table.go_to_row(0)
    page.settle_current()
    assert "已处理" in page.banner.words.text()


def shown_whole(lists: Lists, page: LeasesPage | ConflictsPage) -> dict[str, str]:
    """The cells of the one row by the keys of their columns, of which none is cut."""
    lists.bot.addWidget(page)
    page.resize(*LEAST_ROOM)
    with lists.bot.waitExposed(page):
        page.show()
    table, seen = page.table, {}
    lists.wait(lambda: table.count == 1 and table.rows.index(0, 0).data() and lists.jobs.idle)
    for at, column in enumerate(table.rows.columns):
        if not table.isColumnHidden(at):
            seen[column.key] = str(table.rows.index(0, at).data())
            assert table.columnWidth(at) >= table._cells.needed(at), f"{column.key} is cut"
    assert table.horizontalScrollBar().maximum() == 0
    return seen


@pytest.mark.parametrize("spoken", ["zh_CN", "en"])
def test_the_list_of_conflicts_tells_when_and_where_of_both_stories_whole_in_the_smallest_window(
    lists: Lists, other: Desktop, batch: int, spoken: str
) -> None:
    conflict(lists, other, batch)
    set_language(spoken)
    seen = shown_whole(lists, ConflictsPage(lists.services.leases, jobs=lists.jobs, changes=Changes()))
    (row,) = lists.services.leases.conflicts()
    phone = "手机页" if spoken == "zh_CN" else "Phone page"
    assert {row.serial, "¥150.00", moment(row.decided_at), "东门店", moment(row.others[-1].at), phone} < set(
        seen.values()
    )


def test_the_list_of_leases_cuts_no_computer_and_no_product_in_the_smallest_window(
    lists: Lists, vault: OpenVault, batch: int
) -> None:
    of_another(lists, vault, batch)
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(device_name="Front desk, West Lake shop"))
        session.execute(update(Product).values(name="Mid-Autumn card"))
    set_language("en")
    seen = shown_whole(lists, LeasesPage(lists.services.leases, jobs=lists.jobs, changes=Changes()))
    assert {"Front desk, West Lake shop", "Mid-Autumn card", "10"} < set(seen.values())


def test_what_was_given_back_since_did_not_use_a_card_up(
    lists: Lists, other: Desktop, batch: int, vault: OpenVault
) -> None:
    conflict(lists, other, batch)
    (before,) = lists.services.leases.conflicts()
    with vault.database.write(Topic.REDEMPTIONS) as session:
        entry = session.scalars(select(Redemption).where(Redemption.card_id == before.card_id)).one()
        given_back = {"id": new_op_id(), "kind": "reversed", "amount_minor": -entry.amount_minor, "at": now()}
        kept = {key: value for key, value in vars(entry).items() if not key.startswith("_")}
        session.add(Redemption(**(kept | given_back | {"seq": -1})))
    lists.wait(lambda: len(lists.services.leases.conflicts()[0].others) == 2 and lists.jobs.idle)
    rows = lists.conflicts.table.rows
    columns = [column.key for column in rows.columns]
    lists.wait(lambda: rows.index(0, columns.index("used")).data() == "¥80.00")
    assert rows.index(0, columns.index("used_on")).data() == moment(before.others[0].at)


def test_a_conflict_is_a_thing_to_do_until_it_is_settled(
    lists: Lists, other: Desktop, batch: int, vault: OpenVault
) -> None:
    changes = Changes()
    vault.database.subscribe(changes.tell)
    home = HomePage(lists.services.home, jobs=lists.jobs, changes=changes)
    sync = SyncPage(lists.services.cloud, lists.services.devices, jobs=lists.jobs, changes=changes)
    wanted: list[str] = []
    for page in (home, sync):
        lists.bot.addWidget(page)
        page.resize(1100, 760)
        page.show()
        page.page_wanted.connect(lambda key, _: wanted.append(key))
    conflict(lists, other, batch)
    lists.wait(lambda: sync.conflicts_button.text() == "冲突 (1)")
    lists.wait(lambda: "1 条冲突待处理" in [one.text() for one in home.findChildren(QLabel)])
    next(one for one in home.findChildren(QPushButton) if one.text() == "处理").click()
    sync.conflicts_button.click()
    assert wanted == ["conflicts", "conflicts"]
    lists.services.leases.settle(lists.services.leases.conflicts()[0].id, way="loss", note="记损")
    lists.wait(lambda: sync.conflicts_button.text() == "冲突")
    lists.wait(lambda: home.shown is not None and "conflicts" not in [one.key for one in home.shown.todos])
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Conflict).values(way=None, settled_at=None))
    lists.wait(lambda: home.shown is not None and "conflicts" in [one.key for one in home.shown.todos])


def test_in_a_column_a_computer_is_written_large_and_its_own_name_as_it_is(
    lists: Lists, vault: OpenVault, batch: int
) -> None:
    lists.services.leases.take(batch, until=now() + EVENING, count=10)
    (mine,) = lists.services.leases.leases()
    set_language("en")
    assert (whose(mine), _computer(mine)) == ("this computer", "This computer")
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(device_id=str(UUID(int=7)), device_name="vm"))
    (other,) = lists.services.leases.leases()
    assert _computer(other) == "vm"
