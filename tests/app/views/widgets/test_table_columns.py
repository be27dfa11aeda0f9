"""How wide columns are, which are shown, and that they are found again as they were left."""

import json
from dataclasses import replace

import pytest
from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot

from app.views.jobs import JobRunner
from app.views.theme import font
from app.views.widgets.row_table import Kind, RowTable
from app.views.widgets.row_table.arrangement import LEAST_PX
from app.views.widgets.row_table.painter import ARROW
from tests.drivers.table import PATIENCE_MS, Table, columns, row

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


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


def test_words_that_are_seen_take_the_room_that_others_do_not_need(qtbot: QtBot, jobs: JobRunner) -> None:
    """A name is not cut beside columns that are half empty."""
    made = [replace(one, width=60, stretch=False) if one.key == "name" else one for one in columns()]
    made[-1] = replace(made[-1], stretch=True)
    long = "Mooncake voucher of the autumn"
    table = RowTable(made, lambda ids: [replace(row(one), name=long) for one in ids], jobs=jobs, name="Things")
    table.resize(900, 400)
    qtbot.addWidget(table)
    with qtbot.waitExposed(table):
        table.show()
    table.show_ids(range(2, 100))
    at = [one.key for one in made].index("name")
    words = QFontMetrics(font(13)).horizontalAdvance(long)
    qtbot.waitUntil(lambda: table.columnWidth(at) >= words + 24, timeout=PATIENCE_MS)
    assert sum(table.columnWidth(place) for place in range(len(made))) == table.viewport().width(), "none is pushed out"


def test_only_the_head_that_sorts_keeps_room_for_the_arrow(qtbot: QtBot, jobs: JobRunner) -> None:
    made = [replace(one, title="Things that somebody has counted") if one.key == "minor" else one for one in columns()]
    table = RowTable(made, lambda ids: [row(one) for one in ids], jobs=jobs, name="Things")
    table.resize(560, 400)
    qtbot.addWidget(table)
    with qtbot.waitExposed(table):
        table.show()
    table.show_ids(range(2, 100))
    qtbot.waitUntil(lambda: table.rows.row_at(0) is not None, timeout=PATIENCE_MS)
    bare = QFontMetrics(font(13, 500)).horizontalAdvance(made[1].title) + 24
    assert bare <= table.columnWidth(1) < bare + ARROW
    table.set_sort("minor", descending=True)
    assert table.columnWidth(1) >= bare + ARROW
    table.set_sort("name", descending=False)
    assert bare <= table.columnWidth(1) < bare + ARROW


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
