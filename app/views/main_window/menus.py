"""The menu bar: every command is in it, and only commands that exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu

from app.views.theme import CHOICES, theme
from app.words import LANGUAGES, language, tr

if TYPE_CHECKING:
    from app.views.main_window.specs import Command, PageSpec

EDITS = ("cut", "copy", "paste", "selectAll", "select_page")


class Menus:
    """Fills the menu bar of a window and remembers the actions, for F1 and the palette."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._bar = window.menuBar()
        self._bar.clear()  # takes the menus out, but leaves them and their keys where they are
        for old in self._bar.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly):
            old.deleteLater()
        self.actions: list[QAction] = []
        self._menus: dict[str, QMenu] = {}

    def menu(self, title: str) -> QMenu:
        """The menu of that title, made at the right end if it is not there yet."""
        if title not in self._menus:
            self._menus[title] = self._bar.addMenu(title)
        return self._menus[title]

    def add(self, menu: QMenu, text: str, call: Callable[[], object], *, shortcut: str = "") -> QAction:
        act = menu.addAction(text)
        act.triggered.connect(lambda _=False: call())
        if shortcut:
            act.setShortcut(QKeySequence(shortcut))
            self.actions.append(act)
        return act

    def add_commands(self, menu: QMenu, commands: Sequence[Command], key: str) -> None:
        for command in commands:
            if command.menu == key:
                self.add(menu, command.title(), command.call, shortcut=command.shortcut)

    def add_pages(self, menu: QMenu, pages: Sequence[PageSpec], go: Callable[[str], object]) -> None:
        """Ctrl+1…9 by the order of the rail; a page's own key wins."""
        for number, spec in enumerate([spec for spec in pages if not spec.foot], 1):
            keys = spec.shortcut or (f"Ctrl+{number}" if number <= 9 else "")
            self.add(menu, spec.title(), partial(go, spec.key), shortcut=keys)
        for spec in (spec for spec in pages if spec.foot):
            self.add(menu, spec.title(), partial(go, spec.key), shortcut=spec.shortcut)

    def add_edits(self, menu: QMenu) -> None:
        """Act on the widget that has the focus, as far as it can."""
        texts = {"cut": tr("Cut"), "copy": tr("Copy"), "paste": tr("Paste"), "selectAll": tr("Select all")}
        texts["select_page"] = tr("Select this page")
        keys = {"cut": "Ctrl+X", "copy": "Ctrl+C", "paste": "Ctrl+V", "selectAll": "Ctrl+A"}
        keys["select_page"] = "Ctrl+Shift+A"
        for name in EDITS:
            self.add(menu, texts[name], partial(_edit, name), shortcut=keys[name])

    def add_choices(
        self, menu: QMenu, *, on_theme: Callable[[str], object], on_language: Callable[[str], object]
    ) -> None:
        looks = {"system": tr("Follow the system"), "light": tr("Light"), "dark": tr("Dark")}
        look_menu = menu.addMenu(tr("Appearance"))
        group = QActionGroup(look_menu)
        for choice in CHOICES:
            act = self.add(look_menu, looks[choice], partial(on_theme, choice))
            act.setCheckable(True)
            act.setChecked(theme().choice == choice)
            group.addAction(act)
        words_menu = menu.addMenu(tr("Language"))
        group = QActionGroup(words_menu)
        for code, name in LANGUAGES.items():
            act = self.add(words_menu, name, partial(on_language, code))
            act.setCheckable(True)
            act.setChecked(language() == code)
            group.addAction(act)


def _edit(name: str) -> None:
    """To the focused widget, or to the first one around it that can: a page takes the list that a table cannot."""
    widget: QObject | None = QApplication.focusWidget()
    while widget is not None:
        act = getattr(widget, name, None)
        if callable(act):
            act()
            return
        widget = widget.parent()
