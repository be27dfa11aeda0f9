"""The clipboard for secrets: marked as concealed, cleared after 30 seconds if nobody copied something else."""

from PySide6.QtCore import QMimeData, QTimer
from PySide6.QtGui import QGuiApplication

CLEARED_AFTER_MS = 30_000
CONCEALED = (
    "org.nspasteboard.ConcealedType",
    "x-kde-passwordManagerHint",
    "ExcludeClipboardContentFromMonitorProcessing",
)


def copy_for_a_while(secret: str) -> None:
    """Clipboard histories that keep the marks leave it out."""
    content = QMimeData()
    content.setText(secret)
    for mark in CONCEALED:
        content.setData(mark, b"secret")
    clipboard = QGuiApplication.clipboard()
    clipboard.setMimeData(content)
    QTimer.singleShot(CLEARED_AFTER_MS, lambda: clipboard.clear() if clipboard.text() == secret else None)
