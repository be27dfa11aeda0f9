"""F1: the keys of this page and of the window, read from the actions that exist."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QGridLayout, QWidget

from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.pieces import label
from app.words import tr

HEAD = 36
Keys = Sequence[tuple[str, str]]


def keys_of(actions: Sequence[QAction]) -> list[tuple[str, str]]:
    """(what it does, key as this platform writes it) of every action that has a key."""
    native = QKeySequence.SequenceFormat.NativeText
    pairs = [(act.text().replace("&", ""), act.shortcut().toString(native)) for act in actions]
    return [(words, keys) for words, keys in pairs if keys]


class KeysDialog(Dialog):
    def __init__(self, parent: QWidget, *, page: Keys, window: Keys) -> None:
        super().__init__(parent, tr("Keys"), width=WIDE)
        columns = (tr("This page"), page), (tr("Everywhere"), window)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        place = 0
        for title, keys in columns:
            if not keys:
                continue
            grid.setRowMinimumHeight(place, HEAD if place else 0)
            grid.addWidget(label(title, "label"), place, 0, 1, 5, Qt.AlignmentFlag.AlignBottom)
            for at, (words, key) in enumerate(keys):
                line, half = place + 1 + at // 2, at % 2 * 3
                grid.addWidget(label(words, wrap=True), line, half)
                grid.addWidget(label(key, "key"), line, half + 1, Qt.AlignmentFlag.AlignRight)
            place += 1 + (len(keys) + 1) // 2
        grid.setColumnMinimumWidth(2, 24)
        for half in (0, 3):
            grid.setColumnStretch(half, 1)
        self.body.addLayout(grid)
        self.add_verb(tr("Close"))
