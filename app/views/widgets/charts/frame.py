"""What every chart shares: the tokens' colours live, a picture as PNG, words for who cannot see it."""

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.views.theme import theme

PICTURE_RATIO = 2.0


class Chart(QWidget):
    """`set_words` is what a screen reader says. Subclasses paint from the tokens of the moment."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 140)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def set_words(self, words: str) -> None:
        self.setAccessibleName(words)

    def to_png(self, path: Path) -> bool:
        """Write what is shown, on the theme's paper, at twice its size; False if the file cannot be written."""
        picture = QPixmap(self.size() * PICTURE_RATIO)
        picture.setDevicePixelRatio(PICTURE_RATIO)
        picture.fill(theme().tokens.surface)
        self.render(picture)
        return picture.save(str(path), "PNG")
