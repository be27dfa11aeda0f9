"""The laws every list keeps, on the one table they all stand on: keyboard, clipboard, sums, columns."""

from threading import Event

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QHelpEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.views.jobs import JobRunner
from app.views.theme import theme
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.row_table.model import PAGE
from tests.drivers.table import LONG, Table
from tests.drivers.work import calls_counted

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


# --- what is shown ---


def test_rows_come_by_pages_and_the_next_ones_when_they_are_scrolled_to(things: Table) -> None:
    assert things.asked == [PAGE]
    things.key(Qt.Key.Key_End)
    things.wait(lambda: things.table.rows.row_at(999) is not None)
    assert max(things.asked) <= 2 * PAGE
    assert sum(things.asked) < 1_000, "what nobody looked at was not fetched"


def test_a_jump_that_lands_between_two_pages_asks_once(things: Table) -> None:
    things.asked.clear()
    things.drag(5 * PAGE - 3)
    things.wait(lambda: things.seen()[0] == f"name\t{5 * PAGE - 2}")
    assert things.seen() == [f"name\t{5 * PAGE - 2 + down}" for down in range(len(things.seen()))]
    assert things.asked == [2 * PAGE]


def test_of_many_places_the_bar_was_dragged_over_only_the_last_are_read(things: Table) -> None:
    things.asked.clear()
    things.gate.clear()
    for place in range(20):
        things.drag(100 + 40 * place)
    assert things.seen()[0] == "", "on its way"
    things.gate.set()
    things.wait(lambda: things.seen()[0] == "name\t861")
    things.wait(lambda: things.jobs.idle)
    assert things.seen() == [f"name\t{861 + down}" for down in range(len(things.seen()))]
    assert len(things.asked) <= 6


def test_rows_that_come_late_are_not_shown_in_another_order(things: Table) -> None:
    asked = len(things.asked)
    things.gate.clear()
    things.drag(200)
    things.wait(lambda: len(things.asked) > asked)
    late, things.gate = things.gate, Event()
    things.gate.set()
    things.table.show_ids(range(1_000, 0, -1))
    things.wait(lambda: things.seen()[0] == "name\t1000")
    late.set()
    things.wait(lambda: things.jobs.idle)
    things.drag(200)
    things.wait(lambda: things.seen()[0] == "name\t800")
    assert things.seen() == [f"name\t{800 - down}" for down in range(len(things.seen()))]


def test_money_and_counts_stand_right_and_nothing_is_two_hyphens(things: Table) -> None:
    model = things.table.rows
    right = [bool(model.data(model.index(0, at), Qt.ItemDataRole.TextAlignmentRole) & 2) for at in range(5)]
    assert right == [False, True, True, False, False]
    assert model.data(model.index(1, 4)) == "--"
    assert model.data(model.index(22, 1)) == "23.00"


def test_a_cell_that_is_cut_shows_itself_in_the_tooltip(things: Table) -> None:
    def tip(row: int) -> str:
        spot = things.table.visualRect(things.table.rows.index(row, 4)).center()
        event = QHelpEvent(QEvent.Type.ToolTip, spot, things.table.viewport().mapToGlobal(spot))
        QApplication.sendEvent(things.table.viewport(), event)
        return things.table.viewport().toolTip()

    assert tip(0) == LONG
    assert tip(1) == ""


def test_an_empty_list_offers_the_next_act(qtbot: QtBot, jobs: JobRunner) -> None:
    made, pressed = Table(qtbot, jobs), list[int]()
    empty = EmptyState("package", "Nothing yet", act=("Make one", lambda: pressed.append(1)))
    made.table.set_empty(empty)
    assert empty.isVisible()
    qtbot.mouseClick(empty.act_button, Qt.MouseButton.LeftButton)
    made.show(3)
    assert pressed == [1]
    assert not empty.isVisible()


# --- columns ---


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it_round(things: Table) -> None:
    asked: list[tuple[str, bool]] = []
    things.table.sort_changed.connect(lambda key, descending: asked.append((key, descending)))
    viewport = things.table.horizontalHeader().viewport()
    for column in (0, 0, 1, 2):
        spot = QPoint(things.table.columnViewportPosition(column) + 40, 18)
        things.bot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=spot)
    assert asked == [("name", False), ("name", True), ("minor", True)], "a column without order stays quiet"


# --- what is chosen ---


def test_enter_opens_space_chooses_home_and_end_go_to_the_ends(things: Table) -> None:
    things.key(Qt.Key.Key_Home)
    things.key(Qt.Key.Key_Down)
    things.key(Qt.Key.Key_Return)
    assert things.opened == [2]
    things.key(Qt.Key.Key_Space)
    assert list(things.table.selected_ids()) == []
    things.key(Qt.Key.Key_End)
    assert things.table.current_id() == 1_000


def test_the_status_bar_counts_and_adds_up_the_selection(things: Table) -> None:
    things.key(Qt.Key.Key_Home)
    things.key(Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert "¥3.00" in things.words
    assert "2" in things.words


def test_a_selection_of_rows_nobody_saw_is_added_up_all_the_same(qtbot: QtBot, jobs: JobRunner) -> None:
    made = Table(qtbot, jobs)
    made.show(12_306)
    made.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert "12,306" in made.words
    assert "¥" not in made.words
    made.wait(lambda: f"¥{12_306 * 12_307 // 2:,}.00" in made.words)
    made.key(Qt.Key.Key_Home)
    assert "¥" not in made.words


def test_a_refresh_keeps_the_selection_and_the_place(things: Table) -> None:
    things.table.go_to_row(150)
    things.table.show_ids(range(100, 900), keep_place=True)
    things.wait(lambda: things.table.count == 800)
    assert list(things.table.selected_ids()) == [151]
    assert things.table.current_id() == 151


def test_a_refresh_of_the_same_rows_keeps_any_selection(qtbot: QtBot, jobs: JobRunner) -> None:
    things = Table(qtbot, jobs)
    things.show(100_000)
    things.table.selectAll()
    things.table.show_ids(range(1, 100_001), keep_place=True)
    things.wait(lambda: jobs.idle)
    assert things.table.selected_count() == 100_000
    things.table.show_ids(range(2, 100_001), keep_place=True)
    things.wait(lambda: things.table.count == 99_999)
    assert things.table.selected_count() == 0, "too many to look for one by one"


def test_this_page_is_what_is_in_sight(things: Table) -> None:
    things.key(Qt.Key.Key_End)
    things.wait(lambda: things.table.rows.row_at(999) is not None)
    things.table.select_page()
    ids = list(things.table.selected_ids())
    assert ids == list(range(1_001 - len(ids), 1_001))
    assert len(ids) == len(things.table.in_sight()) > 5
    things.show(3)
    things.wait(lambda: things.table.count == 3)
    things.table.select_page()
    assert list(things.table.selected_ids()) == [1, 2, 3], "a short list is one page"


def test_all_of_a_million_rows_are_selected_at_once(qtbot: QtBot, jobs: JobRunner) -> None:
    things = Table(qtbot, jobs)
    things.show(1_000_000)
    with calls_counted() as calls:
        things.table.selectAll()
        assert len(things.table.selected_ids()) == 1_000_000
    assert sum(calls.values()) < 10_000, "no row of it was touched"


def test_ctrl_c_copies_what_is_chosen_as_a_spreadsheet_takes_it(things: Table) -> None:
    things.key(Qt.Key.Key_Home)
    things.key(Qt.Key.Key_Down)
    assert things.copied() == [["name 2", "2.00", "2", things.copied()[0][3], "--"]]
    things.table.horizontalHeader().moveSection(1, 0)
    things.table.setColumnHidden(3, True)
    assert things.copied(headers=True) == [["Amount (yuan)", "Name", "Count", "Remark"], ["2.00", "name 2", "2", "--"]]


def test_all_rows_are_copied_also_those_that_were_never_shown(things: Table) -> None:
    things.key(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    copied = things.copied()
    assert [line[2] for line in copied] == [f"{one:,}" for one in range(1, 1_001)]


def test_the_menu_key_opens_the_menu_at_the_row(things: Table) -> None:
    things.table.set_menu(lambda menu, ids: menu.addAction(f"act on {list(ids)}"))
    things.key(Qt.Key.Key_Home)
    spot = things.table.rect().center()
    QApplication.sendEvent(things.table, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, spot, QPoint(0, 0)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert next(act.text() for act in menu.actions()) == "act on [1]"
    words = [act.text() for act in menu.actions() if not act.isSeparator()]
    assert words[1:] == ["复制", "连同表头复制", "选中本页", "全选"]
    menu.close()


def test_typing_letters_neither_moves_nor_walks_the_rows(things: Table) -> None:
    things.key(Qt.Key.Key_Home)
    asked = len(things.asked)
    things.bot.keyClicks(things.table, "name")
    assert things.table.current_id() == 1
    assert len(things.asked) == asked


def test_a_screen_reader_hears_heads_and_cells(things: Table) -> None:
    role = Qt.ItemDataRole.AccessibleTextRole
    assert things.table.accessibleName() == "Things"
    assert things.table.rows.headerData(1, Qt.Orientation.Horizontal, role) == "Amount (yuan)"
    assert things.table.rows.data(things.table.rows.index(4, 1), role) == "5.00"


def test_the_current_cell_has_a_ring_while_the_table_has_the_keyboard(things: Table) -> None:
    def ink() -> list[str]:
        """The first pixels below the upper edge of the current cell."""
        area = things.table.visualRect(things.table.currentIndex())
        picture = things.table.viewport().grab().toImage()
        return [picture.pixelColor(area.center().x(), area.top() + down).name().upper() for down in range(3)]

    things.bot.waitUntil(things.table.hasFocus)
    things.key(Qt.Key.Key_Home)
    primary, selection = theme().tokens.primary, theme().tokens.selection
    assert ink() == [primary, primary, selection], "2 px"
    things.table.clearFocus()
    assert ink() == [selection] * 3
