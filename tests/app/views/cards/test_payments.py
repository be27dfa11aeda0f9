"""Top-up and refund in the window: from the drawer's button to the card's life, at a real endpoint."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.models.base import now
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.vault.vaults import OpenVault
from app.views.cards.page import CardsPage
from app.views.cards.payment_dialog import PaymentDialog, RefundDialog, TopUpDialog
from app.views.changes import Changes
from app.views.jobs import JobRunner
from tests.app.services.test_lost_answers import after_the_look
from tests.drivers.trade import Trade

FACE = 20_000
PATIENCE_MS = 20_000
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Screen:
    def __init__(self, page: CardsPage, bot: QtBot, card: int) -> None:
        self.page, self.bot, self.card = page, bot, card

    def act(self, words: str) -> QPushButton:
        """A button of the open drawer."""
        self.page.open_record(self.card)
        self.bot.waitUntil(lambda: self.page.jobs.idle and self.page.drawer.isVisible(), timeout=PATIENCE_MS)
        self.bot.waitUntil(lambda: len(self._shown(words)) == 1, timeout=PATIENCE_MS)
        return self._shown(words)[0]

    def _shown(self, words: str) -> list[QPushButton]:
        made = self.page.drawer.findChildren(QPushButton)
        return [one for one in made if one.text() == words and one.isVisible()]

    def dialog(self, kind: type[PaymentDialog]) -> PaymentDialog:
        self.act("充值" if kind is TopUpDialog else "退卡").click()
        self.bot.waitUntil(lambda: bool(self.page.findChildren(kind)), timeout=PATIENCE_MS)
        dialog = self.page.findChildren(kind)[-1]
        self.bot.waitUntil(dialog.isVisible, timeout=PATIENCE_MS)
        return dialog

    def press(self, dialog: PaymentDialog) -> None:
        dialog.verb_button.click()
        self.bot.waitUntil(lambda: self.page.jobs.idle, timeout=PATIENCE_MS)


def screen_of(services: Services, vault: OpenVault, bot: QtBot, spec: ProductSpec) -> Screen:
    batch_id = services.batches.generate(BatchSpec(services.catalog.add(spec), 3, "STANDARD"))
    Trade(vault.database).release(batch_id, at=now())
    services.cloud.sync()
    jobs, changes = JobRunner(), Changes()
    vault.database.subscribe(changes.tell)
    page = CardsPage(
        services.cards,
        services.ledger,
        services.batches,
        services.people,
        redemptions=services.redemptions,
        exports=services.exports,
        jobs=jobs,
        changes=changes,
    )
    page.resize(1200, 700)
    bot.addWidget(page)
    with bot.waitExposed(page):
        page.show()
    return Screen(page, bot, services.cards.ids(CardFilter(batch_id=batch_id), descending=False)[0])


@pytest.fixture
def screen(qtbot: QtBot, online: Services, vault: OpenVault) -> Iterator[Screen]:
    made = screen_of(online, vault, qtbot, ProductSpec("储值卡", "fixed", "stored_value", face_minor=FACE))
    yield made
    made.page.jobs.stop()


def test_a_top_up_says_in_numbers_what_will_be_so_and_does_it(screen: Screen, online: Services) -> None:
    dialog = screen.dialog(TopUpDialog)
    dialog.amount.setText("300")
    assert dialog.consequence.text() == "充入 ¥300.00：卡内现有 ¥200.00，充值后为 ¥500.00。"
    assert dialog.verb_button.text() == "充值 ¥300.00"
    screen.press(dialog)  # without a reason nothing happens
    assert online.redemptions.payable(screen.card).balance_minor == FACE
    dialog.chips[0].click()
    screen.press(dialog)
    assert online.redemptions.payable(screen.card).balance_minor == FACE + 30_000
    told = online.cards.detail(screen.card).timeline[-1]
    assert (told.what, told.amount_minor) == ("topped_up", 30_000)


def test_beyond_the_limit_of_such_a_card_the_box_must_be_ticked(screen: Screen, online: Services) -> None:
    dialog = screen.dialog(TopUpDialog)
    assert isinstance(dialog, TopUpDialog)
    dialog.reason.setText("x")
    dialog.amount.setText("800")
    assert dialog.over_box.isHidden()
    dialog.amount.setText("800.01")
    assert (dialog.warning.text(), dialog.verb_button.isEnabled()) == ("不记名储值卡每张不超过 ¥1,000。", False)
    dialog.over_box.setChecked(True)
    screen.press(dialog)
    assert online.redemptions.payable(screen.card).balance_minor == 100_001


def test_a_refund_offers_all_and_takes_no_more_than_that(screen: Screen, online: Services) -> None:
    dialog = screen.dialog(RefundDialog)
    assert dialog.amount.text() == "200.00"
    dialog.amount.setText("200.01")
    assert (dialog.consequence.text(), dialog.verb_button.isEnabled()) == ("卡内只有 ¥200.00。", False)
    dialog.amount.setText("50")
    assert dialog.consequence.text() == "退还 ¥50.00：卡内现有 ¥200.00，退后为 ¥150.00。"
    dialog.reason.setText("客户退卡")
    screen.press(dialog)
    assert online.redemptions.payable(screen.card).balance_minor == 15_000
    assert online.cards.detail(screen.card).timeline[-1].what == "refunded"


def test_what_is_not_possible_says_why_on_its_button(qtbot: QtBot, online: Services, vault: OpenVault) -> None:
    screen = screen_of(online, vault, qtbot, ProductSpec("月饼券", "exchange", "voucher", uses=3))
    no_money = screen.act("充值")
    assert (no_money.isEnabled(), no_money.toolTip()) == (False, "这张卡按次数使用，卡内没有金额。")
    assert screen.act("退卡").isEnabled()
    dialog = screen.dialog(RefundDialog)
    assert dialog.consequence.text() == "退还 3 次，卡内不再有剩余。"
    dialog.reason.setText("x")
    screen.press(dialog)
    assert not screen.act("退卡").isEnabled()
    assert screen.act("退卡").toolTip() == "这张卡已用完。"
    screen.page.jobs.stop()


def test_after_a_lost_answer_only_the_same_wish_can_be_asked_again(
    screen: Screen, online: Services, config: Config
) -> None:
    dialog = screen.dialog(TopUpDialog)
    dialog.amount.setText("10")
    dialog.reason.setText("x")
    held = sqlite.connect(str(config.endpoint / "endpoint.db"), isolation_level=None, check_same_thread=False)
    with closing(held) as endpoint:
        with after_the_look(online, lambda: endpoint.execute("BEGIN IMMEDIATE")):
            screen.press(dialog)
        endpoint.execute("ROLLBACK")
    assert dialog.verb_button.text() == "再问一次"
    assert dialog.amount.isReadOnly()
    screen.press(dialog)
    assert online.redemptions.payable(screen.card).balance_minor == FACE + 1_000
