"""The menu of a button at the right edge of the window."""

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QMenu, QToolButton


class DropMenu(QMenu):
    """Opens at once, its right edge below the right edge of the button: Qt would open it out of the window."""

    def __init__(self, anchor: QToolButton) -> None:
        super().__init__(anchor)
        self._anchor = anchor
        anchor.setMenu(self)
        anchor.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def showEvent(self, event: QShowEvent) -> None:
        right = self._anchor.mapToGlobal(self._anchor.rect().topRight()).x()
        self.move(max(self.screen().availableGeometry().left(), right + 1 - self.width()), self.y())
        super().showEvent(event)
