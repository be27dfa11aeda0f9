"""核销台: how this place is called, and how much its counter may redeem before it has to be uploaded."""

from PySide6.QtWidgets import QLineEdit, QSpinBox, QWidget

from app.services.settings import SettingService
from app.views.jobs import JobRunner
from app.views.settings.sheet import card, no_wider, sheet
from app.views.widgets.amount_field import AmountField
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, label, row
from app.views.widgets.toast import toast
from app.words import tr

MOST_USES = 10_000
LONGEST_PLACE = 60


class CounterSection(QWidget):
    def __init__(self, settings: SettingService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._settings, self._jobs = settings, jobs
        self.place = QLineEdit(str(settings.get("counter.place")))
        self.place.setMaxLength(LONGEST_PLACE)
        self.place.setPlaceholderText(tr("Front desk, West Lake shop"))
        self.uses = QSpinBox()
        self.uses.setRange(0, MOST_USES)
        self.uses.setGroupSeparatorShown(True)
        self.uses.setValue(int(settings.get("counter.offline_uses")))
        self.amount = AmountField(int(settings.get("counter.offline_minor")))
        self.form = Form()
        place = tr("It stands with every use and on the list of last uses")
        self.form.add("place", tr("Place"), self.place, hint=place)
        self.form.add("uses", tr("Uses at most without a line"), self.uses, hint=tr("0 allows none offline"))
        self.form.add("amount", tr("Amount at most without a line (yuan)"), self.amount)
        words = tr(
            "So much may be redeemed under a lease and wait for upload. Beyond it the counter needs a line: whatever "
            "happens to this computer, no more than that can be lost or turn out a conflict."
        )
        self.save_button = button(tr("Save"), self.save, kind="primary")
        sheet(self, card(no_wider(self.form), label(words, "note", wrap=True), row(self.save_button, 0)))

    def save(self) -> None:
        if self.amount.amount_minor is None:
            self.form.set_error("amount", tr("Type an amount like 50 or 88.50."))
            return
        values = {
            "counter.place": self.place.text().strip(),
            "counter.offline_uses": self.uses.value(),
            "counter.offline_minor": self.amount.amount_minor,
        }
        self._jobs.start(self._settings.put_all, values, on_done=lambda _: toast(self, tr("Saved")), owner=self)
