"""The verdict across the page: a full colour, a 96 px icon, a word and an amount that can be read at two metres."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.views.counter.verdicts import Shown, idle
from app.views.theme import bold, font, paint_icon, theme

ICON = 96
PAD = 32
WORD_PX = 40
AMOUNT_PX = 56
LINE_PX = 20
LINE_STEP = 28
LEAST_PX_HIGH = 150
"""A word and three lines fit."""
PLACED = (Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft).value | Qt.TextFlag.TextDontClip.value
"""The line of a heavy word is higher than its room: only what hangs below it, and that must not be cut."""
LEAST_PX = 15
"""Words that do not fit are made smaller down to this before they are cut."""


class VerdictBand(QWidget):
    """Painted by itself, so that it may fill the page from edge to edge; a screen reader hears it as it changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = idle()
        self.setMinimumHeight(LEAST_PX_HIGH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.shown.spoken)
        theme().changed.connect(self.update)

    def show_verdict(self, shown: Shown, *, aloud: bool = True) -> None:
        self.shown = shown
        self.setAccessibleName(shown.spoken)
        if aloud:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, shown.spoken))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(800, 264)

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground, ink = self._colours()
        painter.fillRect(self.rect(), QColor(ground))
        left = PAD + ICON + PAD
        icon_at = QRect(PAD, (self.height() - ICON) // 2, ICON, ICON)
        paint_icon(painter, self.shown.symbol, icon_at, colour=ink)
        painter.setPen(QColor(ink))
        height = WORD_PX + 16 + LINE_STEP * len(self.shown.lines)
        top = max(8, (self.height() - height) // 2)
        edge = self._paint_amount(painter)
        self._paint(painter, self.shown.word, QRect(left, top, edge - left, WORD_PX + 12), px=WORD_PX, heavy=True)
        top += WORD_PX + 14
        px = self.line_px(edge - left)
        for line in self.shown.lines:
            self._paint(painter, line, QRect(left, top, edge - left, LINE_STEP), px=px)
            top += LINE_STEP
        painter.end()

    def _colours(self) -> tuple[str, str]:
        """Ground and ink: quiet while nothing was asked, full when there is a verdict."""
        tokens = theme().tokens
        if self.shown.tone == "neutral":
            return tokens.fill("neutral"), tokens.text_2
        return tokens.ink(self.shown.tone), tokens.on_primary

    def _paint_amount(self, painter: QPainter) -> int:
        """The amount at the right edge; gives back how far the words may reach."""
        right = self.width() - PAD
        if not self.shown.amount:
            return right
        metrics = QFontMetrics(_font(AMOUNT_PX, heavy=True))
        width = metrics.horizontalAdvance(self.shown.amount) + 4
        height = AMOUNT_PX + 24
        area = QRect(right - width, (self.height() - height) // 2, width, height)
        self._paint(painter, self.shown.amount, area, px=AMOUNT_PX, heavy=True)
        return right - width - 24

    def line_px(self, room: int) -> int:
        """One size for all lines: that of the longest, in so many px of width."""
        return min((_fitting(line, room, LINE_PX) for line in self.shown.lines), default=LINE_PX)

    def _paint(self, painter: QPainter, text: str, area: QRect, *, px: int, heavy: bool = False) -> None:
        painter.setFont(_font(_fitting(text, area.width(), px, heavy=heavy), heavy=heavy))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, PLACED, shown)


def _font(px: int, *, heavy: bool = False) -> QFont:
    return font(px, bold() if heavy else 400)


def _fitting(text: str, room: int, px: int, *, heavy: bool = False) -> int:
    """The largest size up to `px` in which the words fit, or the least one."""
    while px > LEAST_PX and QFontMetrics(_font(px, heavy=heavy)).horizontalAdvance(text) > room:
        px -= 1
    return px
