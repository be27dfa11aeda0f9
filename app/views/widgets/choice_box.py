"""A box of few choices that narrows a list, and setting it without anybody hearing of it."""

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox

from app.vocabulary import Words, word


def choice_box(name: str, everything: str, words: Words, keys: Iterable[str] | None = None) -> QComboBox:
    """`words`: what the keys are called; `keys`: which of them are offered. The first choice narrows nothing: ""."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.addItem(everything, "")
    for key in words if keys is None else keys:
        box.addItem(word(words, key), key)
    return box


def show_choice(box: QComboBox, key: object) -> None:
    """Nobody hears of it; a choice that is not there any more is the first."""
    with QSignalBlocker(box):
        box.setCurrentIndex(max(0, box.findData(key or "")))
