"""What stands where rows would be: a line drawing, the reason, one button, perhaps a link."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.theme import paint_icon, theme
from app.views.widgets.pieces import button, label

DRAWING = 120


class _Drawing(QWidget):
    """One colour: a card behind a card, and the subject's icon on the front one."""

    def __init__(self, symbol: str) -> None:
        super().__init__()
        self._symbol = symbol
        self.setFixedSize(DRAWING, 96)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(DRAWING, 96)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.strong), 1.5))
        painter.setBrush(QColor(tokens.bg))
        painter.drawRoundedRect(QRectF(22, 10, 92, 58), 8, 8)
        painter.setBrush(QColor(tokens.surface))
        painter.drawRoundedRect(QRectF(6, 24, 92, 62), 8, 8)
        painter.drawLine(18, 74, 44, 74)
        painter.drawLine(52, 74, 64, 74)
        paint_icon(painter, self._symbol, QRectF(36, 32, 32, 32), colour=tokens.strong)
        painter.end()


class EmptyState(QWidget):
    """`symbol` is an icon name; `act` is (verb, call); `link` is (words, call)."""

    def __init__(
        self,
        symbol: str,
        reason: str,
        *,
        hint: str = "",
        act: tuple[str, Callable[[], object]] | None = None,
        link: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        super().__init__()
        middle = Qt.AlignmentFlag.AlignHCenter
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(8)
        layout.addStretch(2)
        self._drawing = _Drawing(symbol)
        layout.addWidget(self._drawing, 0, middle)
        self.reason = label(reason, "card-title", wrap=True)
        self.reason.setAlignment(middle)
        layout.addWidget(self.reason)
        self.hint = label(hint, "label", wrap=True)
        self.hint.setAlignment(middle)
        layout.addWidget(self.hint)
        self.hint.setVisible(bool(hint))
        if act is not None:
            self.act_button = button(act[0], act[1], kind="primary")
            layout.addWidget(self.act_button, 0, middle)
        if link is not None:
            self.link_button = button(link[0], link[1], kind="text")
            layout.addWidget(self.link_button, 0, middle)
        layout.addStretch(3)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the words have it; where there is less, the reason alone."""
        super().resizeEvent(event)
        for drawn, hinted, spacing in ((True, True, 8), (False, True, 8), (False, True, 2), (False, False, 2)):
            if self._needs(drawn=drawn, hinted=hinted, spacing=spacing) <= self.height():
                break
        self.setToolTip("" if self.hint.isVisibleTo(self) else self.hint.text())

    def _needs(self, *, drawn: bool, hinted: bool, spacing: int) -> int:
        """The height it takes with these parts, which are shown."""
        layout = self.layout()
        assert layout is not None, "made with it"
        layout.setSpacing(spacing)
        self._drawing.setVisible(drawn)
        self.hint.setVisible(hinted and bool(self.hint.text()))
        layout.invalidate()
        return layout.totalHeightForWidth(self.width())
