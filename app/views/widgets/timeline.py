"""The story of one record: when, what, by whom, newest first, on a thread of dots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.views.theme import Tone, paint_icon, theme
from app.views.widgets.pieces import column, label, row
from app.words import moment

MARK = 24


@dataclass(frozen=True, slots=True)
class Event:
    """`symbol` is an icon name; `detail` says who, where, how much."""

    at: datetime | None
    words: str
    detail: str = ""
    symbol: str = "circle"
    tone: Tone = "neutral"


class _Thread(QWidget):
    def __init__(self, event: Event, *, last: bool) -> None:
        super().__init__()
        self._event, self._last = event, last
        self.setFixedWidth(MARK)
        theme().changed.connect(self.update)

    def paintEvent(self, event: object) -> None:
        tokens = theme().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._last:
            painter.setPen(QPen(QColor(tokens.line), 1.5))
            painter.drawLine(QPointF(MARK / 2, MARK + 2), QPointF(MARK / 2, self.height()))
        painter.setPen(QPen(QColor(tokens.edge(self._event.tone)), 1))
        painter.setBrush(QColor(tokens.fill(self._event.tone)))
        painter.drawEllipse(QRectF(0.5, 0.5, MARK - 1, MARK - 1))
        paint_icon(painter, self._event.symbol, QRect(5, 5, 14, 14), colour=tokens.ink(self._event.tone))
        painter.end()


class Timeline(QFrame):
    def __init__(self, events: Sequence[Event] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.show_events(events)

    def show_events(self, events: Sequence[Event]) -> None:
        while (item := self._column.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for event in events:
            self._column.addWidget(self._made(event, last=event is events[-1]))

    def _made(self, event: Event, *, last: bool) -> QWidget:
        made = QWidget()
        line = QHBoxLayout(made)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        line.addWidget(_Thread(event, last=last))
        what = label(event.words, wrap=True)
        parts = [what, label(event.detail, "label", wrap=True)] if event.detail else [what]
        words = column(*parts, label(moment(event.at), "note"), 0 if last else 12, spacing=2)
        words.setContentsMargins(0, 1, 0, 0)
        line.addLayout(row(words), 1)
        made.setAccessibleName(f"{event.words} {event.detail} {moment(event.at)}".strip())
        return made
