"""A state as people see it: a dot of 8 px and a word, never colour alone."""

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.views.theme import Tone, icon_pixmap, paint_icon, theme
from app.views.theme.fonts import NOTE_PX

DOT = 8
BAR = 6
ICON = 14
GAP = 8
DOWN = 1
"""Words stand that much below the middle of their line, and the mark with them."""


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
    middle = area.center().y() + DOWN
    ratio = painter.device().devicePixelRatio()
    if mark.symbol:
        painter.drawPixmap(area.left() - 3, middle - ICON // 2, icon_pixmap(mark.symbol, ink, size=ICON, ratio=ratio))
    else:
        painter.drawPixmap(area.left(), middle - DOT // 2, _dot(ink, ratio))
    words = area.adjusted(DOT + GAP, 0, 0, 0)
    painter.setPen(QColor(colour))
    if not mark.struck:
        text = painter.fontMetrics().elidedText(mark.word, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        return
    before = painter.font()
    struck = QFont(before)
    struck.setStrikeOut(True)
    painter.setFont(struck)
    text = QFontMetrics(struck).elidedText(mark.word, Qt.TextElideMode.ElideRight, words.width())
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.setFont(before)


@cache
def _dot(ink: str, ratio: float) -> QPixmap:
    """Painted once for each colour: a list has one in every row."""
    pixmap = QPixmap(round(DOT * ratio), round(DOT * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ink))
    painter.drawEllipse(pixmap.rect())
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def paint_shares(painter: QPainter, shares: Shares, area: QRect, *, colour: str) -> None:
    """A bar of 6 px with the caption under it."""
    tokens = theme().tokens
    bar = QRectF(area.left(), area.center().y() - 10, area.width(), BAR)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    round_bar = QPainterPath()
    round_bar.addRoundedRect(bar, BAR / 2, BAR / 2)
    painter.setClipPath(round_bar, Qt.ClipOperation.IntersectClip)
    painter.fillRect(bar, QColor(tokens.line))
    left = bar.left()
    for tone, count in shares.parts:
        width = bar.width() * count / max(1, shares.total)
        if count:
            painter.fillRect(QRectF(left, bar.top(), max(2.0, width), BAR), QColor(tokens.ink(tone)))
        left += width
    painter.restore()
    font = painter.font()
    before = font.pixelSize()
    font.setPixelSize(NOTE_PX)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    words = QRectF(area.left(), bar.bottom() + 1, area.width(), 17)
    text = QFontMetrics(font).elidedText(shares.caption, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    font.setPixelSize(before)
    painter.setFont(font)


class StateLabel(QWidget):
    """The same mark as a widget, for heads of drawers and cards."""

    def __init__(self, mark: StateMark, parent: QWidget | None = None, *, role: str = "") -> None:
        """`role` is that of the words beside it; without one it is body text."""
        super().__init__(parent)
        self._word = QLabel()
        if role:
            self._word.setProperty("role", role)
        self._dot = _Dot(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._dot)
        layout.addWidget(self._word, 1)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_mark(mark)

    def set_mark(self, mark: StateMark) -> None:
        self._word.setText(mark.word)
        self._dot.show_mark(mark)
        self.setAccessibleName(mark.word)


class _Dot(QWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.show_mark(StateMark("neutral", ""))
        theme().changed.connect(self.update)

    def show_mark(self, mark: StateMark) -> None:
        """As wide as what is painted, so that it begins where the lines above and below it begin."""
        self.mark = mark
        self.setFixedSize(ICON if mark.symbol else DOT, ICON + 2 * DOWN)
        self.update()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.translate(0, 2 * DOWN)
        ink = theme().tokens.ink(self.mark.tone)
        if self.mark.symbol:
            paint_icon(painter, self.mark.symbol, QRect(0, 0, ICON, ICON), colour=ink)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ink))
            painter.drawEllipse(QPointF(DOT / 2, ICON / 2), DOT / 2, DOT / 2)
        painter.end()
