"""The manager's PIN: set, changed and removed with the passphrase of the vault."""

from PySide6.QtWidgets import QWidget

from app.errors import AppError, WrongPassphrase
from app.messages import sentence
from app.services.leases.pin import ManagerPin
from app.views.jobs import JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField
from app.views.widgets.pieces import label
from app.views.widgets.pin_field import pin_field
from app.words import tr


class PinDialog(Dialog):
    """With `removes` it asks for the passphrase alone."""

    def __init__(self, parent: QWidget, pin: ManagerPin, *, jobs: JobRunner, removes: bool = False) -> None:
        super().__init__(parent, tr("Remove the PIN?") if removes else tr("Set the manager's PIN"))
        self._pin, self._jobs, self._removes = pin, jobs, removes
        self.first, self.second = pin_field(), pin_field()
        self.passphrase = PassphraseField(tr("Passphrase of the vault"))
        self.form = Form()
        if removes:
            words = tr("Beyond the limit the counter needs a line then, and anybody here can raise the limit.")
            self.body.addWidget(label(words, "muted", wrap=True))
        else:
            self.form.add("pin", tr("New PIN"), self.first, hint=tr("4 to 12 digits"))
            self.form.add("again", tr("The same once more"), self.second)
        self.form.add("passphrase", tr("Passphrase of the vault"), self.passphrase)
        self.passphrase.edited.connect(self.form.clear_errors)
        self.body.addWidget(self.form)
        self.cancel_button = self.add_cancel()
        self.verb_button = self.add_verb(tr("Remove PIN") if removes else tr("Set PIN"), self._confirm)
        (self.passphrase if removes else self.first).setFocus()

    def _confirm(self) -> None:
        if not self._removes and self.first.text() != self.second.text():
            self.form.set_error("again", tr("The two are not the same."))
            return
        typed = "" if self._removes else self.first.text()
        if not self._removes and not typed:
            self.form.set_error("pin", tr("Type a PIN first."))
            return
        passphrase = self.passphrase.passphrase

        def call() -> None:
            self._pin.put(typed, passphrase=passphrase)

        job = self._jobs.start(call, on_done=lambda _: self.accept(), on_refused=self._refuse, owner=self)
        self.see_through(job, self.verb_button, self.cancel_button)

    def _refuse(self, error: AppError) -> None:
        if isinstance(error, WrongPassphrase):
            self.form.set_error("passphrase", sentence(error))
        elif not self.form.show_error(error):
            self.banner.show_error(error)
