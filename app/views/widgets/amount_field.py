"""Fields for amounts in yuan and for days: what is typed becomes fen, or an instant at the day's end."""

from datetime import datetime

from PySide6.QtCore import QDate, Qt
from PySide6.QtWidgets import QDateEdit, QLineEdit

from app.words import end_of_local_day, plain_amount, read_amount, zone


class AmountField(QLineEdit):
    """An amount as people type it: `200`, `1,234.50`, `¥200`. `amount_minor` is None while it is empty or no amount."""

    def __init__(self, amount_minor: int | None = None) -> None:
        super().__init__(plain_amount(amount_minor))
        self.setPlaceholderText("0.00")
        self.setInputMethodHints(Qt.InputMethodHint.ImhPreferNumbers)

    @property
    def amount_minor(self) -> int | None:
        return read_amount(self.text())

    @property
    def is_mistyped(self) -> bool:
        return bool(self.text().strip()) and self.amount_minor is None


class DayField(QDateEdit):
    """A day; its instant is the last second of it, because a validity's end day counts."""

    def __init__(self) -> None:
        super().__init__(QDate.currentDate().addYears(1))
        self.setCalendarPopup(True)
        self.setDisplayFormat("yyyy-MM-dd")
        self.setMinimumDate(QDate.currentDate())

    @property
    def instant(self) -> datetime:
        chosen = self.date().toPython()
        return end_of_local_day(chosen)  # type: ignore[arg-type]  # Qt says object; it is a date

    def show_instant(self, instant: datetime) -> None:
        """Also one that has passed: the day it was is shown, and not today."""
        there = instant.astimezone(zone())
        shown = QDate(there.year, there.month, there.day)
        self.setMinimumDate(min(shown, QDate.currentDate()))
        self.setDate(shown)
