"""What the window says when a bug shows itself: what is safe, where the log is."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from app.views.widgets.dialog import Dialog
from app.views.widgets.pieces import label
from app.words import tr


class CrashDialog(Dialog):
    """Names the kind of fault only: its text could hold data that nobody should read over a shoulder."""

    def __init__(self, parent: QWidget, error: Exception, *, log_folder: Path) -> None:
        super().__init__(parent, tr("Something went wrong inside Kaxia"))
        self._log_folder = log_folder
        words = tr("This piece of work was stopped. Everything saved before is safe, and you can go on working.")
        self.body.addWidget(label(words, "muted", wrap=True))
        kind = tr("Kind of fault: {kind}. The log says more and holds no personal data.", kind=type(error).__name__)
        self.body.addWidget(label(kind, "note", wrap=True))
        self.add_other(tr("Open the log folder"), self.open_log_folder)
        self.add_verb(tr("Go on"))

    def open_log_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._log_folder)))
