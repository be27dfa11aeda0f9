"""The dashboard on the screen: figures, filters, the lists behind the numbers, pictures and workbooks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from app.models.base import now
from app.models.database import Database
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.dashboard import DashboardService, ListLink
from app.services.dashboard.formulas import title_of
from app.services.ledger import CardsOut, DeliveryFilter, LedgerService, RedemptionFilter
from app.services.vault.vaults import OpenVault
from app.views.changes import Changes
from app.views.dashboard.figures import KEYS
from app.views.dashboard.page import DashboardPage
from app.views.dashboard.period_bar import period_of
from app.views.jobs import JobRunner
from app.views.widgets.charts.trend import nice_ticks
from app.views.widgets.kpi_card import Figure, FormulaPopover, KpiCard
from app.views.widgets.numbers import axis, change_of, short, short_yuan, times
from app.words import set_language
from tests.drivers.trade import Trade

FACE = 20_000
pytestmark = [pytest.mark.qt_log_ignore("This plugin does not support", extend=True), pytest.mark.usefixtures("noon")]
"""Popups and tooltips ask the window system for what the offscreen one does not have."""


@dataclass
class Screen:
    page: DashboardPage
    bot: QtBot
    database: Database
    links: list[ListLink] = field(default_factory=list)

    def settled(self) -> None:
        """Until every question is answered."""
        self.bot.waitUntil(lambda: self.page.shown is not None and self.page.jobs.idle, timeout=20_000)

    def number(self, key: str) -> str:
        return self.page.cards[key].number.text()


@pytest.fixture
def screen(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Screen]:
    jobs, changes = JobRunner(), Changes()
    vault.database.subscribe(changes.tell)
    dashboard = DashboardService(vault.database, services.audit)
    page = DashboardPage(dashboard, services.catalog, jobs=jobs, changes=changes)
    page.resize(1200, 820)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    made = Screen(page, qtbot, vault.database)
    page.drill_wanted.connect(made.links.append)
    made.settled()
    yield made
    jobs.stop()


@pytest.fixture
def traded(screen: Screen, services: Services) -> Screen:
    """Ten cards by mail four days ago, three of them redeemed at half past nine two days ago."""
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    services.batches.generate(BatchSpec(product, 30))
    trade = Trade(screen.database)
    cards = trade.hand_out(product, 10, at=now() - timedelta(days=4), steps=(9, 8, 6, 4))
    for card in cards[:3]:
        trade.redeem(card, FACE, at=now() - timedelta(days=2))
    screen.bot.waitUntil(lambda: screen.number("issued") == "10" and screen.number("redeemed") == "¥600.00")
    screen.settled()
    return screen


def test_a_product_that_was_put_away_can_still_be_looked_at(traded: Screen, services: Services) -> None:
    (product,) = services.catalog.products()
    services.catalog.archive(product.id)
    traded.settled()
    traded.bot.waitUntil(lambda: traded.page.bar.product_box.findData(product.id) > 0, timeout=5_000)
    traded.page.reload()
    traded.settled()
    assert traded.page.bar.product_box.findData(product.id) > 0


def test_before_the_first_card_the_page_says_how_to_begin(screen: Screen) -> None:
    assert screen.page.empty.isVisible()
    with screen.bot.waitSignal(screen.page.page_wanted) as asked:
        QTest.mouseClick(screen.page.empty.act_button, Qt.MouseButton.LeftButton)
    assert asked.args == ["distribution", None]


def test_the_figures_follow_what_happens(traded: Screen) -> None:
    assert not traded.page.empty.isVisible()
    assert traded.number("redemption_money") == "30.0%"
    assert traded.number("outstanding") == "¥1,400.00"
    assert traded.number("claim") == "50.0%"
    assert "10 张，¥2,000.00" in traded.page.cards["issued"].number.toolTip()


def test_every_number_asks_for_a_list_of_its_length(traded: Screen) -> None:
    ledger = LedgerService(traded.database)
    for key in ("issued", "redeemed", "redemption_money", "outstanding", "claim", "expiring"):
        traded.page.cards[key].opened.emit()
    lengths = []
    for link in traded.links:
        if isinstance(link.filter, CardsOut):
            lengths.append(len(ledger.card_ids(link.filter)))
        elif isinstance(link.filter, DeliveryFilter):
            lengths.append(len(ledger.delivery_ids(link.filter)))
        else:
            lengths.append(len(ledger.redemption_ids(link.filter)))
    assert lengths == [10, 3, 10, 7, 4, 0]


def test_charts_open_lists_too(traded: Screen) -> None:
    page = traded.page
    page.funnel.channel_box.setCurrentIndex(1)
    page.funnel.funnel.chosen.emit("redeemed")
    page.funnel.funnel.chosen.emit("opened")
    page.heat.heat.chosen.emit(2, 9)
    page.products.bars.chosen.emit(1)
    day = date(2026, 9, 25)
    page.trend.trend.day_chosen.emit(day)
    cards, opened, cell, product, one_day = (link.filter for link in traded.links)
    assert isinstance(cards, CardsOut)
    assert (cards.redeemed, cards.channel) == (True, "email")
    assert isinstance(opened, DeliveryFilter)
    assert (opened.step, opened.channel) == ("opened", "email")
    assert isinstance(cell, RedemptionFilter)
    assert (cell.weekday, cell.hour) == (2, 9)
    assert isinstance(product, RedemptionFilter)
    assert product.product_id == 1
    assert isinstance(one_day, RedemptionFilter)
    assert one_day.begin is not None
    assert one_day.end is not None
    assert one_day.end - one_day.begin == timedelta(days=1)


def test_a_click_on_the_trend_opens_the_day_under_the_mouse(traded: Screen) -> None:
    trend = traded.page.trend.trend
    QTest.mouseMove(trend, trend.rect().center())
    with traded.bot.waitSignal(trend.day_chosen) as asked:
        QTest.mouseClick(trend, Qt.MouseButton.LeftButton, pos=trend.rect().center())
    shown = traded.page.shown
    assert shown is not None
    assert asked.args is not None
    assert shown.period.first_day < asked.args[0] < shown.period.last_day


def test_period_product_and_comparison_narrow_what_is_shown(traded: Screen, services: Services) -> None:
    bar = traded.page.bar
    assert bar.product_box.count() == 2
    bar.product_box.setCurrentIndex(1)
    bar.compare_box.setCurrentIndex(2)
    traded.settled()
    shown = traded.page.shown
    assert shown is not None
    assert (shown.product_id, shown.compared.how) == (1, "lunar")
    bar.choose("custom")
    bar.first_day.setDate(bar.last_day.date())
    traded.settled()
    assert bar.first_day.isVisible()
    assert traded.number("issued") == "0"
    bar.choose("7")
    traded.settled()
    assert traded.number("issued") == "10"


def test_the_chips_stand_for_days_up_to_today() -> None:
    today = date(2026, 11, 24)
    assert period_of("7", today).first_day == date(2026, 11, 18)
    assert period_of("month", today).first_day == date(2026, 11, 1)
    assert period_of("year", today).first_day == date(2026, 1, 1)


def test_the_formula_stands_behind_the_question_mark(traded: Screen) -> None:
    QTest.mouseClick(traded.page.funnel.help_button, Qt.MouseButton.LeftButton)
    popover = QApplication.activePopupWidget()
    assert isinstance(popover, FormulaPopover)
    assert "发行" in popover.accessibleName()
    popover.close()


def test_the_data_and_the_picture_can_be_kept(traded: Screen, services: Services, tmp_path: Path) -> None:
    traded.page.ask_xlsx()
    dialog = traded.page.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "看板.xlsx"))
    dialog.close()
    traded.settled()
    traded.page.save_png(tmp_path / "看板.png")
    assert (tmp_path / "看板.xlsx").stat().st_size > 4_000
    picture = QImage(str(tmp_path / "看板.png"))
    assert picture.width() > 2 * 1000
    assert "dashboard.exported" in [row.action for row in services.audit.rows()]
    traded.page.save_png(tmp_path / "nowhere" / "看板.png")
    assert traded.page.banner.isVisible()


def test_a_narrow_page_puts_cards_in_two_rows(traded: Screen) -> None:
    traded.page.resize(820, 600)
    traded.bot.waitUntil(lambda: traded.page.cards["outstanding"].y() > traded.page.cards["issued"].y())
    assert traded.page.funnel.x() == traded.page.trend.x()
    traded.page.resize(1200, 820)
    traded.bot.waitUntil(lambda: traded.page.cards["outstanding"].y() == traded.page.cards["issued"].y())


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("key", [*KEYS, "redemption_cards"])
def test_a_title_is_whole_on_the_narrowest_card(qtbot: QtBot, key: str, language: str) -> None:
    set_language(language)
    card = KpiCard()
    qtbot.addWidget(card)
    card.show_figure(Figure(title_of(key), "0", ""))
    card.resize(card.minimumWidth(), 140)
    card.show()
    title = next(part for part in card.findChildren(QLabel) if part.text() == title_of(key))
    assert title.width() >= title.fontMetrics().horizontalAdvance(title.text())


def test_long_numbers_are_shortened_in_the_units_of_the_language() -> None:
    assert (short(9_999), short(12_345), short(12_345_678)) == ("9,999", "1.23 万", "1,234.6 万")
    assert (short(987_654_321), short(99_999_999)) == ("9.88 亿", "1.00 亿")
    assert (short_yuan(999_999), short_yuan(1_234_500), short_yuan(123_456_789_00)) == (
        "¥9,999.99",
        "¥1.23 万",
        "¥1.23 亿",
    )
    assert short_yuan(-250_000_000) == "-¥250.00 万"
    assert (axis(800), axis(15_000), axis(2_000_000)) == ("800", "1.5 万", "200 万")
    assert (times(1), times(20_000)) == ("1 次", "2.00 万 次")
    set_language("en")
    assert (short(12_345), short(999_999), short(12_345_678), short(9_876_543_210)) == (
        "12.3K",
        "1.00M",
        "12.35M",
        "9.88B",
    )
    assert (change_of(3, 2), change_of(3, 0)) == (0.5, None)


def test_axes_of_counts_have_whole_numbers_only() -> None:
    assert nice_ticks(0) == [0, 1]
    assert nice_ticks(2) == [0, 1, 2]
    assert nice_ticks(9) == [0, 5, 10]
    assert nice_ticks(50_000) == [0, 20_000, 40_000, 60_000]


@pytest.fixture
def vouchers(screen: Screen, services: Services) -> Screen:
    """Six vouchers without money, two of them used."""
    product = services.catalog.add(ProductSpec("月饼提货券", "exchange", "voucher", uses=2))
    services.batches.generate(BatchSpec(product, 10))
    trade = Trade(screen.database)
    for card in trade.hand_out(product, 6, at=now() - timedelta(days=4), steps=(6, 6, 5, 4))[:2]:
        trade.redeem(card, 0, at=now() - timedelta(days=2))
    screen.bot.waitUntil(lambda: screen.number("issued") == "6" and screen.number("redeemed") == "2")
    screen.settled()
    return screen


def test_without_money_cards_and_uses_are_counted(vouchers: Screen) -> None:
    cards = vouchers.page.cards
    assert [vouchers.number(key) for key in ("outstanding", "redemption_money")] == ["4", "33.3%"]
    assert cards["redemption_money"].figure.title == "核销率（张）"
    assert not any("¥" in card.figure.number + card.change.text() + card.figure.exact for card in cards.values())
    assert not vouchers.page.products.by_box.isVisible()
    assert vouchers.page.products.bars.accessibleName() == "月饼提货券 2 次"


def test_products_rank_by_amount_or_by_times(traded: Screen, services: Services) -> None:
    """A voucher has no amount: it stands in the other ranking, never as ¥0.00."""
    product = services.catalog.add(ProductSpec("月饼提货券", "exchange", "voucher", uses=2))
    services.batches.generate(BatchSpec(product, 10))
    trade = Trade(traded.database)
    for card in trade.hand_out(product, 5, at=now() - timedelta(days=4), steps=(5, 5, 5, 5)):
        trade.redeem(card, 0, at=now() - timedelta(days=2))
    traded.bot.waitUntil(lambda: traded.number("issued") == "15")
    traded.settled()
    board = traded.page.products
    assert board.bars.accessibleName() == "中秋福利卡 ¥600.00"
    board.by_box.setCurrentIndex(1)
    assert board.bars.accessibleName() == "月饼提货券 5 次, 中秋福利卡 3 次"


def test_charts_are_read_and_opened_by_keys(traded: Screen) -> None:
    page = traded.page
    for chart, keys in (
        (page.funnel.funnel, (Qt.Key.Key_Down, Qt.Key.Key_Down)),
        (page.heat.heat, (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down)),
        (page.products.bars, (Qt.Key.Key_Down,)),
        (page.trend.trend, (Qt.Key.Key_Right, Qt.Key.Key_Right)),
    ):
        chart.setFocus()
        for key in keys:
            QTest.keyClick(chart, key)
        assert chart.accessibleDescription()
        QTest.keyClick(chart, Qt.Key.Key_Return)
    sent, cell, product, day = (link.filter for link in traded.links)
    assert isinstance(sent, DeliveryFilter)
    assert sent.step == "sent"
    assert isinstance(cell, RedemptionFilter)
    assert (cell.weekday, cell.hour) == (1, 1)
    assert isinstance(product, RedemptionFilter)
    assert product.product_id == 1
    assert isinstance(day, RedemptionFilter)


def test_the_formula_is_whole_and_stays_beside_its_card(traded: Screen) -> None:
    for card in (traded.page.cards["issued"], traded.page.cards["expiring"]):
        QTest.mouseClick(card.help_button, Qt.MouseButton.LeftButton)
        popover = QApplication.activePopupWidget()
        assert isinstance(popover, FormulaPopover)
        words = popover.findChildren(QLabel)[1]
        assert words.height() >= words.heightForWidth(words.width())
        left = traded.page.mapFromGlobal(popover.pos()).x()
        assert left >= card.mapTo(traded.page, card.rect().topLeft()).x() - popover.width() + card.width()
        assert 0 <= left <= traded.page.width() - popover.width()
        popover.close()


def test_custom_days_stand_beside_the_chips_where_there_is_room(traded: Screen) -> None:
    bar = traded.page.bar
    bar.choose("custom")
    traded.settled()
    assert bar.first_day.mapTo(bar, bar.first_day.rect().topLeft()).y() < bar.chips["7"].height()
    traded.page.resize(820, 600)
    traded.bot.waitUntil(lambda: bar.first_day.mapTo(bar, bar.first_day.rect().topLeft()).y() > bar.chips["7"].height())


def test_a_rate_moves_by_percentage_points(traded: Screen) -> None:
    """A point alone is none of per cent, and 点 is none at all."""
    trade = Trade(traded.database, acts=1_000)
    trade.hand_out(1, 10, at=now() - timedelta(days=40), steps=(10, 10, 10, 10))
    traded.page.reload()
    traded.bot.waitUntil(lambda: traded.page.cards["claim"].change.text().endswith(" 百分点"), timeout=20_000)
