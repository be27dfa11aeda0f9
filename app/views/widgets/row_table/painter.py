"""How cells and headers of a row table are painted: plain strokes, no style sheet in the way of scrolling."""

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from app.views.theme import code_font, font, icon_pixmap, theme
from app.views.theme.fonts import LABEL_PX, NOTE_PX
from app.views.widgets.row_table.columns import PADDING, Column, Kind
from app.views.widgets.row_table.model import Line, RowModel
from app.views.widgets.state_mark import DOT, GAP, Shares, StateMark, paint_shares, paint_state
from app.words import NO_DATA

BAR = 3
RING = 2
DIMMED = 0.45
ARROW = 14
CORNER = 7
WAITING = "…"
SAMPLE = 40
"""Rows whose cells say how wide a column has to be."""
AT_LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine)
AT_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine)


class CellPainter(QStyledItemDelegate):
    """Paints the rows of a table in one go: a call for each cell, through the style, is what makes scrolling slow.

    `hovered` is the row under the mouse, `dimmed` says that the rows shown are about to be replaced.
    """

    def __init__(self, model: RowModel, table: QTableView) -> None:
        super().__init__(table)
        self._model, self._table = model, table
        self.hovered = -1
        self.dimmed = False
        self.first_column = 0
        self._needs: dict[int, int] = {}
        self._fonts: dict[bool, QFont] = {False: font(LABEL_PX), True: code_font(LABEL_PX)}
        self._metrics = {is_code: QFontMetrics(one) for is_code, one in self._fonts.items()}

    def needed(self, number: int) -> int:
        """The width of a column that cuts neither its head nor a cell of the rows that were in sight when measured."""
        if number not in self._needs:
            first = max(0, self._table.rowAt(0))
            lines = (self._model.line_at(row) for row in range(first, min(first + SAMPLE, self._model.rowCount())))
            said = (self._said(line, number) + 2 * PADDING for line in lines if line is not None)
            self._needs[number] = max([self.head_needed(number), *said])
        return self._needs[number]

    def measure_anew(self) -> None:
        """Other rows are in sight; a window that is dragged wider measures nothing."""
        self._needs.clear()

    def head_needed(self, number: int) -> int:
        """The width that its head alone needs."""
        column = self._model.columns[number]
        arrow = ARROW + 4 if column.sortable else 2
        return 2 * PADDING + QFontMetrics(font(LABEL_PX, 500)).horizontalAdvance(column.title) + arrow

    def _said(self, line: Line, number: int) -> int:
        """How wide a cell's words are."""
        value, text = line.values[number], line.texts[number]
        if isinstance(value, Shares):
            return QFontMetrics(font(NOTE_PX)).horizontalAdvance(text) + 2
        dot = DOT + GAP if isinstance(value, StateMark) else 0
        return self._metrics[self._model.columns[number].kind is Kind.CODE].horizontalAdvance(text) + dot + 2

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, 36)

    def hover(self, row: int) -> None:
        """The mouse is over another row; -1 is over none."""
        table = self._table
        for one in {row, self.hovered} - {-1} if row != self.hovered else set():
            if one < self._model.rowCount():
                table.viewport().update(0, table.rowViewportPosition(one), table.width(), table.rowHeight(one))
        self.hovered = row

    def paint_rows(self, painter: QPainter, area: QRect) -> None:
        """All cells that touch `area` of the viewport."""
        table = self._table
        first, last = table.rowAt(area.top()), table.rowAt(area.bottom())
        if first < 0:
            return
        columns = self._columns_in(area)
        chosen, focus = table.selectionModel(), self._focus()
        for row in range(first, (last if last >= 0 else self._model.rowCount() - 1) + 1):
            top, height = table.rowViewportPosition(row), table.rowHeight(row)
            line, fresh = self._model.line_or_old(row)
            self._ground(painter, QRect(0, top, table.viewport().width(), height), columns, row=row, chosen=chosen)
            painter.setOpacity(DIMMED if self.dimmed or not fresh else 1.0)
            for number, left, width in columns:
                self._write(painter, line, QRect(left, top, width, height), number=number, fresh=fresh)
            painter.setOpacity(1.0)
            if focus is not None and focus[0] == row:
                painter.setPen(QPen(QColor(theme().tokens.primary), RING))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for number, left, width in columns:
                    if number == focus[1]:
                        painter.drawRect(QRect(left + 1, top + 1, width - 2, height - 2))

    def _columns_in(self, area: QRect) -> list[tuple[int, int, int]]:
        """(column, left edge, width) of those in sight, in the order of the columns."""
        table = self._table
        found = []
        for number in range(len(self._model.columns)):
            left, width = table.columnViewportPosition(number), table.columnWidth(number)
            if not table.isColumnHidden(number) and left <= area.right() and left + width > area.left():
                found.append((number, left, width))
        return found

    def _focus(self) -> tuple[int, int] | None:
        """Row and column of the cell that has the keyboard."""
        current = self._table.currentIndex()
        return (current.row(), current.column()) if self._table.hasFocus() and current.isValid() else None

    def _ground(
        self,
        painter: QPainter,
        area: QRect,
        columns: list[tuple[int, int, int]],
        *,
        row: int,
        chosen: QItemSelectionModel,
    ) -> None:
        """What lies under the words of a row: its colour, the line below, the bar that marks a chosen one."""
        if not columns:
            return
        tokens = theme().tokens
        area.setRight(max(left + width for _, left, width in columns) - 1)
        area.setLeft(min(left for _, left, _ in columns))
        selected = chosen.isSelected(self._model.index(row, self.first_column))
        if selected or row == self.hovered:
            painter.fillRect(area, QColor(tokens.selection if selected else tokens.hover))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, QColor(tokens.line))
        bar = next((left for number, left, _ in columns if selected and number == self.first_column), None)
        if bar is not None:
            painter.fillRect(bar, area.top(), BAR, area.height(), QColor(tokens.primary))

    def _write(self, painter: QPainter, line: Line | None, area: QRect, *, number: int, fresh: bool) -> None:
        tokens = theme().tokens
        column = self._model.columns[number]
        inner = area.adjusted(PADDING, 0, -PADDING, 0)
        value = line.values[number] if line else None
        if isinstance(value, StateMark | Shares):
            painter.setFont(self._fonts[False])
            if isinstance(value, StateMark):
                paint_state(painter, value, inner, colour=tokens.text_2 if value.struck else tokens.text)
            else:
                paint_shares(painter, value, inner, colour=tokens.text_2)
            return
        text = line.texts[number] if line else NO_DATA if fresh else WAITING
        bare = text in (NO_DATA, WAITING)
        is_code = column.kind is Kind.CODE and not bare
        painter.setFont(self._fonts[is_code])
        painter.setPen(QColor(tokens.hint if bare else tokens.text))
        shown = text if bare or line is None else self._cut(line, text, inner.width(), number=number, is_code=is_code)
        painter.drawText(inner, AT_RIGHT if column.right else AT_LEFT, shown)

    def _cut(self, line: Line, text: str, width: int, *, number: int, is_code: bool) -> str:
        """What fits, with an ellipsis if that is not all; measured once for a width."""
        known = line.cut.get(number)
        if known is None or known[0] != width:
            known = width, self._metrics[is_code].elidedText(text, Qt.TextElideMode.ElideRight, width)
            line.cut[number] = known
        return known[1]


class HeadPainter(QHeaderView):
    """A tinted head of 36 px whose sort arrow stands beside the word it belongs to."""

    def __init__(self, columns: tuple[Column, ...], parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._columns = columns
        self.sorted_by: tuple[int, bool] | None = None
        self.setSectionsMovable(True)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(48)
        self.setFixedHeight(36)
        self.setMouseTracking(True)
        theme().changed.connect(self.viewport().update)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The table's round corners show through: a section is as square as its rectangle."""
        super().resizeEvent(event)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()).adjusted(0, 0, 0, CORNER), CORNER, CORNER)
        self.setMask(QRegion(path.toFillPolygon().toPolygon()))

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:  # noqa: N803 - Qt's name
        tokens = theme().tokens
        column = self._columns[logicalIndex]
        painter.save()
        painter.fillRect(rect, QColor(tokens.head))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, QColor(tokens.line))
        inner = rect.adjusted(PADDING, 0, -PADDING, 0)
        sorted_here = self.sorted_by is not None and self.sorted_by[0] == logicalIndex
        room = inner.width() - (ARROW + 2 if sorted_here else 0)
        painter.setFont(font(LABEL_PX, 500))
        painter.setPen(QColor(tokens.primary if sorted_here else tokens.text_2))
        text = painter.fontMetrics().elidedText(column.title, Qt.TextElideMode.ElideRight, room)
        width = painter.fontMetrics().horizontalAdvance(text)
        left = inner.right() + 1 - width - (ARROW + 2 if sorted_here else 0) if column.right else inner.left()
        painter.drawText(
            QRect(left, rect.top(), width + 2, rect.height()),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            text,
        )
        if sorted_here and self.sorted_by:
            name = "arrow-down" if self.sorted_by[1] else "arrow-up"
            ratio = self.devicePixelRatioF()
            picture = icon_pixmap(name, tokens.primary, size=ARROW, ratio=ratio)
            painter.drawPixmap(left + width + 2, rect.center().y() - ARROW // 2 + 1, picture)
        painter.restore()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self.viewport())
        tokens = theme().tokens
        painter.fillRect(self.viewport().rect(), QColor(tokens.head))
        bottom = self.viewport().height() - 1
        painter.fillRect(0, bottom, self.viewport().width(), 1, QColor(tokens.line))
        for visual in range(self.count()):
            logical = self.logicalIndex(visual)
            if not self.isSectionHidden(logical):
                left = self.sectionViewportPosition(logical)
                self.paintSection(painter, QRect(left, 0, self.sectionSize(logical), bottom + 1), logical)
        painter.end()
