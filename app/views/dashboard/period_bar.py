"""What the dashboard looks at: period, product, and what it is compared with."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from PySide6.QtCore import QDate, QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QDateEdit, QWidget

from app.services.catalog import ProductRow
from app.services.dashboard import Period
from app.views.theme import set_kind
from app.views.widgets.pieces import button, column, label, row
from app.views.widgets.spin import tidy_spin
from app.vocabulary import Words, word
from app.words import tr

PERIODS: Words = {
    "7": "7 days",
    "30": "30 days",
    "month": "This month",
    "year": "This year",
    "custom": "Custom",
}
COMPARED: Words = {"previous": "Period before", "year": "Same time last year", "lunar": "Mid-Autumn aligned"}
START = "30"
WIDEST_BOX = 200
DATE_WIDTH = 140
ONE_ROW = 1000
"""From this width on the dates stand beside the chips."""


def period_of(key: str, today: date) -> Period:
    """The days behind a chip, up to today."""
    if key == "month":
        return Period(today.replace(day=1), today)
    if key == "year":
        return Period(today.replace(month=1, day=1), today)
    return Period(today - timedelta(days=int(key) - 1), today)


class PeriodBar(QWidget):
    """Chips and boxes in one row; with `custom` two dates beside the chips, or below them where it is narrow."""

    changed = Signal()

    def __init__(self, today: date) -> None:
        super().__init__()
        self._today = today
        self.chosen = START
        self.chips = {
            key: button(word(PERIODS, key), self._choosing(key), kind="text", compact=True) for key in PERIODS
        }
        self.first_day, self.last_day = _date_box(tr("First day"), today), _date_box(tr("Last day"), today)
        self.first_day.setDate(_qt(today - timedelta(days=29)))
        self.product_box = QComboBox()
        self.product_box.setAccessibleName(tr("Product"))
        self.product_box.addItem(tr("All products"), None)
        self.product_box.setMaximumWidth(WIDEST_BOX)
        self.product_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.product_box.setMinimumContentsLength(14)
        self.compare_box = QComboBox()
        self.compare_box.setAccessibleName(tr("Compared with"))
        self.compare_box.setToolTip(tr("Compared with"))
        for key in COMPARED:
            self.compare_box.addItem(word(COMPARED, key), key)
        self._dates = QWidget()
        self._dates.setLayout(row(self.first_day, label("–", "note"), self.last_day, 0, spacing=4))
        self._choices = row(*self.chips.values(), self._dates, 0, self.product_box, 4, self.compare_box, spacing=4)
        self._rows = column(self._choices, spacing=4)
        self.setLayout(self._rows)
        self._show_choice()
        for box in (self.first_day, self.last_day):
            box.dateChanged.connect(lambda _: self.changed.emit())
        for combo in (self.product_box, self.compare_box):
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())

    @property
    def period(self) -> Period:
        """Ends swapped when the first day lies behind the last."""
        if self.chosen != "custom":
            return period_of(self.chosen, self._today)
        first, last = sorted((_day(self.first_day), _day(self.last_day)))
        return Period(first, last)

    @property
    def product_id(self) -> int | None:
        chosen = self.product_box.currentData()
        return int(chosen) if chosen is not None else None

    @property
    def compare(self) -> str:
        return str(self.compare_box.currentData())

    def choose(self, key: str) -> None:
        """What a click on a chip does."""
        self.chosen = key
        self._show_choice()
        self.changed.emit()

    def come_to(self, today: date) -> None:
        """A new day has begun."""
        self._today = today

    def show_products(self, products: Sequence[ProductRow]) -> None:
        """Fill the box and keep what is chosen."""
        kept = self.product_id
        with QSignalBlocker(self.product_box):
            while self.product_box.count() > 1:
                self.product_box.removeItem(1)
            for product in products:
                self.product_box.addItem(product.name, product.id)
            self.product_box.setCurrentIndex(max(0, self.product_box.findData(kept)) if kept is not None else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        below = self._rows.indexOf(self._dates) >= 0
        if (self.width() < ONE_ROW) != below:
            (self._rows if below else self._choices).removeWidget(self._dates)
            if below:
                self._choices.insertWidget(len(self.chips), self._dates)
            else:
                self._rows.addWidget(self._dates)

    def _choosing(self, key: str) -> Callable[[], None]:
        return lambda: self.choose(key)

    def _show_choice(self) -> None:
        for key, chip in self.chips.items():
            set_kind(chip, "chip" if key == self.chosen else "text")
            chip.setAccessibleDescription(tr("Chosen") if key == self.chosen else "")
        self._dates.setVisible(self.chosen == "custom")


def _date_box(name: str, today: date) -> QDateEdit:
    box = QDateEdit(_qt(today))
    box.setAccessibleName(name)
    box.setMaximumDate(_qt(today))
    tidy_spin(box)
    box.setMinimumWidth(DATE_WIDTH)
    return box


def _qt(day: date) -> QDate:
    return QDate(day.year, day.month, day.day)


def _day(box: QDateEdit) -> date:
    chosen = box.date()
    return date(chosen.year(), chosen.month(), chosen.day())
