"""Facts of one record for a drawer: captions in one column, what they say in another."""

from collections.abc import Container, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.views.theme import code_font
from app.views.widgets.pieces import label
from app.words import NO_DATA

CAPTION_PX = 88


def facts(pairs: Sequence[tuple[str, str]], *, codes: Container[str] = ()) -> QWidget:
    """`codes` are the values to be set in the font for codes; an empty value is `--`."""
    place = QWidget()
    lines = QGridLayout(place)
    lines.setContentsMargins(0, 0, 0, 0)
    lines.setHorizontalSpacing(16)
    lines.setVerticalSpacing(8)
    lines.setColumnMinimumWidth(0, CAPTION_PX)
    lines.setColumnStretch(1, 1)
    for at, (name, value) in enumerate(pairs):
        shown = label(value or NO_DATA, wrap=True)
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if value in codes:
            shown.setFont(code_font())
        lines.addWidget(label(name, "label"), at, 0, Qt.AlignmentFlag.AlignTop)
        lines.addWidget(shown, at, 1)
    return place
