"""Mending an address, a phone or an employee number where a delivery failed for it; kept with the person."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QWidget

from app.errors import AppError
from app.services.distribution import DeliveryRow, DistributionService, Rerouted
from app.services.people import Contact, PeopleService
from app.views.jobs import JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.vocabulary import DELIVERY_REASONS, FIELDS, word
from app.words import tr

IN_DOUBT = ("sent", "delivered", "uncertain")


class AddressDialog(Dialog):
    """`then(outcome)` comes once the value was taken; a value that is none stays in the field with a sentence."""

    def __init__(
        self,
        parent: QWidget,
        found: DeliveryRow,
        field: str,
        *,
        distribution: DistributionService,
        people: PeopleService,
        jobs: JobRunner,
        then: Callable[[Rerouted], object],
    ) -> None:
        super().__init__(parent, tr("How is {name} reached?", name=found.name))
        self._found, self._field = found, field
        self._distribution, self._jobs, self._then = distribution, jobs, then
        self.entry = QLineEdit()
        self.form = Form()
        self.form.add(field, word(FIELDS, field), self.entry)
        if found.said:
            self.body.addWidget(label(tr("The mail server said: {said}", said=found.said), "note", wrap=True))
        elif found.reason:
            self.body.addWidget(label(word(DELIVERY_REASONS, found.reason), "note", wrap=True))
        self.body.addWidget(self.form)
        if found.state in IN_DOUBT:
            words = tr("The link of the first mail ends, so that nobody else can open it; the new mail gets another.")
        else:
            words = tr("It is kept with the person, and the mail goes there.")
        self.body.addWidget(label(words, "muted", wrap=True))
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Save and send"), self._save)
        jobs.start(people.contact, found.person_id, on_done=self._fill, on_refused=self.banner.show_error, owner=self)
        self.entry.setFocus()

    def _fill(self, contact: Contact) -> None:
        if not self.entry.isModified():
            self.entry.setText(getattr(contact, self._field) or "")
            self.entry.selectAll()

    def _save(self) -> None:
        self.banner.clear()
        self.verb_button.setEnabled(False)
        self._jobs.start(
            self._distribution.readdress,
            self._found.id,
            self._field,
            self.entry.text(),
            on_done=self._done,
            on_refused=self._refuse,
            owner=self,
        )

    def _done(self, outcome: Rerouted) -> None:
        self.accept()
        self._then(outcome)

    def _refuse(self, error: AppError) -> None:
        self.verb_button.setEnabled(True)
        if not self.form.show_error(error):
            self.banner.show_error(error)
        self.fit()
