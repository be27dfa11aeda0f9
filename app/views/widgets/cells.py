"""A small table of plain cells, for a first look at a file and for mending single cells."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
)

from app.services.people.columns import column_name
from app.views.theme import font, theme
from app.views.theme.fonts import LABEL_PX
from app.words import NO_DATA

ROW_PX = 36
LEAST_PX = 48
MOST_PX = 300
PAD = 12
Index = QModelIndex | QPersistentModelIndex
FAULT_ROLE = Qt.ItemDataRole.UserRole
NUMBER_ROLE = Qt.ItemDataRole.UserRole + 1


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
        self.setItemDelegate(_CellPainter(self))

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

    def set_heads(self, heads: Sequence[str], *, numbers: Sequence[int] = ()) -> None:
        """Words over the columns; over `numbers` they stand to the right, as the numbers do."""
        self.setHorizontalHeaderLabels(list(heads))
        for at in numbers:
            head = QTableWidgetItem(heads[at])
            head.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(at, head)

    def fit(self) -> None:
        """Widths by what is in the cells, within reason."""
        head = self.horizontalHeader()
        for at in range(self.columnCount()):  # the last one is wider by now than its words
            words = max(self.sizeHintForColumn(at), head.sectionSizeHint(at))
            self.setColumnWidth(at, min(max(words, LEAST_PX), MOST_PX))


class _CellPainter(QStyledItemDelegate):
    """Text in line with the head of its column; a faulty cell is tinted, also when it is empty."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = theme().tokens
        view = self.parent()
        assert isinstance(view, CellTable), "made by one"
        area: QRect = option.rect
        is_faulty = bool(index.data(FAULT_ROLE))
        if view.selectionModel().isSelected(view.model().index(index.row(), index.column())):
            painter.fillRect(area, QColor(tokens.selection))
        elif is_faulty:
            painter.fillRect(area, QColor(tokens.fill("error")))
        if view.hasFocus() and view.currentIndex() == index:
            painter.setPen(QPen(QColor(tokens.primary), 2))
            painter.drawRect(area.adjusted(1, 1, -1, -1))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, QColor(tokens.line))
        painter.setFont(font(LABEL_PX))
        painter.setPen(QColor(tokens.error if is_faulty else tokens.text))
        is_number = bool(index.data(NUMBER_ROLE))
        inner = area.adjusted(PAD, 0, -PAD if is_number else -4, 0)
        words = str(index.data() or (NO_DATA if is_faulty else ""))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
        side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | side, shown)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """As wide as what is painted, with room at both sides."""
        words = QFontMetrics(font(LABEL_PX)).horizontalAdvance(str(index.data() or ""))
        return QSize(words + 2 * PAD + 2, ROW_PX)


def number_cell(number: int) -> QTableWidgetItem:
    """Stands to the right, under its head."""
    made = cell(f"{number:,}")
    made.setData(NUMBER_ROLE, True)
    return made


def cell(text: str, *, editable: bool = False, fault: str = "") -> QTableWidgetItem:
    """`fault` says what is wrong with it: the ground is tinted, the sentence stands in the tooltip and is spoken."""
    made = QTableWidgetItem(text)
    flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    made.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
    made.setToolTip(fault or text)
    made.setData(Qt.ItemDataRole.AccessibleDescriptionRole, fault)
    if fault:
        made.setData(FAULT_ROLE, True)
    return made
