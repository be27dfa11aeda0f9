"""The printed recovery key in place of a forgotten passphrase."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.errors import AppError
from app.messages import sentence
from app.views.jobs import JobRunner
from app.views.theme import code_font
from app.views.vault.doors import Doors
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField, Strength
from app.words import tr


class RecoveryDialog(Dialog):
    """The printed key opens the vault, and a new passphrase takes the place of the forgotten one."""

    opened = Signal(object)

    def __init__(self, parent: QWidget, doors: Doors, *, jobs: JobRunner, judge: Callable[[str], Strength]) -> None:
        super().__init__(parent, tr("Open with the recovery key"))
        self._doors, self._jobs = doors, jobs
        self.key = QLineEdit()
        self.key.setFont(code_font(14))
        self.key.setPlaceholderText("XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX")
        self.passphrase = PassphraseField(tr("New passphrase"), judge=judge)
        self.form = Form()
        self.form.add("key", tr("Recovery key"), self.key, hint=tr("From the printed sheet; hyphens may be left out"))
        self.form.add("passphrase", tr("New passphrase"), self.passphrase)
        self.body.addWidget(self.form)
        self.add_cancel()
        self.open_button = self.add_verb(tr("Open and set the passphrase"), self._open)

    def _open(self) -> None:
        opening = self._jobs.start(
            self._doors.open_with_recovery_key,
            self.key.text(),
            self.passphrase.passphrase,
            on_done=self._done,
            on_refused=self._refuse,
            owner=self,
        )
        self.see_through(opening, self.open_button)

    def _done(self, vault: object) -> None:
        self.opened.emit(vault)
        self.accept()

    def _refuse(self, error: AppError) -> None:
        self.form.set_error("key" if error.code == "wrong-recovery-key" else "passphrase", sentence(error))
