"""Put a backup back: which file, and what opens it."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from app.errors import AppError
from app.messages import sentence
from app.views.jobs import JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, row
from app.words import tr


class RestoreDialog(Dialog):
    """`restored` comes once the vault lies in its folder and waits for its passphrase."""

    restored = Signal()

    def __init__(self, parent: QWidget, restore: Callable[[Path, str], object], *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Restore a backup"))
        self._restore, self._jobs = restore, jobs
        self.file = QLineEdit()
        self.file.setReadOnly(True)
        self.choose_button = button(tr("Choose a file"), self.choose, symbol="folder-open")
        place = QWidget()
        line = row(self.file, self.choose_button, spacing=8)
        line.setContentsMargins(0, 0, 0, 0)
        place.setLayout(line)
        place.setFocusProxy(self.file)
        self.secret = QLineEdit()
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)
        self.form = Form()
        self.form.add("file", tr("Backup"), place)
        self.form.add(
            "secret",
            tr("Passphrase or recovery key"),
            self.secret,
            hint=tr("The one that opened the vault when the backup was made"),
        )
        self.body.addWidget(self.form)
        self.add_cancel()
        self.restore_button = self.add_verb(tr("Restore"), self.restore)
        self.choose_button.setFocus()

    def choose(self) -> None:
        dialog = QFileDialog(self, tr("Choose a backup"), "", tr("Kaxia backups") + " (*.zip *.kxbackup *.kaxia *)")
        dialog.fileSelected.connect(self.file.setText)
        dialog.open()

    def restore(self) -> None:
        if not self.file.text():
            self.form.set_error("file", tr("Choose a backup first."))
            return
        restoring = self._jobs.start(
            self._restore,
            Path(self.file.text()),
            self.secret.text(),
            on_done=lambda _: self._done(),
            on_refused=self._refuse,
            owner=self,
        )
        self.see_through(restoring, self.restore_button)

    def _done(self) -> None:
        self.restored.emit()
        self.accept()

    def _refuse(self, error: AppError) -> None:
        self.form.set_error("secret" if error.code.startswith("wrong") else "file", sentence(error))
