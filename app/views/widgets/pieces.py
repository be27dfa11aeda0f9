"""The smallest pieces: labels and buttons with a role of the style sheet, columns and rows of widgets, cards."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.views.theme import BESIDE_WORDS, icon

Box = TypeVar("Box", bound=QBoxLayout)
GUTTER = 24
CARD_PADDING = 16


def label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """Plain text, never HTML. Roles: page-title card-title dialog-title kpi label note muted error ok warn key."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def button(
    text: str,
    call: Callable[[], object] | None = None,
    *,
    kind: str = "normal",
    symbol: str = "",
    compact: bool = False,
    tip: str = "",
) -> QPushButton:
    """Kinds: normal, primary, text, link (words alone, flush with a column), danger, danger-filled, chip."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setProperty("compact", compact)
    made.setAutoDefault(False)
    if symbol:
        roles = {
            "primary": "on_primary",
            "danger": "error",
            "danger-filled": "on_error",
            "text": "primary",
            "link": "primary",
        }
        made.setIcon(icon(symbol, roles.get(kind, "text_2")))
        made.setIconSize(BESIDE_WORDS)
    if tip:
        made.setToolTip(tip)
    if call is not None:
        made.clicked.connect(lambda _=False: call())
    return made


def icon_button(symbol: str, name: str, call: Callable[[], object] | None = None, *, shortcut: str = "") -> QToolButton:
    """An icon alone: its name is the tooltip and what a screen reader says; 32 px square."""
    made = QToolButton()
    made.setIcon(icon(symbol))
    made.setIconSize(QSize(20, 20))
    made.setFixedSize(32, 32)
    made.setAccessibleName(name)
    made.setToolTip(f"{name} ({native(shortcut)})" if shortcut else name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if call is not None:
        made.clicked.connect(lambda _=False: call())
    return made


def native(shortcut: str) -> str:
    """`Ctrl+K` as this platform writes it."""
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)


def column(*parts: QWidget | QBoxLayout | int, spacing: int = 8, margin: int = 0) -> QVBoxLayout:
    """Widgets below each other; a number is empty space in px, 0 takes what is left over."""
    return _filled(QVBoxLayout(), parts, spacing=spacing, margin=margin)


def row(*parts: QWidget | QBoxLayout | int, spacing: int = 8, margin: int = 0) -> QHBoxLayout:
    """Widgets beside each other; a number is empty space in px, 0 takes what is left over."""
    return _filled(QHBoxLayout(), parts, spacing=spacing, margin=margin)


def _filled(box: Box, parts: tuple[QWidget | QBoxLayout | int, ...], *, spacing: int, margin: int) -> Box:
    box.setContentsMargins(margin, margin, margin, margin)
    box.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QWidget):
            box.addWidget(part)
        elif isinstance(part, int):
            if part:
                box.addSpacing(part)
            else:
                box.addStretch(1)
        else:
            box.addLayout(part)
    return box


class Card(QFrame):
    """White paper with a hairline: title left, action right, then the body. One subject each, never nested."""

    def __init__(self, title: str = "", *, action: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(CARD_PADDING, CARD_PADDING, CARD_PADDING, CARD_PADDING)
        self.body.setSpacing(12)
        if title or action is not None:
            self.heading = label(title, "card-title")
            self.body.addLayout(row(self.heading, 0, *([action] if action is not None else [])))
            self.setAccessibleName(title)


def line() -> QFrame:
    """A hairline across."""
    made = QFrame()
    made.setProperty("role", "line")
    made.setFixedHeight(1)
    return made
