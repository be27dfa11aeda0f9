"""Words on one line that end with an ellipsis where the room ends; the whole of them stands in the tooltip."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QToolTip


class ElidedLabel(QLabel):
    """Its text stays whole, for a screen reader and whoever asks; only what is painted is cut."""

    def __init__(self, text: str = "", role: str = "", *, least: int = 32) -> None:
        """Plain text, never HTML; roles as of `pieces.label`. Longer words give way down to `least` px."""
        super().__init__(text)
        self._least = least
        self.setTextFormat(Qt.TextFormat.PlainText)
        if role:
            self.setProperty("role", role)

    @property
    def cut(self) -> bool:
        """Whether not all of it is seen."""
        return self.fontMetrics().horizontalAdvance(self.text()) > self.contentsRect().width()

    def minimumSizeHint(self) -> QSize:
        whole = super().minimumSizeHint()
        return QSize(min(self._least, whole.width()), whole.height())

    def event(self, event: QEvent) -> bool:
        """The tooltip comes only where it says more than the label: a screen reader would say it twice."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.text() if self.cut else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.cut:
            super().paintEvent(event)
            return
        area = self.contentsRect()
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, self.alignment(), shown)
        painter.end()


def name_button(made: QPushButton, words: str, *, most: int) -> None:
    """Words that people chose, on a button that must not push its neighbours away: at most so many px of them."""
    shown = made.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, most)
    made.setText(shown.replace("&", "&&"))
    made.setToolTip(words if shown != words else "")
    made.setAccessibleName(words)
