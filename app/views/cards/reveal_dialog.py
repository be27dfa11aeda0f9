"""Show one code in plain: a reason first, then the code, with a copy that leaves the clipboard again."""

from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.cards import CardRow, CardService
from app.services.secret import Secret
from app.views.jobs import JobRunner, hold
from app.views.theme import code_font
from app.views.widgets.clipboard import copy_for_a_while
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.words import tr


class RevealDialog(Dialog):
    def __init__(self, parent: QWidget, cards: CardService, card: CardRow, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Show the code of {serial}?", serial=card.serial))
        self._cards, self._card, self._jobs = cards, card, jobs
        self._code = Secret("")
        self.reason = QLineEdit()
        self.form = Form()
        self.form.add("reason", tr("Reason (kept in the audit log)"), self.reason)
        self.shown = label("")
        self.shown.setFont(code_font(20))
        self.shown.hide()
        self.body.addWidget(self.form)
        self.body.addWidget(self.shown)
        self.copy_button = self.add_other(tr("Copy"), self._copy)
        self.copy_button.hide()
        self.add_cancel(tr("Close"))
        self.show_button = self.add_verb(tr("Show code"), self._ask)
        self.reason.setFocus()

    def _ask(self) -> None:
        if not self.reason.text().strip():
            self.form.set_error("reason", tr("Give a reason first; it is kept in the audit log."))
            return

        def reveal() -> Secret:
            return self._cards.reveal(self._card.id, reason=self.reason.text())

        hold(self._jobs.start(reveal, on_done=self._show_code, on_refused=self.banner.show_error), self.show_button)

    def _show_code(self, code: Secret) -> None:
        self._code = code
        self.heading.setText(tr("Code of {serial}", serial=self._card.serial))
        self.shown.setText(code.reveal())
        self.shown.show()
        self.copy_button.show()
        self.show_button.hide()
        self.form.hide()
        self.copy_button.setFocus()

    def _copy(self) -> None:
        copy_for_a_while(self._code.reveal())
        self.banner.say("ok", tr("Copied. The clipboard is cleared in 30 seconds."), closable=False)
