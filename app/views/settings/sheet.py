"""What the sections of the settings stand on: cards of one width, below each other."""

from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from app.views.widgets.pieces import Card

WIDEST = 720
FIELD_PX = 420
"""A field of one line: as wide as what is typed into it."""
GAP = 16


def sheet(section: QWidget, *parts: QWidget) -> QVBoxLayout:
    """The section's layout: its parts from the top, no wider than people read."""
    section.setProperty("role", "scrolled")
    layout = QVBoxLayout(section)
    layout.setContentsMargins(0, 0, 0, GAP)
    layout.setSpacing(GAP)
    for part in parts:
        part.setMaximumWidth(WIDEST)
        layout.addWidget(part)
    layout.addStretch(1)
    return layout


def card(*parts: QWidget | QBoxLayout, title: str = "") -> Card:
    """One subject; the only one of a section is called as its tab is."""
    made = Card(title)
    for part in parts:
        if isinstance(part, QWidget):
            made.body.addWidget(part)
        else:
            made.body.addLayout(part)
    return made
