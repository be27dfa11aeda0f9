"""How cells and headers of a row table are painted: plain strokes, no style sheet in the way of scrolling."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
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
BARE = frozenset((NO_DATA, WAITING))
MARKS = (StateMark, Shares)
SPARE = 8
SAMPLE = 40
"""Rows whose cells say how wide a column has to be."""
Seen = tuple[int, int, Line | None, bool]
"""A row in sight: its number, its upper edge, its line if that is there, whether it is fresh."""
Place = tuple[int, int, int]
"""A column in sight: its number, its left edge, its width."""
AT_RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextSingleLine)


class _Advances(dict[str, int]):
    """How wide single signs are, each measured once."""

    def __init__(self, metrics: QFontMetrics) -> None:
        super().__init__()
        self._metrics = metrics

    def __missing__(self, sign: str) -> int:
        self[sign] = width = self._metrics.horizontalAdvance(sign)
        return width


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
        self.sorted_column = -1
        self._needs: dict[int, int] = {}
        self._fonts: dict[bool, QFont] = {False: font(LABEL_PX), True: code_font(LABEL_PX)}
        self._metrics = {is_code: QFontMetrics(one) for is_code, one in self._fonts.items()}
        self._advances = {is_code: _Advances(metrics) for is_code, metrics in self._metrics.items()}

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
        arrow = ARROW + 4 if number == self.sorted_column else 2
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
        """All cells that touch `area` of the viewport, column by column: font and colour are set once for many."""
        table = self._table
        first, last = table.rowAt(area.top()), table.rowAt(area.bottom())
        columns = self._columns_in(area)
        if first < 0 or not columns:
            return
        last = last if last >= 0 else self._model.rowCount() - 1
        top, height = table.rowViewportPosition(first), table.rowHeight(first)  # all are of one height
        seen = [(row, top + (row - first) * height, *self._model.line_or_old(row)) for row in range(first, last + 1)]
        self._paint_grounds(painter, seen, columns, height=height)
        for number, left, width in columns:
            cell = QRect(left + PADDING, 0, width - 2 * PADDING, height)
            self._paint_column(painter, seen, cell, number=number)
        painter.setOpacity(1.0)
        self._paint_focus(painter, seen, columns, height=height)

    def _paint_focus(self, painter: QPainter, seen: Sequence[Seen], columns: Sequence[Place], *, height: int) -> None:
        """A ring around the cell that has the keyboard."""
        current = self._table.currentIndex()
        if self._table.hasFocus() and current.isValid():
            painter.setPen(QPen(QColor(theme().tokens.primary), RING))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for top in (top for row, top, _, _ in seen if row == current.row()):
                for left, width in ((left, width) for number, left, width in columns if number == current.column()):
                    painter.drawRect(QRect(left + 1, top + 1, width - 2, height - 2))

    def _chosen(self) -> QItemSelectionModel | None:
        """None where nothing is selected: asking for every row takes its time."""
        chosen = self._table.selectionModel()
        return chosen if chosen.hasSelection() else None

    def _columns_in(self, area: QRect) -> list[Place]:
        """Those in sight, in the order of the columns."""
        table = self._table
        found = []
        for number in range(len(self._model.columns)):
            left, width = table.columnViewportPosition(number), table.columnWidth(number)
            if not table.isColumnHidden(number) and left <= area.right() and left + width > area.left():
                found.append((number, left, width))
        return found

    def _paint_grounds(self, painter: QPainter, seen: Sequence[Seen], columns: Sequence[Place], *, height: int) -> None:
        """What lies under the words of a row: its colour, the line below, the bar that marks a chosen one."""
        tokens = theme().tokens
        left = min(left for _, left, _ in columns)
        width = max(left + width for _, left, width in columns) - left
        marked = next((left for number, left, _ in columns if number == self.first_column), None)
        hairline, chosen = QColor(tokens.line), self._chosen()
        for row, top, _, _ in seen:
            selected = chosen is not None and chosen.isSelected(self._model.index(row, self.first_column))
            if selected or row == self.hovered:
                painter.fillRect(left, top, width, height, QColor(tokens.selection if selected else tokens.hover))
            painter.fillRect(left, top + height - 1, width, 1, hairline)
            if selected and marked is not None:
                painter.fillRect(marked, top, BAR, height, QColor(tokens.primary))

    def _paint_column(self, painter: QPainter, seen: Sequence[Seen], cell: QRect, *, number: int) -> None:
        """The words of one column; `cell` is where they stand, but for the upper edge of the row."""
        column, tokens = self._model.columns[number], theme().tokens
        pen: tuple[bool, bool] | None = None
        for _, top, line, fresh in seen:
            painter.setOpacity(DIMMED if self.dimmed or not fresh else 1.0)
            value = line.values[number] if line else None
            if isinstance(value, MARKS):
                self._paint_mark(painter, value, cell.translated(0, top))
                pen = None
                continue
            text = line.texts[number] if line else NO_DATA if fresh else WAITING
            bare = text in BARE
            is_code = column.kind is Kind.CODE and not bare
            if pen != (is_code, bare):
                pen = is_code, bare
                painter.setFont(self._fonts[is_code])
                painter.setPen(QColor(tokens.hint if bare else tokens.text))
            shown = (
                text if bare or line is None else self._cut(line, text, cell.width(), number=number, is_code=is_code)
            )
            if column.right:
                painter.drawText(cell.translated(0, top), AT_RIGHT, shown)
            else:  # at its base line, which spares Qt a layout
                painter.drawText(QPointF(cell.left(), top + self._base(cell.height(), is_code)), shown)

    def _base(self, height: int, is_code: bool) -> float:
        """Of words in the middle of a row, from its upper edge."""
        metrics = self._metrics[is_code]
        return (height - metrics.height()) / 2 + metrics.ascent()

    def _paint_mark(self, painter: QPainter, mark: StateMark | Shares, area: QRect) -> None:
        tokens = theme().tokens
        painter.setFont(self._fonts[False])
        if isinstance(mark, StateMark):
            paint_state(painter, mark, area, colour=tokens.text_2 if mark.struck else tokens.text)
        else:
            paint_shares(painter, mark, area, colour=tokens.text_2)

    def _cut(self, line: Line, text: str, width: int, *, number: int, is_code: bool) -> str:
        """What fits, with an ellipsis if that is not all; measured once for a width.

        What fits sign by sign, with room for rounding, is not measured as a whole: that is slow, and most cells fit.
        """
        if sum(map(self._advances[is_code].__getitem__, text)) + SPARE <= width:
            return text
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
