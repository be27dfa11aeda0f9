"""时间: now, or at a planned time while the program is open; mails all at once or in parts."""

from datetime import UTC, datetime, time, timedelta

from PySide6.QtCore import QDate, QDateTime, QTime
from PySide6.QtWidgets import QCheckBox, QDateTimeEdit, QHBoxLayout, QRadioButton, QSpinBox, QWidget

from app.services.distribution import Plan
from app.views.distribution.draft import USUAL_PACE_MIN, Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.banner import Banner
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, label, row
from app.views.widgets.spin import tidy_spin
from app.words import moment, ntr, tr, zone

USUAL_HOUR, USUAL_MINUTE = 10, 5
SATURDAY = 5
DAY_BEGINS, DAY_ENDS = time(8), time(22)
USUAL_PART, MOST_IN_PART, LONGEST_PAUSE_MIN = 100, 10_000, 24 * 60
CROWDED = (0, 30)
"""Minutes at which everybody sends."""
SPIN_PX = 96


class WhenStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Time"), tr("Now, or later while this program is open"), parts, jobs=jobs)
        self.plan: Plan | None = None
        self.now = QRadioButton(tr("Now"))
        self.later = QRadioButton(tr("At a time"))
        self.time = QDateTimeEdit()
        self.form = Form()
        self.form.add("time", tr("Day and time"), self.time)
        self.why = label("", "muted", wrap=True)
        card = Card(tr("When it goes out"))
        for part in (self.now, self.later):
            card.body.addWidget(part)
        card.body.addLayout(self.form.within(280))
        card.body.addWidget(self.why)
        self.quiet = Banner()
        self._lay_out_parts()
        for shown in (self.quiet, card, self.parts_card):
            self.body.addWidget(shown)
        self.body.addStretch(1)
        self.now.toggled.connect(self._follow)
        self.time.dateTimeChanged.connect(self._follow)
        self.in_parts.toggled.connect(self._follow)
        self.part.valueChanged.connect(self._follow)
        self.pause.valueChanged.connect(self._follow)

    def take(self, draft: Draft) -> None:
        super().take(draft)
        self.plan = None
        chosen = draft.scheduled_at or usual_time(datetime.now(UTC))
        there = chosen.astimezone(zone())
        controls = (self.now, self.later, self.time, self.in_parts, self.part, self.pause)
        for control in controls:
            control.blockSignals(True)
        self.time.setDateTime(QDateTime(QDate(there.year, there.month, there.day), QTime(there.hour, there.minute)))
        (self.now if draft.scheduled_at is None else self.later).setChecked(True)
        self.in_parts.setChecked(draft.pace is not None)
        self.part.setValue(draft.pace or USUAL_PART)
        self.pause.setValue(draft.pace_minutes)
        for control in controls:
            control.blockSignals(False)
        self.later.setEnabled(draft.zip_password is None or draft.channel != "file")
        self._follow()
        self._count()

    @property
    def lack(self) -> str:
        if self.later.isChecked() and self.chosen <= datetime.now(UTC):
            return tr("This time is over. Choose a later one.")
        return ""

    @property
    def totals(self) -> str:
        begin = tr("Goes out at once") if self.now.isChecked() else tr("Goes out {time}", time=moment(self.chosen))
        takes = self.takes
        return tr("{begin}, takes {time}", begin=begin, time=span(takes)) if takes >= timedelta(minutes=1) else begin

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

    @property
    def begin(self) -> datetime:
        return self.chosen if self.later.isChecked() else datetime.now(UTC)

    @property
    def takes(self) -> timedelta:
        """How long the mails take; nothing for what is written in one piece."""
        plan, draft = self.plan, self.draft
        return plan.takes(draft.pace, draft.pace_minutes) if plan is not None else timedelta()

    def move_to_the_day(self) -> None:
        """What the warning of the night offers."""
        there = usual_time(datetime.now(UTC)).astimezone(zone())
        self.later.setChecked(True)
        self.time.setDateTime(QDateTime(QDate(there.year, there.month, there.day), QTime(there.hour, there.minute)))

    # --- inside ---

    def _lay_out_parts(self) -> None:
        self.in_parts = QCheckBox(tr("In parts, so that the mail server and the readers keep up"))
        self.part, self.pause = QSpinBox(), QSpinBox()
        self.part.setRange(1, MOST_IN_PART)
        self.pause.setRange(1, LONGEST_PAUSE_MIN)
        self.pause.setValue(USUAL_PACE_MIN)
        for spin, name in ((self.part, tr("Mails in each part")), (self.pause, tr("Minutes from part to part"))):
            tidy_spin(spin)
            spin.setFixedWidth(SPIN_PX)
            spin.setAccessibleName(name)
        self.pace_line = QWidget()
        line: QHBoxLayout = row(
            self.part, label(tr("mails every"), "label"), self.pause, label(tr("minutes"), "label"), 0
        )
        self.pace_line.setLayout(line)
        self.end_words = label("", "muted", wrap=True)
        self.parts_card = Card(tr("How fast"))
        for part in (self.in_parts, self.pace_line, self.end_words):
            self.parts_card.body.addWidget(part)

    def _count(self) -> None:
        """How many mails there are, which says how long they take."""
        draft = self.draft
        if draft.channel != "email":
            return

        def done(plan: Plan) -> None:
            if self.draft.spec.person_ids == draft.person_ids and self.draft.channel == draft.channel:
                self.plan = plan
                self._follow()

        self.jobs.start(
            self.parts.distribution.preview, draft.spec, on_done=done, on_refused=self.refused.emit, owner=self
        )

    def _follow(self) -> None:
        planned, by_mail = self.later.isChecked(), self.draft.channel == "email"
        self.form.setVisible(planned)
        self.why.setText(self._why(planned))
        self.parts_card.setVisible(by_mail)
        self.pace_line.setVisible(self.in_parts.isChecked())
        self._take(
            scheduled_at=self.chosen if planned else None,
            pace=self.part.value() if by_mail and self.in_parts.isChecked() else None,
            pace_minutes=self.pause.value(),
        )
        crowded = self.time.dateTime().time().minute() in CROWDED
        self.form.fields["time"].set_hint(
            tr("At this minute everybody sends. A few minutes later is better.")
            if crowded
            else tr("Not on the hour: everybody sends then")
        )
        self._say_finish(by_mail=by_mail)
        self.looked.emit()

    def _why(self, planned: bool) -> str:
        if not self.later.isEnabled():
            return tr("A ZIP password is kept nowhere, so a protected file can only be made now.")
        if planned:
            return tr("This program must be open then; otherwise it goes out as soon as the vault is opened again.")
        return tr("It goes on while you do something else. A pause or a crash loses and doubles nothing.")

    def _take(self, **wanted: object) -> None:
        if any(getattr(self.draft, name) != value for name, value in wanted.items()):
            self.change(**wanted)

    def _say_finish(self, *, by_mail: bool) -> None:
        """When the last mail goes, and whether some would go at night."""
        self.quiet.clear()
        plan = self.plan
        if not by_mail or plan is None or not plan.people:
            self.end_words.setText("")
            return
        begin, takes = self.begin, self.takes
        words = tr("The last mail goes at about {time}, after {span}", time=moment(begin + takes), span=span(takes))
        if self.draft.pace is not None:
            parts = -(-plan.people // self.draft.pace)
            words = ntr(
                "{count} part. {words}. This program must stay open; what is left waits for it.",
                "{count} parts. {words}. This program must stay open; what is left waits for it.",
                parts,
                words=words,
            )
        self.end_words.setText(words)
        if goes_at_night(begin, begin + takes):
            self._warn_of_the_night(takes)

    def _warn_of_the_night(self, takes: timedelta) -> None:
        """A later begin helps where a day is long enough, otherwise larger parts do."""
        proposed = usual_time(datetime.now(UTC))
        if goes_at_night(proposed, proposed + takes):
            words = tr("Some mails would go between 22:00 and 8:00, when people rest. Larger parts are done in a day.")
            self.quiet.say("warn", words, closable=False)
            return
        act = (tr("Choose {time}", time=moment(proposed)), self.move_to_the_day)
        words = tr("Some mails would go between 22:00 and 8:00, when people rest")
        self.quiet.say("warn", words, action=act, closable=False)


def usual_time(now: datetime) -> datetime:
    """The next working day at 10:05: never on the hour, when everybody sends."""
    there = now.astimezone(zone()).replace(hour=USUAL_HOUR, minute=USUAL_MINUTE, second=0, microsecond=0)
    there += timedelta(days=1)
    while there.weekday() >= SATURDAY:
        there += timedelta(days=1)
    return there.astimezone(UTC)


def goes_at_night(begin: datetime, end: datetime) -> bool:
    """Whether the time from `begin` to `end` touches the hours from 22 to 8 in the merchant's zone."""
    first, last = begin.astimezone(zone()), end.astimezone(zone())
    awake = DAY_BEGINS <= first.time() < DAY_ENDS and DAY_BEGINS <= last.time() < DAY_ENDS
    return not awake or first.date() != last.date()


def span(length: timedelta) -> str:
    """`3 h 20 min`, in whole minutes, at least one."""
    hours, minutes = divmod(max(1, round(length.total_seconds() / 60)), 60)
    if not hours:
        return tr("{minutes} min", minutes=minutes)
    return tr("{hours} h {minutes} min", hours=hours, minutes=minutes) if minutes else tr("{hours} h", hours=hours)
