"""The list of cards as another page wants it: by batch, by person, by a number of the dashboard."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytestqt.qtbot import QtBot

from app.models.base import now
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.ledger import CardsOut
from app.services.vault.vaults import OpenVault
from app.views.cards.page import CardsPage
from app.views.changes import Changes
from app.views.jobs import JobRunner
from tests.drivers.trade import Trade

FACE = 20_000
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Screen:
    def __init__(self, page: CardsPage, bot: QtBot) -> None:
        self.page, self.bot = page, bot

    def shows(self, count: int) -> None:
        self.bot.waitUntil(lambda: self.page.table.count == count and self.page.jobs.idle, timeout=20_000)

    def chip(self, key: str, words: str) -> None:
        self.bot.waitUntil(lambda: words in self.page.filters.chips._buttons[key].text(), timeout=20_000)


@pytest.fixture
def screen(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Screen]:
    """Twelve cards; four of them with people, one of those redeemed."""
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))
    services.batches.generate(BatchSpec(product, 12))
    trade = Trade(vault.database)
    cards = trade.hand_out(product, 4, at=now() - timedelta(days=4), steps=(4, 4, 4, 4))
    trade.redeem(cards[0], FACE, at=now() - timedelta(days=2))
    jobs, changes = JobRunner(), Changes()
    vault.database.subscribe(changes.tell)
    page = CardsPage(services.cards, services.ledger, services.batches, services.people, jobs=jobs, changes=changes)
    page.resize(1200, 700)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    made = Screen(page, qtbot)
    made.shows(12)
    yield made
    jobs.stop()


def test_a_number_of_the_dashboard_lists_the_cards_it_counts(screen: Screen) -> None:
    screen.page.show_wanted(CardsOut(live=True))
    screen.shows(3)
    screen.chip("live", "仍可用")
    assert not screen.page.filters.state_box.isEnabled()
    screen.page.filters.chips.remove("live")
    screen.shows(12)
    assert screen.page.filters.state_box.isEnabled()


def test_each_part_of_a_question_can_be_taken_away(screen: Screen) -> None:
    wanted = CardsOut(product_id=1, issued_from=now() - timedelta(days=9), issued_to=now(), redeemed=True)
    screen.page.show_wanted(wanted)
    screen.shows(1)
    screen.chip("product_id", "中秋福利卡")
    assert screen.page.filters.chips.keys() == ["product_id", "period", "redeemed"]
    screen.page.filters.chips.remove("redeemed")
    screen.shows(4)


def test_a_batch_is_called_by_its_serial(screen: Screen) -> None:
    screen.page.show_wanted({"batch_id": 1})
    screen.chip("batch_id", "B2")
    screen.page.filters.chips.remove("batch_id")
    screen.bot.waitUntil(lambda: not screen.page.filters.chips.isVisible())


def test_a_wanted_state_stands_in_the_box_and_can_be_changed_there(screen: Screen) -> None:
    screen.page.show_wanted(CardFilter(states=("spent",)))
    screen.shows(1)
    assert screen.page.filters.state_box.currentData() == "spent"
    screen.page.filters.state_box.setCurrentIndex(0)
    screen.shows(12)


def test_several_states_stand_in_a_chip(screen: Screen) -> None:
    screen.page.show_wanted(CardFilter(states=("spent", "in_stock")))
    screen.shows(9)
    screen.chip("states", "库存")
    screen.page.filters.chips.remove("states")
    screen.shows(12)
