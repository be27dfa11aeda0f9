"""A state as people see it: a dot of 8 px and a word, never colour alone."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.views.theme import Tone, paint_icon, theme

DOT = 8
ICON = 14
GAP = 8


@dataclass(frozen=True, slots=True)
class StateMark:
    """`symbol` (an icon name) stands in the dot's place for states that need more than a colour."""

    tone: Tone
    word: str
    symbol: str = ""
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a whole, painted as one bar: `parts` are (tone, count), `total` the whole, `caption` the words."""

    parts: tuple[tuple[Tone, int], ...]
    total: int
    caption: str


def paint_state(painter: QPainter, mark: StateMark, area: QRect, *, colour: str) -> None:
    """Dot or icon, then the word in `colour`, cut with an ellipsis at the right edge of `area`."""
    ink = theme().tokens.ink(mark.tone)
    middle = area.center().y() + 1
    if mark.symbol:
        paint_icon(painter, mark.symbol, QRect(area.left() - 3, middle - ICON // 2, ICON, ICON), colour=ink)
    else:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ink))
        painter.drawEllipse(QPointF(area.left() + DOT / 2, middle), DOT / 2, DOT / 2)
    words = area.adjusted(DOT + GAP, 0, 0, 0)
    font = painter.font()
    font.setStrikeOut(mark.struck)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    text = QFontMetrics(font).elidedText(mark.word, Qt.TextElideMode.ElideRight, words.width())
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    font.setStrikeOut(False)
    painter.setFont(font)


def paint_shares(painter: QPainter, shares: Shares, area: QRect, *, colour: str) -> None:
    """A bar of 6 px with the caption under it."""
    tokens = theme().tokens
    bar = QRect(area.left(), area.center().y() - 9, area.width(), 6)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.line))
    painter.drawRoundedRect(bar, 3, 3)
    left = float(bar.left())
    for tone, count in shares.parts:
        width = bar.width() * count / max(1, shares.total)
        painter.setBrush(QColor(tokens.ink(tone)))
        if count:
            painter.drawRoundedRect(QRect(round(left), bar.top(), max(2, round(width)), 6), 3, 3)
        left += width
    font = painter.font()
    before = font.pixelSize()
    font.setPixelSize(11)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    words = QRect(area.left(), bar.bottom() + 2, area.width(), 16)
    text = QFontMetrics(font).elidedText(shares.caption, Qt.TextElideMode.ElideRight, words.width())
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    font.setPixelSize(before)
    painter.setFont(font)


class StateLabel(QWidget):
    """The same mark as a widget, for heads of drawers and cards."""

    def __init__(self, mark: StateMark, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._word = QLabel()
        self._dot = _Dot(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP - 2)
        layout.addWidget(self._dot)
        layout.addWidget(self._word, 1)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_mark(mark)

    def set_mark(self, mark: StateMark) -> None:
        self._word.setText(mark.word)
        self._dot.mark = mark
        self._dot.update()
        self.setAccessibleName(mark.word)


class _Dot(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.mark = StateMark("neutral", "")
        self.setFixedSize(ICON, ICON)
        theme().changed.connect(self.update)

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        ink = theme().tokens.ink(self.mark.tone)
        if self.mark.symbol:
            paint_icon(painter, self.mark.symbol, self.rect(), colour=ink)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ink))
            painter.drawEllipse(QPointF(ICON / 2, ICON / 2), DOT / 2, DOT / 2)
        painter.end()
