"""What the sections of the settings stand on: cards of one width, below each other."""

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.views.widgets.pieces import Card, row

WIDEST = 720
FIELD_PX = 420
"""A field of one line: as wide as what is typed into it."""
GAP = 16
MOST = 100


def sheet(section: QWidget, *parts: QWidget) -> QVBoxLayout:
    """The section's layout: its parts from the top, no wider than people read."""
    section.setProperty("role", "scrolled")
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.setContentsMargins(0, 0, 0, GAP)
    layout.setSpacing(GAP)
    for part in parts:
        layout.addWidget(part)
    layout.addStretch(1)
    section.setLayout(no_wider(inside, WIDEST))
    return layout


def no_wider(part: QWidget, width: int = FIELD_PX) -> QHBoxLayout:
    """At the left, up to so many px. In a column Qt would reckon the height of wrapped words with the whole width."""
    part.setMaximumWidth(width)
    line = row(part, 0)
    line.setStretch(0, MOST)
    return line


def card(*parts: QWidget | QBoxLayout, title: str = "") -> Card:
    """One subject; the only one of a section is called as its tab is."""
    made = Card(title)
    for part in parts:
        if isinstance(part, QWidget):
            made.body.addWidget(part)
        else:
            made.body.addLayout(part)
    return made
