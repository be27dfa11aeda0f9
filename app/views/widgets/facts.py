"""Facts of one record for a drawer: captions in one column, what they say in another."""

from collections.abc import Container, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.views.theme import code_font, font
from app.views.theme.fonts import BODY_PX, LABEL_PX
from app.views.widgets.pieces import label
from app.words import NO_DATA

CAPTION_PX = 88


def caption(name: str) -> QLabel:
    """On one base line with the first line of what stands beside it in the larger size of body text."""
    made = label(name, "label")
    _lower(made, font(LABEL_PX))
    return made


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
            _lower(shown, code_font())
        lines.addWidget(caption(name), at, 0, Qt.AlignmentFlag.AlignTop)
        lines.addWidget(shown, at, 1)
    return place


def _lower(words: QLabel, smaller: QFont) -> None:
    """Down to the base line of body text that begins at the same height."""
    base, own = (QFontMetrics(one).ascent() for one in (font(BODY_PX), smaller))
    words.setContentsMargins(0, base - own, 0, 0)
    words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
