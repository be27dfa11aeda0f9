"""Into the recycle bin from a list, back by Ctrl+Z, back from the bin's own page."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.vault.vaults import OpenVault
from app.views.catalog.page import CatalogPage
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.removals.page import RemovalsPage
from app.views.widgets.dialog import ConfirmDialog
from app.views.widgets.list_page import ListPage
from app.views.widgets.toast import Toasts

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Lists:
    def __init__(self, services: Services, vault: OpenVault, bot: QtBot) -> None:
        self.jobs, changes, self.bot = JobRunner(), Changes(), bot
        vault.database.subscribe(changes.tell)
        self.products = CatalogPage(services.catalog, services.removals, jobs=self.jobs, changes=changes)
        self.bin = RemovalsPage(services.removals, jobs=self.jobs, changes=changes)
        for page in (self.bin, self.products):
            bot.addWidget(page)
            page.resize(1100, 700)
            with bot.waitExposed(page):
                page.show()
        self.products.activateWindow()

    def count(self, page: ListPage, count: int) -> None:
        self.bot.waitUntil(lambda: page.table.count == count and self.jobs.idle, timeout=20_000)

    def toast(self, page: ListPage) -> str:
        toasts = page.window().findChild(Toasts)
        return toasts.toasts()[-1].words.text() if toasts and toasts.toasts() else ""


@pytest.fixture
def lists(qtbot: QtBot, services: Services, vault: OpenVault) -> Lists:
    """Three products; the first has a batch."""
    for name in ("中秋福利卡", "课程码", "写错了"):
        services.catalog.add(ProductSpec(name, "exchange"))
    services.batches.generate(BatchSpec(1, 5))
    made = Lists(services, vault, qtbot)
    made.count(made.products, 3)
    return made


def test_the_delete_key_removes_and_undo_brings_it_back(lists: Lists) -> None:
    page = lists.products
    page.table.setFocus()
    page.table.go_to_row(0)
    lists.bot.keyClick(page.table, Qt.Key.Key_Delete)
    lists.count(page, 2)
    lists.count(lists.bin, 1)
    assert lists.toast(page) == "已移入回收站 1 项"
    lists.bot.keyClick(page.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    lists.count(page, 3)
    lists.count(lists.bin, 0)
    lists.jobs.stop()


def test_what_is_in_use_stays_and_says_why(lists: Lists) -> None:
    page = lists.products
    page.bin.remove([1, 2])
    lists.bot.waitUntil(lambda: page.banner.isVisible(), timeout=20_000)
    assert page.banner.words.text() == "中秋福利卡 不能移除：它还有 1 个有效批次。请先作废或移除这些批次。"
    lists.count(page, 3)
    lists.jobs.stop()


def test_the_bin_restores_what_is_chosen_and_shows_one_kind(lists: Lists, services: Services) -> None:
    services.people.store(services.people.check(services.people.stage("姓名\t手机\n张三\t13800138000")))
    services.removals.remove("person", services.people.ids())
    services.removals.remove("product", [2, 3])
    page = lists.bin
    lists.count(page, 3)
    page.show_wanted("person")
    lists.count(page, 1)
    assert page.chips.keys() == ["kind"]
    page.chips.remove("kind")
    page.search.setText("课程")
    lists.bot.keyClick(page.search, Qt.Key.Key_Return)
    lists.count(page, 1)
    page.table.go_to_row(0)
    page.restore_chosen()
    lists.count(page, 0)
    page.show_question({})
    lists.count(page, 2)
    lists.count(lists.products, 2)
    page.table.selectAll()
    page.restore_chosen()
    lists.count(page, 0)
    assert len(services.people.ids()) == 1
    lists.jobs.stop()


def test_more_than_are_in_sight_are_asked_for(lists: Lists, services: Services) -> None:
    ids = [services.catalog.add(ProductSpec(f"商品{n}", "exchange")) for n in range(40)]
    page = lists.products
    lists.count(page, 43)
    page.bin.ask_to_remove(ids)
    dialog = page.window().findChild(ConfirmDialog)
    assert dialog is not None
    dialog.verb_button.click()
    lists.count(page, 3)
    lists.count(lists.bin, 40)
    lists.jobs.stop()
