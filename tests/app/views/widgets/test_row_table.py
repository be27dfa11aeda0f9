"""The laws every list keeps, on the one table they all stand on: keyboard, clipboard, sums, columns."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event
from time import monotonic

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QGuiApplication, QHelpEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.views.jobs import JobRunner
from app.views.theme import font, theme
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.row_table import Column, Kind, RowTable
from app.views.widgets.row_table.arrangement import LEAST_PX
from app.views.widgets.row_table.model import PAGE

PATIENCE_MS = 10_000
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
LONG = "A very long remark that no column of ninety pixels can ever show as a whole"


@dataclass(frozen=True)
class Row:
    id: int
    name: str
    minor: int | None
    count: int
    at: datetime
    remark: str = ""


def row(one: int) -> Row:
    return Row(one, f"name\t{one}", one * 100, one, datetime(2026, 9, 25, 6, 8, tzinfo=UTC), LONG if one == 1 else "")


class Table:
    """A table on the screen, with rows 1 to `count`; `asked` is how many rows each fetch wanted.

    While `gate` is closed, no fetch comes back.
    """

    def __init__(self, bot: QtBot, jobs: JobRunner, *, width: int = 900) -> None:
        self.bot, self.jobs, self.asked = bot, jobs, list[int]()
        self.gate = Event()
        self.gate.set()
        self.table = RowTable(columns(), self.fetch, jobs=jobs, name="Things")
        self.table.resize(width, 400)
        self.opened: list[object] = []
        self.table.opened.connect(self.opened.append)
        self.words = ""
        self.table.summary_changed.connect(self._hear)
        bot.addWidget(self.table)
        with bot.waitExposed(self.table):
            self.table.show()
        self.table.setFocus()

    def _hear(self, words: str) -> None:
        self.words = words

    def fetch(self, ids: list[int]) -> Sequence[Row]:
        gate = self.gate
        self.asked.append(len(ids))
        assert gate.wait(PATIENCE_MS / 1_000)
        return [row(one) for one in reversed(ids)]

    def show(self, count: int) -> None:
        self.table.show_ids(range(1, count + 1))
        self.wait(lambda: self.table.rows.row_at(0) is not None)

    def drag(self, row: int) -> None:
        """The bar to where `row` is the first one."""
        self.table.verticalScrollBar().setSliderPosition(row * self.table.rowHeight(0))

    def seen(self) -> list[str]:
        """The first cell of every row in sight, as it is painted."""
        first, last = self.table.rowAt(0), self.table.rowAt(self.table.viewport().height() - 1)
        lines = [self.table.rows.line_or_old(one)[0] for one in range(first, last + 1)]
        return [line.texts[0] if line else "" for line in lines]

    def wait(self, condition: object) -> None:
        self.bot.waitUntil(condition, timeout=PATIENCE_MS)

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.bot.keyClick(self.table, key, held)

    def copied(self, *, headers: bool = False) -> list[list[str]]:
        QGuiApplication.clipboard().clear()
        shift = Qt.KeyboardModifier.ShiftModifier if headers else Qt.KeyboardModifier.NoModifier
        self.key(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | shift)
        self.wait(lambda: bool(QGuiApplication.clipboard().text()))
        return [line.split("\t") for line in QGuiApplication.clipboard().text().split("\n")]

    def widths(self) -> dict[str, int]:
        return {one.key: self.table.columnWidth(at) for at, one in enumerate(columns())}


def columns() -> tuple[Column, ...]:
    return (
        Column("name", "Name", 200, stretch=True, sortable=True),
        Column("minor", "Amount (yuan)", 160, Kind.MONEY, sortable=True),
        Column("count", "Count", 120, Kind.COUNT),
        Column("at", "Time", 200, Kind.MOMENT),
        Column("remark", "Remark", 90),
    )


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.stop()


@pytest.fixture
def things(qtbot: QtBot, jobs: JobRunner) -> Table:
    made = Table(qtbot, jobs)
    made.show(1_000)
    return made


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


def test_spare_room_goes_to_the_column_that_stretches(qtbot: QtBot, jobs: JobRunner) -> None:
    made = Table(qtbot, jobs, width=1_200)
    assert made.widths() | {"name": 200} == {one.key: one.width for one in columns()}
    assert sum(made.widths().values()) == made.table.viewport().width()


def test_where_room_is_short_a_column_gives_what_its_rows_do_not_need(qtbot: QtBot, jobs: JobRunner) -> None:
    made = Table(qtbot, jobs, width=560)
    made.show(20)
    made.wait(lambda: sum(made.widths().values()) == made.table.viewport().width())
    assert made.widths()["name"] < 200
    shown = QFontMetrics(font(13)).horizontalAdvance("2026-09-25 14:08")
    assert made.widths()["at"] >= shown + 24, "nothing is cut"


class Narrow:
    """A table whose remark is for wide windows, in a window of so many px."""

    def __init__(self, bot: QtBot, jobs: JobRunner, width: int) -> None:
        made = list(columns())
        made[4] = replace(made[4], roomy=True)
        self.table = RowTable(made, lambda ids: [row(one) for one in ids], jobs=jobs, name="Things")
        self.table.resize(width, 400)
        bot.addWidget(self.table)
        with bot.waitExposed(self.table):
            self.table.show()
        self.table.show_ids(range(2, 100))
        bot.waitUntil(lambda: self.table.rows.row_at(0) is not None, timeout=PATIENCE_MS)

    def shown(self) -> list[str]:
        return [column.key for column in self.table.arrangement.shown()]


def test_a_column_for_wide_windows_stands_aside_in_a_narrow_one_and_comes_back(qtbot: QtBot, jobs: JobRunner) -> None:
    things = Narrow(qtbot, jobs, 900)
    assert "remark" in things.shown()
    things.table.resize(600, 400)
    assert "remark" not in things.shown()
    saved = things.table.save_state()
    assert "remark" not in json.loads(saved)["hidden"], "nobody hid it"
    things.table.resize(900, 400)
    assert "remark" in things.shown()
    things.table.resize(600, 400)
    things.table.arrangement._show_column(4, on=True)
    assert "remark" in things.shown(), "somebody wants it all the same"
    things.table.arrangement._show_column(4, on=False)
    things.table.resize(1200, 400)
    assert "remark" not in things.shown(), "hidden by hand"


def test_dates_and_amounts_are_never_cut_but_words_that_stretch_are(qtbot: QtBot, jobs: JobRunner) -> None:
    things = Table(qtbot, jobs, width=560)
    things.show(50)
    widths, needed = things.widths(), things.table._cells.needed
    for at, column in enumerate(columns()):
        if column.kind is not Kind.TEXT:
            assert widths[column.key] >= needed(at), column.key
    assert LEAST_PX <= widths["name"] < 200


def test_columns_are_found_again_as_they_were_left(things: Table, qtbot: QtBot, jobs: JobRunner) -> None:
    head, told = things.table.horizontalHeader(), list[int]()
    things.table.state_changed.connect(lambda: told.append(1))
    head.moveSection(head.visualIndex(3), 0)
    menu = things.table.arrangement.menu()
    menu.actions()[2].trigger()
    next(act for act in menu.actions() if act.text() == "舒适行高" or "Comfortable" in act.text()).trigger()
    assert len(told) >= 3
    later = Table(qtbot, jobs)
    later.table.restore_state(things.table.save_state())
    assert [one.key for one in later.table.arrangement.shown()] == ["at", "name", "minor", "remark"]
    assert later.table.verticalHeader().defaultSectionSize() == 44


def test_a_width_set_by_hand_stays(qtbot: QtBot, jobs: JobRunner) -> None:
    """The widths of a memory win over what would fit."""
    made = Table(qtbot, jobs, width=1_400)
    made.table.restore_state('{"widths": {"name": 140, "at": 333}}')
    made.table.resize(1_000, 400)
    assert (made.widths()["name"], made.widths()["at"]) == (140, 333)
    later = Table(qtbot, jobs, width=1_400)
    later.table.restore_state(made.table.save_state())
    assert (later.widths()["name"], later.widths()["at"]) == (140, 333)


@pytest.mark.parametrize("saved", ["", "{", "[]", "7", '{"order": ["gone"], "hidden": ["gone"]}'])
def test_a_damaged_memory_of_columns_is_none(qtbot: QtBot, jobs: JobRunner, saved: str) -> None:
    made = Table(qtbot, jobs)
    made.table.restore_state(saved)
    assert [one.key for one in made.table.arrangement.shown()] == [one.key for one in columns()]


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
    began = monotonic()
    things.table.selectAll()
    assert len(things.table.selected_ids()) == 1_000_000
    assert monotonic() - began < 0.5, "no row of it was touched"


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
