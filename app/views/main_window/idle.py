"""Notices that nobody has touched keys or mouse for a while, so that the window can lock itself."""

from time import monotonic

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QWindow

LOOK_MS = 5_000
TOUCHES = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.InputMethod,
    }
)


class IdleWatch(QObject):
    """Listens at the windows, not at the application: few events pass there."""

    idle = Signal()

    def __init__(self, parent: QObject, *, after_s: float = 600.0) -> None:
        super().__init__(parent)
        self.after_s = after_s
        self._touched = monotonic()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.focusWindowChanged.connect(self._watch)
            self._watch(application.focusWindow())

    def start(self) -> None:
        self._touched = monotonic()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def look(self) -> None:
        """Tell once when the time is over."""
        if self._timer.isActive() and self.after_s and monotonic() - self._touched >= self.after_s:
            self.stop()
            self.idle.emit()

    def _watch(self, window: QWindow | None) -> None:
        self._touched = monotonic()
        if window is not None:
            window.removeEventFilter(self)
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in TOUCHES:
            self._touched = monotonic()
        return False
