"""卡密批次: make and control codes."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtWidgets import QMenu

from app.services.batches import BatchRow, BatchService, BatchSpec
from app.services.catalog import CatalogService, ProductRow
from app.services.exports import ExportService
from app.services.leases import LeaseService, Reach
from app.services.list_views import ListViewService
from app.services.progress import Progress
from app.services.removals import RemovalService
from app.services.supplier_imports import SupplierImportService
from app.topics import Topic
from app.views.batches.export_dialog import ExportDialog
from app.views.batches.filters import BatchFilters
from app.views.batches.generate_dialog import GenerateDialog
from app.views.batches.import_dialog import ImportDialog
from app.views.batches.stopping import freezing_words, frozen_words
from app.views.changes import Changes
from app.views.jobs import Job, JobRunner
from app.views.widgets.bin_acts import BinActs
from app.views.widgets.dialog import ask
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.marks import batch_mark
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import Shares, StateMark
from app.views.widgets.toast import toast
from app.words import last_second, moment, ntr, tr


class BatchesPage(ListPage):
    """Batches, newest first. Enter shows the cards of one."""

    def __init__(
        self,
        batches: BatchService,
        catalog: CatalogService,
        *,
        exports: ExportService,
        imports: SupplierImportService,
        removals: RemovalService,
        leases: LeaseService,
        jobs: JobRunner,
        changes: Changes,
        views: ListViewService | None = None,
    ) -> None:
        self._batches, self._catalog, self._exports, self._imports = batches, catalog, exports, imports
        self._leases = leases
        self._rows: dict[int, BatchRow] = {}
        self.filters = BatchFilters(catalog, jobs=jobs)
        super().__init__(
            tr("Code batches"),
            tr("Make codes, hand them over, stop them"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.BATCHES, Topic.CARDS, Topic.CATALOG),
            columns=_columns(),
            load=self._ids,
            fetch=self._fetch,
            sort=("created_at", True),
            views=views,
        )
        self._build_acts()
        self.bin = BinActs(self, removals, "batch", bulk=self.bulk)
        self.body.insertWidget(0, self.filters)
        self.filters.changed.connect(self._narrow)
        self._show_empty()
        self.reload()

    def _build_acts(self) -> None:
        self.header.add_primary(tr("Generate"), self.ask_for_batch, shortcut="Ctrl+G")
        self.header.add_secondary(tr("Export"), self.export_current, symbol="file-down", shortcut="Ctrl+E")
        self.header.add_secondary(tr("Import supplier codes"), self.ask_for_file, symbol="file-up")
        self.header.add_more(tr("Freeze or thaw"), self.stop_current, symbol="snowflake", shortcut="Ctrl+Shift+F")
        self.table.opened.connect(self.show_cards)
        self.table.set_menu(self._fill_menu)
        self.bulk = self.offer_bulk()
        self.bulk.add_act(tr("Freeze"), lambda ids: self.ask_to_stop(ids, frozen=True), symbol="snowflake")
        self.bulk.add_act(tr("Thaw"), lambda ids: self.ask_to_stop(ids, frozen=False), symbol="sun")

    def question(self) -> dict[str, Any]:
        return self.filters.kept()

    def show_question(self, question: Mapping[str, Any]) -> None:
        self.filters.show_kept(question)

    def show_wanted(self, wanted: object) -> None:
        """("generate" or "import", product id) from another page; ("export", batch id)."""
        match wanted:
            case ("generate", int(product_id)):
                self.ask_for_batch(product_id)
            case ("import", int(product_id)):
                self.ask_for_file(product_id)
            case ("export", int(batch_id)):
                self.jobs.start(self._batches.batch, batch_id, on_done=self.export, owner=self)

    def ask_for_batch(self, product_id: int = 0) -> None:
        every = partial(self._catalog.products, archived=None)
        self.jobs.start(every, on_done=lambda rows: self._open_dialog(rows, product_id), owner=self)

    def generate(self, spec: BatchSpec) -> Job:
        """The job that makes the codes; it stands in the task centre and outlives this page."""
        title = ntr("Generate {count} code", "Generate {count} codes", spec.quantity)
        return self.jobs.start(
            self._batches.generate, spec, title=title, watch=True, on_refused=self.banner.show_error, owner=self
        )

    def show_cards(self, batch_id: int) -> None:
        row = self._rows.get(batch_id)
        if row is not None and row.state == "generating":
            self._offer_to_finish(row)
        else:
            self.page_wanted.emit("cards", {"batch_id": batch_id})

    def ask_for_file(self, product_id: int = 0) -> None:
        bought = partial(self._catalog.products, archived=None, kind="supplier")
        self.jobs.start(bought, on_done=lambda rows: self._open_import(rows, product_id), owner=self)

    def export_current(self) -> None:
        if (row := self._current()) is not None:
            self.export(row)

    def stop_current(self) -> None:
        """Freeze, or thaw what is frozen."""
        row = self._current()
        if row is not None and row.state == "generating":
            self._offer_to_finish(row)
        elif row is not None and row.state != "voided":
            (self.thaw if row.state == "frozen" else self.freeze)(row.id)

    def _current(self) -> BatchRow | None:
        """The batch the cursor is on; without one the page says so."""
        row = self._rows.get(self.table.current_id() or 0)
        if row is None:
            self.banner.say("info", tr("Choose a batch in the list first."))
        return row

    def export(self, row: BatchRow) -> None:
        if row.state == "generating":
            self._offer_to_finish(row)
        else:
            ExportDialog(self, self._exports, row, jobs=self.jobs).open()

    def ask_to_stop(self, ids: Sequence[int], *, frozen: bool) -> None:
        """Freeze or thaw several; a question comes first when they are more than the screen shows."""
        if not self.bulk.beyond_sight(ids):
            self.stop(ids, frozen=frozen)
            return
        ask_now = partial(self._ask_to_stop, list(ids), frozen=frozen)
        self.jobs.start(self._leases.reach, list(ids), on_done=ask_now, owner=self)

    def _ask_to_stop(self, ids: Sequence[int], reach: Reach, *, frozen: bool) -> None:
        count = len(ids)
        freeze = ntr("Freeze {count} batch", "Freeze {count} batches", count)
        ask(
            self,
            ntr("Freeze {count} batch?", "Freeze {count} batches?", count)
            if frozen
            else ntr("Thaw {count} batch?", "Thaw {count} batches?", count),
            consequence=freezing_words(reach) if frozen else tr("Their cards can be redeemed again."),
            verb=freeze if frozen else ntr("Thaw {count} batch", "Thaw {count} batches", count),
            then=lambda: self.stop(ids, frozen=frozen),
            danger=frozen,
        )

    def stop(self, ids: Sequence[int], *, frozen: bool) -> None:
        """At once; the toast takes back those that changed. Voided and unfinished ones stay as they are."""
        call, back = self._batches.freeze, self._batches.thaw
        if not frozen:
            call, back = back, call

        def stop() -> tuple[list[int], Reach]:
            chosen, usable = set(ids), ("ready", "published") if frozen else ("frozen",)
            changing = [row.id for row in self._batches.batches(states=usable) if row.id in chosen]
            _each(call, changing)
            return changing, self._leases.reach(changing) if frozen else Reach()

        def done(stopped: tuple[list[int], Reach]) -> None:
            changed, reach = stopped
            words = ntr("{count} batch thawed", "{count} batches thawed", len(changed))
            if frozen:
                words = frozen_words(len(changed), reach)
            toast(self, words, undo=(lambda: self.jobs.start(_each, back, changed)) if changed else None)

        self.jobs.start(stop, on_done=done, on_refused=self.banner.show_error, owner=self)

    def freeze(self, batch_id: int) -> None:
        """At once; the toast thaws, and says how far it reaches."""

        def freeze() -> Reach:
            self._batches.freeze(batch_id)
            return self._leases.reach([batch_id])

        def done(reach: Reach) -> None:
            toast(self, frozen_words(1, reach), undo=lambda: self.thaw(batch_id))

        self.jobs.start(freeze, on_done=done, on_refused=self.banner.show_error, owner=self)

    def thaw(self, batch_id: int) -> None:
        self._run(self._batches.thaw, batch_id)

    def void(self, row: BatchRow) -> None:
        """For ever: the count must be typed."""
        ask(
            self,
            tr("Void batch {serial}?", serial=row.serial),
            consequence=ntr(
                "{count} card ends for ever. This cannot be undone.",
                "{count} cards end for ever. This cannot be undone.",
                row.quantity,
            ),
            verb=ntr("Void {count} card", "Void {count} cards", row.quantity),
            typed=str(row.quantity),
            then=lambda: self._void_now(row),
        )

    def _void_now(self, row: BatchRow) -> None:
        def void() -> None:
            self._batches.void(row.id, confirm=str(row.quantity))

        self.jobs.start(void, on_refused=self.banner.show_error, owner=self)

    def _offer_to_finish(self, row: BatchRow) -> None:
        def resume(progress: Progress) -> None:
            self._batches.resume(row.id, progress)

        def go_on() -> None:
            title = tr("Continue batch {serial}", serial=row.serial)
            self.jobs.start(resume, title=title, watch=True)

        dialog = ask(
            self,
            tr("Batch {serial} was interrupted", serial=row.serial),
            consequence=tr(
                "{made} of {quantity} codes are stored. Continue, or discard them: nobody has seen them.",
                made=f"{row.made:,}",
                quantity=f"{row.quantity:,}",
            ),
            verb=tr("Continue"),
            then=go_on,
            danger=False,
        )

        def discard() -> None:
            dialog.reject()
            self._run(self._batches.discard, row.id)

        dialog.add_other(tr("Discard"), discard)

    def _open_dialog(self, products: list[ProductRow], product_id: int) -> None:
        own = [product for product in products if product.kind != "supplier"]
        shelf = [product for product in own if not product.archived]
        if not shelf:
            self._say_no_product(tr("Make a product first: a code stands for something."), all_away=bool(own))
            return
        dialog = GenerateDialog(self, self._batches, shelf, jobs=self.jobs, product_id=product_id)
        dialog.accepted.connect(lambda: dialog.spec and self.generate(dialog.spec))
        dialog.open()

    def _open_import(self, products: list[ProductRow], product_id: int) -> None:
        shelf = [product for product in products if not product.archived]
        if not shelf:
            words = tr("Make a product of the kind supplier code first: the codes belong to it.")
            self._say_no_product(words, all_away=bool(products))
            return
        ImportDialog(self, self._imports, shelf, jobs=self.jobs, product_id=product_id).open()

    def _say_no_product(self, words: str, *, all_away: bool) -> None:
        """What was put away is put back on the page of products."""
        wanted: object = {"state": "away"} if all_away else "new"
        verb = tr("Show what was put away") if all_away else tr("New product")
        words = tr("All products of this kind are put away: put one back, or make another.") if all_away else words
        self.banner.say("info", words, action=(verb, lambda: self.page_wanted.emit("catalog", wanted)))

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        if len(ids) > 1:
            menu.addAction(tr("Freeze"), lambda: self.ask_to_stop(ids, frozen=True))
            menu.addAction(tr("Thaw"), lambda: self.ask_to_stop(ids, frozen=False))
            self.bin.offer(menu, ids)
            return
        row = self._rows.get(ids[0])
        if row is None:
            return
        if row.state == "voided":
            menu.addAction(tr("Show cards"), lambda: self.show_cards(row.id))
            self.bin.offer(menu, [row.id])
            return
        if row.state == "generating":
            menu.addAction(tr("Continue or discard"), lambda: self._offer_to_finish(row))
            return
        menu.addAction(tr("Show cards"), lambda: self.show_cards(row.id))
        menu.addAction(tr("Export"), lambda: self.export(row))
        if row.state == "frozen":
            menu.addAction(tr("Thaw"), lambda: self.thaw(row.id))
        else:
            menu.addAction(tr("Freeze"), lambda: self.freeze(row.id))
        menu.addSeparator()
        menu.addAction(tr("Void"), lambda: self.void(row))
        menu.addAction(tr("Move to the recycle bin"), lambda: self.bin.remove([row.id]))

    def _run(self, call: object, batch_id: int) -> None:
        assert callable(call)
        self.jobs.start(call, batch_id, on_refused=self.banner.show_error, owner=self)

    def _narrow(self) -> None:
        self._show_empty()
        self.reload()

    def _show_empty(self) -> None:
        if self.filters.kept():
            act = (tr("Show all batches"), lambda: self.filters.show_kept({}))
            self.table.set_empty(EmptyState("layers", tr("No such batch"), hint=tr("Take a filter away"), act=act))
            return
        self.table.set_empty(
            EmptyState(
                "layers",
                tr("No codes yet"),
                hint=tr("10,000 codes take a second"),
                act=(tr("Generate"), self.ask_for_batch),
                link=(tr("Import supplier codes"), self.ask_for_file),
            )
        )

    def _ids(self, sort: str, descending: bool) -> Load:  # ListPage's shape
        return partial(self._batches.ids, self.filters.wanted, sort=sort, descending=descending)

    def _fetch(self, ids: Sequence[int]) -> list[BatchRow]:
        rows = self._batches.rows_of(ids)
        self._rows |= {row.id: row for row in rows}
        return rows


def _each(call: Callable[[int], object], ids: Sequence[int]) -> None:
    for one in ids:
        call(one)


def _columns() -> tuple[Column, ...]:
    return (
        Column("serial", tr("Batch"), 104, Kind.CODE, sortable=True),
        Column("product", tr("Product"), 124, stretch=True, sortable=True),
        Column("quantity", tr("Quantity"), 82, Kind.COUNT, sortable=True),
        Column("counts", tr("Issued and redeemed"), 164, Kind.SHARES, value=_shares),
        Column("state", tr("State"), 136, Kind.STATE, value=_mark),
        Column("created_at", tr("Made"), 96, Kind.DAY, sortable=True, tip=lambda r: moment(r.created_at)),
        Column("valid_until", tr("Valid until"), 96, Kind.DAY, tip=lambda r: last_second(r.valid_until)),
    )


def _mark(row: BatchRow) -> StateMark:
    return batch_mark(row.state, expired=row.expired, unheard=row.unheard)


def _shares(row: BatchRow) -> Shares:
    counts = row.counts
    issued = counts.assigned + counts.active
    caption = tr("{issued} issued, {spent} redeemed", issued=f"{issued:,}", spent=f"{counts.spent:,}")
    return Shares((("ok", counts.spent), ("cyan", issued), ("error", counts.voided)), row.quantity, caption)
