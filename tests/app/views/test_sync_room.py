"""The room that the sync page leaves its lists: cards fold in a low window, and everything can still be reached."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.settings import store
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.theme import theme
from app.views.widgets.dialog import ConfirmDialog
from app.views.widgets.toast import Toasts
from app.words import set_language
from tests.drivers.counter import LEAST_ROOM
from tests.drivers.online import close_there
from tests.drivers.sync_page import Desk

LEAST_ROWS = 6


@pytest.fixture
def services(services: Services) -> Iterator[Services]:
    theme().choose("light")
    yield services
    services.cloud.stop_embedded()


@pytest.fixture
def desk(qtbot: QtBot, services: Services) -> Iterator[Desk]:
    services.cloud.start_embedded()
    made = Desk(qtbot, services)
    yield made
    made.jobs.stop()


def fit(desk: Desk, size: tuple[int, int]) -> None:
    desk.page.resize(*size)
    QApplication.processEvents()


def rows_of_room(desk: Desk) -> int:
    table = desk.page.table
    return table.viewport().height() // table.verticalHeader().defaultSectionSize()


@pytest.mark.parametrize("spoken", ["zh_CN", "en"])
def test_under_a_notice_of_two_lines_the_list_keeps_six_rows_in_a_low_window_and_no_toast_covers_its_head(
    qtbot: QtBot, services: Services, vault: OpenVault, spoken: str
) -> None:
    set_language(spoken)
    services.cloud.start_embedded()
    with vault.database.write(Topic.CLOUD) as session:
        store(session, "cloud.twin_since", "2026-11-20T09:30:00+00:00")
    desk = Desk(qtbot, services)
    fit(desk, LEAST_ROOM)
    desk.refuse_one()
    page = desk.page
    QApplication.processEvents()
    assert page.banner.height() > 50, "two lines"
    assert ("被拒绝 1 条" if spoken == "zh_CN" else "1 was refused") in page.overview.line.words.text()
    assert rows_of_room(desk) >= LEAST_ROWS
    stack = page.window().findChild(Toasts)
    assert stack is not None
    assert stack.isVisible()
    first = page.table.visualRect(page.table.model().index(0, 0)).bottomLeft()
    assert stack.y() > page.table.viewport().mapTo(page, first).y(), "neither the head nor the first row"
    desk.jobs.stop()


def test_in_a_low_window_the_cards_fold_into_a_line_and_come_back_by_hand(desk: Desk) -> None:
    page, overview = desk.page, desk.page.overview
    assert overview.status.isVisible()
    assert not overview.line.isVisible()
    fit(desk, LEAST_ROOM)
    assert overview.line.isVisible()
    assert not overview.status.isVisible()
    assert not page.endpoint.isVisible()
    assert "待发送 0 条" in overview.line.words.text()
    assert overview.line.mark.accessibleName() == overview.status.mark.accessibleName()
    page.activateWindow()
    overview.line.unfold_button.setFocus()
    desk.bot.keyClick(overview.line.unfold_button, Qt.Key.Key_Space)
    assert page.endpoint.stop_button.isVisible()
    assert page.endpoint.fold_button.hasFocus(), "the keyboard does not lose its place"
    fit(desk, (1000, 560))
    assert page.endpoint.isVisible(), "what somebody chose stays"
    desk.bot.mouseClick(page.endpoint.fold_button, Qt.MouseButton.LeftButton)
    fit(desk, (1200, 800))
    assert overview.line.isVisible()


def test_an_endpoint_that_was_stopped_is_started_from_the_line(desk: Desk) -> None:
    fit(desk, LEAST_ROOM)
    line = desk.page.overview.line
    assert not line.start_button.isVisible()
    desk.page.stop_embedded()
    desk.confirm()
    desk.wait(line.start_button.isVisible)
    desk.settled()
    line.start_button.click()
    assert not line.start_button.isEnabled(), "once"
    desk.wait(lambda: not line.start_button.isVisible())
    desk.settled()
    assert desk.services.cloud.status().running


def test_before_the_first_endpoint_nothing_is_folded(qtbot: QtBot, services: Services) -> None:
    desk = Desk(qtbot, services)
    fit(desk, LEAST_ROOM)
    assert desk.page.endpoint.start_button.isVisible()
    assert not desk.page.endpoint.fold_button.isVisible()
    desk.jobs.stop()


def test_the_titles_of_both_cards_stand_on_one_line(desk: Desk) -> None:
    QApplication.processEvents()
    page = desk.page
    status, endpoint = (card.heading.mapTo(page, QPoint(0, 0)).y() for card in (page.overview.status, page.endpoint))
    middles = {status + page.overview.status.heading.height() // 2, endpoint + page.endpoint.heading.height() // 2}
    assert len(middles) == 1


@pytest.mark.parametrize("spoken", ["zh_CN", "en"])
def test_the_three_ways_on_of_a_refused_thaw_fit_into_the_drawer_and_stand_in_the_menu_as_well(
    qtbot: QtBot, services: Services, spoken: str
) -> None:
    set_language(spoken)
    services.cloud.start_embedded()
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", "stored_value", face_minor=20_000))
    batch = services.batches.generate(BatchSpec(product, 5, "STANDARD"))
    close_there(services, batch)
    services.batches.thaw(batch)
    desk = Desk(qtbot, services)
    fit(desk, LEAST_ROOM)
    desk.page.sync()
    desk.wait(lambda: not desk.page._syncing and desk.page.table.count == 1)
    desk.settled()
    page = desk.page
    page.open_record(page.table.rows.ids[0])
    QApplication.processEvents()
    made = [one for one in page.drawer._foot.findChildren(QPushButton) if one.isVisible()]
    assert len(made) == 3
    for one in made:
        assert one.width() >= one.sizeHint().width()
        assert page.drawer.rect().contains(one.mapTo(page.drawer, one.rect().bottomRight()))
    page.table.go_to_row(0)
    menu = page.table.context_menu()
    told = [act.text() for act in menu.actions()]
    assert {one.text() for one in made} <= set(told)
    next(act for act in menu.actions() if act.text() == made[1].text()).trigger()
    assert isinstance(QApplication.activeModalWidget(), ConfirmDialog)
    desk.confirm()
    desk.wait(lambda: services.cloud.status().rejected == 0 and not page._syncing)
    desk.settled()
    desk.jobs.stop()
