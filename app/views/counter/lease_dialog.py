"""Lease cards to this computer: of which batch, which of them, until when, and what that means."""

from datetime import UTC, datetime, timedelta
from functools import partial

from PySide6.QtCore import QDate, QDateTime, QTime
from PySide6.QtWidgets import QComboBox, QDateTimeEdit, QSpinBox, QWidget

from app.errors import AppError, EndpointMissing, EndpointUnreachable
from app.services.leases import Leasable, LeaseRow, LeaseService
from app.views.counter.lease_words import clock_words
from app.views.jobs import JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.views.widgets.toast import toast
from app.words import begin_of_local_day, end_of_local_day, ntr, tr, zone

LONGEST = timedelta(days=7)
HOURS = timedelta(hours=4)
SHORTEST = timedelta(minutes=1)


class LeaseDialog(Dialog):
    """Accepts once the endpoint has given the lease; a refusal stays in the dialog."""

    def __init__(self, parent: QWidget, leases: LeaseService, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Lease cards to this computer"))
        self._leases, self._jobs = leases, jobs
        self._known: dict[int, Leasable] = {}
        means = tr("Until then only this counter redeems these cards, even without a line.")
        self.body.addWidget(label(means, "muted", wrap=True))
        self._build_form()
        self.consequence = label("", "note", wrap=True)
        self.body.addWidget(self.consequence)
        self.add_cancel()
        self.verb_button = self.add_verb(tr("Lease"), self.take)
        self._follow()
        self.batch.setFocus()
        jobs.start(leases.leasable, on_done=self._fill, on_refused=self.banner.show_error, owner=self)

    @property
    def until(self) -> datetime:
        """The instant that is chosen."""
        now, chosen = datetime.now(UTC), self.how_long.currentData()
        if chosen == "day":
            return end_of_local_day(now.astimezone(zone()).date())
        if chosen == "hours":
            return now + HOURS
        there = self.time.dateTime()
        day, clock = there.date(), there.time()
        local = datetime(day.year(), day.month(), day.day(), clock.hour(), clock.minute(), tzinfo=zone())
        return local.astimezone(UTC)

    @property
    def span(self) -> tuple[int, int]:
        """Number of the first card, and how many."""
        chosen = self._chosen()
        if chosen is None:
            return 1, 0
        if self.which.currentData() == "all":
            return chosen.free_no, chosen.free
        return self.first.value(), self.count.value()

    def take(self) -> None:
        chosen, until = self._chosen(), self.until
        if chosen is None:
            return
        if not SHORTEST <= until - datetime.now(UTC) <= LONGEST:
            own = self.how_long.currentData() == "time"  # the day may end within the minute
            self.form.set_error("time" if own else "until", tr("Choose a time from now on to seven days ahead."))
            return
        first, count = self.span
        if (beyond := self._beyond(chosen)) is not None:
            self.form.set_error("count", beyond)
            return
        self.banner.clear()
        call = partial(self._leases.take, chosen.batch_id, until=until, first_no=first, count=count)
        self.see_through(
            self._jobs.start(call, on_done=self._taken, on_refused=self._refuse, owner=self), self.verb_button
        )

    # --- inside ---

    def _build_form(self) -> None:
        self.batch, self.which, self.how_long = QComboBox(), QComboBox(), QComboBox()
        self.first, self.count, self.time = QSpinBox(), QSpinBox(), QDateTimeEdit()
        self.first.setMinimum(1)
        self.count.setMinimum(1)
        for spin in (self.first, self.count):
            spin.setGroupSeparatorShown(True)
        for words, key in (
            (tr("Rest of the day"), "day"),
            (tr("4 hours"), "hours"),
            (tr("Until a time"), "time"),
        ):
            self.how_long.addItem(words, key)
        self.form = Form(columns=2)
        self.form.add("batch", tr("Batch"), self.batch, wide=True)
        self.form.add("which", tr("Which cards"), self.which, wide=True)
        self.form.add("first", tr("From card number"), self.first)
        self.form.add("count", tr("How many"), self.count)
        self.form.add("until", tr("For how long"), self.how_long)
        self.form.add("time", tr("Day and time"), self.time, hint=tr("At most 7 days"))
        self.body.addWidget(self.form)
        self._set_times()
        self.batch.currentIndexChanged.connect(self._take_batch)
        self.which.currentIndexChanged.connect(self._follow)
        self.how_long.currentIndexChanged.connect(self._follow)
        self.first.valueChanged.connect(self._follow)
        self.count.valueChanged.connect(self._follow)
        self.time.dateTimeChanged.connect(self._follow)

    def _set_times(self) -> None:
        """Tomorrow evening, as somebody says who wants more than today."""
        now = datetime.now(UTC)
        self.time.setDateTimeRange(_shown(now), _shown(now + LONGEST))
        tomorrow = begin_of_local_day(now.astimezone(zone()).date()) + timedelta(days=1, hours=22)
        self.time.setDateTime(_shown(tomorrow))

    def _fill(self, found: list[Leasable]) -> None:
        self._known = {one.batch_id: one for one in found}
        for one in found:
            self.batch.addItem(" · ".join((one.serial, one.product)), one.batch_id)
        if not found:
            self.banner.say(
                "info",
                tr("There is no batch to lease cards of: it must have been uploaded, and be neither frozen nor ended."),
                closable=False,
            )
        self._take_batch()

    def _take_batch(self) -> None:
        chosen = self._chosen()
        self.which.clear()
        if chosen is not None:
            whole = chosen.free == chosen.quantity
            words = (
                ntr("All {count} card", "All {count} cards", chosen.free)
                if whole
                else tr(
                    "No. {first} to {last}: the others are leased",
                    first=f"{chosen.free_no:,}",
                    last=f"{chosen.free_no + chosen.free - 1:,}",
                )
            )
            for shown, key in ((words, "all"), (tr("A range of card numbers"), "range")):
                self.which.addItem(shown, key)
            for spin, value in ((self.first, chosen.free_no), (self.count, min(chosen.free, 100))):
                spin.setMaximum(chosen.quantity)
                spin.setValue(value)
        self._follow()

    def _chosen(self) -> Leasable | None:
        return self._known.get(self.batch.currentData() or 0)

    def _beyond(self, chosen: Leasable) -> str | None:
        """Why so many cards from that number on are not there."""
        first, count = self.span
        if first + count - 1 <= chosen.quantity:
            return None
        return tr("The batch ends with card {number}.", number=f"{chosen.quantity:,}")

    def _follow(self, *_: object) -> None:
        """What stands below the fields, and on the button, is what will be so."""
        some = self.which.currentData() == "range"
        for key in ("first", "count"):
            self.form.set_shown(key, shown=some)
        self.form.set_shown("time", shown=self.how_long.currentData() == "time")
        chosen, (first, count) = self._chosen(), self.span
        self.verb_button.setEnabled(chosen is not None)
        if chosen is None:
            self.consequence.clear()
            return
        self.verb_button.setText(ntr("Lease {count} card", "Lease {count} cards", count))
        if (beyond := self._beyond(chosen)) is not None:
            self.consequence.setText(beyond)
            return
        self.consequence.setText(
            tr(
                "No. {first} to {last} of {serial}: until {until} phones and other counters are refused. Given back "
                "earlier, they are free at once.",
                first=f"{first:,}",
                last=f"{first + count - 1:,}",
                serial=chosen.serial,
                until=clock_words(self.until),
            )
        )

    def _taken(self, lease: LeaseRow) -> None:
        words = ntr(
            "{count} card is leased to this computer until {until}",
            "{count} cards are leased to this computer until {until}",
            lease.cards,
            until=clock_words(lease.until),
        )
        toast(self.parentWidget() or self, words)
        self.accept()

    def _refuse(self, error: AppError) -> None:
        if isinstance(error, EndpointUnreachable) and not isinstance(error, EndpointMissing):
            words = tr(
                "There is no line to the endpoint. The lease is asked for again as soon as there is one; until then "
                "none of these cards can be redeemed offline."
            )
            self.banner.say("warn", words)
        elif not self.form.show_error(error):
            self.banner.show_error(error)


def _shown(instant: datetime) -> QDateTime:
    """In the merchant's zone, to the minute."""
    there = instant.astimezone(zone())
    return QDateTime(QDate(there.year, there.month, there.day), QTime(there.hour, there.minute))
