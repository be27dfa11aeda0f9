"""How much of a card is to be redeemed: an amount of money, or a number of uses."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSpinBox, QWidget

from app.services.redemptions import Verdict
from app.views.theme import set_kind
from app.views.widgets.amount_field import AmountField
from app.views.widgets.pieces import label, row
from app.views.widgets.spin import tidy_spin
from app.words import tr

FIELD_PX = 140


class PartBox(QWidget):
    """Hidden until a part is asked for. `error` stands elsewhere: its words need the room behind the buttons."""

    def __init__(self, listener: QObject) -> None:
        """`listener` hears the keys of the fields."""
        super().__init__()
        self.amount, self.count, self.error = AmountField(), QSpinBox(), label("", "error")
        self.count.setMinimum(1)
        tidy_spin(self.count)
        for field in (self.amount, self.count):
            field.setFixedWidth(FIELD_PX)
            field.setAccessibleName(tr("Redeem how much"))
            field.installEventFilter(listener)
        self.amount.textChanged.connect(lambda _: self.clear_mistake())
        self.setLayout(row(label(tr("Redeem how much"), "label"), self.amount, self.count))
        self.hide()

    def ask(self, verdict: Verdict | None, *, shown: bool) -> None:
        money = verdict is not None and verdict.remaining_minor is not None
        self.setVisible(shown)
        self.amount.setVisible(money)
        self.count.setVisible(not money)
        self.amount.clear()
        self.clear_mistake()
        if shown and verdict is not None:
            self.count.setMaximum(max(1, verdict.remaining_uses or 1))
            (self.amount if money else self.count).setFocus()

    def taken(self, verdict: Verdict) -> tuple[int | None, int | None]:
        """(amount, uses) to be redeemed: what the button says, even when another till took some of it meanwhile; a
        voucher gives one use unless more are asked for."""
        if verdict.remaining_minor is not None:
            return self.amount.amount_minor if self.isVisible() else verdict.remaining_minor, None
        return None, self.count.value() if self.isVisible() else 1

    def mark_mistake(self) -> None:
        self.error.setText(tr("Type an amount like 50 or 88.50."))
        set_kind(self.amount, "error")
        self.amount.setFocus()

    def clear_mistake(self) -> None:
        self.error.clear()
        set_kind(self.amount, "")
