"""恢复密钥: check the printed one, or make a new one."""

from pathlib import Path
from typing import Protocol

from PySide6.QtWidgets import QLineEdit, QWidget

from app.messages import sentence
from app.views.jobs import JobRunner
from app.views.theme import code_font
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField
from app.views.widgets.pieces import label
from app.views.widgets.recovery_sheet import offer_recovery_sheet
from app.views.widgets.toast import toast
from app.words import tr


class RecoveryKeys(Protocol):
    """What is asked of the vault's recovery key."""

    def check_recovery_key(self, typed: str) -> None: ...
    def renew_recovery_key(self, passphrase: str) -> str: ...
    def save_recovery_sheet(self, path: Path, key: str) -> None: ...


class CheckDialog(Dialog):
    """The printed key is typed once, so that nobody finds out later that it was written down wrong."""

    def __init__(self, parent: QWidget, keys: RecoveryKeys, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Check the printed recovery key"))
        self._page, self._keys, self._jobs = parent, keys, jobs
        self.key = QLineEdit()
        self.key.setFont(code_font(14))
        self.key.setPlaceholderText("XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX")
        self.form = Form()
        self.form.add("key", tr("Recovery key"), self.key, hint=tr("From the printed sheet; hyphens may be left out"))
        self.body.addWidget(self.form)
        self.add_cancel()
        self.check_button = self.add_verb(tr("Check the key"), self._check)

    def _check(self) -> None:
        self._jobs.start(
            self._keys.check_recovery_key,
            self.key.text(),
            on_done=lambda _: self._right(),
            on_refused=lambda error: self.form.set_error("key", sentence(error)),
            owner=self,
        )

    def _right(self) -> None:
        toast(self._page, tr("The key is right. Keep it away from this computer."))
        self.accept()


class RenewDialog(Dialog):
    """The passphrase again, then the new key, shown once."""

    def __init__(self, parent: QWidget, keys: RecoveryKeys, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Make a new recovery key?"))
        self._keys, self._jobs = keys, jobs
        self._key = ""
        self.passphrase = PassphraseField(tr("Passphrase"))
        self.form = Form()
        self.form.add("passphrase", tr("Passphrase"), self.passphrase)
        self.shown = label("", wrap=True)
        self.shown.setFont(code_font(16))
        self.shown.hide()
        self.body.addWidget(self.form)
        self.body.addWidget(self.shown)
        self.add_cancel(tr("Close"))
        self.sheet_button = self.add_other(tr("Save as PDF"), self._choose_sheet)
        self.sheet_button.hide()
        self.renew_button = self.add_verb(tr("Make a new key"), self._renew)

    def _renew(self) -> None:
        renewing = self._jobs.start(
            self._keys.renew_recovery_key,
            self.passphrase.passphrase,
            on_done=self._show_key,
            on_refused=lambda error: self.form.set_error("passphrase", sentence(error)),
            owner=self,
        )
        self.see_through(renewing, self.renew_button)  # a key that nobody saw would be the only one that counts

    def _show_key(self, key: str) -> None:
        self._key = key
        self.heading.setText(tr("Recovery key"))
        self.form.hide()
        self.renew_button.hide()
        self.shown.setText("-".join(key[at : at + 4] for at in range(0, len(key), 4)))
        self.shown.show()
        self.sheet_button.show()
        self.banner.say("warn", tr("Write it down now: it is shown only once."), closable=False)

    def _choose_sheet(self) -> None:
        save = self._keys.save_recovery_sheet
        offer_recovery_sheet(self, save, key=self._key, jobs=self._jobs, banner=self.banner)
