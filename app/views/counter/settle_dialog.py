"""Settle a conflict: both stories, three ways, and a note on what was done."""

from functools import partial

from PySide6.QtWidgets import QButtonGroup, QLineEdit, QRadioButton, QWidget

from app.messages import reason_sentence
from app.services.leases import ConflictRow, LeaseService
from app.views.counter.stories import both
from app.views.jobs import JobRunner
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import column, label
from app.views.widgets.toast import toast
from app.words import tr, worth

LONGEST_NOTE = 500


class SettleDialog(Dialog):
    """Accepts once it is put down. Nothing is booked: the ledger has what the card could pay."""

    def __init__(self, parent: QWidget, conflict: ConflictRow, leases: LeaseService, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Settle the conflict over {serial}", serial=conflict.serial), width=WIDE)
        self._conflict, self._leases, self._jobs = conflict, leases, jobs
        self.body.addWidget(both(conflict))
        self.body.addWidget(label(reason_sentence(conflict.reason), "muted", wrap=True))
        self.ways = QButtonGroup(self)
        self.choices: dict[str, QRadioButton] = {}
        self.note = QLineEdit()
        self.note.setMaxLength(LONGEST_NOTE)
        self.note.setPlaceholderText(tr("What was agreed, and with whom"))
        self.note.returnPressed.connect(self.settle)
        self.form = Form()
        self.form.add("way", tr("How it is settled"), self._choice_box())
        hint = tr("This puts down what people have done; cards and the ledger stay as they are")
        self.form.add("note", tr("Note (kept in the audit log)"), self.note, hint=hint)
        self.body.addWidget(self.form)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Settle"), self.settle)
        next(iter(self.choices.values())).setFocus()

    @property
    def way(self) -> str:
        return next((key for key, one in self.choices.items() if one.isChecked()), "")

    def settle(self) -> None:
        note = self.note.text().strip()
        if not self.way:
            self.form.set_error("way", tr("Choose one of the three first."))
            return
        if not note:
            self.form.set_error("note", tr("Say in a few words what was done."))
            return
        call = partial(self._leases.settle, self._conflict.id, way=self.way, note=note)
        self.see_through(
            self._jobs.start(call, on_done=self._settled, on_refused=self.banner.show_error, owner=self),
            self.verb_button,
        )

    def _settled(self, _: object) -> None:
        toast(self.parentWidget() or self, tr("Settled"))
        self.accept()

    def _choice_box(self) -> QWidget:
        """Each way with what it means, for this amount."""
        amount = worth(self._conflict.amount_minor or None, self._conflict.uses or None)
        words = {
            "loss": tr("Write it off: the goods are gone, the merchant bears {amount}", amount=amount),
            "contacted": tr("Contact the customer: {amount} is paid in another way", amount=amount),
            "undone": tr("Take the goods back: nothing was lost"),
        }
        for key, text in words.items():
            choice = QRadioButton(text)
            choice.toggled.connect(lambda _: self.form.fields["way"].set_error(""))
            self.ways.addButton(choice)
            self.choices[key] = choice
        place = QWidget()
        place.setLayout(column(*self.choices.values(), spacing=4))
        place.setFocusProxy(self.choices["loss"])
        return place
