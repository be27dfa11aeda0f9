"""How cells and headers of a row table are painted: plain strokes, no style sheet in the way of scrolling."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QRegion, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.views.theme import code_font, font, icon_pixmap, theme
from app.views.theme.fonts import LABEL_PX
from app.views.widgets.row_table.columns import Column, Kind
from app.views.widgets.row_table.model import Line, RowModel
from app.views.widgets.state_mark import Shares, StateMark, paint_shares, paint_state
from app.words import NO_DATA

PADDING = 12
BAR = 3
DIMMED = 0.45
ARROW = 14
CORNER = 7
WAITING = "…"


class CellPainter(QStyledItemDelegate):
    """`hovered` is the row under the mouse, `dimmed` says that the rows shown are about to be replaced."""

    def __init__(self, model: RowModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self.hovered = -1
        self.dimmed = False
        self.first_column = 0
        self._fonts: dict[bool, QFont] = {False: font(LABEL_PX), True: code_font(LABEL_PX)}

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, 36)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row, number = index.row(), index.column()
        tokens = theme().tokens
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        if selected or row == self.hovered:
            painter.fillRect(area, QColor(tokens.selection if selected else tokens.hover))
        painter.fillRect(area.left(), area.bottom(), area.width(), 1, QColor(tokens.line))
        if selected and number == self.first_column:
            painter.fillRect(area.left(), area.top(), BAR, area.height(), QColor(tokens.primary))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(tokens.primary), 1))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        line, fresh = self._model.line_or_old(row)
        if self.dimmed or not fresh:
            painter.setOpacity(DIMMED)
        self._write(painter, self._model.columns[number], line, area=area, number=number, fresh=fresh)
        painter.restore()

    def _write(
        self, painter: QPainter, column: Column, line: Line | None, *, area: QRect, number: int, fresh: bool
    ) -> None:
        tokens = theme().tokens
        inner = area.adjusted(PADDING, 0, -PADDING, 0)
        painter.setFont(self._fonts[False])
        value = line.values[number] if line else None
        if isinstance(value, StateMark):
            paint_state(painter, value, inner, colour=tokens.text_2 if value.struck else tokens.text)
            return
        if isinstance(value, Shares):
            paint_shares(painter, value, inner, colour=tokens.text_2)
            return
        text = line.texts[number] if line else NO_DATA if fresh else WAITING
        bare = text in (NO_DATA, WAITING)
        painter.setFont(self._fonts[column.kind is Kind.CODE and not bare])
        painter.setPen(QColor(tokens.hint if bare else tokens.text))
        side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | side, shown)


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
