"""A small table of plain cells, for a first look at a file and for mending single cells."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from app.services.people.columns import column_name
from app.views.theme import theme

ROW_PX = 36
LEAST_PX = 72
MOST_PX = 260


class CellTable(QTableWidget):
    """Some dozens of rows; lists of records are a RowTable."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(True)

    def show_cells(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        width = max([len(headings), *(len(cells) for cells in rows)], default=0)
        self.clear()
        self.setColumnCount(width)
        self.setRowCount(len(rows))
        self.setHorizontalHeaderLabels([column_name(headings, at) for at in range(width)])
        for at, cells in enumerate(rows):
            for place in range(width):
                self.setItem(at, place, cell(cells[place] if place < len(cells) else ""))
        self.fit()

    def fit(self) -> None:
        """Widths by what is in the cells, within reason."""
        self.resizeColumnsToContents()
        for at in range(self.columnCount()):
            self.setColumnWidth(at, min(max(self.columnWidth(at) + 8, LEAST_PX), MOST_PX))


def cell(text: str, *, editable: bool = False, fault: str = "") -> QTableWidgetItem:
    """`fault` says what is wrong with it: the ground is tinted and the sentence stands in the tooltip."""
    made = QTableWidgetItem(text)
    flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    made.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
    made.setToolTip(fault or text)
    if fault:
        made.setForeground(QColor(theme().tokens.error))
        made.setBackground(QColor(theme().tokens.fill("error")))
    return made
