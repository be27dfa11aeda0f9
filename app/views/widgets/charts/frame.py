"""What every chart shares: the tokens' colours live, a picture as PNG, places to point at by mouse or by arrow keys."""

from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.views.theme import font, theme

PICTURE_RATIO = 2.0
RING = 2.0
STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class Chart(QWidget):
    """`set_words` is what a screen reader says. Subclasses paint from the tokens of the moment.

    A place is a bar, a cell or a day, numbered from 0; Enter or a click opens what it counts.
    """

    across = 1
    """Places in one row: the arrows up and down move by so many."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pointed: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 140)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def set_words(self, words: str) -> None:
        self.setAccessibleName(words)

    def to_png(self, path: Path) -> bool:
        """Write what is shown, on the theme's paper, at twice its size; False if the file cannot be written."""
        picture = QPixmap(self.size() * PICTURE_RATIO)
        picture.setDevicePixelRatio(PICTURE_RATIO)
        picture.fill(theme().tokens.surface)
        self.render(picture)
        return picture.save(str(path), "PNG")

    # --- what a subclass tells of its places ---

    def places(self) -> int:
        return 0

    def place_rect(self, at: int) -> QRectF:
        """Where a place is painted."""
        return QRectF(self.rect())

    def place_at(self, where: QPointF) -> int | None:
        """The place under the mouse."""
        return None

    def place_words(self, at: int) -> str:
        """What a place counts, for the tooltip and a screen reader."""
        return self.accessibleName()

    def open_place(self, at: int) -> None:
        """Ask for the list that a place counts."""

    # --- pointing ---

    def point(self, at: int | None) -> None:
        if at != self.pointed:
            self.pointed = at
            self.update()
        words = self.place_words(at) if at is not None else ""
        self.setToolTip(words)
        self.setAccessibleDescription(words)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.point(self.place_at(event.position()))
        has_place = self.pointed is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if has_place else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self.place_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and at is not None:
            self.open_place(at)

    def leaveEvent(self, event: QEvent) -> None:
        if not self.hasFocus():
            self.point(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, count = Qt.Key(event.key()), self.places()
        if key in STEPS and count:
            right, down = STEPS[key]
            aim = 0 if self.pointed is None else self.pointed + right + down * self.across
            self.point(min(max(aim, 0), count - 1))
            self._say_place()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.pointed is not None:
            self.open_place(self.pointed)
        else:
            super().keyPressEvent(event)

    def _say_place(self) -> None:
        """By keys there is no mouse to hold still: the words stand beside the place at once."""
        if self.pointed is not None:
            corner = self.place_rect(self.pointed).bottomRight().toPoint()
            QToolTip.showText(self.mapToGlobal(corner), self.place_words(self.pointed), self)

    def paint_ring(self, painter: QPainter) -> None:
        """Around the place the keys are on, or the whole chart before the first arrow."""
        if self.hasFocus():
            area = QRectF(self.rect()) if self.pointed is None else self.place_rect(self.pointed)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme().tokens.primary), RING))
            half = RING / 2
            painter.drawRoundedRect(area.adjusted(half, half, -half, -half), 4, 4)

    def paint_nothing(self, painter: QPainter, words: str) -> None:
        """In place of what there is nothing of."""
        painter.setFont(font(13))
        painter.setPen(QColor(theme().tokens.hint))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
