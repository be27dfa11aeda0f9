"""Waiting no longer for what other computers have to give back to an endpoint that was put back from a backup."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.cloud.rows import Recovering
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.words import ntr, tr

LONGEST_REASON = 500
"""As much of it as the endpoint keeps."""


class LiftDialog(Dialog):
    """Accepts with `reason` filled in."""

    def __init__(self, parent: QWidget, waits: Recovering) -> None:
        super().__init__(parent, tr("Redeem again before every computer was heard?"))
        consequence = ntr(
            "{count} computer has not synced yet. A card that was used there meanwhile can be used once more; what it "
            "gives back later is refused then.",
            "{count} computers have not synced yet. A card that was used there meanwhile can be used once more; what "
            "they give back later is refused then.",
            waits.devices - waits.done,
        )
        self.body.addWidget(label(consequence, "muted", wrap=True))
        self.reason = QLineEdit()
        self.reason.setMaxLength(LONGEST_REASON)
        self.form = Form()
        self.form.add("reason", tr("Reason (kept in the audit log)"), self.reason)
        self.body.addWidget(self.form)
        self.add_cancel().setDefault(True)
        self.verb_button = self.add_verb(tr("Redeem again"), self._confirm, kind="danger-filled")
        self.reason.setFocus()

    def _confirm(self) -> None:
        if self.reason.text().strip():
            self.accept()
        else:
            self.form.set_error("reason", tr("Give a reason first; it is kept in the audit log."))


def ask_to_lift(parent: QWidget, waits: Recovering, *, then: Callable[[str], object]) -> LiftDialog:
    """Open the question and go on with `then` and the reason."""
    dialog = LiftDialog(parent, waits)
    dialog.accepted.connect(lambda: then(dialog.reason.text()))
    dialog.open()
    return dialog
