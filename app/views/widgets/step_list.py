"""The steps of a wizard at its left: numbers, a tick for what is done, a mark for what needs a hand."""

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from app.views.theme import bold, font, paint_icon, theme
from app.words import tr

WIDTH = 180
HEIGHT = 40
RING = 24


class StepState(StrEnum):
    LATER = "later"
    NOW = "now"
    DONE = "done"
    FAULTY = "faulty"


class _Step(QAbstractButton):
    def __init__(self, number: int, words: str) -> None:
        super().__init__()
        self.number, self.state = number, StepState.LATER
        self.setText(words)
        self.setFixedHeight(HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRect(4, (HEIGHT - RING) // 2, RING, RING)
        now = self.state is StepState.NOW
        ink = {
            StepState.LATER: tokens.strong,
            StepState.NOW: tokens.primary,
            StepState.DONE: tokens.ok,
            StepState.FAULTY: tokens.warn,
        }[self.state]
        painter.setPen(QPen(QColor(ink), 1.5))
        painter.setBrush(QColor(tokens.primary) if now else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ring)
        symbols = {StepState.DONE: "check", StepState.FAULTY: "triangle-alert"}
        if self.state in symbols:
            paint_icon(painter, symbols[self.state], ring.adjusted(5, 5, -5, -5), colour=ink)
        else:
            painter.setFont(font(12, 500))
            painter.setPen(QColor(tokens.on_primary if now else tokens.hint))
            painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, str(self.number))
        painter.setFont(font(14, bold() if now else 400))
        painter.setPen(QColor(tokens.text if self.isEnabled() else tokens.hint))
        words = self.rect().adjusted(RING + 16, 0, -4, 0)
        text = QFontMetrics(painter.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.primary), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)
        painter.end()


class StepList(QWidget):
    """Done steps can be gone back to; later ones not before their need is met."""

    chosen = Signal(int)

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.steps = [_Step(number, title) for number, title in enumerate(titles, 1)]
        for at, step in enumerate(self.steps):
            step.clicked.connect(lambda _=False, at=at: self.chosen.emit(at))
            layout.addWidget(step)
        layout.addStretch(1)
        self.set_state(0, now=0)

    def set_state(self, reached: int, *, now: int, faulty: Sequence[int] = ()) -> None:
        """`reached` is the furthest step that may be visited; `faulty` ones show a mark instead of a tick."""
        words = {
            StepState.LATER: tr("not yet"),
            StepState.NOW: tr("current step"),
            StepState.DONE: tr("done"),
            StepState.FAULTY: tr("needs attention"),
        }
        for at, step in enumerate(self.steps):
            step.state = state_of(at, reached, now=now, faulty=faulty)
            step.setEnabled(at <= reached)
            step.setAccessibleName(f"{step.number} {step.text()} {words[step.state]}")
            step.update()


def state_of(at: int, reached: int, *, now: int, faulty: Sequence[int]) -> StepState:
    if at == now:
        return StepState.NOW
    if at in faulty:
        return StepState.FAULTY
    return StepState.DONE if at < reached else StepState.LATER
