"""商品: what is sold or given."""

from array import array
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtWidgets import QMenu, QWidget

from app.services.catalog import CatalogService, ProductRow
from app.services.list_views import ListViewService
from app.services.people.pinyin import spelled
from app.services.removals import RemovalService
from app.topics import Topic
from app.views.catalog.product_dialog import ProductDialog
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.bin_acts import BinActs
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.flow import Flow
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.toast import toast
from app.vocabulary import KINDS, Words, word
from app.words import NO_DATA, day, ntr, tr

SHELF: Words = {"": "On the shelf", "away": "Put away", "all": "All products"}
"""The first is what the list shows by itself."""


class CatalogPage(ListPage):
    """Products on the shelf. Enter edits; the menu makes codes or puts away."""

    def __init__(
        self,
        catalog: CatalogService,
        removals: RemovalService,
        *,
        jobs: JobRunner,
        changes: Changes,
        views: ListViewService | None = None,
    ) -> None:
        self._catalog = catalog
        self._rows: dict[int, ProductRow] = {}
        super().__init__(
            tr("Products"),
            tr("What you sell or give"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.CATALOG, Topic.BATCHES, Topic.CARDS),
            columns=_columns(),
            load=self._ids,
            fetch=self._fetch,
            sort=("id", True),
            views=views,
        )
        self._add_filters()
        self.header.add_primary(tr("New product"), self.add, shortcut="Ctrl+N")
        self.header.add_more(tr("Copy product"), self.copy, symbol="copy", shortcut="Ctrl+D")
        self.table.opened.connect(self.change)
        self.table.set_menu(self._fill_menu)
        bulk = self.offer_bulk()
        bulk.add_act(tr("Put away"), self.put_away, symbol="package")
        self.bin = BinActs(self, removals, "product", bulk=bulk)
        self._all_away = self._told_away = False
        self._show_empty()
        self.table.rows.modelReset.connect(self._follow_shelf)
        self.reload()

    def show_wanted(self, wanted: object) -> None:
        """`new` opens the dialog of a new product; a question narrows the list."""
        if wanted == "new":
            self.add()
        elif isinstance(wanted, Mapping):
            self.show_question(wanted)

    def question(self) -> dict[str, Any]:
        kept = {"kind": self.kind_box.currentData(), "state": self.state_box.currentData()}
        return {key: value for key, value in kept.items() if value}

    def show_question(self, question: Mapping[str, Any]) -> None:
        show_choice(self.kind_box, question.get("kind"))
        show_choice(self.state_box, question.get("state"))
        self._narrow()

    def _add_filters(self) -> None:
        self.kind_box = choice_box(tr("Kind"), tr("All kinds"), KINDS)
        self.state_box = choice_box(tr("State"), word(SHELF, ""), {"away": SHELF["away"], "all": SHELF["all"]})
        self.chips = ChipBar()
        boxes = QWidget()
        boxes.setLayout(Flow(self.kind_box, self.state_box, self.chips))
        self.body.insertWidget(0, boxes)
        for box in (self.kind_box, self.state_box):
            box.currentIndexChanged.connect(self._narrow)
        self.chips.removed.connect(lambda key: self.show_question(self.question() | {key: ""}))
        self.chips.cleared.connect(lambda: self.show_question({}))

    def _narrow(self) -> None:
        pairs = (("kind", tr("Kind"), self.kind_box), ("state", tr("State"), self.state_box))
        self.chips.show_chips([Chip(key, title, box.currentText()) for key, title, box in pairs if box.currentData()])
        self._show_empty()
        self.reload()

    def _follow_shelf(self) -> None:
        if self._told_away != self._all_away:
            self._show_empty()

    def _show_empty(self) -> None:
        self._told_away = self._all_away
        if self.question():
            self.table.set_empty(EmptyState("package", tr("No such product"), hint=tr("Take a filter away")))
            return
        new = (tr("New product"), self.add)
        if self._all_away:
            look = (tr("Show what was put away"), lambda: self.show_question({"state": "away"}))
            self.table.set_empty(EmptyState("package", tr("All products are put away"), act=look, link=new))
            return
        self.table.set_empty(EmptyState("package", tr("Make a product first"), hint=tr("It takes 30 seconds"), act=new))

    def add(self) -> None:
        dialog = ProductDialog(self, self._catalog, self.jobs)
        dialog.accepted.connect(self.refresh)
        dialog.open()

    def copy(self) -> None:
        """A new product that begins as the one the cursor is on."""
        product = self._rows.get(self.table.current_id() or 0)
        if product is None:
            self.banner.say("info", tr("Choose a product in the list first."))
            return
        dialog = ProductDialog(self, self._catalog, self.jobs, like=product)
        dialog.accepted.connect(self.refresh)
        dialog.open()

    def change(self, product_id: int) -> None:
        product = self._rows.get(product_id)
        if product is not None:
            dialog = ProductDialog(self, self._catalog, self.jobs, product=product)
            dialog.accepted.connect(self.refresh)
            dialog.open()

    def put_away(self, ids: Sequence[int]) -> None:
        """No question asked: the toast brings them back."""
        self._move(ids, archived=True)

    def put_back(self, ids: Sequence[int]) -> None:
        self._move(ids, archived=False)

    def _move(self, ids: Sequence[int], *, archived: bool) -> None:
        def move(*, archived: bool) -> list[int]:
            moved = [row.id for row in self._catalog.products(archived=not archived) if row.id in ids]
            for product_id in moved:
                self._catalog.archive(product_id, archived=archived)
            return moved

        def done(moved: list[int]) -> None:
            words = ntr("{count} product put back", "{count} products put back", len(moved))
            if archived:
                words = ntr("{count} product put away", "{count} products put away", len(moved))
            toast(self, words, undo=lambda: self.jobs.start(partial(move, archived=not archived)))

        self.jobs.start(partial(move, archived=archived), on_done=done, on_refused=self.banner.show_error, owner=self)

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        if len(ids) > 1:
            menu.addAction(tr("Put away"), lambda: self.put_away(ids))
            menu.addAction(tr("Put back"), lambda: self.put_back(ids))
            self.bin.offer(menu, ids)
            return
        first = ids[0]
        product = self._rows.get(first)
        if product is not None and product.kind != "supplier":
            menu.addAction(tr("Generate codes"), lambda: self.page_wanted.emit("batches", ("generate", first)))
        elif product is not None:
            menu.addAction(tr("Import codes"), lambda: self.page_wanted.emit("batches", ("import", first)))
        menu.addAction(tr("Show cards"), lambda: self.page_wanted.emit("cards", {"product_id": first}))
        menu.addAction(tr("Change"), lambda: self.change(first))
        if product is not None and product.archived:
            menu.addAction(tr("Put back"), lambda: self.put_back([first]))
        else:
            menu.addAction(tr("Put away"), lambda: self.put_away([first]))
        self.bin.offer(menu, [first])

    def _ids(self, sort: str, descending: bool) -> Load:  # ListPage's shape
        archived = {"": False, "away": True}.get(str(self.state_box.currentData()))
        kind = str(self.kind_box.currentData()) or None

        def load() -> Sequence[int]:
            every = self._catalog.products(archived=None, kind=kind)
            rows = [row for row in every if archived is None or row.archived is archived]
            self._all_away = bool(every) and not rows
            self._rows |= {row.id: row for row in rows}  # an answer that is overtaken takes no rows away
            if sort != "id":
                rows = sorted(rows, key=lambda row: _place(getattr(row, sort)), reverse=descending)
            return [row.id for row in rows]

        return load

    def _fetch(self, ids: Sequence[int]) -> list[ProductRow]:
        return [self._rows[product_id] for product_id in ids if product_id in self._rows]


def _place(value: Any) -> tuple[bool, Any]:
    """Names by how they are read; what has no value comes after what has one."""
    return value is None, spelled(value) if isinstance(value, str) else value


def _columns() -> tuple[Column, ...]:
    return (
        Column("name", tr("Name"), 128, stretch=True, sortable=True),
        Column("kind", tr("Kind"), 142, value=lambda row: word(KINDS, row.kind)),
        Column("face_minor", tr("Face value (yuan)"), 132, Kind.MONEY, sortable=True),
        Column("in_stock", tr("Stock"), 62, Kind.COUNT, sortable=True),
        Column("issued", tr("Issued"), 66, Kind.COUNT, sortable=True),
        Column("redeemed", tr("Redemption rate"), 120, Kind.SHARE, value=_rate),
        Column("validity", tr("Validity"), 122, value=_validity, roomy=True),
    )


def _rate(row: ProductRow) -> str:
    """Who redeems a supplier's code is the supplier: nothing is known here."""
    known = row.issued and row.kind != "supplier"
    return f"{row.redeemed / row.issued:.1%}" if known else NO_DATA


def _validity(row: ProductRow) -> str:
    if row.valid_until is not None:
        return day(row.valid_until)
    return tr("{days} days", days=row.valid_days) if row.valid_days else tr("Does not expire")
