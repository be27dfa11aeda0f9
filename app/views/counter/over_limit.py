"""Beyond the limit of what may wait for upload: a manager types the PIN, for this one card."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.errors import AppError, PinLocked, PinWrong
from app.messages import sentence
from app.services.redemptions import RedemptionResult
from app.views.jobs import JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.views.widgets.pin_field import pin_field
from app.words import tr, yuan


class OverLimitDialog(Dialog):
    """Stays open while the PIN is wrong; whatever refuses the card itself closes it."""

    def __init__(
        self,
        parent: QWidget,
        redeem: Callable[[str], RedemptionResult],
        ends: tuple[Callable[[RedemptionResult], object], Callable[[AppError], object]],
        *,
        serial: str,
        amount_minor: int | None,
        jobs: JobRunner,
    ) -> None:
        """`redeem` is called with the PIN; without an amount it takes one use. One of the `ends` hears how it ended."""
        super().__init__(parent, tr("Go beyond the limit?"))
        self._redeem, self._jobs = redeem, jobs
        self._on_done, self._on_refused = ends
        consequence = tr(
            "More waits for upload then than you allowed. If this computer is lost, so is the proof of it."
        )
        words = " · ".join((serial, yuan(amount_minor) if amount_minor else tr("1 use")))
        self.body.addWidget(label(words, "label", wrap=True))
        self.body.addWidget(label(consequence, "muted", wrap=True))
        self.pin = pin_field()
        self.form = Form()
        self.form.add("pin", tr("Manager's PIN"), self.pin, hint=tr("For this card only; the audit log keeps it"))
        self.body.addWidget(self.form)
        self.cancel_button = self.add_cancel()
        self.verb_button = self.add_verb(tr("Redeem all the same"), self._confirm)
        self.pin.setFocus()

    def _confirm(self) -> None:
        pin = self.pin.text()
        if not pin:
            self.form.set_error("pin", tr("A manager types the PIN here."))
            return
        job = self._jobs.start(self._redeem, pin, on_done=self._done, on_refused=self._refuse, owner=self)
        self.see_through(job, self.verb_button, self.cancel_button)

    def _done(self, result: RedemptionResult) -> None:
        self.accept()
        self._on_done(result)

    def _refuse(self, error: AppError) -> None:
        if isinstance(error, PinWrong | PinLocked):
            self.pin.clear()
            self.form.set_error("pin", sentence(error))
            self.pin.setFocus()
            return
        self._deed = None
        self.reject()
        self._on_refused(error)
