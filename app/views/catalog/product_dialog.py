"""Make or change a product: name, kind, value, validity, and the rules of the trade that speak to it."""

from datetime import UTC, datetime

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from app.errors import AppError, RuleOverrideNeeded
from app.messages import sentence
from app.services.catalog import CatalogService, ProductRow, ProductSpec, prompts
from app.views.jobs import JobRunner, hold
from app.views.widgets.amount_field import AmountField, DayField
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label, row
from app.vocabulary import FORMS, KINDS, RULES, word
from app.words import tr

VALIDITY = ("forever", "days", "until")


class ProductDialog(Dialog):
    """Accepts once the product is stored."""

    def __init__(
        self,
        parent: QWidget,
        catalog: CatalogService,
        jobs: JobRunner,
        *,
        product: ProductRow | None = None,
        like: ProductRow | None = None,
    ) -> None:
        """`product` is changed; `like` is what a new one begins with."""
        super().__init__(parent, tr("Change product") if product else tr("New product"), width=WIDE)
        self._catalog, self._jobs, self._product = catalog, jobs, product
        self.form = Form(columns=2)
        self._make_controls()
        self._lay_out()
        self.rules = label("", "note", wrap=True)
        self.reason = QLineEdit()
        self.form.add("reason", tr("Reason to go on all the same"), self.reason, wide=True)
        self.form.set_shown("reason", shown=False)
        self.body.addWidget(self.form)
        self.body.addWidget(self.rules)
        self.add_cancel()
        self.save_button = self.add_verb(tr("Save") if product else tr("Create product"), self.save)
        if begin := product or like:
            self._fill(begin)
        if like:
            self.name.setText(tr("{name} (copy)", name=like.name))
            self.name.setFocus()
            self.name.selectAll()
        self._follow()

    def _make_controls(self) -> None:
        self.name = QLineEdit()
        self.kind, self.form_of_trade, self.validity = QComboBox(), QComboBox(), QComboBox()
        for key in KINDS:
            self.kind.addItem(word(KINDS, key), key)
        for key in FORMS:
            if key != "supplier_code":
                self.form_of_trade.addItem(word(FORMS, key), key)
        self.form_of_trade.setCurrentIndex(1)
        self.named = QCheckBox(tr("Named card (the holder is registered)"))
        self.partial = QCheckBox(tr("May be used in parts"))
        self.partial.setChecked(True)
        self.face, self.lowest, self.highest, self.step = (AmountField() for _ in range(4))
        self.uses, self.days, self.until = QSpinBox(), QSpinBox(), DayField()
        self.uses.setRange(1, 1000)
        self.days.setRange(1, 36_500)
        self.days.setValue(365)
        for key, text in zip(
            VALIDITY, (tr("Does not expire"), tr("Days after making"), tr("Until a day")), strict=True
        ):
            self.validity.addItem(text, key)
        self.target_url = QLineEdit()
        self.target_url.setPlaceholderText("https://…{code}")

    def _lay_out(self) -> None:
        form = self.form
        form.add("name", tr("Name"), self.name, wide=True)
        form.add("kind", tr("Kind"), self.kind)
        form.add("form", tr("What it is in trade"), self.form_of_trade)
        form.add("face_minor", tr("Face value (yuan)"), self.face)
        form.add("uses", tr("Uses"), self.uses)
        form.add("min_minor", tr("Lowest amount (yuan)"), self.lowest)
        form.add("max_minor", tr("Highest amount (yuan)"), self.highest)
        form.add("step_minor", tr("Step (yuan)"), self.step)
        form.add("validity", tr("Validity"), self.validity)
        form.add("valid_days", tr("Days"), self.days)
        form.add("valid_until", tr("Last valid day"), self.until)
        form.add("target_url", tr("Where the holder uses it"), self.target_url, wide=True)
        ticks = QWidget()
        ticks.setLayout(row(self.named, self.partial, 0, spacing=24))
        form.add("ticks", "", ticks, wide=True)
        for box in (self.kind, self.form_of_trade, self.validity):
            box.currentIndexChanged.connect(self._follow)
        for field in (self.face, self.highest):
            field.textChanged.connect(self._follow)
        self.days.valueChanged.connect(self._follow)
        self.named.toggled.connect(self._follow)

    def _fill(self, product: ProductRow) -> None:
        self.name.setText(product.name)
        self.kind.setCurrentIndex(self.kind.findData(product.kind))
        self.form_of_trade.setCurrentIndex(max(0, self.form_of_trade.findData(product.form)))
        self.named.setChecked(product.named)
        self.partial.setChecked(product.partial)
        for field, amount_minor in (
            (self.face, product.face_minor),
            (self.lowest, product.min_minor),
            (self.highest, product.max_minor),
            (self.step, product.step_minor),
        ):
            field.setText(AmountField(amount_minor).text())
        self.uses.setValue(product.uses)
        self.target_url.setText(product.target_url or "")
        if product.valid_days:
            self.validity.setCurrentIndex(1)
            self.days.setValue(product.valid_days)
        elif product.valid_until:
            self.validity.setCurrentIndex(2)
            self.until.show_instant(product.valid_until)

    def spec(self) -> ProductSpec:
        """What is typed, as an order to the catalog; the catalog says what is wrong with it."""
        validity = self.validity.currentData()
        return ProductSpec(
            name=self.name.text(),
            kind=self.kind.currentData(),
            form=self.form_of_trade.currentData(),
            named=self.named.isChecked(),
            face_minor=self.face.amount_minor,
            min_minor=self.lowest.amount_minor,
            max_minor=self.highest.amount_minor,
            step_minor=self.step.amount_minor,
            uses=self.uses.value(),
            partial=self.partial.isChecked(),
            valid_days=self.days.value() if validity == "days" else None,
            valid_until=self.until.instant if validity == "until" else None,
            target_url=self.target_url.text().strip() or None,
        )

    def save(self) -> None:
        if self._mistyped():
            return
        reason = self.reason.text() if self.reason.isVisible() else None
        call = self._catalog.change if self._product else self._catalog.add
        arguments = (self._product.id, self.spec()) if self._product else (self.spec(),)
        saving = self._jobs.start(
            lambda: call(*arguments, override_reason=reason),
            on_done=lambda _: self.accept(),
            on_refused=self._refused,
            owner=self,
        )
        hold(saving, self.save_button)

    def _mistyped(self) -> bool:
        for key in ("face_minor", "min_minor", "max_minor", "step_minor"):
            field = self.form.fields[key]
            control = field.control
            if not field.isHidden() and isinstance(control, AmountField) and control.is_mistyped:
                self.form.set_error(key, tr("This is no amount. Type something like 200 or 88.50."))
                return True
        return False

    def _refused(self, error: AppError) -> None:
        if isinstance(error, RuleOverrideNeeded):
            self.form.set_shown("reason", shown=True)
            self.form.set_error("reason", sentence(error))
        elif not self.form.show_error(error):
            self.banner.show_error(error)

    def _follow(self) -> None:
        """Show what the kind uses, and the rules that speak to what is typed so far."""
        kind, validity = self.kind.currentData(), self.validity.currentData()
        for key, shown in (
            ("form", kind != "supplier"),
            ("face_minor", True),
            ("uses", kind == "exchange"),
            ("min_minor", kind == "variable"),
            ("max_minor", kind == "variable"),
            ("step_minor", kind == "variable"),
            ("valid_days", validity == "days"),
            ("valid_until", validity == "until"),
            ("target_url", kind == "supplier"),
            ("ticks", kind in ("fixed", "variable")),
        ):
            self.form.set_shown(key, shown=shown)
        titles = {"exchange": tr("Value for the books (yuan)"), "supplier": tr("Face value (yuan)")}
        self.form.fields["face_minor"].caption.setText(titles.get(kind, tr("Face value (yuan)")))
        lines = [
            tr("{rule} ({source})", rule=word(RULES, prompt.rule), source=prompt.source)
            for prompt in prompts(self.spec(), datetime.now(UTC))
        ]
        self.rules.setText("\n".join(lines))
        self.rules.setVisible(bool(lines) and kind != "supplier")
