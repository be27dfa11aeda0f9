"""Order a batch: how many, of what, in which format; the chance of a hit stands below in words."""

from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox, QWidget

from app.errors import AppError
from app.messages import sentence
from app.services.batches import BatchService, BatchSpec
from app.services.batches.rows import LARGEST, Odds
from app.services.catalog import ProductRow
from app.views.jobs import JobRunner
from app.views.widgets.amount_field import AmountField
from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.words import ntr, tr, yuan

OWN = ""


class GenerateDialog(Dialog):
    """Accepts with `spec` set; the page starts the job."""

    def __init__(
        self, parent: QWidget, batches: BatchService, products: list[ProductRow], *, jobs: JobRunner, product_id: int
    ) -> None:
        super().__init__(parent, tr("Generate codes"))
        self._batches, self._jobs = batches, jobs
        self.spec: BatchSpec | None = None
        self._products = {product.id: product for product in products}
        self.product, self.format, self.pattern = QComboBox(), QComboBox(), QLineEdit()
        for product in products:
            worth = "" if product.face_minor is None else f" · {yuan(product.face_minor)}"
            self.product.addItem(product.name + worth, product.id)
        self.product.setCurrentIndex(max(0, self.product.findData(product_id)))
        self.quantity = QSpinBox()
        self.quantity.setRange(1, LARGEST)
        self.quantity.setValue(1000)
        self.quantity.setGroupSeparatorShown(True)
        self.amount = AmountField()
        self.form = self._filled_form()
        self.odds = label("", "note", wrap=True)
        self.body.addWidget(self.form)
        self.body.addWidget(self.odds)
        self.add_cancel()
        self.generate_button = self.add_verb(tr("Generate"), self._accept_spec)
        self.product.currentIndexChanged.connect(self._follow)
        self.format.currentIndexChanged.connect(self._follow)
        self.quantity.valueChanged.connect(self._ask_odds)
        self.pattern.textChanged.connect(self._ask_odds)
        self._follow()
        self.quantity.setFocus()
        self.quantity.selectAll()

    def _filled_form(self) -> Form:
        for text, key in (
            (tr("Standard: 20 symbols"), "STANDARD"),
            (tr("Long: 25 symbols, for cash-like value"), "LONG"),
            (tr("Short: 16 symbols, with a second factor"), "SHORT"),
            (tr("Own pattern"), OWN),
        ):
            self.format.addItem(text, key)
        self.pattern.setPlaceholderText("KX-####-####-####")
        form = Form()
        form.add("product", tr("Product"), self.product)
        form.add("quantity", tr("Quantity"), self.quantity)
        form.add("face_minor", tr("Amount on each card (yuan)"), self.amount)
        form.add("profile", tr("Code format"), self.format)
        form.add("format", tr("Pattern"), self.pattern, hint=tr("# is a random symbol, everything else stays"))
        return form

    @property
    def chosen_format(self) -> str:
        return str(self.format.currentData()) or self.pattern.text().strip()

    def _follow(self) -> None:
        product = self._products.get(self.product.currentData())
        variable = product is not None and product.kind == "variable"
        self.form.set_shown("face_minor", shown=variable)
        self.form.set_shown("format", shown=self.format.currentData() == OWN)
        if product is not None and variable:
            self.amount.setText(AmountField(product.face_minor).text())
            self.form.fields["face_minor"].set_hint(
                tr("{low} to {high}", low=yuan(product.min_minor), high=yuan(product.max_minor))
            )
        self._ask_odds()

    def _ask_odds(self) -> None:
        count = self.quantity.value()
        self.generate_button.setText(ntr("Generate {count} code", "Generate {count} codes", count))
        if self.chosen_format:
            self._jobs.start(
                self._batches.odds,
                self.chosen_format,
                count,
                on_done=self._show_odds,
                on_refused=lambda error: self.odds.setText(sentence(error)),
                owner=self,
            )
        else:
            self.odds.clear()

    def _show_odds(self, odds: Odds) -> None:
        """Too easy a pattern is a mistake of its field; the caret stays where it is."""
        words = odds_in_words(odds)
        self.odds.setText(words)
        self.odds.setVisible(odds.allowed)
        for key in ("profile", "format"):
            own = (key == "format") is (self.format.currentData() == OWN)
            self.form.fields[key].set_error("" if odds.allowed or not own else words)
        self.generate_button.setEnabled(odds.allowed)

    def _accept_spec(self) -> None:
        product = self._products.get(self.product.currentData())
        if product is None:
            return
        if self.format.currentData() == OWN and not self.pattern.text().strip():
            self.form.set_error("format", tr("Type a pattern like KX-####-####."))
            return
        variable = product.kind == "variable"
        if variable and self.amount.amount_minor is None:
            self.form.set_error("face_minor", tr("This is no amount. Type something like 200 or 88.50."))
            return
        face_minor = self.amount.amount_minor if variable else None
        self.spec = BatchSpec(product.id, self.quantity.value(), self.chosen_format, face_minor=face_minor)
        self.accept()

    def show_error(self, error: AppError) -> None:
        if not self.form.show_error(error):
            self.banner.show_error(error)


def odds_in_words(odds: Odds) -> str:
    """How likely a year of guessing is to hit one live card, as a person reads it."""
    if not odds.allowed:
        return tr("Too easy to guess: {bits} bits, at least 40 are needed. Add more # signs.", bits=int(odds.bits))
    if odds.chance_per_year < 1e-12:
        chance = tr("less than 1 in a million million")
    elif odds.chance_per_year >= 0.5:
        chance = tr("more likely than not")
    else:
        chance = tr("1 in {number}", number=f"{round(1 / odds.chance_per_year):,}")
    return tr(
        "{bits} bits. Chance that a year of guessing at {rate} tries a second hits one of {cards} cards: {chance}",
        bits=int(odds.bits),
        rate=odds.per_second,
        cards=f"{odds.live_cards:,}",
        chance=chance,
    )
