"""The clipboard for secrets: marked as concealed, cleared after 30 seconds or with the program, if it still has it."""

from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QTimer
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
    QGuiApplication.clipboard().setMimeData(content)
    _Forgetting(secret)


class _Forgetting(QObject):
    """What Python put there must go before the interpreter does: some platforms keep it until the very end."""

    def __init__(self, secret: str) -> None:
        program = QCoreApplication.instance()
        assert program is not None, "there is a clipboard"
        super().__init__(program)
        self._secret = secret
        program.aboutToQuit.connect(self.forget)
        QTimer.singleShot(CLEARED_AFTER_MS, self, self.forget)

    def forget(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard.text() == self._secret:
            clipboard.clear()
        self.deleteLater()
