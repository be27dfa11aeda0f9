"""试发: this mail, to oneself, before anybody else gets one."""

from collections.abc import Mapping

from PySide6.QtWidgets import QLineEdit, QWidget

from app.errors import AppError
from app.services.channels.letters import Template
from app.views.distribution.parts import Parts
from app.views.jobs import JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.views.widgets.toast import toast
from app.words import tr


class TrialDialog(Dialog):
    """Sends with the words and values it is given; the address is remembered for the next time."""

    def __init__(
        self, parent: QWidget, template: Template, values: Mapping[str, str], *, parts: Parts, jobs: JobRunner
    ) -> None:
        super().__init__(parent, tr("Send this mail to yourself?"))
        self._template, self._values = template, values
        self._parts, self._jobs = parts, jobs
        words = tr(
            "You get it as {name} would, marked as a trial. Its link opens no card, and nothing is taken from stock.",
            name=values.get("name", ""),
        )
        self.entry = QLineEdit()
        self.form = Form()
        self.form.add("address", tr("Your own address"), self.entry)
        for part in (label(words, "muted", wrap=True), self.form):
            self.body.addWidget(part)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Send me one"), self.send)
        jobs.start(self._usual, on_done=self._fill, owner=self)
        self.entry.setFocus()

    def send(self) -> None:
        address = self.entry.text().strip()
        self.banner.clear()
        self._set_sending(sending=True)

        def done(_: object) -> None:
            owner = self.parentWidget()
            self.accept()
            if owner is not None:
                toast(owner, tr("Sent to {address}. Look into your mailbox, also among the spam.", address=address))

        self._jobs.start(
            self._parts.distribution.send_trial,
            self._template,
            self._values,
            address,
            on_done=done,
            on_refused=self._refuse,
            owner=self,
        )

    def _usual(self) -> str:
        """The address of the last trial, else the sender's own."""
        settings = self._parts.settings
        return str(settings.get("mail.trial_to") or settings.get("mail.server").get("sender") or "")

    def _fill(self, usual: str) -> None:
        if not self.entry.isModified():
            self.entry.setText(usual)
            self.entry.selectAll()

    def _refuse(self, error: AppError) -> None:
        self._set_sending(sending=False)
        if not self.form.show_error(error):
            self.banner.show_error(error)
        self.fit()

    def _set_sending(self, *, sending: bool) -> None:
        self.verb_button.setEnabled(not sending)
        self.verb_button.setText(tr("Sending") if sending else tr("Send me one"))
