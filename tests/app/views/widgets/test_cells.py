"""Small tables: numbers stand to the right, below their head."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot

from app.views.theme import font
from app.views.widgets.cells import NUMBER_ROLE, PAD, CellTable, cell, number_cell

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_number_and_its_head_stand_to_the_right(qtbot: QtBot) -> None:
    table = CellTable("Rows")
    qtbot.addWidget(table)
    table.setColumnCount(2)
    table.setRowCount(1)
    table.set_heads(("Line", "Reason"), numbers=(0,))
    table.setItem(0, 0, number_cell(1_234))
    table.setItem(0, 1, cell("empty"))
    assert table.item(0, 0).text() == "1,234"
    assert [bool(table.item(0, at).data(NUMBER_ROLE)) for at in range(2)] == [True, False]
    sides = [table.horizontalHeaderItem(at).textAlignment() & Qt.AlignmentFlag.AlignRight for at in range(2)]
    assert [bool(side) for side in sides] == [True, False]


def test_a_table_that_fits_is_not_scrolled_sideways(qtbot: QtBot) -> None:
    """The last column takes what is left over, and no more the next time."""
    table = CellTable("Rows")
    table.resize(600, 200)
    qtbot.addWidget(table)
    with qtbot.waitExposed(table):
        table.show()
    for _ in range(2):
        table.show_cells(("Name", "Phone", "Remark"), [("Wang", "13800000000", "")])
        assert table.horizontalScrollBar().maximum() == 0
        assert sum(table.columnWidth(at) for at in range(3)) == table.viewport().width()
    written = QFontMetrics(font(13)).horizontalAdvance("13800000000")
    assert written + 2 * PAD <= table.columnWidth(1)
