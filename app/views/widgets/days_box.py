"""A box of usual spans of time whose last choice is two days to type: `From – to`."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from PySide6.QtCore import QDate, QSignalBlocker, Signal
from PySide6.QtWidgets import QDateEdit, QWidget

from app.views.widgets.chip_bar import period_words
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.pieces import label, row
from app.views.widgets.spin import tidy_spin
from app.vocabulary import Words, word
from app.words import begin_of_local_day, tr, zone

DAYS = "days"
PASSED: Words = {"1": "Today", "7": "Last 7 days", "30": "Last 30 days", "365": "Last 365 days", DAYS: "From – to"}
"""Spans that end today; the key is how many days."""
DATE_WIDTH = 140


class DaysBox(QWidget):
    """`changed` comes with every choice a person makes. What is kept of `Last 7 days` stays relative."""

    changed = Signal()

    def __init__(self, name: str, everything: str, words: Words = PASSED) -> None:
        super().__init__()
        self._words = words
        self.box = choice_box(name, everything, words)
        today = _today()
        self.first, self.last = _date_box(tr("First day"), today), _date_box(tr("Last day"), today)
        self._dates = QWidget()
        self._dates.setLayout(row(self.first, label("–", "note"), self.last, spacing=4))
        self._dates.hide()
        self.setLayout(row(self.box, self._dates))
        self.setFocusProxy(self.box)
        self.box.currentIndexChanged.connect(self._choose)
        for edit in (self.first, self.last):
            edit.dateChanged.connect(lambda _: self.changed.emit())

    @property
    def key(self) -> str:
        return str(self.box.currentData())

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """First moment and the first one behind the last day, of the days that are typed or have passed."""
        if self.key == DAYS:
            first, last = sorted((_day(self.first), _day(self.last)))
            return begin_of_local_day(first), begin_of_local_day(last + timedelta(days=1))
        if self.key.isdecimal():
            today = _today()
            return begin_of_local_day(today - timedelta(days=int(self.key) - 1)), None
        return None, None

    @property
    def chosen_words(self) -> str:
        """For a chip; empty when nothing is narrowed."""
        if self.key == DAYS:
            return period_words(*self.span)
        return word(self._words, self.key) if self.key else ""

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it; {} for everything."""
        if self.key == DAYS:
            first, last = sorted((_day(self.first), _day(self.last)))
            return {"first": first.isoformat(), "last": last.isoformat()}
        return {"span": self.key} if self.key else {}

    def show_kept(self, kept: Mapping[str, Any]) -> None:
        """Nobody hears of it. Days that stand there already are left alone, also while they are still the wrong way."""
        if self.kept() == kept:
            return
        days = "first" in kept and "last" in kept
        if days:
            self._put(date.fromisoformat(kept["first"]), date.fromisoformat(kept["last"]))
        show_choice(self.box, DAYS if days else kept.get("span", ""))
        self._dates.setVisible(self.key == DAYS)

    def clear(self) -> None:
        self.show_kept({})

    def _put(self, first: date, last: date) -> None:
        for edit, day in ((self.first, first), (self.last, last)):
            with QSignalBlocker(edit):
                edit.setDate(QDate(day.year, day.month, day.day))

    def _choose(self) -> None:
        self._dates.setVisible(self.key == DAYS)
        if self.key == DAYS:
            self.first.setFocus()
        self.changed.emit()


def _date_box(name: str, today: date) -> QDateEdit:
    box = QDateEdit(QDate(today.year, today.month, today.day))
    box.setAccessibleName(name)
    tidy_spin(box)
    box.setMinimumWidth(DATE_WIDTH)
    box.setKeyboardTracking(False)  # a year half typed is none
    return box


def _today() -> date:
    """The merchant's."""
    return datetime.now(UTC).astimezone(zone()).date()


def _day(box: QDateEdit) -> date:
    chosen = box.date()
    return date(chosen.year(), chosen.month(), chosen.day())
