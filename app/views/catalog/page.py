"""商品: what is sold or given."""

from array import array
from collections.abc import Sequence
from functools import partial

from PySide6.QtWidgets import QMenu

from app.services.catalog import CatalogService, ProductRow
from app.services.list_views import ListViewService
from app.topics import Topic
from app.views.catalog.product_dialog import ProductDialog
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.toast import toast
from app.vocabulary import KINDS, word
from app.words import NO_DATA, day, ntr, tr


class CatalogPage(ListPage):
    """Products on the shelf. Enter edits; the menu makes codes or puts away."""

    def __init__(
        self, catalog: CatalogService, *, jobs: JobRunner, changes: Changes, views: ListViewService | None = None
    ) -> None:
        self._catalog = catalog
        self._rows: dict[int, ProductRow] = {}
        super().__init__(
            tr("Products"),
            tr("What you sell or give"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.CATALOG, Topic.BATCHES, Topic.CARDS),
            columns=(
                Column("name", tr("Name"), 128, stretch=True, sortable=True),
                Column("kind", tr("Kind"), 142, value=lambda row: word(KINDS, row.kind)),
                Column("face_minor", tr("Face value (yuan)"), 132, Kind.MONEY, sortable=True),
                Column("in_stock", tr("Stock"), 62, Kind.COUNT, sortable=True),
                Column("issued", tr("Issued"), 66, Kind.COUNT, sortable=True),
                Column("redeemed", tr("Redeemed rate"), 120, Kind.SHARE, value=_rate),
                Column("validity", tr("Validity"), 122, value=_validity, roomy=True),
            ),
            load=self._ids,
            fetch=self._fetch,
            sort=("id", True),
            views=views,
        )
        self.header.add_primary(tr("New product"), self.add, shortcut="Ctrl+N")
        self.header.add_more(tr("Copy product"), self.copy, symbol="copy", shortcut="Ctrl+D")
        self.table.opened.connect(self.change)
        self.table.set_menu(self._fill_menu)
        self.offer_bulk().add_act(tr("Put away"), self.put_away, symbol="archive-restore")
        self.table.set_empty(
            EmptyState(
                "package", tr("Make a product first"), hint=tr("It takes 30 seconds"), act=(tr("New product"), self.add)
            )
        )
        self.reload()

    def show_wanted(self, wanted: object) -> None:
        """`new` opens the dialog of a new product."""
        if wanted == "new":
            self.add()

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

        def move(*, archived: bool) -> None:
            for product_id in ids:
                self._catalog.archive(product_id, archived=archived)

        def done(_: object) -> None:
            words = ntr("{count} product put away", "{count} products put away", len(ids))
            toast(self, words, undo=lambda: self.jobs.start(partial(move, archived=False)))

        self.jobs.start(partial(move, archived=True), on_done=done, on_refused=self.banner.show_error, owner=self)

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        if len(ids) > 1:
            menu.addAction(tr("Put away"), lambda: self.put_away(ids))
            return
        first = ids[0]
        product = self._rows.get(first)
        if product is not None and product.kind != "supplier":
            menu.addAction(tr("Generate codes"), lambda: self.page_wanted.emit("batches", ("generate", first)))
        elif product is not None:
            menu.addAction(tr("Import codes"), lambda: self.page_wanted.emit("batches", ("import", first)))
        menu.addAction(tr("Show cards"), lambda: self.page_wanted.emit("cards", {"product_id": first}))
        menu.addAction(tr("Change"), lambda: self.change(first))
        menu.addAction(tr("Put away"), lambda: self.put_away([first]))

    def _ids(self, sort: str, descending: bool) -> Sequence[int]:  # ListPage's shape
        rows = self._catalog.products()
        self._rows = {row.id: row for row in rows}
        if sort != "id":
            rows = sorted(rows, key=lambda row: (getattr(row, sort) is None, getattr(row, sort)), reverse=descending)
        return [row.id for row in rows]

    def _fetch(self, ids: Sequence[int]) -> list[ProductRow]:
        return [self._rows[product_id] for product_id in ids if product_id in self._rows]


def _rate(row: ProductRow) -> str:
    """Who redeems a supplier's code is the supplier: nothing is known here."""
    known = row.issued and row.kind != "supplier"
    return f"{row.redeemed / row.issued:.1%}" if known else NO_DATA


def _validity(row: ProductRow) -> str:
    if row.valid_until is not None:
        return day(row.valid_until)
    return tr("{days} days", days=row.valid_days) if row.valid_days else tr("Does not expire")
