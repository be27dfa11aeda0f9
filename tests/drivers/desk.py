"""Drives the real window as a person does: by names, keys and what is on the screen."""

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QEvent, QObject, QSettings, Qt
from PySide6.QtGui import QInputMethodEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap.desk import Desk
from app.config import Config
from app.services.vault import vaults
from app.views.widgets.row_table import RowTable

PASSPHRASE = "correct horse battery staple 卡匣"
PATIENCE_MS = 20_000
MEANT_TO_HAVE_A_PARENT = (QAbstractButton, QComboBox, QLabel, QLineEdit, QTableView)
Kind = TypeVar("Kind", bound=QWidget)


class _Flashes(QObject):
    """Notes every widget that opens a window of its own by accident: on a screen it would flash."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, target: QObject, event: QEvent) -> bool:
        shows = isinstance(event, QShowEvent)  # one of millions: to ask an event for its type takes long
        if shows and isinstance(target, MEANT_TO_HAVE_A_PARENT) and target.isWindow():
            self.seen.append(type(target).__name__)
        return False


class DeskDriver:
    """One window over a data folder. Everything waits for a condition, nothing sleeps."""

    def __init__(self, qtbot: QtBot, config: Config, memory: QSettings, *, alone: bool = True) -> None:
        self.bot = qtbot
        self.flashes = _Flashes()
        QApplication.instance().installEventFilter(self.flashes)
        self.desk = Desk(config, memory, alone=alone)
        self.desk._vaults = vaults.Vaults(config, memory_kib=64)
        self.window = self.desk.window
        self.window.resize(1440, 900)
        qtbot.addWidget(self.window)
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()

    def close(self) -> None:
        self.desk.leave()
        assert not self.flashes.seen, f"windows flashed: {self.flashes.seen}"

    # --- what is on the screen ---

    @property
    def page(self) -> Any:
        """The page in front: a gate, or the current page of the workspace."""
        if self.window.view is not None:
            return self.window.view.page()
        return self.window.centralWidget().currentWidget()  # type: ignore[union-attr]

    @property
    def dialog(self) -> Any:
        self.wait(lambda: QApplication.activeModalWidget() is not None)
        shown = QApplication.activeModalWidget()
        assert shown is not None, "just seen"
        shown.activateWindow()
        self.wait(shown.isActiveWindow)
        return shown

    @property
    def table(self) -> RowTable:
        return self.find(RowTable)

    def find(self, kind: type[Kind]) -> Kind:
        shown = [widget for widget in self.page.findChildren(kind) if widget.isVisible()]
        assert shown, f"no {kind.__name__} on {type(self.page).__name__}"
        return shown[0]

    def press(self, words: str, *, within: QWidget | None = None) -> None:
        """Click the visible, enabled button with these words."""
        places = [within or self.page, *([self.window] if within is None else [])]
        for place in places:
            for button in place.findChildren(QAbstractButton):
                if button.text().replace("&", "") == words and button.isVisible() and button.isEnabled():
                    self.bot.mouseClick(button, Qt.MouseButton.LeftButton)
                    return
        raise AssertionError(f"no button {words}")

    def keys(self, text: str) -> None:
        """Type into whatever has the focus; what no key has comes from an input method, as Chinese does."""
        target = QApplication.focusWidget()
        assert target is not None, "nothing has the focus"
        if text.isascii():
            self.bot.keyClicks(target, text)
            return
        event = QInputMethodEvent()
        event.setCommitString(text)
        QApplication.sendEvent(target, event)

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        if QApplication.activeWindow() is None:  # without a window system nobody hands the focus back
            self.window.activateWindow()
            self.wait(self.window.isActiveWindow)
        target = QApplication.focusWidget() or self.window
        self.bot.keyClick(target, key, held)

    def wait(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def go(self, key: str, wanted: object = None) -> None:
        self.window.go(key, wanted)

    # --- whole acts ---

    def make_vault(self, merchant: str = "某某商户") -> None:
        """The four pages of the first run."""
        page = self.page
        page.go_on()
        page.passphrase.entry.setText(PASSPHRASE)
        page.go_on()
        page.later.setChecked(True)
        page.go_on()
        page.merchant.setText(merchant)
        page.go_on()
        self.wait(lambda: self.window.view is not None)

    def unlock(self, passphrase: str = PASSPHRASE) -> None:
        page = self.page
        page.passphrase.entry.setText(passphrase)
        page.unlock()

    def settled(self) -> None:
        """No job is running and nothing waits to be told."""
        self.wait(lambda: self.desk.jobs.idle)
