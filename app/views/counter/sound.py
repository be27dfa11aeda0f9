"""The verdict for ears: one beep for yes, two for no; the system's own sound, nothing is loaded or stored."""

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

PAUSE_MS = 220


def sound_yes() -> None:
    QApplication.beep()


def sound_no(owner: QObject) -> None:
    """The second beep stays away when `owner` is gone by then."""
    QApplication.beep()
    QTimer.singleShot(PAUSE_MS, owner, QApplication.beep)
