"""商户: the name and phone that card holders see, and what the desk is for."""

from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services.settings import SettingService
from app.views.jobs import JobRunner
from app.views.settings.sheet import card, no_wider, sheet
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, row
from app.views.widgets.toast import toast
from app.vocabulary import PURPOSES, word
from app.words import tr


class MerchantSection(QWidget):
    def __init__(self, settings: SettingService, *, jobs: JobRunner) -> None:
        super().__init__()
        self._settings, self._jobs = settings, jobs
        merchant = settings.merchant()
        self.name, self.phone, self.purpose = QLineEdit(merchant.name), QLineEdit(merchant.phone), QComboBox()
        for key in PURPOSES:
            self.purpose.addItem(word(PURPOSES, key), key)
        self.purpose.setCurrentIndex(max(0, self.purpose.findData(merchant.purpose)))
        self.form = Form()
        self.form.add("name", tr("Merchant name"), self.name, hint=tr("Card holders see this name"))
        self.form.add("phone", tr("Service phone"), self.phone, hint=tr("Card holders can call it from their page"))
        self.form.add("purpose", tr("What this desk is for"), self.purpose, hint=tr("Orders the pages at the left"))
        self.save_button = button(tr("Save"), self.save, kind="primary")
        sheet(self, card(no_wider(self.form), row(self.save_button, 0)))

    def save(self) -> None:
        if not self.name.text().strip():
            self.form.set_error("name", tr("Type a name, please."))
            return
        values = {
            "merchant.name": self.name.text().strip(),
            "merchant.phone": self.phone.text().strip(),
            "merchant.purpose": self.purpose.currentData(),
        }
        self._jobs.start(self._settings.put_all, values, on_done=lambda _: toast(self, tr("Saved")), owner=self)
