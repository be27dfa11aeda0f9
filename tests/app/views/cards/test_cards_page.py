"""The list of cards as another page wants it: by batch, by person, by a number of the dashboard."""

import csv
import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import QFileDialog
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
from app.views.widgets.days_box import DaysBox
from app.views.widgets.pick_box import PickBox
from app.words import end_of_local_day
from tests.drivers.trade import Trade

FACE = 20_000
pytestmark = [pytest.mark.qt_log_ignore("This plugin does not support", extend=True), pytest.mark.usefixtures("noon")]


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


# --- narrowing on the page itself ---


def typed(screen: Screen, box: PickBox, words: str) -> None:
    """Letters and Enter, as a person without a mouse does it."""
    box.setFocus()
    screen.bot.keyClicks(box, words)
    screen.bot.keyClick(box, Qt.Key.Key_Return)


def test_a_batch_is_found_by_a_few_letters_and_enter(screen: Screen, services: Services) -> None:
    other = services.batches.generate(BatchSpec(1, 3))
    screen.shows(15)
    typed(screen, screen.page.filters.batch_box, "-02")
    screen.shows(3)
    assert screen.page.filters.wanted == CardFilter(batch_id=other)
    assert screen.page.filters.batch_box.text() == "", "the chip says it now"
    screen.chip("batch_id", services.batches.batch(other).serial)
    screen.page.filters.chips.remove("batch_id")
    screen.shows(15)


def test_a_batch_is_found_by_its_product_too_and_chosen_with_the_arrows(screen: Screen, services: Services) -> None:
    course = services.catalog.add(ProductSpec("课程码", "exchange"))
    services.batches.generate(BatchSpec(course, 2))
    screen.shows(14)
    box = screen.page.filters.batch_box
    box.setFocus()
    screen.bot.keyClick(box, Qt.Key.Key_Down)
    screen.bot.waitUntil(lambda: box.popup.isVisible() and len(box.offered) == 2, timeout=20_000)
    assert "课程码" in box.offered[0]
    screen.bot.keyClick(box.popup, Qt.Key.Key_Down)
    screen.bot.keyClick(box.popup, Qt.Key.Key_Return)
    screen.shows(2)


def test_a_holder_is_found_by_pinyin(screen: Screen, services: Services, holder: int) -> None:
    typed(screen, screen.page.filters.holder_box, "zx")
    screen.shows(0)
    screen.chip("person_id", "曾小贤")
    assert screen.page.filters.wanted == CardFilter(person_id=holder)


def test_a_chip_never_bears_the_name_of_what_was_asked_before(screen: Screen, services: Services, holder: int) -> None:
    other = services.batches.batch(services.batches.generate(BatchSpec(1, 3)))
    screen.page.show_wanted(CardFilter(batch_id=other.id))
    screen.chip("batch_id", other.serial)
    screen.page.filters.narrow(CardFilter(batch_id=1))
    assert other.serial not in screen.page.filters.chips._buttons["batch_id"].text()
    screen.chip("batch_id", "-01")
    typed(screen, screen.page.filters.holder_box, "zx")
    screen.bot.waitUntil(lambda: len(screen.page.filters.chips.keys()) == 2, timeout=20_000)
    texts = [screen.page.filters.chips._buttons[key].text() for key in ("batch_id", "person_id")]
    assert "-01" in texts[0], "what stays is still called by its name"
    assert "曾小贤" in texts[1], "what was picked is called so at once"


def test_what_nobody_is_called_changes_nothing(screen: Screen) -> None:
    box = screen.page.filters.holder_box
    typed(screen, box, "nobody")
    screen.bot.waitUntil(lambda: box.offered == ["没有找到"], timeout=20_000)
    screen.bot.keyClick(box, Qt.Key.Key_Return)
    assert screen.page.filters.wanted == CardFilter()


def test_validity_narrows_and_goes_with_a_state(screen: Screen, services: Services, vault: OpenVault) -> None:
    Trade(vault.database).end_validity(1, now() + timedelta(days=10))
    services.batches.generate(BatchSpec(1, 5))
    screen.shows(17)
    choose(screen.page.filters.validity_box, "ending")
    screen.shows(12)
    screen.chip("validity", "30 天内到期")
    choose(screen.page.filters.validity_box, "endless")
    screen.shows(5)
    choose(screen.page.filters.validity_box, "expired")
    screen.shows(0)
    choose(screen.page.filters.validity_box, "ending")
    state = screen.page.filters.state_box
    state.setCurrentIndex(state.findData("spent"))
    screen.shows(1)
    assert screen.page.filters.chips.keys() == ["states", "validity"]
    screen.page.filters.chips.remove("states")
    screen.shows(12)
    assert state.currentData() == ""


def test_days_that_are_typed_include_the_last_one(screen: Screen, vault: OpenVault) -> None:
    end = end_of_local_day(date(2031, 5, 20))
    Trade(vault.database).end_validity(1, end)
    box = screen.page.filters.validity_box
    choose(box, "days")
    screen.shows(0)
    box.first.setDate(QDate(2031, 5, 1))
    box.last.setDate(QDate(2031, 5, 20))
    screen.shows(12)
    screen.chip("validity", "2031-05-01")
    screen.page.filters.chips.remove("validity")
    assert not box.first.isVisible()


def test_what_is_narrowed_is_kept_as_a_view_keeps_it(screen: Screen) -> None:
    asked = CardFilter(batch_id=1, states=("spent",), validity="endless")
    screen.page.show_wanted(asked)
    screen.shows(1)
    kept = json.loads(json.dumps(screen.page.question()))
    screen.page.show_question({})
    screen.shows(12)
    screen.page.show_question(kept)
    screen.shows(1)
    assert screen.page.filters.wanted == asked
    assert screen.page.filters.validity_box.key == "endless"
    screen.chip("batch_id", "B2")


def test_the_filters_find_room_in_a_narrow_window(screen: Screen) -> None:
    choose(screen.page.filters.validity_box, "days")
    screen.page.resize(776, 600)
    screen.bot.waitUntil(lambda: screen.page.width() == 776)
    for box in (screen.page.filters.batch_box, screen.page.filters.holder_box, screen.page.filters.validity_box.last):
        right = box.mapTo(screen.page, box.rect().topRight()).x()
        assert right <= 776 - 24, box.accessibleName()


def choose(box: DaysBox, key: str) -> None:
    box.box.setCurrentIndex(box.box.findData(key))


@pytest.fixture
def holder(services: Services) -> int:
    services.people.store(services.people.check(services.people.stage("姓名\t手机\n曾小贤\t13800138000")))
    return services.people.find("曾小贤")[0].id


# --- the list as a file ---


def test_the_narrowed_list_goes_into_a_masked_file(screen: Screen, services: Services, tmp_path: Path) -> None:
    screen.page.show_wanted(CardFilter(states=("spent", "assigned", "active"), batch_id=1))
    screen.shows(4)
    screen.page.list_export.export_shown()
    dialog = screen.page.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "cards.csv"))
    dialog.close()
    screen.bot.waitUntil(lambda: (tmp_path / "cards.csv").exists() and screen.page.jobs.idle, timeout=20_000)
    with (tmp_path / "cards.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *lines = list(csv.reader(file))
    assert head[:2] == ["卡号", "卡密"]
    shown = screen.page.table.rows.ids
    assert [line[0] for line in lines] == [row.serial for row in services.cards.rows(list(shown))], "in its order"
    [entry] = services.audit.rows(action="cards.exported")
    assert entry.details["rows"] == 4
    assert "批次" in str(entry.details["filter"])
    assert entry.details["sha256"] == hashlib.sha256((tmp_path / "cards.csv").read_bytes()).hexdigest()


def test_only_the_selected_cards_are_exported_when_there_are_several(
    screen: Screen, services: Services, tmp_path: Path
) -> None:
    screen.page.table.go_to_row(0)
    screen.page.table.select_page()
    ids = screen.page.table.selected_ids()[:3]
    screen.page.list_export.write(ids, str(tmp_path / "some.xlsx"))
    screen.bot.waitUntil(lambda: (tmp_path / "some.xlsx").exists() and screen.page.jobs.idle, timeout=20_000)
    [entry] = services.audit.rows(action="cards.exported")
    assert (entry.details["rows"], entry.details["filter"]) == (3, "在列表中选中的")


def test_an_empty_list_writes_no_file(screen: Screen) -> None:
    screen.page.show_wanted(CardFilter(states=("voided",)))
    screen.shows(0)
    screen.page.list_export.export_shown()
    assert screen.page.findChild(QFileDialog) is None
    assert "没有可导出的卡" in screen.page.banner.words.text()
