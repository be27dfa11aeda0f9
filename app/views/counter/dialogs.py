"""The two questions of the counter: why a use is undone, and how this place is called."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.redemptions import Use
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, label, row
from app.words import moment, ntr, tr, yuan

LONGEST_REASON = 500
"""As much of it as the endpoint keeps."""


class UndoDialog(Dialog):
    """Accepts with `reason` filled in; the usual reasons are one press."""

    def __init__(self, parent: QWidget, use: Use) -> None:
        super().__init__(parent, tr("Undo this use?"))
        amount = yuan(use.amount_minor) if use.amount_minor else ntr("{count} use", "{count} uses", use.uses)
        card = use.serial or use.product or moment(use.at)
        consequence = tr("{serial}: {amount} goes back onto the card.", serial=card, amount=amount)
        self.body.addWidget(label(consequence, "muted", wrap=True))
        self.reason = QLineEdit()
        self.reason.setMaxLength(LONGEST_REASON)
        self.form = Form()
        self.form.add("reason", tr("Reason (kept in the audit log)"), self.reason)
        self.body.addWidget(self.form)
        usual = (tr("Wrong card"), tr("Wrong amount"), tr("Customer changed their mind"))
        self.body.addLayout(row(*[button(words, self._put(words), kind="chip") for words in usual], 0))
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Undo use"), self._confirm)
        self.reason.setFocus()

    def _put(self, words: str) -> Callable[[], None]:
        def put() -> None:
            self.reason.setText(words)
            self.reason.setFocus()

        return put

    def _confirm(self) -> None:
        if self.reason.text().strip():
            self.accept()
        else:
            self.form.set_error("reason", tr("Give a reason first; it is kept in the audit log."))


class PlaceDialog(Dialog):
    """Accepts with the name in `place`."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent, tr("Where is this counter?"))
        self.place = QLineEdit(name)
        self.place.setMaxLength(60)
        self.place.setPlaceholderText(tr("Front desk, West Lake shop"))
        form = Form()
        form.add("place", tr("Place"), self.place, hint=tr("It stands with every use and on the list of last uses"))
        self.body.addWidget(form)
        self.add_cancel()
        self.add_verb(tr("Save"))
        self.place.selectAll()
        self.place.setFocus()
