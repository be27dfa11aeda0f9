"""What every screen stands on: head, banner, body with the page's gutters, and a drawer for one record."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.widgets.banner import Banner
from app.views.widgets.drawer import Drawer
from app.views.widgets.page_header import PageHeader
from app.views.widgets.pieces import GUTTER


class Page(QWidget):
    """Put widgets into `body`. Emit `status_changed` with the sentence for the window's status bar."""

    status_changed = Signal(str)
    page_wanted = Signal(str, object)  # key of another page and what it should show: the window goes there

    def __init__(self, title: str, line: str = "") -> None:
        super().__init__()
        self.setProperty("role", "canvas")
        self.setAccessibleName(title)
        self.header = PageHeader(title, line, self)
        self.banner = Banner(self)
        self.body = QVBoxLayout()
        self.body.setSpacing(12)
        self.drawer = Drawer(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GUTTER, 8, GUTTER, 16)
        layout.setSpacing(8)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addLayout(self.body, 1)

    def add_key(self, key: str, name: str, call: Callable[[], object]) -> None:
        """A shortcut anywhere on the page; F1 lists it under its name."""
        act = QAction(name, self)
        act.setShortcut(QKeySequence(key))
        act.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        act.triggered.connect(lambda _=False: call())
        self.addAction(act)

    def show_wanted(self, wanted: object) -> None:
        """Another page sent somebody here to see `wanted` (an id, a filter); pages that can do so override this."""

    def minimumSizeHint(self) -> QSize:
        return QSize(480, 320)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.drawer.place()
