"""核销台: how this place is called, how much its counter may redeem before an upload, and who lets it go beyond."""

from PySide6.QtWidgets import QLineEdit, QSpinBox, QWidget

from app.errors import AppError, PinLocked, PinWrong
from app.messages import sentence
from app.services.leases import LeaseService
from app.services.settings import SettingService
from app.views.jobs import JobRunner, hold
from app.views.settings.pin import PinDialog
from app.views.settings.sheet import card, no_wider, sheet
from app.views.widgets.amount_field import AmountField
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, label, row
from app.views.widgets.pin_field import pin_field
from app.views.widgets.toast import toast
from app.words import tr

MOST_USES = 10_000
LONGEST_PLACE = 60


class CounterSection(QWidget):
    def __init__(self, settings: SettingService, leases: LeaseService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._settings, self._leases, self._jobs = settings, leases, jobs
        self.place = QLineEdit(str(settings.get("counter.place")))
        self.place.setMaxLength(LONGEST_PLACE)
        self.place.setPlaceholderText(tr("Front desk, West Lake shop"))
        self.uses = QSpinBox()
        self.uses.setRange(0, MOST_USES)
        self.uses.setGroupSeparatorShown(True)
        self.uses.setValue(int(settings.get("counter.offline_uses")))
        self.amount = AmountField(int(settings.get("counter.offline_minor")))
        self.pin = pin_field()
        self.form = Form()
        place = tr("It stands with every use and on the list of last uses")
        self.form.add("place", tr("Place"), self.place, hint=place)
        self.form.add("uses", tr("Uses at most without a line"), self.uses, hint=tr("0 allows none offline"))
        self.form.add("amount", tr("Amount at most without a line (yuan)"), self.amount)
        self.form.add("pin", tr("Manager's PIN"), self.pin, hint=tr("Only to raise a limit"))
        words = tr(
            "So much may be redeemed under a lease and wait for upload. Beyond it the counter needs a line: whatever "
            "happens to this computer, no more than that can be lost or turn out a conflict."
        )
        self.save_button = button(tr("Save"), self.save, kind="primary")
        limits = card(no_wider(self.form), label(words, "note", wrap=True), row(self.save_button, 0))
        sheet(self, limits, self._pin_card())
        self._show_pin()

    def save(self) -> None:
        if self.amount.amount_minor is None:
            self.form.set_error("amount", tr("Type an amount like 50 or 88.50."))
            return
        place, uses, minor, pin = (
            self.place.text().strip(),
            self.uses.value(),
            self.amount.amount_minor,
            self.pin.text(),
        )

        def call() -> None:
            self._leases.limit(uses=uses, minor=minor, pin=pin)
            self._settings.put("counter.place", place)

        hold(self._jobs.start(call, on_done=self._saved, on_refused=self._refuse, owner=self), self.save_button)

    def set_pin(self) -> None:
        dialog = PinDialog(self, self._leases.pin, jobs=self._jobs)
        dialog.accepted.connect(lambda: self._pin_changed(tr("PIN set")))
        dialog.open()

    def remove_pin(self) -> None:
        dialog = PinDialog(self, self._leases.pin, jobs=self._jobs, removes=True)
        dialog.accepted.connect(lambda: self._pin_changed(tr("PIN removed")))
        dialog.open()

    def _saved(self, _: object) -> None:
        self.pin.clear()
        toast(self, tr("Saved"))

    def _refuse(self, error: AppError) -> None:
        if isinstance(error, PinWrong | PinLocked):
            self.form.set_error("pin", sentence(error))
        else:
            self.form.show_error(error)

    def _pin_card(self) -> QWidget:
        self.pin_words = label("", "muted", wrap=True)
        self.set_button = button("", self.set_pin, symbol="key-round")
        self.remove_button = button(tr("Remove"), self.remove_pin)
        return card(self.pin_words, row(self.set_button, self.remove_button, 0), title=tr("Manager's PIN"))

    def _pin_changed(self, words: str) -> None:
        toast(self, words)
        self._show_pin()

    def _show_pin(self) -> None:
        kept = self._leases.pin.is_set
        self.form.set_shown("pin", kept)
        self.remove_button.setVisible(kept)
        self.set_button.setText(tr("Change") if kept else tr("Set a PIN"))
        self.pin_words.setText(
            tr("With it the counter redeems beyond the limit, one card at a time, and the limits can be raised.")
            if kept
            else tr("None is set: beyond the limit the counter needs a line, and anybody here can raise the limits.")
        )
