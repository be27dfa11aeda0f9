"""Short news at the bottom left: what was done, with a way back for ten seconds; errors stay until closed."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.views.theme import Tone, icon_pixmap, theme
from app.views.widgets.banner import SYMBOLS
from app.views.widgets.pieces import button, icon_button, label, row
from app.words import tr

SHOWN_MS = 10_000
MOST = 3
ABOVE = 52
"""The window's bottom: the status bar and the gutter of a page, and a little of the list, whose head stays in sight."""
GAP = 8
WIDTH = 360


class Toast(QFrame):
    def __init__(self, stack: "Toasts", words: str, *, tone: Tone, undo: Callable[[], object] | None) -> None:
        super().__init__(stack)
        self.setProperty("role", "toast")
        self._undo = undo
        symbol = QLabel()
        symbol.setFixedSize(20, 20)
        ratio = stack.devicePixelRatioF()
        symbol.setPixmap(icon_pixmap(SYMBOLS.get(tone, "info"), theme().tokens.ink(tone), ratio=ratio))
        self.words = label(words, wrap=True)
        self.undo_button = button(tr("Undo"), self.take_back, kind="text", compact=True)
        if undo is None:
            self.undo_button.hide()
        shut = icon_button("x", tr("Close"), self.go)
        shut.setFixedSize(28, 28)
        line = row(symbol, self.words, self.undo_button, shut, spacing=8)
        line.setContentsMargins(12, 8, 8, 8)
        line.setStretch(1, 1)
        self.setLayout(line)
        self.setAccessibleName(words)
        self._timer = QTimer(self, interval=SHOWN_MS, singleShot=True)
        self._timer.timeout.connect(self.go)
        if tone != "error":
            self._timer.start()

    @property
    def can_undo(self) -> bool:
        return self._undo is not None

    def height_at(self, width: int) -> int:
        """With the hairline around it, which the layout alone does not know of."""
        self.ensurePolished()
        line = self.layout()
        return line.totalHeightForWidth(width) if line else 0

    def take_back(self) -> None:
        if self._undo is not None:
            undo, self._undo = self._undo, None
            self.go()
            undo()

    def go(self) -> None:
        self.hide()
        self.setParent(None)
        self.deleteLater()


class Toasts(QWidget):
    """The stack in one window: never more than three, the oldest goes first."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GAP)
        window.installEventFilter(self)
        self.left = 16
        self.hide()

    def say(self, words: str, *, tone: Tone = "ok", undo: Callable[[], object] | None = None) -> Toast:
        while len(self.toasts()) >= MOST:
            self.toasts()[0].go()
        toast = Toast(self, words, tone=tone, undo=undo)
        toast.destroyed.connect(self.place)
        self._layout.addWidget(toast)
        self.show()
        self.raise_()
        self.place()
        return toast

    def clear(self) -> None:
        for toast in self.toasts():
            toast.go()

    def toasts(self) -> list[Toast]:
        return self.findChildren(Toast)

    def place(self) -> None:
        """At the left edge of the content, above the status bar and the foot of the page in front."""
        window = self._window
        if not self.toasts():
            self.hide()
            return
        width = min(WIDTH, window.width() - 32)
        height = -self._layout.spacing()
        for toast in self.toasts():
            toast.setFixedSize(width, toast.height_at(width))
            height += toast.height() + self._layout.spacing()
        feet = [foot.sizeHint().height() + GAP for foot in window.findChildren(Foot) if foot.isVisible()]
        self.setGeometry(self.left, window.height() - height - ABOVE - max(feet, default=0), width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.place()
        return False


class Foot(QFrame):
    """A bar at the bottom of a page whose words stay in sight: toasts stand above it."""

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        _place_toasts(self)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        _place_toasts(self)


def _place_toasts(where: QWidget) -> None:
    stack = where.window().findChild(Toasts)
    if stack is not None:
        stack.place()


def toast(where: QWidget, words: str, *, tone: Tone = "ok", undo: Callable[[], object] | None = None) -> Toast:
    """Say something in the window that `where` is in."""
    window = where.window()
    stack = window.findChild(Toasts) or Toasts(window)
    return stack.say(words, tone=tone, undo=undo)


def take_back_last(where: QWidget) -> None:
    """What Ctrl+Z does: the newest act whose toast still offers a way back."""
    stack = where.window().findChild(Toasts)
    offers = [one for one in stack.toasts() if one.can_undo] if stack is not None else []
    if offers:
        offers[-1].take_back()
