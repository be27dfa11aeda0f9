"""A QR code on white, whatever the theme: scanners want dark on light with a quiet edge."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.services.writers.qr import Picture

QUIET = 4
"""Modules of white around it."""


class QrView(QWidget):
    def __init__(self, side: int, name: str) -> None:
        super().__init__()
        self._picture: Picture | None = None
        self.setFixedSize(side, side)
        self.setAccessibleName(name)

    def show_picture(self, picture: Picture | None) -> None:
        self._picture = picture
        self.update()

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        picture = self._picture
        if picture is not None:
            cell = max(1, self.width() // (picture.count + 2 * QUIET))
            edge = (self.width() - cell * picture.count) // 2
            wide = -(-picture.count // 8)
            for at in range(picture.count * picture.count):
                y, x = divmod(at, picture.count)
                if picture.bits[y * wide + x // 8] >> (7 - x % 8) & 1:
                    painter.fillRect(QRect(edge + x * cell, edge + y * cell, cell, cell), Qt.GlobalColor.black)
        painter.end()
