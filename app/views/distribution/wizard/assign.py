"""分配: who gets which product and how much of it, what that comes to, what stock and budget say to it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLineEdit, QRadioButton, QWidget

from app.services.batches import BatchSpec
from app.services.catalog import ProductRow
from app.services.distribution import DistributionSpec, Plan
from app.services.progress import Progress
from app.views.distribution.draft import Choice, Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.limits import Limits
from app.views.distribution.wizard.product_tiles import ProductTiles
from app.views.distribution.wizard.rules import RuleEditor, amount_lack, amount_range, fitting
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.amount_field import AmountField
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.form import Form
from app.views.widgets.pieces import Card, label, row
from app.views.widgets.progress_panel import ProgressPanel
from app.words import day, ntr, plain_amount, tr, yuan

AMOUNT_PX = 280
LONGEST_NAME = 40
TYPING_MS = 400
"""After so long without a key a sum counts as typed."""


class AssignStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Assign"), tr("Who gets what, and what it comes to"), parts, jobs=jobs)
        self.plan: Plan | None = None
        self._products: dict[int, ProductRow] = {}
        self._known: dict[str, int] = {}
        self.limits, self.progress = Limits(), ProgressPanel()
        self._lay_out_gifts()
        self._lay_out_details()
        for part in (self.limits, self.progress, self.products_card, self.none_yet, self.all_away, self.details):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.none_yet.hide()
        self.all_away.hide()
        self.limits.generate_wanted.connect(self.generate)
        self.limits.import_wanted.connect(lambda: self.page_wanted.emit("batches", None))
        self.limits.accepted.connect(self.accept_over)
        self.tiles.chosen.connect(self.choose)
        self.by_department.toggled.connect(self.take_way)
        self.editor.changed.connect(self._take_rules)
        self.amount.textEdited.connect(self._take_amount)
        self.amount.editingFinished.connect(self._say_amount)
        self.budget.textEdited.connect(self._take_budget)
        self.budget.editingFinished.connect(self._say_budget)
        self._pause = QTimer(self, interval=TYPING_MS, singleShot=True)
        self._pause.timeout.connect(self._say_limits)
        self.name.textEdited.connect(lambda text: self.change(name=text.strip()))
        self.note.textEdited.connect(lambda text: self.change(note=text.strip()))
        self.again.toggled.connect(self._allow_again)

    # --- what the frame asks ---

    def take(self, draft: Draft) -> None:
        super().take(draft)
        self.name.setText(draft.name)
        self.note.setText(draft.note)
        self.budget.setText(plain_amount(draft.budget_minor))
        for box, on in ((self.again, draft.allow_again), (self.by_department, draft.by_rules)):
            box.blockSignals(True)
            box.setChecked(on)
            box.blockSignals(False)
        self.one_for_all.setChecked(not draft.by_rules)
        self.look_again()

    @property
    def lack(self) -> str:
        if words := self._lack_of_gifts:
            return words
        if self.budget.is_mistyped:
            return tr("The budget is no amount. Type something like 100000 or leave it empty.")
        return self._lack_of_plan if self.draft.name else tr("Give this distribution a name.")

    @property
    def _lack_of_gifts(self) -> str:
        draft = self.draft
        if draft.by_rules and self.editor.lack:
            return self.editor.lack
        if not any(one.product for one in draft.choices_made):
            return tr("Nobody gets anything yet. Choose a product.") if draft.by_rules else tr("Choose a product.")
        return tr("Type the amount for each person.") if draft.rest.lacks_amount else ""

    @property
    def _lack_of_plan(self) -> str:
        plan = self.plan
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
        limit = self.draft.limit_minor
        if limit is not None and plan.total_minor > limit:
            return tr("The cards come to more than the budget. Change the amounts, or give them all the same.")
        return ""

    @property
    def totals(self) -> str:
        plan = self.plan
        if plan is None:
            return ntr("{count} person", "{count} people", len(self.draft.person_ids))
        people = ntr("{count} person", "{count} people", plan.people)
        given = {share.product_id for share in plan.shares}
        stock = tr("{count} in stock", count=f"{plan.stock:,}")
        last = ntr("{count} product", "{count} products", len(given)) if len(given) > 1 else stock
        return f"{people} · {yuan(plan.total_minor)} · {last}"

    @property
    def first(self) -> QWidget | None:
        if self.draft.by_rules:
            return self.editor.lines[0].departments if self.editor.lines else self.editor.add_button
        return self.tiles.first(self.draft.rest.product.id if self.draft.rest.product else None)

    @property
    def is_faulty(self) -> bool:
        return self.plan is not None and bool(self.plan.missing)

    # --- choosing ---

    @property
    def group(self) -> QButtonGroup:
        return self.tiles.group

    def choose(self, product_id: int) -> None:
        """One product for everybody."""
        product, before = self._products.get(product_id), self.draft.rest.product
        if product is None or (before and before.id == product_id):
            return
        self._put(rest=Choice(product, product.face_minor if product.kind == "variable" else None))

    def take_way(self, by_rules: bool) -> None:
        """One product for all, or rules. What was chosen for all is what everybody else gets."""
        if by_rules == self.draft.by_rules:
            return
        self._put(by_rules=by_rules)
        if by_rules:
            self._show_rules()
            if not self.draft.rules:
                self.editor.add()
        else:
            self._show_tiles()

    def generate(self) -> None:
        """Make the cards that stock lacks, here and now, of each product and face."""
        missing = [share for share in self.plan.shares if share.missing] if self.plan else []
        made = [share for share in missing if share.kind != "supplier"]
        if not made:
            return
        batches = self.parts.batches

        def work(progress: Progress) -> None:
            for share in made:
                earlier = batches.batches(product_id=share.product_id)
                usual = next((batch.format for batch in earlier if batch.source == "generated"), "STANDARD")
                batches.generate(
                    BatchSpec(share.product_id, share.missing, usual, face_minor=share.amount_minor), progress
                )

        count = sum(share.missing for share in made)
        job = self.jobs.start(
            work,
            title=ntr("Generate {count} code", "Generate {count} codes", count),
            watch=True,
            on_done=self._made,
            on_refused=self.refused.emit,
            owner=self,
        )
        self.limits.clear()
        self.progress.watch(job)

    def accept_over(self) -> None:
        """Give the cards although they come to more than the budget."""
        if self.plan is not None:
            self.change(accepted_minor=self.plan.total_minor)
            self._say_limits()

    def _made(self, _: object) -> None:
        self.progress.hide()
        self.look_again()

    def _take_rules(self) -> None:
        self._put(rules=self.editor.rules, rest=self.editor.rest.choice)

    def _take_amount(self) -> None:
        product, amount = self.draft.rest.product, self.amount.amount_minor
        if product is None or product.kind != "variable" or amount == self.draft.rest.amount_minor:
            return
        self._put(rest=Choice(product, fitting(product, amount)))

    def _say_amount(self) -> None:
        """Once it is typed, what is wrong with it."""
        self._take_amount()
        product = self.draft.rest.product
        if product is not None and self.draft.rest.lacks_amount:
            self.amount_form.fields["amount"].set_error(amount_lack(product))

    def _take_budget(self) -> None:
        budget = self.budget.amount_minor
        if budget != self.draft.budget_minor:
            self.change(budget_minor=budget, accepted_minor=None)
            self._pause.start()

    def _say_budget(self) -> None:
        self._take_budget()
        words = tr("This is no amount. Type something like 200 or 88.50.") if self.budget.is_mistyped else ""
        self.form.fields["budget"].set_error(words)
        self._pause.stop()
        self._say_limits()

    def _allow_again(self, on: bool) -> None:
        self._put(allow_again=on)

    def _put(self, **values: object) -> None:
        """Into the draft; a name nobody typed follows, and everything is counted anew."""
        before = _proposed_name(self.draft)
        fresh = replace(self.draft, **values)  # type: ignore[arg-type]  # names of a draft
        if not self.draft.name or self.draft.name == before:
            values["name"] = _proposed_name(fresh)
            self.name.setText(str(values["name"]))
            self.name.setCursorPosition(0)
        self.change(**values)
        self._follow_way()
        self._count()

    # --- counting and showing ---

    def look_again(self) -> None:
        ids = self.draft.person_ids

        def work() -> tuple[list[ProductRow], dict[str, int]]:
            return self.parts.catalog.products(archived=None), self.parts.distribution.departments(ids)

        self.jobs.start(work, on_done=self._show_found, owner=self)

    def _show_found(self, found: tuple[list[ProductRow], dict[str, int]]) -> None:
        every, self._known = found
        products = [product for product in every if not product.archived]
        had_focus = self.tiles.has_focus
        self._products = {product.id: product for product in products}
        draft = self.draft
        self.change(rest=self._fresh(draft.rest), rules=tuple(self._fresh(rule) for rule in draft.rules))
        self.none_yet.setVisible(not every)
        self.all_away.setVisible(bool(every) and not products)
        self.products_card.setVisible(bool(products))
        self._show_tiles()
        self._show_rules()
        if self.draft.rest.product is None and not self.draft.by_rules and len(products) == 1:
            self.choose(products[0].id)
            self._show_tiles()
        self._follow_way()
        self._count()
        if self.first is not None and self.isVisible() and (had_focus or self.draft.rest.product is None):
            self.first.setFocus()

    def _fresh(self, choice: Choice) -> Choice:
        """The same product as it stands now; one that was put away is nothing."""
        product = self._products.get(choice.product.id) if choice.product else None
        there = tuple(name for name in choice.departments if name in self._known)
        return Choice(product, choice.amount_minor if product else None, there)

    def _show_tiles(self) -> None:
        chosen = self.draft.rest.product
        self.tiles.show_products(list(self._products.values()), chosen.id if chosen else None)

    def _show_rules(self) -> None:
        self.editor.show_draft(self.draft.rules, self.draft.rest, products=self._products, known=self._known)

    def _follow_way(self) -> None:
        """What is on the page for the way that was chosen."""
        draft, product = self.draft, self.draft.rest.product
        self.tiles.setVisible(not draft.by_rules)
        self.editor.setVisible(draft.by_rules)
        self.details.setVisible(any(one.product for one in draft.choices_made))
        needs_amount = not draft.by_rules and product is not None and product.kind == "variable"
        self.amount_form.setVisible(needs_amount)
        if product is not None and needs_amount:
            if draft.rest.amount_minor not in (None, self.amount.amount_minor):
                self.amount.setText(plain_amount(draft.rest.amount_minor))
            self.amount_form.fields["amount"].set_hint(amount_range(product))

    def _count(self) -> None:
        """Ask what the spec would do; how it leaves the house does not matter yet."""
        self.plan = None
        self.editor.show_plan(None)
        if self._lack_of_gifts:
            self.limits.clear()
            self.looked.emit()
            return
        spec = plan_spec(self.draft)

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
        self.editor.show_plan(plan)
        self._say_limits()

    def _say_limits(self) -> None:
        if self.plan is not None:
            draft = self.draft
            self.limits.show_plan(self.plan, budget_minor=draft.budget_minor, limit_minor=draft.limit_minor)
        self.looked.emit()

    # --- set-up ---

    def _lay_out_gifts(self) -> None:
        self.one_for_all = QRadioButton(tr("One product for everybody"))
        self.by_department = QRadioButton(tr("By department"))
        self.tiles, self.editor = ProductTiles(), RuleEditor()
        self.products_card = Card(tr("What people get"))
        self.products_card.body.addLayout(row(self.one_for_all, self.by_department, 0, spacing=24))
        self.products_card.body.addWidget(self.tiles)
        self.products_card.body.addWidget(self.editor)
        self.none_yet = EmptyState(
            "package",
            tr("No products yet"),
            hint=tr("Make what you want to give first"),
            act=(tr("New product"), lambda: self.page_wanted.emit("catalog", "new")),
        )
        self.all_away = EmptyState(
            "package",
            tr("All products are put away"),
            hint=tr("Put back what you want to give"),
            act=(tr("Show what was put away"), lambda: self.page_wanted.emit("catalog", {"state": "away"})),
        )

    def _lay_out_details(self) -> None:
        self.amount, self.name, self.note, self.budget = AmountField(), QLineEdit(), QLineEdit(), AmountField()
        self.amount_form, self.form = Form(), Form(columns=2)
        self.amount_form.add("amount", tr("Amount for each person (yuan)"), self.amount)
        self.form.add("name", tr("Name of this distribution"), self.name)
        self.form.add("budget", tr("Budget (yuan)"), self.budget, hint=tr("May stay empty"))
        self.form.add("note", tr("Note for the receivers"), self.note, hint=tr("Stands in the mail or the file"))
        self.again = QCheckBox(tr("Also give a second card to those who have this benefit"))
        self.given = label("", "muted", wrap=True)
        self.details = Card()
        self.details.body.addLayout(self.amount_form.within(AMOUNT_PX))
        for detail in (self.form, self.given, self.again):
            self.details.body.addWidget(detail)


def plan_spec(draft: Draft) -> DistributionSpec:
    """The spec to count with: before a channel is chosen everybody can be reached."""
    spec = replace(draft.spec, channel="file", out_folder=Path(), scheduled_at=None, pace=None, budget_minor=None)
    return replace(spec, name="-", note="", template=None)


def _proposed_name(draft: Draft) -> str:
    """`Mid-Autumn card 2026-09-25`; of several products the first, where all their names are too long."""
    names = list(dict.fromkeys(one.product.name for one in draft.choices_made if one.product))
    if not names:
        return ""
    every, more = tr(", ").join(names), len(names) - 1
    if len(every) > LONGEST_NAME and more:
        every = tr("{product} and {count} more", product=names[0], count=more)
    return f"{every} {day(datetime.now(UTC))}"
