"""Big choices that look like cards: a title, two lines, an icon; one of a group is chosen."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from app.views.theme import bold, font, paint_icon, theme

HEIGHT = 76
LEAST = 168
ICON = 20
PAD = 12


class ChoiceTile(QAbstractButton):
    """Checkable; arrow keys go to its neighbours, Space chooses. `note` in the tone of `warns` tells what lacks."""

    def __init__(self, symbol: str, title: str, detail: str = "", note: str = "", *, warns: bool = False) -> None:
        super().__init__()
        self.symbol, self.detail, self.note, self.warns = symbol, detail, note, warns
        self.setText(title)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._name()
        theme().changed.connect(self.update)

    def set_words(self, *, detail: str, note: str, warns: bool = False) -> None:
        self.detail, self.note, self.warns = detail, note, warns
        self._name()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(LEAST + 60, HEIGHT)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strong = self.isChecked() or self.hasFocus()
        painter.setPen(QPen(QColor(tokens.primary if strong else tokens.line), 2 if self.hasFocus() else 1))
        painter.setBrush(QColor(tokens.selection if self.isChecked() else tokens.surface))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 8, 8)
        ink = tokens.primary if self.isChecked() else tokens.text_2
        paint_icon(painter, self.symbol, QRect(PAD, PAD, ICON, ICON), colour=ink)
        left, width = PAD + ICON + 10, self.width() - PAD - ICON - 10 - PAD
        lines = ((self.text(), 14, bold(), tokens.text), (self.detail, 13, 400, tokens.text_2))
        top = PAD - 1
        for words, px, weight, colour in lines:
            self._write(painter, words, QRect(left, top, width, 20), px=px, weight=weight, colour=colour)
            top += 19
        note = tokens.warn if self.warns else tokens.hint
        self._write(painter, self.note, QRect(left, top, width, 18), px=12, weight=400, colour=note)
        painter.end()

    def _write(self, painter: QPainter, words: str, area: QRect, *, px: int, weight: int, colour: str) -> None:
        painter.setFont(font(px, weight))
        painter.setPen(QColor(colour))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

    def _name(self) -> None:
        words = ", ".join(part for part in (self.text(), self.detail, self.note) if part)
        self.setAccessibleName(words)
        self.setToolTip(words)
