"""The head of a page: its title, one line that says what it is for, one primary button, the rest beside it."""

from collections.abc import Callable

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from app.views.theme import icon
from app.views.widgets.drop_menu import DropMenu
from app.views.widgets.elided_label import ElidedLabel
from app.views.widgets.pieces import button, column, icon_button, native, row
from app.words import tr


class PageHeader(QWidget):
    """56 px high. Every act with a shortcut is also an action of the page, so that F1 can list it."""

    def __init__(self, title: str, line: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(56)
        self.heading = ElidedLabel(title, "page-title")
        self.line = ElidedLabel(line, "note")
        if not line:
            self.line.hide()
        self.more: QToolButton = icon_button("ellipsis", tr("More"))
        self._menu = DropMenu(self.more)
        self.more.hide()
        self._tools = row(self.more)
        words = column(0, self.heading, self.line, 0, spacing=2)
        layout = row(words, 0, self._tools, spacing=8)
        self.setLayout(layout)

    def set_title(self, title: str) -> None:
        self.heading.setText(title)

    def set_line(self, line: str) -> None:
        self.line.setText(line)
        self.line.setVisible(bool(line))

    def add_primary(
        self, text: str, call: Callable[[], object], *, symbol: str = "plus", shortcut: str = ""
    ) -> QPushButton:
        """The one button of the page, at the far right."""
        return self._add(button(text, call, kind="primary", symbol=symbol), len(self._buttons()) + 1, shortcut=shortcut)

    def add_secondary(
        self, text: str, call: Callable[[], object], *, symbol: str = "", shortcut: str = ""
    ) -> QPushButton:
        return self._add(button(text, call, symbol=symbol), 0, shortcut=shortcut)

    def add_more(self, text: str, call: Callable[[], object], *, symbol: str = "", shortcut: str = "") -> QAction:
        """An act behind the dots."""
        act = self._menu.addAction(icon(symbol), text) if symbol else self._menu.addAction(text)
        act.triggered.connect(lambda _=False: call())
        if shortcut:
            act.setShortcut(QKeySequence(shortcut))
            self._page().addAction(act)
        self.more.show()
        return act

    def add_widget(self, widget: QWidget) -> None:
        """A control of its own kind, a period box for instance, left of the buttons."""
        self._tools.insertWidget(0, widget)

    def _buttons(self) -> list[QPushButton]:
        return self.findChildren(QPushButton)

    def _add(self, made: QPushButton, place: int, *, shortcut: str) -> QPushButton:
        if place:
            self._tools.addWidget(made)
        else:
            self._tools.insertWidget(self._tools.indexOf(self.more), made)
        if shortcut:
            act = QAction(made.text(), self._page())
            act.setShortcut(QKeySequence(shortcut))
            act.triggered.connect(made.click)
            self._page().addAction(act)
            made.setToolTip(f"{made.text()} ({native(shortcut)})")
        return made

    def _page(self) -> QWidget:
        return self.parentWidget() or self
