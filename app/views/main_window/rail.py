"""The rail at the left: one entry for each page, folded to icons when room is short."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout, QWidget

from app.views.main_window.specs import PageSpec
from app.views.theme import bold, font, paint_icon, theme
from app.views.widgets.pieces import line, native
from app.words import tr

WIDE, NARROW = 200, 56
ITEM = 36
ICON, FOLDED_ICON = 20, 24
BAR = 3


class RailItem(QAbstractButton):
    def __init__(self, spec: PageSpec, number: int) -> None:
        super().__init__()
        self.key = spec.key
        self._symbol = spec.symbol
        self.folded = False
        self.badge = 0
        keys = spec.shortcut or (f"Ctrl+{number}" if 1 <= number <= 9 else "")
        self._keys = native(keys) if keys else ""
        self.setText(spec.title())
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedHeight(ITEM)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.set_folded(False)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(WIDE - 16, ITEM)

    def set_folded(self, folded: bool) -> None:
        self.folded = folded
        tip = tr("{page} ({keys})", page=self.text(), keys=self._keys) if self._keys else self.text()
        self.setToolTip(tip)
        self.update()

    def set_badge(self, count: int) -> None:
        self.badge = count
        self.setAccessibleName(tr("{page}, {count} waiting", page=self.text(), count=count) if count else self.text())
        self.update()

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        area = QRectF(self.rect())
        if self.isChecked() or self.underMouse():
            painter.setBrush(QColor(tokens.selection if self.isChecked() else tokens.hover))
            painter.drawRoundedRect(area, 6, 6)
        if self.isChecked():
            painter.setBrush(QColor(tokens.primary))
            painter.drawRoundedRect(QRectF(0, 8, BAR, self.height() - 16), 1.5, 1.5)
        ink = tokens.primary if self.isChecked() else tokens.text_2
        edge = FOLDED_ICON if self.folded else ICON
        left = (self.width() - edge) // 2 if self.folded else 12
        paint_icon(painter, self._symbol, QRect(left, (self.height() - edge) // 2, edge, edge), colour=ink)
        if not self.folded:
            self._paint_words(painter)
        if self.badge:
            self._paint_badge(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.primary), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 6, 6)
        painter.end()

    def _paint_words(self, painter: QPainter) -> None:
        tokens = theme().tokens
        painter.setFont(font(14, bold() if self.isChecked() else 400))
        painter.setPen(QColor(tokens.primary if self.isChecked() else tokens.text))
        words = self.rect().adjusted(44, 0, -40 if self.badge else -8, 0)
        text = QFontMetrics(painter.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)

    def _paint_badge(self, painter: QPainter) -> None:
        tokens = theme().tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.error))
        if self.folded:
            painter.drawEllipse(QRectF(self.width() - 14, 6, 8, 8))
            return
        text = str(self.badge) if self.badge < 100 else "99+"
        painter.setFont(font(12, 500))
        width = max(20, painter.fontMetrics().horizontalAdvance(text) + 10)
        chip = QRect(self.width() - width - 8, (self.height() - 18) // 2, width, 18)
        painter.drawRoundedRect(chip, 9, 9)
        painter.setPen(QColor(tokens.on_error))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)


class _Brand(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.folded = False
        self.setFixedHeight(48)
        theme().changed.connect(self.update)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        left = (self.width() - 24) // 2 if self.folded else 10
        paint_icon(painter, "logo", QRect(left, 12, 24, 24), colour=tokens.primary)
        if not self.folded:
            painter.setFont(font(16, bold()))
            painter.setPen(QColor(tokens.text))
            painter.drawText(self.rect().adjusted(44, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, tr("Kaxia"))
        painter.end()


class Rail(QFrame):
    chosen = Signal(str)

    def __init__(self, pages: Sequence[PageSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "rail")
        self.setAccessibleName(tr("Pages"))
        self.items: dict[str, RailItem] = {}
        self._brand = _Brand()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 12)
        layout.setSpacing(4)
        layout.addWidget(self._brand)
        layout.addSpacing(4)
        for foot in (False, True):
            if foot:
                layout.addStretch(1)
                layout.addWidget(line())
                layout.addSpacing(4)
            for number, spec in enumerate(pages, 1):
                if spec.foot is foot:
                    layout.addWidget(self._made(spec, 0 if foot else number))
        self.set_folded(False)

    def mark(self, key: str) -> None:
        """The entry of what is shown; none where that belongs to none."""
        for at, item in self.items.items():
            item.setAutoExclusive(False)
            item.setChecked(at == key)
            item.setAutoExclusive(True)

    def set_folded(self, folded: bool) -> None:
        self.setFixedWidth(NARROW if folded else WIDE)
        self._brand.folded = folded
        self._brand.update()
        for item in self.items.values():
            item.set_folded(folded)

    def _made(self, spec: PageSpec, number: int) -> RailItem:
        item = RailItem(spec, number)
        item.clicked.connect(lambda _=False: self.chosen.emit(spec.key))
        self.items[spec.key] = item
        return item
