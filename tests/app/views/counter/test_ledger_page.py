"""The ledger on the screen: every entry, what narrows it, and what it adds up to."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.models.base import now
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.dashboard import Period
from app.services.ledger import RedemptionFilter
from app.services.vault.vaults import OpenVault
from app.views.changes import Changes
from app.views.counter.ledger import LedgerPage, Line
from app.views.jobs import JobRunner
from app.words import zone
from tests.drivers.days import today
from tests.drivers.trade import Trade

FACE = 20_000
pytestmark = [pytest.mark.qt_log_ignore("This plugin does not support", extend=True), pytest.mark.usefixtures("noon")]


class Screen:
    def __init__(self, page: LedgerPage, bot: QtBot, vault: OpenVault) -> None:
        self.page, self.bot = page, bot
        self.trade = Trade(vault.database)
        self.status = ""
        page.status_changed.connect(self._hear)

    def shows(self, count: int) -> None:
        self.bot.waitUntil(lambda: self.page.table.count == count and self.page.jobs.idle, timeout=20_000)

    def line(self, at: int) -> Line:
        """A row, once it was fetched."""
        self.bot.waitUntil(lambda: self.page.table.rows.row_at(at) is not None, timeout=20_000)
        line = self.page.table.rows.row_at(at)
        assert isinstance(line, Line)
        return line

    def says(self, words: str) -> None:
        self.bot.waitUntil(lambda: words in self.status, timeout=20_000)

    def _hear(self, status: str) -> None:
        self.status = status


@pytest.fixture
def screen(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Screen]:
    jobs, changes = JobRunner(), Changes()
    vault.database.subscribe(changes.tell)
    page = LedgerPage(services.ledger, services.catalog, services.slips, jobs=jobs, changes=changes)
    page.resize(1200, 700)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    yield Screen(page, qtbot, vault)
    jobs.stop()


@pytest.fixture
def traded(screen: Screen, services: Services) -> Screen:
    """Three cards redeemed two days ago; the last redemption was taken back yesterday."""
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    services.batches.generate(BatchSpec(product, 10))
    cards = screen.trade.hand_out(product, 5, at=now() - timedelta(days=4), steps=(5, 5, 5, 5))
    for card in cards[:3]:
        last = screen.trade.redeem(card, FACE, at=now() - timedelta(days=2))
    screen.trade.redeem(cards[2], FACE, at=now() - timedelta(days=1), reverses=last)
    screen.shows(4)
    return screen


def test_a_reversal_is_an_entry_of_its_own_and_counts_as_minus(traded: Screen) -> None:
    traded.says("净额 ¥400.00")
    line = traded.line(0)
    assert (line.entry.kind, line.entry.amount_minor) == ("reversed", -FACE)


def test_top_ups_and_refunds_stand_apart_from_what_was_redeemed(traded: Screen) -> None:
    traded.trade.pay(4, 5_000, at=now() - timedelta(minutes=2))
    traded.trade.pay(5, -FACE, at=now() - timedelta(minutes=1))
    traded.shows(6)
    traded.says("净额 ¥400.00 · 充值 ¥50.00 · 退卡 ¥200.00")
    traded.page.show_wanted(RedemptionFilter(now() - timedelta(days=9), now(), net=True))
    traded.shows(2)
    traded.page.kind_box.setCurrentIndex(traded.page.kind_box.findData("topped_up"))
    traded.shows(1)
    traded.says("1 行 · 充值 ¥50.00")
    assert (traded.line(0).entry.kind, traded.line(0).entry.amount_minor) == ("topped_up", -5_000)


def test_a_filter_stands_as_chips_that_are_taken_away_one_by_one(traded: Screen) -> None:
    day = today() - timedelta(days=2)
    period = Period(day, day)
    traded.page.show_wanted(RedemptionFilter(period.begin, period.end, kind="redeemed"))
    traded.shows(3)
    traded.says("净额 ¥600.00")
    assert traded.page.chips.keys() == ["period", "kind"]
    traded.page.chips.remove("period")
    traded.shows(3)
    traded.page.chips.remove("kind")
    traded.shows(4)
    assert not traded.page.chips.isVisible()


def test_a_product_is_called_by_its_name(traded: Screen) -> None:
    traded.page.show_wanted(RedemptionFilter(product_id=1))
    traded.shows(4)
    traded.bot.waitUntil(lambda: "中秋福利卡" in traded.page.chips._buttons["product_id"].text())


def test_a_refresh_keeps_its_place_though_new_entries_stand_above(traded: Screen) -> None:
    table = traded.page.table
    table.go_to_row(3)
    traded.bot.waitUntil(lambda: table.current_row() is not None, timeout=20_000)
    before = table.current_row()
    traded.trade.redeem(5, FACE, at=now())
    traded.shows(5)
    traded.bot.waitUntil(lambda: table.current_row() is not None, timeout=20_000)
    after = table.current_row()
    assert before is not None
    assert after is not None
    assert after.entry.id == before.entry.id


def test_an_entry_leads_to_its_card(traded: Screen) -> None:
    line = traded.line(0)
    with traded.bot.waitSignal(traded.page.page_wanted) as asked:
        traded.page.table.opened.emit(line.id)
    assert asked.args == ["cards", line.entry.card_id]


def test_nothing_found_says_so_and_leads_back(traded: Screen) -> None:
    old = datetime(2020, 1, 1, tzinfo=zone())
    traded.page.show_wanted(RedemptionFilter(old, old + timedelta(days=1)))
    traded.shows(0)
    empty = traded.page.table._empty
    assert empty is not None
    empty.act_button.click()  # type: ignore[attr-defined]  # an EmptyState with an act
    traded.shows(4)


def test_days_a_channel_and_a_kind_are_chosen_on_the_page(traded: Screen) -> None:
    page = traded.page
    page.days_box.box.setCurrentIndex(page.days_box.box.findData("1"))
    traded.shows(0)
    page.days_box.box.setCurrentIndex(page.days_box.box.findData("7"))
    traded.shows(4)
    page.kind_box.setCurrentIndex(page.kind_box.findData("reversed"))
    traded.shows(1)
    assert page.chips.keys() == ["period", "kind"]
    assert page.question() == {"kind": "reversed", "days": {"span": "7"}}, "the last seven days stay relative"
    page.chips.remove("period")
    assert page.days_box.key == ""
    page.chips.remove("kind")
    page.channel_box.setCurrentIndex(page.channel_box.findData("print"))
    traded.shows(0)
    page.show_question({"days": {"span": "7"}, "channel": "email"})
    traded.shows(4)
    assert (page.days_box.key, page.channel_box.currentData()) == ("7", "email")


def test_a_product_is_found_on_the_page(traded: Screen) -> None:
    box = traded.page.product_box
    box.setFocus()
    box.setText("中秋")
    traded.bot.keyClick(box, Qt.Key.Key_Return)
    traded.bot.waitUntil(lambda: traded.page.chips.keys() == ["product_id"], timeout=20_000)
    traded.shows(4)
