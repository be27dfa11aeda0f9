"""分配: which product, how much on each card, who is left out because they have it already, what stock lacks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QCheckBox, QGridLayout, QLineEdit, QWidget

from app.services.batches import BatchSpec
from app.services.catalog import ProductRow
from app.services.distribution import DistributionSpec, Plan
from app.services.progress import Progress
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.choice_tile import ChoiceTile
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.amount_field import AmountField
from app.views.widgets.banner import Banner
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, label
from app.views.widgets.progress_panel import ProgressPanel
from app.vocabulary import KINDS, word
from app.words import day, ntr, tr, yuan

ACROSS = 3
AMOUNT_PX = 280
SYMBOLS = {"fixed": "credit-card", "variable": "wallet", "exchange": "ticket", "supplier": "key-round"}


class AssignStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Assign"), tr("One product for everybody on the list"), parts, jobs=jobs)
        self.plan: Plan | None = None
        self._products: dict[int, ProductRow] = {}
        self._tiles: dict[int, ChoiceTile] = {}
        self.group = QButtonGroup(self)
        self.group.idToggled.connect(lambda product_id, on: self.choose(product_id) if on else None)
        self.shortage, self.progress = Banner(), ProgressPanel()
        self.grid = QGridLayout()
        self.grid.setSpacing(8)
        for at in range(ACROSS):
            self.grid.setColumnStretch(at, 1)
        self.products_card = Card(tr("What everybody gets"))
        self.products_card.body.addLayout(self.grid)
        self.none_yet = EmptyState(
            "package",
            tr("No products yet"),
            hint=tr("Make what you want to give first"),
            act=(tr("New product"), lambda: self.page_wanted.emit("catalog", "new")),
        )
        self.amount, self.name, self.note = AmountField(), QLineEdit(), QLineEdit()
        self.amount_form, self.form = Form(), Form(columns=2)
        self.amount_form.setMaximumWidth(AMOUNT_PX)
        self.amount_form.add("amount", tr("Amount for each person (yuan)"), self.amount)
        self.form.add("name", tr("Name of this distribution"), self.name)
        self.form.add("note", tr("Note for the receivers"), self.note, hint=tr("Stands in the mail or the file"))
        self.again = QCheckBox()
        self.given = label("", "muted", wrap=True)
        self.details = Card()
        for detail in (self.amount_form, self.form, self.given, self.again):
            self.details.body.addWidget(detail)
        for part in (self.shortage, self.progress, self.products_card, self.none_yet, self.details):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.none_yet.hide()
        self.amount.editingFinished.connect(self._take_amount)
        self.name.textEdited.connect(lambda text: self.change(name=text.strip()))
        self.note.textEdited.connect(lambda text: self.change(note=text.strip()))
        self.again.toggled.connect(self._allow_again)

    # --- what the frame asks ---

    def take(self, draft: Draft) -> None:
        super().take(draft)
        self.name.setText(draft.name)
        self.note.setText(draft.note)
        self.again.blockSignals(True)
        self.again.setChecked(draft.allow_again)
        self.again.blockSignals(False)
        self.details.setVisible(draft.product is not None)
        self._reload()

    @property
    def lack(self) -> str:
        plan = self.plan
        if self.draft.product is None:
            return tr("Choose what everybody gets.")
        if self._needs_amount and self.draft.amount_minor is None:
            return tr("Type the amount for each person.")
        if not self.draft.name:
            return tr("Give this distribution a name.")
        if plan is None:
            return tr("Still counting; a moment.")
        if not plan.people:
            return tr("Nobody is left: everybody has this benefit already.")
        if plan.missing:
            return ntr(
                "{count} card is missing. Generate it first.",
                "{count} cards are missing. Generate them first.",
                plan.missing,
            )
        return ""

    @property
    def totals(self) -> str:
        plan = self.plan
        if plan is None or self.draft.product is None:
            return ntr("{count} person", "{count} people", len(self.draft.person_ids))
        people = ntr("{count} person", "{count} people", plan.people)
        stock = tr("{count} in stock", count=f"{plan.stock:,}")
        return f"{people} · {yuan(plan.total_minor)} · {stock}"

    @property
    def first(self) -> QWidget | None:
        chosen = self._tiles.get(self.draft.product.id) if self.draft.product else None
        return chosen or next(iter(self._tiles.values()), None)

    @property
    def is_faulty(self) -> bool:
        return self.plan is not None and bool(self.plan.missing)

    # --- choosing ---

    def choose(self, product_id: int) -> None:
        product = self._products.get(product_id)
        if product is None or (self.draft.product and self.draft.product.id == product_id):
            return
        before = self.draft.product
        amount = product.face_minor if product.kind == "variable" else None
        proposed = _proposed_name(product)
        name = proposed if not self.draft.name or (before and self.draft.name == _proposed_name(before)) else None
        self.name.setText(name or self.draft.name)
        self.change(product=product, amount_minor=amount, name=name or self.draft.name)
        self._show_amount()
        self.details.show()
        self._count()

    def generate(self) -> None:
        """Make the cards that stock lacks, here and now."""
        product, plan = self.draft.product, self.plan
        if product is None or plan is None or not plan.missing:
            return
        amount, missing = self.draft.amount_minor, plan.missing

        def work(progress: Progress) -> int:
            batches = self.parts.batches.batches(product_id=product.id)
            usual = next((batch.format for batch in batches if batch.source == "generated"), "STANDARD")
            spec = BatchSpec(product.id, missing, usual, face_minor=amount)
            return self.parts.batches.generate(spec, progress)

        title = ntr("Generate {count} code", "Generate {count} codes", missing)
        job = self.jobs.start(
            work, title=title, watch=True, on_done=self._made, on_refused=self.refused.emit, owner=self
        )
        self.shortage.clear()
        self.progress.watch(job)

    def _made(self, _: object) -> None:
        self.progress.hide()
        self._reload()

    def _take_amount(self) -> None:
        product, amount = self.draft.product, self.amount.amount_minor
        if product is None or not self._needs_amount or amount == self.draft.amount_minor:
            return
        low, high = product.min_minor or 0, product.max_minor or 0
        if amount is None or not low <= amount <= high:
            self.amount_form.set_error(
                "amount", tr("Type an amount from {low} to {high}.", low=yuan(low), high=yuan(high))
            )
            self.change(amount_minor=None)
            return
        self.change(amount_minor=amount)
        self._count()

    def _allow_again(self, on: bool) -> None:
        self.change(allow_again=on)
        self._count()

    # --- counting and showing ---

    @property
    def _needs_amount(self) -> bool:
        return self.draft.product is not None and self.draft.product.kind == "variable"

    def _reload(self) -> None:
        self.jobs.start(self.parts.catalog.products, on_done=self._show_products, owner=self)

    def _show_products(self, products: list[ProductRow]) -> None:
        had_focus = any(tile.hasFocus() for tile in self._tiles.values())
        self._products = {product.id: product for product in products}
        for tile in self._tiles.values():
            self.group.removeButton(tile)
            tile.hide()
            tile.deleteLater()
        self._tiles = {product.id: _tile(product) for product in products}
        for at, (product_id, tile) in enumerate(self._tiles.items()):
            self.group.addButton(tile, product_id)
            self.grid.addWidget(tile, at // ACROSS, at % ACROSS)
        self.none_yet.setVisible(not products)
        self.products_card.setVisible(bool(products))
        chosen = self._products.get(self.draft.product.id) if self.draft.product else None
        if chosen is not None:
            self.group.blockSignals(True)
            self._tiles[chosen.id].setChecked(True)
            self.group.blockSignals(False)
            self.change(product=chosen)
            self._show_amount()
            self._count()
        elif len(products) == 1:
            self._tiles[products[0].id].setChecked(True)
        if self.first is not None and self.isVisible() and (had_focus or self.draft.product is None):
            self.first.setFocus()
        self.looked.emit()

    def _show_amount(self) -> None:
        product = self.draft.product
        self.amount_form.setVisible(self._needs_amount)
        if product is not None and self._needs_amount:
            self.amount.setText(AmountField(self.draft.amount_minor).text())
            low, high = yuan(product.min_minor), yuan(product.max_minor)
            self.amount_form.fields["amount"].set_hint(tr("{low} to {high}", low=low, high=high))

    def _count(self) -> None:
        """Ask what the spec would do; how it leaves the house does not matter yet."""
        self.plan = None
        if self.draft.product is None or (self._needs_amount and self.draft.amount_minor is None):
            self.looked.emit()
            return
        draft = self.draft
        spec = plan_spec(draft)

        def done(plan: Plan) -> None:
            if plan_spec(self.draft) == spec:
                self.plan = plan
                self._show_plan(plan)

        self.jobs.start(self.parts.distribution.preview, spec, on_done=done, on_refused=self.refused.emit, owner=self)
        self.looked.emit()

    def _show_plan(self, plan: Plan) -> None:
        skipped = len(plan.skipped)
        self.given.setVisible(bool(skipped))
        self.given.setText(
            ntr(
                "{count} person is left out: has this benefit already, or has left",
                "{count} people are left out: they have this benefit already, or have left",
                skipped,
            )
        )
        self.again.setVisible(bool(skipped) or self.draft.allow_again)
        self.again.setText(tr("Also give a second card to those who have this benefit"))
        self.shortage.clear()
        if plan.missing:
            self._say_shortage(plan)
        self.looked.emit()

    def _say_shortage(self, plan: Plan) -> None:
        words = tr(
            "{stock} in stock, {people} are needed: {missing} are missing",
            stock=f"{plan.stock:,}",
            people=f"{plan.people:,}",
            missing=f"{plan.missing:,}",
        )
        if self.draft.product is not None and self.draft.product.kind == "supplier":
            go: tuple[str, Callable[[], object]] = (
                tr("Import codes"),
                lambda: self.page_wanted.emit("batches", None),
            )
        else:
            go = (ntr("Generate {count} card", "Generate {count} cards", plan.missing), self.generate)
        self.shortage.say("warn", words, action=go, closable=False)


def plan_spec(draft: Draft) -> DistributionSpec:
    """The spec to count with: before a channel is chosen everybody can be reached."""
    spec = replace(draft.spec, channel="file", out_folder=Path(), scheduled_at=None, pace_per_10min=None)
    return replace(spec, name="-", note="", template=None)


def _tile(product: ProductRow) -> ChoiceTile:
    amount = yuan(product.face_minor) if product.face_minor else word(KINDS, product.kind)
    stock = tr("{count} in stock", count=f"{product.in_stock:,}")
    return ChoiceTile(SYMBOLS.get(product.kind, "package"), product.name, amount, stock, warns=not product.in_stock)


def _proposed_name(product: ProductRow) -> str:
    return f"{product.name} {day(datetime.now(UTC))}"
