"""回收站: what was removed in the last 30 days, to be restored whole."""

from array import array
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtWidgets import QMenu, QWidget

from app.services.removals import KEPT_DAYS, RemovalService
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.flow import Flow
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.pieces import column
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.search_box import SearchBox
from app.views.widgets.toast import toast
from app.vocabulary import REMOVED_KINDS, word
from app.words import moment, ntr, tr


class RemovalsPage(ListPage):
    """`show_wanted` takes the kind that is looked for."""

    def __init__(self, removals: RemovalService, *, jobs: JobRunner, changes: Changes) -> None:
        self._removals = removals
        super().__init__(
            tr("Recycle bin"),
            ntr(
                "What was removed can be restored for {count} day",
                "What was removed can be restored for {count} days",
                KEPT_DAYS,
            ),
            jobs=jobs,
            changes=changes,
            topics=(Topic.CATALOG, Topic.BATCHES, Topic.PEOPLE),
            columns=(
                Column("name", tr("Name"), 200, stretch=True, sortable=True),
                Column("kind", tr("Kind"), 130, value=lambda row: word(REMOVED_KINDS, row.kind), sortable=True),
                Column("removed_at", tr("Removed"), 150, Kind.MOMENT, sortable=True),
                Column("gone_at", tr("Can be restored until"), 170, Kind.DAY, tip=lambda row: moment(row.gone_at)),
            ),
            load=self._ids,
            fetch=removals.rows_of,
            sort=("removed_at", True),
        )
        self.header.add_primary(tr("Restore"), self.restore_chosen, symbol="undo-2")
        self._add_filters()
        self.table.opened.connect(lambda entry: self.restore([entry]))
        self.table.set_menu(self._fill_menu)
        self.offer_bulk().add_act(tr("Restore"), self.restore, symbol="undo-2")
        self._show_empty()
        self.reload()

    def show_wanted(self, wanted: object) -> None:
        if isinstance(wanted, str):
            self.show_question({"kind": wanted})

    def question(self) -> dict[str, Any]:
        kept = {"kind": self.kind_box.currentData(), "words": self.search.words}
        return {key: value for key, value in kept.items() if value}

    def show_question(self, question: Mapping[str, Any]) -> None:
        show_choice(self.kind_box, question.get("kind"))
        self.search.show_words(question.get("words", ""))
        self._narrow()

    def restore_chosen(self) -> None:
        """The selected rows, or the one the cursor is on."""
        ids = list(self.table.selected_ids())
        current = self.table.current_id()
        if not ids and current is None:
            self.banner.say("info", tr("Choose a row in the list first."))
            return
        self.restore(ids or [current or 0])

    def restore(self, ids: Sequence[int]) -> None:
        def done(count: int) -> None:
            toast(self, ntr("{count} restored", "{count} restored", count))

        self.jobs.start(
            self._removals.restore_entries, list(ids), on_done=done, on_refused=self.banner.show_error, owner=self
        )

    def _add_filters(self) -> None:
        self.search = SearchBox(tr("Name or serial"))
        self.kind_box = choice_box(tr("Kind"), tr("All kinds"), REMOVED_KINDS)
        boxes = QWidget()
        boxes.setLayout(Flow(self.search, self.kind_box))
        self.chips = ChipBar()
        self.body.insertLayout(0, column(boxes, self.chips))
        self.kind_box.currentIndexChanged.connect(self._narrow)
        self.search.searched.connect(self._narrow)
        self.chips.removed.connect(lambda key: self.show_question(self.question() | {key: ""}))
        self.chips.cleared.connect(lambda: self.show_question({}))

    def _narrow(self, *_: object) -> None:
        kind = self.kind_box.currentText() if self.kind_box.currentData() else ""
        chips = [Chip("words", tr("Name"), self.search.words), Chip("kind", tr("Kind"), kind)]
        self.chips.show_chips([chip for chip in chips if chip.value])
        self._show_empty()
        self.reload()

    def _show_empty(self) -> None:
        words = tr("Nothing like that in the recycle bin") if self.question() else tr("The recycle bin is empty")
        self.table.set_empty(EmptyState("trash-2", words, hint=tr("What you remove from a list lies here")))

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        menu.addAction(tr("Restore"), lambda: self.restore(ids))

    def _ids(self, sort: str, descending: bool) -> Load:  # ListPage's shape
        kind = str(self.kind_box.currentData()) or None
        return partial(self._removals.ids, kind, text=self.search.words, sort=sort, descending=descending)
