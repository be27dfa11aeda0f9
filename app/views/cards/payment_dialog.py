"""Put money onto a card, or pay out what is left on it: amount, reason, and what will be so afterwards, in numbers."""

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from app.errors import AppError, RedemptionUncertain
from app.services.redemptions import Payable, RedemptionResult, RedemptionService
from app.views.jobs import JobRunner
from app.views.widgets.amount_field import AmountField
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, label, row
from app.vocabulary import RULES, word
from app.words import ntr, tr, yuan

LONGEST_REASON = 500
"""As much of it as the endpoint keeps."""
Paid = Callable[[RedemptionResult], None]


class PaymentDialog(Dialog):
    """What both share. It stays until the endpoint has answered; `on_done` hears what was done."""

    def __init__(
        self,
        parent: QWidget,
        title: str,
        redemptions: RedemptionService,
        known: Payable,
        *,
        jobs: JobRunner,
        on_done: Paid,
        usual: tuple[str, ...],
    ) -> None:
        super().__init__(parent, title)
        self._redemptions, self._known, self._jobs, self._on_done = redemptions, known, jobs, on_done
        self.amount, self.reason = AmountField(), QLineEdit()
        self.reason.setMaxLength(LONGEST_REASON)
        self.form = Form()
        if known.balance_minor is not None:
            self.form.add("amount", tr("Amount (yuan)"), self.amount)
        self.form.add("reason", tr("Reason (kept in the audit log)"), self.reason)
        self.chips = [button(words, self._put(words), kind="chip") for words in usual]
        self.consequence = label("", "muted", wrap=True)
        self.body.addWidget(self.form)
        self.body.addLayout(row(*self.chips, 0))
        self.body.addWidget(self.consequence)

    def is_ready(self) -> bool:
        """Whether nothing is missing; else the field says what."""
        if self._known.balance_minor is not None and not self.amount.amount_minor:
            self.form.set_error("amount", tr("Type an amount like 200.00."))
            return False
        if not self.reason.text().strip():
            self.form.set_error("reason", tr("Give a reason first; it is kept in the audit log."))
            return False
        return True

    def _begin(self, verb: str, kind: str, *, explain: Callable[[], None], ask: Callable[[], RedemptionResult]) -> None:
        """`explain` says every time the amount is edited what will be so; `ask` asks the endpoint, on a worker."""
        self._ask = ask
        self.add_cancel()
        self.verb_button = self.add_verb(verb, self._go, kind=kind)
        self.amount.textChanged.connect(lambda _: explain())
        explain()
        (self.amount if self._known.balance_minor is not None else self.reason).setFocus()

    def _put(self, words: str) -> Callable[[], None]:
        def put() -> None:
            self.reason.setText(words)
            self.reason.setFocus()

        return put

    def _go(self) -> None:
        if self.is_ready():
            deed = self._jobs.start(self._ask, on_done=self._done, on_refused=self._refused)
            self.see_through(deed, self.verb_button, self.amount, self.reason, *self.chips)

    def _done(self, result: RedemptionResult) -> None:
        self.accept()
        self._on_done(result)

    def _refused(self, error: AppError) -> None:
        self.banner.show_error(error)
        if isinstance(error, RedemptionUncertain):  # another wish could be a second one: this one is asked for again
            self.amount.setReadOnly(True)
            self.reason.setReadOnly(True)
            self.verb_button.setText(tr("Ask again"))


class TopUpDialog(PaymentDialog):
    """Beyond what a rule of the trade lets the card hold, it must be said that it is meant so."""

    def __init__(
        self, parent: QWidget, redemptions: RedemptionService, known: Payable, *, jobs: JobRunner, on_done: Paid
    ) -> None:
        usual = (tr("Customer pays in"), tr("Compensation"))
        title = tr("Top up {serial}?", serial=known.serial)
        super().__init__(parent, title, redemptions, known, jobs=jobs, on_done=on_done, usual=usual)
        self.warning = label("", "warn", wrap=True)
        self.over_box = QCheckBox(tr("It is to hold more; the reason above says why"))
        self.over_box.toggled.connect(lambda _: self._explain())
        self.body.addWidget(self.warning)
        self.body.addWidget(self.over_box)
        self._begin(tr("Top up"), "primary", explain=self._explain, ask=self._top_up)

    def _explain(self) -> None:
        amount, held = self.amount.amount_minor or 0, self._known.balance_minor or 0
        over = self._known.is_over(amount)
        if amount:
            words = tr(
                "{amount} is put onto the card: it holds {before} now and {after} afterwards.",
                amount=yuan(amount), before=yuan(held), after=yuan(held + amount),
            )  # fmt: skip
            self.verb_button.setText(tr("Top up {amount}", amount=yuan(amount)))
        else:
            words = tr("The card holds {before} now.", before=yuan(held))
            self.verb_button.setText(tr("Top up"))
        self.consequence.setText(words)
        self.warning.setText(word(RULES, self._known.rule or ""))
        self.warning.setVisible(over)
        self.over_box.setVisible(over)
        self.verb_button.setEnabled(not over or self.over_box.isChecked())

    def _top_up(self) -> RedemptionResult:
        return self._redemptions.top_up(
            self._known.card_id,
            self.amount.amount_minor or 0,
            reason=self.reason.text(),
            over_limit=self.over_box.isChecked(),
        )


class RefundDialog(PaymentDialog):
    """All that is left stands in the field; less of it may be paid out. Uses of a voucher go back as a whole."""

    def __init__(
        self, parent: QWidget, redemptions: RedemptionService, known: Payable, *, jobs: JobRunner, on_done: Paid
    ) -> None:
        usual = (tr("Customer gives the card back"), tr("Customer changed their mind"))
        title = tr("Refund {serial}?", serial=known.serial)
        super().__init__(parent, title, redemptions, known, jobs=jobs, on_done=on_done, usual=usual)
        if known.balance_minor is not None:
            self.amount.setText(AmountField(known.balance_minor).text())
            self.amount.selectAll()
        self._begin(tr("Refund"), "danger-filled", explain=self._explain, ask=self._refund)

    def _explain(self) -> None:
        held = self._known.balance_minor
        if held is None:
            uses = ntr("{count} use", "{count} uses", self._known.uses_left)
            self.consequence.setText(tr("{uses} go back; nothing is left on the card.", uses=uses))
            self.verb_button.setText(tr("Refund {amount}", amount=uses))
            return
        amount = self.amount.amount_minor or 0
        words = tr("The card holds {before} now.", before=yuan(held))
        if amount > held:
            words = tr("The card holds only {before}.", before=yuan(held))
        elif amount:
            words = tr(
                "{amount} is paid out: the card holds {before} now and {after} afterwards.",
                amount=yuan(amount), before=yuan(held), after=yuan(held - amount),
            )  # fmt: skip
        self.consequence.setText(words)
        self.verb_button.setText(tr("Refund {amount}", amount=yuan(amount)) if amount else tr("Refund"))
        self.verb_button.setEnabled(amount <= held)

    def _refund(self) -> RedemptionResult:
        return self._redemptions.refund(self._known.card_id, self.amount.amount_minor, reason=self.reason.text())
