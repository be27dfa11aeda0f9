"""The words of the mail, with a closed list of fields, and how it reads for one person."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QGridLayout, QLineEdit, QPlainTextEdit, QWidget

from app.services.channels.letters import (
    FIELDS,
    TRIAL_CODE,
    Template,
    called,
    default_template,
    flaws,
    written,
)
from app.services.distribution import Gift
from app.services.people import PersonRow
from app.views.distribution.draft import Draft
from app.views.distribution.flaws import FlawBar, flaw_words
from app.views.distribution.parts import Parts
from app.views.distribution.trial_dialog import TrialDialog
from app.views.jobs import JobRunner
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, button, icon_button, label, line, native, row
from app.vocabulary import LETTER_FIELDS, word
from app.words import last_second, tr, yuan

ACROSS = 3
SIDE_BY_SIDE_PX = 720


@dataclass(frozen=True, slots=True)
class Facts:
    """What every mail of the house shares. `slug` is the merchant's own page for pick-up codes."""

    merchant: str
    slug: str


class MailForm(QWidget):
    """`changed` carries what goes into the draft: template and gate."""

    changed = Signal(dict)

    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__()
        self._parts, self._jobs = parts, jobs
        self._draft = Draft()
        self._base: str | None = None
        self._facts = Facts("", "")
        self._people: dict[int, PersonRow] = {}
        self._valid_until: dict[Gift | None, datetime | None] = {}
        self.at = 0
        self._filling = False
        self.trial_button = button(tr("Send me one"), self.try_out, symbol="send", compact=True)
        self.words_card, self.phone = Card(tr("The mail"), action=self.trial_button), Card()
        self._fill_words()
        self._fill_phone()
        self._across = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._across.setContentsMargins(0, 0, 0, 0)
        self._across.setSpacing(12)
        self._across.addWidget(self.words_card, 3)
        self._across.addWidget(self.phone, 2)
        jobs.start(self._read_facts, on_done=self._take_facts, owner=self)

    def take(self, draft: Draft, base: str | None) -> None:
        """Show a draft's words; the house's own when it has none."""
        self._draft, self._base = draft, base
        self._filling = True
        template = draft.template or default_template(with_pickup=bool(self._facts.slug))
        if self.subject.text() != template.subject:
            self.subject.setText(template.subject)
        if self.text.toPlainText() != template.body:
            self.text.setPlainText(template.body)
        self.gate.setCurrentIndex(max(0, self.gate.findData(draft.gate)))
        self._filling = False
        self._ask_validity()
        self.step_to(min(self.at, max(0, len(draft.person_ids) - 1)))

    @property
    def template(self) -> Template:
        return Template(self.subject.text().strip(), self.text.toPlainText())

    @property
    def lack(self) -> str:
        """The worst flaw of the words, if one of them stops the mail."""
        found = (*self.subject_flaws.flaws, *self.body_flaws.flaws)
        return next((flaw_words(flaw) for flaw in found if flaw.is_fatal), "")

    def try_out(self) -> None:
        """试发: the mail that is shown, to oneself."""
        if self._shown is None:
            return
        if self.lack:
            return  # the red chips say why
        TrialDialog(self, self.template, self._values(self._shown), parts=self._parts, jobs=self._jobs).open()

    def step_to(self, at: int) -> None:
        """Show the mail of another person of the list."""
        ids = self._draft.person_ids
        if not 0 <= at < len(ids):
            return
        self.at = at
        if ids[at] in self._people:
            self._show_letter()
            return

        def done(rows: list[PersonRow]) -> None:
            self._people.update({person.id: person for person in rows})
            self._show_letter()

        self._jobs.start(self._parts.people.rows_of, [ids[at]], on_done=done, owner=self)

    def insert(self, field: str) -> None:
        self.text.insertPlainText(called(field))
        self.text.setFocus()

    # --- inside ---

    def _fill_words(self) -> None:
        self.subject, self.text = QLineEdit(), QPlainTextEdit()
        self.text.setMinimumHeight(150)
        self.text.setTabChangesFocus(True)
        self.gate = QComboBox()
        for key, words in _gates().items():
            self.gate.addItem(words, key)
        self.subject_flaws, self.body_flaws = FlawBar(), FlawBar()
        self.form = Form(columns=2)
        self.form.add("subject", tr("Subject"), self.subject, wide=True)
        self.form.add_widget(self.subject_flaws)
        self.form.add("body", tr("Mail text"), self.text, wide=True)
        self.form.add_widget(self.body_flaws)
        fields = QGridLayout()
        fields.setSpacing(4)
        for at, key in enumerate(LETTER_FIELDS):
            chip = button(word(LETTER_FIELDS, key), partial(self.insert, key), kind="chip", tip=called(key))
            fields.addWidget(chip, at // ACROSS, at % ACROSS)
        chips = QWidget()
        chips.setLayout(fields)
        fields.setContentsMargins(0, 0, 0, 0)
        self.form.add_widget(chips)
        self.form.add("gate", tr("The link also asks for"), self.gate)
        self.words_card.body.addWidget(self.form)
        self.subject.textChanged.connect(self._tell)
        self.text.textChanged.connect(self._tell)
        self.gate.currentIndexChanged.connect(self._tell)

    def _fill_phone(self) -> None:
        self.whose = label("", "card-title")
        self.before_button = icon_button("chevron-left", tr("Person before"), lambda: self.step_to(self.at - 1))
        self.next_button = icon_button("chevron-right", tr("Next person"), lambda: self.step_to(self.at + 1))
        self.address = label("", "note", wrap=True)
        self.letter_subject = label("", "card-title", wrap=True)
        self.letter = label("", wrap=True)
        self.letter.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.phone.body.addLayout(row(self.whose, 0, self.before_button, self.next_button, spacing=4))
        for part in (self.address, line(), self.letter_subject, self.letter):
            self.phone.body.addWidget(part)
        self.phone.body.addStretch(1)
        self.trial_button.setShortcut(QKeySequence("Ctrl+T"))
        self.trial_button.setToolTip(tr("{verb} ({keys})", verb=tr("Send me one"), keys=native("Ctrl+T")))

    def _tell(self) -> None:
        if not self._filling:
            self.changed.emit({"template": self.template, "gate": self.gate.currentData()})
            self._show_letter()

    def _show_letter(self) -> None:
        ids = self._draft.person_ids
        person = self._shown
        self.before_button.setEnabled(self.at > 0)
        self.next_button.setEnabled(self.at + 1 < len(ids))
        values = self._values(person) if person is not None else dict.fromkeys(FIELDS, "-")
        found = flaws(self.template, values)
        self.subject_flaws.show_flaws([flaw for flaw in found if flaw.where == "subject"])
        self.body_flaws.show_flaws([flaw for flaw in found if flaw.where == "body"])
        self.trial_button.setEnabled(person is not None and not self.lack)
        if person is None:
            return
        place = tr("{done} of {total}", done=f"{self.at + 1:,}", total=f"{len(ids):,}")
        self.whose.setText(person.name)
        self.address.setText(f"{place} · {person.email_masked or '--'}")
        letter = written(self.template, values)
        self.letter_subject.setText(letter.subject)
        self.letter.setText(letter.text.strip())

    def _ask_validity(self) -> None:
        """Of the cards people would get: a batch may end on another day than its product says."""
        gifts = [one.gift for one in self._draft.choices_made if one.gift is not None]

        def done(found: dict[Gift | None, datetime | None]) -> None:
            self._valid_until = found
            self._show_letter()

        self._jobs.start(
            lambda: {one: self._parts.distribution.valid_until(one) for one in gifts}, on_done=done, owner=self
        )

    @property
    def _shown(self) -> PersonRow | None:
        """Whose mail stands in the preview."""
        ids = self._draft.person_ids
        return self._people.get(ids[self.at]) if self.at < len(ids) else None

    def _values(self, person: PersonRow) -> dict[str, str]:
        """As the mail will have them; link and code are samples, because no card is taken yet."""
        choice = self._draft.choice_for(person.department)
        product = choice.product
        amount = choice.amount_minor or (product.face_minor if product else None)
        until = self._valid_until.get(choice.gift)
        base = (self._base or "https://…").rstrip("/")
        values = {
            "name": person.name,
            "product": product.name if product else "",
            "amount": yuan(amount) if amount else "",
            "merchant": self._facts.merchant,
            "link": f"{base}/c/…",
            "valid_until": last_second(until) if until is not None else tr("no end"),
            "note": self._draft.note,
            "pickup_code": TRIAL_CODE,
            "pickup_url": f"{base}/p/{self._facts.slug}" if self._facts.slug else "",
        }
        assert set(values) == set(FIELDS), "one value for each field"
        return values

    def _read_facts(self) -> Facts:
        settings = self._parts.settings
        return Facts(settings.merchant().name, str(settings.get("merchant.slug")))

    def _take_facts(self, facts: Facts) -> None:
        self._facts = facts
        self.take(self._draft, self._base)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Beside each other where there is room, below each other where there is not."""
        super().resizeEvent(event)
        wide = self.width() >= SIDE_BY_SIDE_PX
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._across.direction() != way:
            self._across.setDirection(way)


def _gates() -> dict[str, str]:
    return {
        "phone_tail": tr("The last 4 digits of the phone"),
        "employee_no": tr("The employee no."),
        "none": tr("Nothing"),
    }
