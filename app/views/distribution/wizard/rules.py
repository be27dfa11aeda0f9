"""`If the department is … give …`: one line a rule, the first that fits decides, the last is for everybody else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.services.catalog import ProductRow
from app.services.distribution import Plan
from app.services.distribution.rows import Group
from app.views.distribution.draft import Choice
from app.views.distribution.wizard.boxes import NOTHING, DepartmentBox, ProductBox
from app.views.theme import set_kind
from app.views.widgets.amount_field import AmountField
from app.views.widgets.pieces import button, icon_button, label, line, row
from app.words import ntr, plain_amount, tr, yuan

AMOUNT_PX, WHEN_PX = 112, 88


class RuleLine(QWidget):
    """One rule, or with `is_rest` what everybody else gets. `changed` after each act, `dropped` to be taken away."""

    changed = Signal()
    dropped = Signal()

    def __init__(self, *, is_rest: bool = False) -> None:
        super().__init__()
        self.is_rest = is_rest
        self.choice = Choice()
        self._products: Mapping[int, ProductRow] = {}
        self.departments, self.product, self.amount = DepartmentBox(), ProductBox(), AmountField()
        self.amount.setFixedWidth(AMOUNT_PX)
        self.amount.setAccessibleName(tr("Amount (yuan)"))
        self.drop_button = icon_button("trash-2", tr("Remove this rule"), self.dropped.emit)
        self.when = label(tr("Everybody else") if is_rest else tr("Department is"), "label")
        self.gives = label(tr("gets"), "label")
        self.note = label("", "note", wrap=True)
        self.when.setMinimumWidth(WHEN_PX)
        across = row(self.when, self.departments, self.gives, self.product, self.amount, self.drop_button)
        across.setStretch(1, 1)
        across.setStretch(3, 1)
        kept = self.drop_button.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.drop_button.setSizePolicy(kept)
        if is_rest:
            self.departments.hide()
            self.drop_button.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(across)
        layout.addWidget(self.note)
        self.departments.ticked.connect(self._take)
        self.product.currentIndexChanged.connect(self._take)
        self.amount.textEdited.connect(self._take)
        self.amount.editingFinished.connect(self._take)

    def show_choice(self, choice: Choice, products: Mapping[int, ProductRow]) -> None:
        self.choice, self._products = choice, products
        self.product.show_products(products, choice.product)
        self._show_amount()

    def show_departments(self, known: Mapping[str, int], taken: Mapping[str, int]) -> None:
        self.departments.show_departments(known, self.choice.departments, taken)

    def show_group(self, group: Group | None, stock: Mapping[tuple[int, int | None], int]) -> None:
        """`120 people · 100 in stock · ¥24,000.00`, or what this line still lacks."""
        product = self.choice.product
        lack = self.lack
        set_kind(self.amount, "error" if self.choice.lacks_amount else "")
        if lack or group is None:
            self.note.setText(lack)
            return
        parts = [ntr("{count} person", "{count} people", group.listed)]
        if product is not None:
            if group.people < group.listed:
                parts.append(ntr("{count} gets a card", "{count} get a card", group.people))
            key = (product.id, self.choice.amount_minor if product.kind == "variable" else None)
            if key in stock:
                parts.append(tr("{count} in stock", count=f"{stock[key]:,}"))
            parts.append(yuan(group.total_minor))
        self.note.setText(" · ".join(parts))

    @property
    def lack(self) -> str:
        """What is missing, as a sentence."""
        product = self.choice.product
        if not self.is_rest and not self.choice.departments:
            return tr("Choose the departments this rule is for.")
        if product is not None and self.choice.lacks_amount:
            return amount_lack(product)
        return ""

    def _take(self) -> None:
        product = self._products.get(int(self.product.currentData() or NOTHING))
        before = self.choice.product
        if product is None or product.kind != "variable":
            amount = None
        elif before is None or before.id != product.id:
            amount = product.face_minor
        else:
            amount = fitting(product, self.amount.amount_minor)
        fresh = Choice(product, amount, () if self.is_rest else self.departments.departments)
        if fresh == self.choice:
            return
        self.choice = fresh
        if product != before:
            self._show_amount()
        self.changed.emit()

    def _show_amount(self) -> None:
        product = self.choice.product
        of_variable_value = product is not None and product.kind == "variable"
        self.amount.setVisible(of_variable_value)
        if product is not None and of_variable_value:
            self.amount.setText(plain_amount(self.choice.amount_minor))
            self.amount.setToolTip(amount_range(product))


class RuleEditor(QWidget):
    """The rules of a draft. `changed` after each act; what a plan counted is shown line by line."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._products: Mapping[int, ProductRow] = {}
        self._known: Mapping[str, int] = {}
        self.lines: list[RuleLine] = []
        self.rest = RuleLine(is_rest=True)
        self.rest.changed.connect(self._follow)
        self._list = QVBoxLayout()
        self._list.setSpacing(12)
        self.add_button = button(tr("Add a rule"), self.add, kind="text", symbol="plus", compact=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(self._list)
        layout.addLayout(row(self.add_button, 0))
        layout.addWidget(line())
        layout.addWidget(self.rest)

    @property
    def rules(self) -> tuple[Choice, ...]:
        return tuple(one.choice for one in self.lines)

    @property
    def lack(self) -> str:
        return next((one.lack for one in (*self.lines, self.rest) if one.lack), "")

    def show_draft(
        self, rules: Sequence[Choice], rest: Choice, *, products: Mapping[int, ProductRow], known: Mapping[str, int]
    ) -> None:
        """`known`: the departments of the list and how many people each has. Others are forgotten."""
        self._products, self._known = products, known
        while len(self.lines) > len(rules):
            self._take_away(self.lines[-1])
        while len(self.lines) < len(rules):
            self._append()
        for shown, choice in zip(self.lines, rules, strict=True):
            there = tuple(name for name in choice.departments if name in known)
            shown.show_choice(replace(choice, departments=there), products)
        self.rest.show_choice(rest, products)
        self._show_departments()

    def add(self) -> None:
        """A further rule; it begins with the first product that no other rule gives."""
        given = {one.choice.product.id for one in self.lines if one.choice.product}
        fresh = next((product for product in self._products.values() if product.id not in given), None)
        product = fresh or next(iter(self._products.values()), None)
        made = self._append()
        amount = product.face_minor if product and product.kind == "variable" else None
        made.show_choice(Choice(product, amount), self._products)
        self._follow()
        if self.isVisible():
            made.departments.setFocus()

    def drop(self, dropped: RuleLine) -> None:
        self._take_away(dropped)
        self._follow()
        (self.lines[-1].departments if self.lines else self.add_button).setFocus()

    def show_plan(self, plan: Plan | None) -> None:
        stock = {(share.product_id, share.amount_minor): share.stock for share in plan.shares} if plan else {}
        every = (*self.lines, self.rest)
        fits = plan is not None and len(plan.groups) == len(every)
        for at, shown in enumerate(every):
            shown.show_group(plan.groups[at] if plan and fits else None, stock)

    def _append(self) -> RuleLine:
        made = RuleLine()
        made.changed.connect(self._follow)
        made.dropped.connect(lambda: self.drop(made))
        self.lines.append(made)
        self._list.addWidget(made)
        return made

    def _take_away(self, gone: RuleLine) -> None:
        self.lines.remove(gone)
        gone.hide()
        gone.deleteLater()

    def _follow(self) -> None:
        self._show_departments()
        self.changed.emit()

    def _show_departments(self) -> None:
        for shown in self.lines:
            others = ((at, one) for at, one in enumerate(self.lines, 1) if one is not shown)
            shown.show_departments(self._known, {name: at for at, one in others for name in one.choice.departments})


def fitting(product: ProductRow, amount_minor: int | None) -> int | None:
    """An amount a card of variable value can have; None for any other."""
    low, high, step = product.min_minor or 0, product.max_minor or 0, product.step_minor or 1
    if amount_minor is None or not low <= amount_minor <= high or (amount_minor - low) % step:
        return None
    return amount_minor


def amount_range(product: ProductRow) -> str:
    low, high = yuan(product.min_minor), yuan(product.max_minor)
    if (product.step_minor or 1) > 1:
        return tr("{low} to {high} in steps of {step}", low=low, high=high, step=yuan(product.step_minor))
    return tr("{low} to {high}", low=low, high=high)


def amount_lack(product: ProductRow) -> str:
    return tr("Type an amount of {range}.", range=amount_range(product))
