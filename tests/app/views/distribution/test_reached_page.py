"""The deliveries behind a number of the dashboard: what narrows them, and one of them in full."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.models.base import now
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.ledger import DeliveryFilter
from app.services.vault.vaults import OpenVault
from app.views.changes import Changes
from app.views.distribution.reached import ReachedPage
from app.views.jobs import JobRunner
from app.words import day
from tests.drivers.trade import Trade

FACE = 20_000
pytestmark = [pytest.mark.qt_log_ignore("This plugin does not support", extend=True), pytest.mark.usefixtures("noon")]


class Screen:
    def __init__(self, page: ReachedPage, bot: QtBot, product: int) -> None:
        self.page, self.bot, self.product = page, bot, product

    def shows(self, count: int) -> None:
        self.bot.waitUntil(lambda: self.page.table.count == count and self.page.jobs.idle, timeout=20_000)

    def chips(self) -> list[str]:
        return [made.text() for made in self.page.chips._buttons.values()]


@pytest.fixture
def screen(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Screen]:
    """Four cards that went out four days ago."""
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    services.batches.generate(BatchSpec(product, 12))
    Trade(vault.database).hand_out(product, 4, at=now() - timedelta(days=4), steps=(4, 4, 2, 1))
    jobs, changes = JobRunner(), Changes()
    page = ReachedPage(services.ledger, services.distribution, jobs=jobs, changes=changes)
    page.resize(1200, 700)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    yield Screen(page, qtbot, product)
    jobs.stop()


def test_the_parts_of_the_question_stand_as_chips_and_are_taken_away_one_by_one(screen: Screen) -> None:
    begin, end = now() - timedelta(days=10), now()
    screen.page.show_wanted(DeliveryFilter("sent", begin, end, product_id=screen.product, channel="email"))
    screen.shows(4)
    screen.bot.waitUntil(lambda: "商品：中秋福利卡" in screen.chips())
    assert screen.chips() == [f"已发送：{day(begin)} 至 {day(end)}", "商品：中秋福利卡", "渠道：邮件"]
    screen.page.chips.remove("product_id")
    screen.shows(4)
    assert screen.page.chips.keys() == ["period", "channel"]
    with screen.bot.waitSignal(screen.page.page_wanted) as went:
        screen.page.chips.remove("period")
    assert went.args == ["dashboard", None]


def test_the_last_day_of_a_period_is_named_not_the_one_after_it(screen: Screen) -> None:
    begin = (now() - timedelta(days=9)).replace(hour=16, minute=0, second=0, microsecond=0)
    screen.page.show_wanted(DeliveryFilter("claimed", begin, begin + timedelta(days=2)))
    assert screen.chips() == [f"已领取：{day(begin)} 至 {day(begin + timedelta(days=1))}"]


def test_enter_shows_one_delivery_with_its_story_and_leads_to_its_distribution(screen: Screen) -> None:
    screen.page.show_wanted(DeliveryFilter("sent", now() - timedelta(days=10), now()))
    screen.shows(4)
    screen.page.table.go_to_row(0)
    screen.bot.keyClick(screen.page.table, Qt.Key.Key_Return)
    screen.bot.waitUntil(screen.page.drawer.isVisible)
    found = screen.page.table.current_row()
    assert found is not None
    assert screen.page.drawer.heading.text() == found.name
    go = next(one for one in screen.page.drawer.findChildren(QPushButton) if one.text() == "查看这次发放")
    with screen.bot.waitSignal(screen.page.page_wanted) as went:
        go.click()
    assert went.args == ["distribution", found.distribution_id]
