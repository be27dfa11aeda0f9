"""Small tables: numbers stand to the right, below their head."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.views.widgets.cells import NUMBER_ROLE, CellTable, cell, number_cell


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
