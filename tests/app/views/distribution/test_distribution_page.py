"""The list of distributions and one of them in detail: who got what, and what can be done about it."""

from pathlib import Path
from threading import Thread, current_thread, main_thread

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton
from sqlalchemy import update

from app.models.distribution import Delivery
from app.services import Services
from app.services.distribution import DistributionRow, DistributionSpec
from app.services.home import FAILURES
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.distribution.list import far_words, shares_of
from app.views.widgets.state_mark import StateMark
from tests.drivers.distribution import DistributionDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def staff(services: Services, roster: Path) -> tuple[int, ...]:
    """Ids of 12 people of the address book."""
    services.people.store(services.people.check(services.people.stage(roster)))
    return tuple(services.people.ids()[:12])


@pytest.fixture
def prepared(services: Services, card: int, staff: tuple[int, ...], out: Path) -> int:
    """A distribution that waits: cards are taken, nothing is written."""
    return services.distribution.prepare(DistributionSpec(card, staff, "file", "中秋", out_folder=out))


@pytest.fixture
def delivered(services: Services, prepared: int) -> int:
    services.distribution.deliver(prepared)
    return prepared


def shown(driver: DistributionDriver, distribution_id: int) -> DistributionRow:
    driver.page.show_detail(distribution_id)
    driver.settled()
    assert driver.page.detail.row is not None
    return driver.page.detail.row


def test_an_empty_list_takes_a_dropped_roster(driver: DistributionDriver, roster: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(roster))])
    nothing = Qt.KeyboardModifier.NoModifier
    left = Qt.MouseButton.LeftButton
    drop = QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, mime, left, nothing)
    assert driver.page.list.zone.isVisible()
    driver.page.list.zone.dropEvent(drop)
    driver.settled()
    assert driver.page.front is driver.wizard
    assert driver.wizard.draft.title == "员工名单.csv"


def test_the_list_shows_how_far_each_one_is(driver: DistributionDriver, delivered: int) -> None:
    driver.page.list.reload()
    driver.settled()
    table = driver.page.list.table
    driver.wait(lambda: table.count == 1 and table.rows.row_at(0) is not None)
    row = driver.services.distribution.distribution(delivered)
    assert far_words(row) == "送达 12 · 打开 -- · 领取 -- · 兑换 0"
    shares = shares_of(row)
    assert (sum(count for _, count in shares.parts), shares.total) == (12, 12)


def test_a_filter_stands_as_a_chip_and_is_taken_away(driver: DistributionDriver, delivered: int) -> None:
    found = driver.page.list
    found.state_box.setCurrentIndex(found.state_box.findData("paused"))
    driver.settled()
    assert found.table.count == 0
    found.chips.remove("state")
    driver.settled()
    assert found.table.count == 1


def test_what_was_not_delivered_is_listed_for_the_home_page(
    driver: DistributionDriver, delivered: int, vault: OpenVault
) -> None:
    driver.page.begin(None)
    driver.page.show_wanted(FAILURES)
    driver.settled()
    found = driver.page.list
    assert (driver.page.front, found.table.count) == (found, 0)
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.distribution_id == delivered).values(state="failed"))
    driver.settled()
    driver.wait(lambda: found.table.count == 1)
    assert found.chips.keys() == ["state"]


def test_a_filter_is_read_on_the_thread_it_lives_on(
    driver: DistributionDriver, delivered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker reads of a widget may just be gone, when the window is locked or speaks another language."""
    read, threads = QComboBox.currentData, set[Thread]()

    def noted(box: QComboBox, *role: int) -> object:
        threads.add(current_thread())
        return read(box, *role)

    monkeypatch.setattr(QComboBox, "currentData", noted)
    driver.page.list.reload()
    driver.settled()
    assert threads == {main_thread()}


def test_enter_opens_who_got_what_and_alt_left_goes_back(driver: DistributionDriver, delivered: int) -> None:
    driver.page.list.reload()
    driver.settled()
    driver.wait(lambda: driver.page.list.table.count == 1)
    driver.page.list.table.setFocus()
    driver.page.list.table.go_to_row(0)
    driver.key(Qt.Key.Key_Return)
    assert driver.page.front is driver.page.detail
    driver.wait(lambda: driver.page.detail.table.count == 12)
    driver.key(Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert driver.page.front is driver.page.list


def test_enter_on_a_delivery_opens_its_story_and_leads_to_its_card(driver: DistributionDriver, delivered: int) -> None:
    shown(driver, delivered)
    detail = driver.page.detail
    driver.wait(lambda: detail.table.rows.row_at(0) is not None)
    detail.table.go_to_row(0)
    driver.key(Qt.Key.Key_Return)
    driver.wait(detail.drawer.isVisible)
    row = detail.table.rows.row_at(0)
    assert detail.drawer.heading.text() == row.name
    assert {"已准备", "已发送"} <= {label.text() for label in detail.drawer.findChildren(QLabel)}
    look = next(made for made in detail.drawer.findChildren(QPushButton) if made.text() == "看这张卡")
    with driver.bot.waitSignal(driver.page.card_wanted) as wanted:
        look.click()
    assert wanted.args == [row.card_id]
    driver.key(Qt.Key.Key_Escape)
    assert not detail.drawer.isVisible()


def test_deliveries_are_sorted_by_a_column_and_stay_filtered(driver: DistributionDriver, delivered: int) -> None:
    shown(driver, delivered)
    detail, service = driver.page.detail, driver.services.distribution
    for key in ("name", "department", "state", "sent_at", "reason", "amount_minor", "opened_at", "attempts"):
        for descending in (False, True):
            detail.table.sort_changed.emit(key, descending)
            driver.settled()
            assert sorted(detail.table.rows.ids) == sorted(service.delivery_ids(delivered)), key
    detail.table.sort_changed.emit("department", True)
    driver.settled()
    rows = service.deliveries_of(list(detail.table.rows.ids))
    assert [row.department for row in rows] == sorted((row.department for row in rows), reverse=True)
    assert len({row.department for row in rows}) > 1


def test_deliveries_are_found_by_name_department_and_state(driver: DistributionDriver, delivered: int) -> None:
    shown(driver, delivered)
    detail = driver.page.detail
    driver.wait(lambda: detail.table.rows.row_at(0) is not None)
    name = detail.table.rows.row_at(3).name
    detail.search.setText(name)
    detail.search.returnPressed.emit()
    driver.settled()
    assert detail.table.count == 1
    detail.search.clear()
    driver.settled()
    detail.department_box.setCurrentIndex(1)
    driver.settled()
    assert 0 < detail.table.count < 12
    detail.chips.remove("department")
    detail.state_box.setCurrentIndex(detail.state_box.findData("failed"))
    driver.settled()
    assert detail.table.count == 0


def test_what_waits_goes_on_from_the_detail(driver: DistributionDriver, prepared: int, out: Path) -> None:
    shown(driver, prepared)
    panel = driver.page.detail.panel
    assert panel.isVisible()
    panel.go_on_button.click()
    driver.settled()
    driver.wait(lambda: driver.services.distribution.distribution(prepared).sent == 12)
    assert len(list(out.iterdir())) == 1
    driver.wait(lambda: not driver.page.detail.panel.go_on_button.isVisible())


def test_the_rest_is_cancelled_only_with_its_count(driver: DistributionDriver, prepared: int, card: int) -> None:
    shown(driver, prepared)
    driver.page.detail.panel.cancel_button.click()
    driver.settled()
    dialog = driver.dialog
    dialog.entry.setText("11")
    dialog.verb_button.click()
    assert driver.services.distribution.distribution(prepared).prepared == 12
    dialog.entry.setText("12")
    dialog.verb_button.click()
    driver.settled()
    assert driver.services.distribution.distribution(prepared).state == "cancelled"
    assert driver.services.catalog.product(card).in_stock == 20


def test_a_delivery_is_taken_back_after_a_question(driver: DistributionDriver, delivered: int) -> None:
    shown(driver, delivered)
    table = driver.page.detail.table
    driver.wait(lambda: table.rows.row_at(0) is not None)
    table.go_to_row(2)
    driver.page.detail.recall_button.click()
    driver.dialog.reject()
    assert driver.services.distribution.distribution(delivered).recalled == 0
    driver.page.detail.recall_button.click()
    driver.dialog.verb_button.click()
    driver.settled()
    driver.wait(lambda: driver.services.distribution.distribution(delivered).recalled == 1)
    driver.wait(lambda: not driver.page.detail.recall_button.isEnabled())
    table.go_to_row(3)
    driver.wait(driver.page.detail.recall_button.isEnabled)


def test_a_card_voided_underway_fails_and_r_sends_another(
    driver: DistributionDriver, services: Services, prepared: int
) -> None:
    victim = services.distribution.deliveries_of(services.distribution.delivery_ids(prepared))[0]
    assert victim.card_id is not None
    services.cards.void(victim.card_id, reason="lost")
    services.distribution.deliver(prepared)
    row = shown(driver, prepared)
    assert (row.failed, row.retryable) == (1, 1)
    driver.wait(lambda: driver.page.detail.table.count == 12)
    driver.page.detail.table.setFocus()
    driver.key(Qt.Key.Key_R)
    driver.settled()
    driver.wait(lambda: driver.services.distribution.distribution(prepared).sent == 12)


def test_the_letter_r_in_the_search_box_is_a_letter(driver: DistributionDriver, delivered: int) -> None:
    shown(driver, delivered)
    driver.page.detail.search.setFocus()
    driver.type("r")
    assert driver.page.detail.search.text() == "r"
    driver.key(Qt.Key.Key_Return)


def test_a_receipt_is_saved_from_the_detail(driver: DistributionDriver, delivered: int, tmp_path: Path) -> None:
    shown(driver, delivered)
    driver.page.detail.save_receipt(str(tmp_path / "receipt.xlsx"))
    driver.settled()
    assert (tmp_path / "receipt.xlsx").stat().st_size > 0


def test_a_folder_that_cannot_be_written_says_so_and_nothing_is_lost(
    driver: DistributionDriver, prepared: int, out: Path
) -> None:
    out.rmdir()
    out.write_text("in the way", encoding="utf-8")
    shown(driver, prepared)
    driver.page.detail.panel.go_on_button.click()
    driver.settled()
    driver.wait(lambda: driver.page.detail.banner.isVisible())
    assert driver.services.distribution.distribution(prepared).prepared == 12


def test_states_are_words_not_only_colours(driver: DistributionDriver, delivered: int) -> None:
    shown(driver, delivered)
    table = driver.page.detail.table
    driver.wait(lambda: table.rows.row_at(0) is not None)
    line = table.rows.line_at(0)
    assert line is not None
    mark = next(value for value in line.values if isinstance(value, StateMark))
    assert mark.word == "已发送"


def test_pages_of_the_window_can_ask_for_one_distribution_or_a_list(
    driver: DistributionDriver, delivered: int, roster: Path
) -> None:
    driver.page.show_wanted(delivered)
    assert driver.page.front is driver.page.detail
    driver.page.show_wanted("new")
    assert driver.page.front is driver.wizard
    driver.page.show_wanted(roster)
    driver.settled()
    assert driver.wizard.draft.begun
