"""What a list shows is kept under a name, and many rows are chosen and dealt with at once: in the real window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from app.config import Config
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.cards.stopping import LARGE
from app.services.catalog import ProductSpec
from app.views.widgets.dialog import ConfirmDialog
from app.views.widgets.selection_bar import SelectionBar
from app.views.widgets.toast import Toasts
from app.views.widgets.view_name_dialog import ViewNameDialog
from app.views.widgets.view_tabs import ViewTabs
from tests.drivers.desk import DeskDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PEOPLE = "姓名,部门,手机\n" + "\n".join(f"员工{n:03d},部门{n % 3},139{n:08d}" for n in range(60))


@pytest.fixture
def desk(qtbot: QtBot, config: Config, memory: QSettings, tmp_path: Path) -> Iterator[DeskDriver]:
    """A batch of a hundred cards, three of them frozen, and sixty people in three departments."""
    driver = DeskDriver(qtbot, config, memory)
    driver.make_vault()
    made = services(driver)
    made.batches.generate(BatchSpec(made.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000)), 100))
    for card in (3, 4, 50):
        made.cards.freeze(card)
    roster = tmp_path / "people.csv"
    roster.write_text(PEOPLE, encoding="utf-8")
    made.people.store(made.people.check(made.people.stage(roster)))
    driver.settled()
    yield driver
    driver.close()


def services(desk: DeskDriver) -> Services:
    assert desk.desk.services is not None
    return desk.desk.services


def shows(desk: DeskDriver, count: int) -> None:
    desk.wait(lambda: desk.table.count == count)
    desk.settled()


def save_as(desk: DeskDriver, name: str) -> None:
    desk.key(Qt.Key.Key_S, CTRL)
    assert isinstance(desk.dialog, ViewNameDialog)
    desk.keys(name)
    desk.key(Qt.Key.Key_Return)
    desk.settled()


def tabs(desk: DeskDriver) -> ViewTabs:
    return desk.find(ViewTabs)


def names(desk: DeskDriver) -> list[str]:
    bar = tabs(desk).bar
    return [bar.tabText(at) for at in range(bar.count())]


def marked(desk: DeskDriver) -> str:
    bar = tabs(desk).bar
    return bar.tabText(bar.currentIndex())


def columns(desk: DeskDriver) -> list[str]:
    return [column.key for column in desk.table.arrangement.shown()]


# --- views ---


def test_a_filter_an_order_and_columns_come_back_with_the_tab(desk: DeskDriver, memory: QSettings) -> None:
    desk.go("cards")
    shows(desk, 100)
    usual = columns(desk)
    desk.page.filters.state_box.setCurrentIndex(desk.page.filters.state_box.findData("frozen"))
    shows(desk, 3)
    desk.table.setColumnHidden(usual.index("holder"), True)
    desk.table.set_sort("changed_at", descending=False)
    desk.table.sort_changed.emit("changed_at", False)
    save_as(desk, "冻结的")
    assert (names(desk), marked(desk)) == (["全部", "冻结的"], "冻结的")
    order = list(desk.table.rows.ids)
    tabs(desk).bar.setCurrentIndex(0)
    shows(desk, 100)
    assert desk.page.sort == ("serial", True)
    desk.window.rebuild()
    desk.settled()
    shows(desk, 100)
    desk.wait(lambda: tabs(desk).isVisible())
    tabs(desk).choose("冻结的")
    shows(desk, 3)
    assert list(desk.table.rows.ids) == order
    assert columns(desk) == [key for key in usual if key != "holder"]
    assert desk.page.filters.state_box.currentData() == "frozen"


def test_columns_of_a_view_are_not_those_of_the_list(desk: DeskDriver, memory: QSettings) -> None:
    desk.go("cards")
    shows(desk, 100)
    usual = columns(desk)
    save_as(desk, "全都要")
    desk.table.arrangement._show_column(usual.index("holder"), on=False)
    assert "holder" not in columns(desk)
    tabs(desk).bar.setCurrentIndex(0)
    desk.settled()
    assert columns(desk) == usual
    tabs(desk).choose("全都要")
    desk.settled()
    assert columns(desk) == usual, "what was hidden afterwards was not saved"


def test_another_filter_is_no_view_any_more_until_the_view_takes_it(desk: DeskDriver) -> None:
    desk.go("people")
    shows(desk, 60)
    box = desk.page.department_box
    desk.wait(lambda: box.findData("部门1") > 0)
    box.setCurrentIndex(box.findData("部门1"))
    shows(desk, 20)
    save_as(desk, "一部")
    desk.page.search.setText("员工001")
    shows(desk, 1)
    assert marked(desk) == "全部"
    tabs(desk).update_view("一部")
    desk.settled()
    assert marked(desk) == "一部"
    tabs(desk).bar.setCurrentIndex(0)
    shows(desk, 60)
    assert desk.page.search.words == ""
    tabs(desk).choose("一部")
    shows(desk, 1)
    assert (desk.page.search.words, box.currentData()) == ("员工001", "部门1")


def test_a_view_is_renamed_and_removed_and_brought_back(desk: DeskDriver) -> None:
    desk.go("people")
    shows(desk, 60)
    save_as(desk, "甲")
    save_as(desk, "乙")
    tabs(desk).ask_for_other_name("甲")
    assert desk.dialog.name.selectedText() == "甲"
    desk.keys("乙")
    desk.key(Qt.Key.Key_Return)
    desk.settled()
    assert "已经用了" in desk.dialog.form.fields["name"].error.text()
    desk.dialog.name.setText("丙")
    desk.key(Qt.Key.Key_Return)
    desk.settled()
    assert names(desk) == ["全部", "丙", "乙"]
    tabs(desk).remove("乙")
    desk.settled()
    assert names(desk) == ["全部", "丙"]
    desk.window.findChild(Toasts).toasts()[-1].undo_button.click()
    desk.settled()
    assert names(desk) == ["全部", "丙", "乙"]
    tabs(desk).remove("丙")
    tabs(desk).remove("乙")
    desk.settled()
    assert not desk.page.findChild(ViewTabs).isVisible(), "without a view no room is taken"


@pytest.mark.parametrize("place", ["catalog", "batches", "cards", "people", "distribution", "ledger", "audit"])
def test_every_list_keeps_views_of_its_own(desk: DeskDriver, place: str) -> None:
    desk.go(place)
    desk.settled()
    if place == "audit":
        desk.page.filters.action_box.setCurrentIndex(desk.page.filters.action_box.findData("card.frozen"))
        shows(desk, 3)
    desk.page.setFocus()
    shown = desk.page.front if place == "distribution" else desk.page
    shown.tabs.ask_for_name()
    assert isinstance(desk.dialog, ViewNameDialog)
    desk.keys("mine")
    desk.key(Qt.Key.Key_Return)
    desk.settled()
    assert (names(desk), marked(desk)) == (["全部", "mine"], "mine")
    if place == "audit":
        tabs(desk).bar.setCurrentIndex(0)
        desk.settled()
        assert desk.table.count > 3
        tabs(desk).choose("mine")
        shows(desk, 3)


# --- many at once ---


def test_this_page_then_all_of_them_are_frozen_after_the_true_count_was_asked(desk: DeskDriver) -> None:
    desk.go("cards")
    shows(desk, 100)
    desk.table.setFocus()
    desk.table.go_to_row(0)
    bar = desk.page.findChild(SelectionBar)
    assert not bar.isVisible(), "one row is no selection"
    desk.key(Qt.Key.Key_A, CTRL | SHIFT)
    desk.wait(bar.isVisible)
    page = len(desk.table.in_sight())
    assert desk.table.selected_count() >= page
    assert desk.table.selected_count() < 100
    assert bar.all_button.text() == "选中全部 100 张"
    bar.all_button.click()
    assert (bar.words.text(), bar.all_button.isVisible()) == ("已选中 100 张", False)
    desk.press("冻结", within=bar)
    asked = desk.dialog
    assert isinstance(asked, ConfirmDialog)
    assert (asked.heading.text(), asked.verb_button.text()) == ("冻结 100 张卡？", "冻结 100 张卡")
    assert len(services(desk).cards.ids(CardFilter(frozen=True))) == 3, "nothing happens before the answer"
    asked.verb_button.click()
    desk.settled()
    assert len(services(desk).cards.ids(CardFilter(frozen=True))) == 100
    told = desk.window.findChild(Toasts).toasts()[-1]
    assert told.words.text() == "已冻结 97 张卡"
    told.undo_button.click()
    desk.settled()
    assert sorted(services(desk).cards.ids(CardFilter(frozen=True))) == [3, 4, 50]


def test_all_means_all_that_the_filter_matches(desk: DeskDriver) -> None:
    desk.go("cards", CardFilter(frozen=True))
    shows(desk, 3)
    desk.table.setFocus()
    desk.key(Qt.Key.Key_A, CTRL)
    bar = desk.page.findChild(SelectionBar)
    desk.wait(bar.isVisible)
    desk.press("解冻", within=bar)
    desk.wait(lambda: len(services(desk).cards.ids(CardFilter(frozen=True))) == 0)
    shows(desk, 0)


def test_a_card_of_a_frozen_batch_says_who_holds_it(desk: DeskDriver) -> None:
    services(desk).batches.freeze(1)
    desk.go("cards")
    shows(desk, 100)
    desk.page.stop([7], frozen=False)
    desk.settled()
    assert desk.page.banner.words.text() == "1 张卡随整个批次冻结，仍未解冻。请解冻批次。"


def test_a_large_batch_is_chosen_as_a_whole_and_frozen_as_a_whole(desk: DeskDriver) -> None:
    made = services(desk)
    batch = made.batches.generate(BatchSpec(1, LARGE + 1))
    desk.go("cards", {"batch_id": batch})
    shows(desk, LARGE + 1)
    desk.table.selectAll()
    desk.page.ask_to_stop(desk.table.selected_ids(), frozen=True)
    assert desk.dialog.verb_button.text() == "冻结 1,001 张卡"
    desk.dialog.verb_button.click()
    desk.settled()
    assert made.batches.batch(batch).state == "frozen"


def test_people_out_of_sight_are_marked_only_after_a_question(desk: DeskDriver) -> None:
    desk.window.resize(1024, 680)
    desk.go("people")
    shows(desk, 60)
    desk.table.selectAll()
    bar = desk.page.findChild(SelectionBar)
    desk.press("离职", within=bar)
    assert desk.dialog.verb_button.text() == "标记 60 人离职"
    desk.dialog.reject()
    desk.settled()
    assert desk.table.count == 60
    desk.press("离职", within=bar)
    desk.dialog.verb_button.click()
    shows(desk, 0)


def test_several_batches_are_stopped_at_once_and_only_those_that_changed_come_back(desk: DeskDriver) -> None:
    made = services(desk)
    for _ in range(3):
        made.batches.generate(BatchSpec(1, 2))
    made.batches.freeze(2)
    made.batches.void(3, confirm="2")
    desk.go("batches")
    shows(desk, 4)
    desk.table.selectAll()
    desk.press("冻结", within=desk.page.findChild(SelectionBar))
    desk.wait(lambda: toasts(desk)[-1:] == ["已冻结 2 个批次"])
    assert states(desk) == ["frozen", "frozen", "voided", "frozen"]
    desk.window.findChild(Toasts).toasts()[-1].undo_button.click()
    desk.settled()
    assert states(desk) == ["ready", "frozen", "voided", "ready"]
    desk.table.selectAll()
    menu = desk.table.context_menu()
    next(act for act in menu.actions() if act.text() == "解冻").trigger()
    desk.wait(lambda: toasts(desk)[-1:] == ["已解冻 1 个批次"])
    assert states(desk) == ["ready", "ready", "voided", "ready"]


def test_several_products_are_put_away_and_brought_back(desk: DeskDriver) -> None:
    catalog = services(desk).catalog
    catalog.add(ProductSpec("月饼券", "exchange", "voucher"))
    desk.go("catalog")
    shows(desk, 2)
    desk.table.selectAll()
    desk.press("下架", within=desk.page.findChild(SelectionBar))
    shows(desk, 0)
    desk.window.findChild(Toasts).toasts()[-1].undo_button.click()
    shows(desk, 2)


def states(desk: DeskDriver) -> list[str]:
    """Of the batches, oldest first."""
    return [row.state for row in reversed(services(desk).batches.batches())]


def toasts(desk: DeskDriver) -> list[str]:
    found = desk.window.findChild(Toasts)
    return [one.words.text() for one in found.toasts()] if found is not None else []
