"""时间: now, or at a planned time while the program is open."""

from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QDate, QDateTime, QTime
from PySide6.QtWidgets import QDateTimeEdit, QRadioButton, QWidget

from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, label
from app.words import moment, tr, zone

USUAL_HOUR, USUAL_MINUTE = 10, 5
SATURDAY = 5


class WhenStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Time"), tr("Now, or later while this program is open"), parts, jobs=jobs)
        self.now = QRadioButton(tr("Now"))
        self.later = QRadioButton(tr("At a time"))
        self.time = QDateTimeEdit()
        self.form = Form()
        self.form.add("time", tr("Day and time"), self.time, hint=tr("Not on the hour: everybody sends then"))
        self.form.setMaximumWidth(280)
        self.why = label("", "muted", wrap=True)
        card = Card(tr("When it goes out"))
        for part in (self.now, self.later, self.form, self.why):
            card.body.addWidget(part)
        self.body.addWidget(card)
        self.body.addStretch(1)
        self.now.toggled.connect(self._follow)
        self.time.dateTimeChanged.connect(self._follow)

    def take(self, draft: Draft) -> None:
        super().take(draft)
        chosen = draft.scheduled_at or usual_time(datetime.now(UTC))
        there = chosen.astimezone(zone())
        for part in (self.now, self.later, self.time):
            part.blockSignals(True)
        self.time.setDateTime(QDateTime(QDate(there.year, there.month, there.day), QTime(there.hour, there.minute)))
        (self.now if draft.scheduled_at is None else self.later).setChecked(True)
        for part in (self.now, self.later, self.time):
            part.blockSignals(False)
        self.later.setEnabled(draft.zip_password is None or draft.channel != "file")
        self._follow()

    @property
    def lack(self) -> str:
        if self.later.isChecked() and self.chosen <= datetime.now(UTC):
            return tr("This time is over. Choose a later one.")
        return ""

    @property
    def totals(self) -> str:
        return tr("Goes out at once") if self.now.isChecked() else tr("Goes out {time}", time=moment(self.chosen))

    @property
    def first(self) -> QWidget:
        return self.now if self.now.isChecked() else self.later

    @property
    def chosen(self) -> datetime:
        """The time in the merchant's zone, as an instant."""
        there = self.time.dateTime()
        day, clock = there.date(), there.time()
        local = datetime(day.year(), day.month(), day.day(), clock.hour(), clock.minute(), tzinfo=zone())
        return local.astimezone(UTC)

    def _follow(self) -> None:
        planned = self.later.isChecked()
        self.form.setVisible(planned)
        if not self.later.isEnabled():
            words = tr("A ZIP password is kept nowhere, so a protected file can only be made now.")
        elif planned:
            words = tr("This program must be open then; otherwise it goes out as soon as the vault is opened again.")
        else:
            words = tr("It goes on while you do something else. A pause or a crash loses and doubles nothing.")
        self.why.setText(words)
        wanted = self.chosen if planned else None
        if wanted != self.draft.scheduled_at:
            self.change(scheduled_at=wanted)
        else:
            self.looked.emit()


def usual_time(now: datetime) -> datetime:
    """The next working day at 10:05: never on the hour, when everybody sends."""
    there = now.astimezone(zone()).replace(hour=USUAL_HOUR, minute=USUAL_MINUTE, second=0, microsecond=0)
    there += timedelta(days=1)
    while there.weekday() >= SATURDAY:
        there += timedelta(days=1)
    return there.astimezone(UTC)
