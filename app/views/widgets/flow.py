"""Widgets beside each other that go on in the next line where the window is too narrow for them."""

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget
from shiboken6 import delete


class Flow(QLayout):
    """What is hidden takes no room; what is wider than the line gets the whole line."""

    def __init__(self, *parts: QWidget, spacing: int = 8) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)
        self._items = items = list[QLayoutItem]()
        self.destroyed.connect(lambda: _free(items))
        for part in parts:
            self.addWidget(part)

    def insert_widget(self, place: int, widget: QWidget) -> None:
        self.addWidget(widget)
        self._items.insert(place, self._items.pop())

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # Qt asks beyond the last one
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # Qt asks beyond the last one
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._laid(QRect(0, 0, width, 0), only_measured=True)

    def setGeometry(self, place: QRect) -> None:
        super().setGeometry(place)
        self._laid(place, only_measured=False)

    def sizeHint(self) -> QSize:
        """All in one line."""
        sizes = [item.sizeHint() for item in self._shown()]
        width = sum(size.width() for size in sizes) + self.spacing() * max(0, len(sizes) - 1)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._shown()]
        widest = max((size.width() for size in sizes), default=0)
        return QSize(widest, max((size.height() for size in sizes), default=0))

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _laid(self, place: QRect, *, only_measured: bool) -> int:
        """Put everything where it belongs; the height that takes."""
        left, top, height = place.left(), place.top(), 0
        for item in self._shown():
            size = item.sizeHint()
            width = min(size.width(), place.width())
            if left > place.left() and left + width > place.left() + place.width():
                left, top, height = place.left(), top + height + self.spacing(), 0
            if not only_measured:
                item.setGeometry(QRect(QPoint(left, top), QSize(width, size.height())))
            left, height = left + width + self.spacing(), max(height, size.height())
        return top + height - place.top()


def _free(items: list[QLayoutItem]) -> None:
    """A layout of one's own has to: what Qt took out of it before it has freed itself, and is not among them."""
    while items:
        delete(items.pop())
