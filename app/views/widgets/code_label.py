"""A code on the screen: grouped by four, all but the last four hidden until somebody asks for it."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.views.theme import code_font
from app.views.widgets.pieces import icon_button, label, row
from app.words import tr

CLEARED_AFTER_MS = 30_000
HIDDEN = "\u2022"


def grouped(code: str) -> str:
    """Groups of four; a code that brings its own hyphens keeps them."""
    if "-" in code or " " in code:
        return code
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def masked(code: str) -> str:
    """Everything but the last four letters as dots, the groups kept."""
    shown = grouped(code)
    return "".join(HIDDEN if letter.isalnum() and at < len(shown) - 4 else letter for at, letter in enumerate(shown))


class _Clearer(QObject):
    """Empties the clipboard after a while, unless something else was copied since."""

    def __init__(self, secret: str) -> None:
        super().__init__(QGuiApplication.instance())
        self._secret = secret
        QTimer.singleShot(CLEARED_AFTER_MS, self, self.clear)

    def clear(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard.text() == self._secret:
            clipboard.clear()
        self.deleteLater()


def copy_secret(secret: str) -> None:
    """Put a secret on the clipboard for thirty seconds."""
    QGuiApplication.clipboard().setText(secret)
    _Clearer(secret)


class CodeLabel(QWidget):
    """Without the code it shows only `tail` and asks for it by `reveal_wanted`: the caller logs the act and fetches it.

    `show_code` then shows it; `hide_code` forgets it.
    """

    reveal_wanted = Signal()
    copied = Signal()

    def __init__(self, masked_code: str, *, on_copy: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._masked = masked_code
        self._code = ""
        self._on_copy = on_copy
        self.words = label(masked_code)
        self.words.setFont(code_font(16))
        self.reveal_button = icon_button("eye", tr("Show the code"), self._toggle)
        self.copy_button = icon_button("copy", tr("Copy the code"), self.copy)
        self.copy_button.hide()
        self.setLayout(row(self.words, self.reveal_button, self.copy_button, 0, spacing=4))
        self.hide_code()

    @property
    def revealed(self) -> bool:
        return bool(self._code)

    def show_code(self, code: str) -> None:
        self._code = code
        self._show(grouped(code), shown=True)

    def hide_code(self) -> None:
        self._code = ""
        self._show(self._masked, shown=False)

    def copy(self) -> None:
        """Only a shown code can be copied; the clipboard forgets it after thirty seconds."""
        if self._code:
            copy_secret(self._code)
            self.copied.emit()
            if self._on_copy is not None:
                self._on_copy()

    def _toggle(self) -> None:
        if self._code:
            self.hide_code()
        else:
            self.reveal_wanted.emit()

    def _show(self, text: str, *, shown: bool) -> None:
        self.words.setText(text)
        self.words.setAccessibleName(text)
        self.copy_button.setVisible(shown)
        name = tr("Hide the code") if shown else tr("Show the code")
        self.reveal_button.setToolTip(name)
        self.reveal_button.setAccessibleName(name)
