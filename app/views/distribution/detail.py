"""发放详情: who got what, why somebody did not, and what can be done about it."""

from array import array
from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QComboBox, QMenu

from app.errors import AppError
from app.messages import sentence
from app.services.distribution import DeliveryFilter, DeliveryRow, DistributionRow
from app.topics import Topic
from app.views.changes import Changes
from app.views.distribution.parts import Parts
from app.views.distribution.receipt_files import choose_receipt_file, write_receipt
from app.views.distribution.running import ON_PAPER, RunPanel
from app.views.distribution.runs import RunBook
from app.views.distribution.tiles import Tiles
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.dialog import ask
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage
from app.views.widgets.marks import delivery_mark
from app.views.widgets.pieces import button, row
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.search_box import SearchBox
from app.views.widgets.toast import toast
from app.vocabulary import CHANNELS, DELIVERY_REASONS, DELIVERY_STATES, FIELDS, word
from app.words import moment, ntr, tr, yuan

NOBODY = -1
TAKEN_BACK_FROM = ("prepared", "released", "sent", "delivered", "uncertain", "failed")


class DistributionDetail(ListPage):
    """One distribution; `show_one` chooses which. `card_wanted` carries a card id."""

    left = Signal()
    card_wanted = Signal(int)

    def __init__(self, parts: Parts, runs: RunBook, *, jobs: JobRunner, changes: Changes) -> None:
        self._parts, self._runs = parts, runs
        self.distribution_id = NOBODY
        self.row: DistributionRow | None = None
        super().__init__(
            tr("Distribution"),
            " ",
            jobs=jobs,
            changes=changes,
            topics=(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS),
            columns=self._columns(),
            load=self._ids,
            fetch=parts.distribution.deliveries_of,
        )
        self._add_acts()
        self.panel = RunPanel(parts.distribution, jobs=jobs)
        self.panel.refused.connect(self.banner.show_error)
        self.panel.go_on_wanted.connect(lambda _: self._run_on(None))
        self.panel.seen.connect(self._see)
        self.tiles = Tiles()
        self._add_filters()
        self.body.insertWidget(0, self.panel)
        self.body.insertWidget(1, self.tiles)
        self.body.insertLayout(2, self.filters)
        self.table.opened.connect(self._open)
        self.table.set_menu(self._fill_menu)
        self.table.selection_changed.connect(self._follow_selection)
        self.table.set_empty(EmptyState("users", tr("Nobody here"), hint=tr("Take a filter away")))

    # --- what is shown ---

    def show_one(self, distribution_id: int) -> None:
        if distribution_id != self.distribution_id:
            self.banner.clear()
            self._clear_filters()
        self.distribution_id = distribution_id
        self.panel.hide()
        self.reload()
        self._fill_departments()

    def refresh(self) -> None:
        if self.distribution_id != NOBODY:
            super().refresh()
            self._read()

    def reload(self) -> None:
        if self.distribution_id != NOBODY:
            super().reload()
            self._read()

    # --- acts ---

    def retry(self) -> None:
        """What failed and may go well now goes back in line and out at once."""
        if self.row is not None and self.row.retryable and not self._is_running:
            self._run_on(self._parts.distribution.retry_failed)

    def ask_to_resend_uncertain(self) -> None:
        if self.row is None:
            return
        ask(
            self,
            tr("Send the uncertain ones again?"),
            consequence=ntr(
                "{count} mail may or may not have arrived. Sent again, the person may get two mails for one card.",
                "{count} mails may or may not have arrived. Sent again, somebody may get two mails for one card.",
                self.row.uncertain,
            ),
            verb=tr("Send again"),
            then=lambda: self._run_on(self._parts.distribution.resend_uncertain),
            danger=False,
        )

    def ask_to_recall(self) -> None:
        """Of the selected rows."""
        ids = list(self.table.selected_ids())
        if not ids or self.row is None:
            return
        on_paper = self.row.channel in ON_PAPER
        consequence = (
            tr("The codes are out on paper or in a file: these cards are voided and do not come back.")
            if on_paper
            else tr("The links end, and the cards return to stock. Cards already opened stay where they are.")
        )
        ask(
            self,
            ntr("Take {count} card back?", "Take {count} cards back?", len(ids)),
            consequence=consequence,
            verb=ntr("Take {count} back", "Take {count} back", len(ids)),
            then=lambda: self._recall(ids),
            typed=str(len(ids)) if len(ids) > 1 else "",
        )

    def choose_receipt(self, ending: str) -> None:
        if self.row is not None:
            choose_receipt_file(self, self.row, ending, then=self.save_receipt)

    def save_receipt(self, path: str) -> None:
        write_receipt(
            self._parts.distribution,
            self.distribution_id,
            path,
            jobs=self.jobs,
            owner=self,
            on_refused=self.banner.show_error,
        )

    def _recall(self, ids: list[int]) -> None:
        self.jobs.start(
            self._parts.distribution.recall,
            ids,
            on_done=lambda count: toast(self, ntr("{count} card taken back", "{count} cards taken back", count)),
            on_refused=self.banner.show_error,
            owner=self,
        )

    def _run_on(self, before: Callable[[int], object] | None) -> None:
        if self.row is None:
            return
        title = tr("Distribute {name}", name=self.row.name)
        run = self._runs.run(title, distribution_id=self.row.id)
        run.ended.connect(lambda: self._end(run.error))
        run.go_on(before)
        self.panel.show_row(self.row, run)
        self.panel.show()

    def _end(self, error: AppError | None) -> None:
        if error is not None:
            self.panel.say_stopped(sentence(error))
            self.banner.show_error(error)
        self.refresh()

    # --- set-up ---

    def _add_acts(self) -> None:
        back = tr("All distributions")
        self.header.add_secondary(back, self.left.emit, symbol="arrow-left", shortcut="Alt+Left")
        self.recall_button = self.header.add_secondary(tr("Take back"), self.ask_to_recall, symbol="undo-2")
        self.uncertain_button = self.header.add_secondary(tr("Resend uncertain"), self.ask_to_resend_uncertain)
        self.retry_button = self.header.add_primary(tr("Resend the failed"), self.retry, symbol="repeat")
        self.retry_button.setToolTip(tr("{verb} (R)", verb=tr("Resend the failed")))
        self.header.add_more(tr("Receipt as XLSX"), lambda: self.choose_receipt("xlsx"), symbol="file-spreadsheet")
        self.header.add_more(tr("Receipt as PDF"), lambda: self.choose_receipt("pdf"), symbol="file-text")
        letter = QAction(tr("Resend the failed"), self.table)
        letter.setShortcut(QKeySequence("R"))
        letter.triggered.connect(lambda _=False: self.retry())
        self.table.addAction(letter)  # of the table alone: a letter typed into the search box stays a letter

    def _add_filters(self) -> None:
        self.state_box, self.department_box = QComboBox(), QComboBox()
        self.search = SearchBox(tr("Name, pinyin or employee no."))
        self.state_box.setAccessibleName(tr("State"))
        self.state_box.addItem(tr("All states"), "")
        for key in DELIVERY_STATES:
            self.state_box.addItem(word(DELIVERY_STATES, key), key)
        self.department_box.setAccessibleName(tr("Department"))
        self.department_box.addItem(tr("All departments"), "")
        self.chips = ChipBar()
        self.chips.removed.connect(self._drop_chip)
        self.chips.cleared.connect(self._clear_filters)
        self.failed_button = button(tr("Show the failed"), self._show_failed, kind="text", compact=True)
        self.filters = row(self.search, self.state_box, self.department_box, self.failed_button, self.chips, 0)
        self.state_box.currentIndexChanged.connect(self._narrow)
        self.department_box.currentIndexChanged.connect(self._narrow)
        self.search.searched.connect(lambda _: self._narrow())

    def _columns(self) -> tuple[Column, ...]:
        return (
            Column("name", word(FIELDS, "name"), 110, stretch=True),
            Column("department", tr("Department"), 110),
            Column("channel", tr("Channel"), 84, value=lambda _: self._channel_word()),
            Column("card_tail", tr("Card tail"), 92, Kind.CODE),
            Column("amount_minor", tr("Amount (yuan)"), 116, Kind.MONEY),
            Column("state", tr("State"), 96, Kind.STATE, value=lambda found: delivery_mark(found.state)),
            Column("reason", tr("Reason"), 170, value=reason_of),
            Column("attempts", tr("Tries"), 64, Kind.COUNT),
            Column("last", tr("Latest"), 136, Kind.MOMENT, value=latest_of),
        )

    # --- inside ---

    @property
    def wanted(self) -> DeliveryFilter:
        state = str(self.state_box.currentData() or "")
        department = str(self.department_box.currentData() or "")
        return DeliveryFilter((state,) if state else (), department, self.search.words)

    @property
    def _is_running(self) -> bool:
        return self._runs.of(self.distribution_id) is not None

    def _ids(self, _sort: str, _descending: bool) -> Sequence[int]:  # ListPage's shape; the list has one order
        return self._parts.distribution.delivery_ids(self.distribution_id, self._asked)

    def _ask(self, *, keep_place: bool) -> None:
        self._asked = self.wanted
        super()._ask(keep_place=keep_place)

    def _read(self) -> None:
        service = self._parts.distribution
        self.jobs.start(
            service.distribution,
            self.distribution_id,
            on_done=self._show,
            on_refused=self.banner.show_error,
            owner=self,
        )

    def _show(self, shown: DistributionRow) -> None:
        if shown.id != self.distribution_id:
            return
        run = self._runs.of(shown.id)
        self.panel.show_row(shown, run)
        self.panel.setVisible(run is not None or shown.prepared > 0)

    def _see(self, shown: DistributionRow) -> None:
        """A fresh row, from the page or from the panel's own look."""
        if shown.id != self.distribution_id:
            return
        self.row = shown
        self.header.set_title(shown.name)
        facts = [shown.product, word(CHANNELS, shown.channel), yuan(shown.total_minor), moment(shown.created_at)]
        self.header.set_line(" · ".join(facts))
        self.tiles.show_tiles(
            (
                (tr("Number of people"), f"{shown.people:,}", "neutral"),
                (tr("Sent"), f"{shown.sent:,}", "ok"),
                (tr("Failed"), f"{shown.failed:,}", "error" if shown.failed else "neutral"),
                (tr("Uncertain"), f"{shown.uncertain:,}", "warn" if shown.uncertain else "neutral"),
                (tr("Left out"), f"{shown.skipped:,}", "neutral"),
                (tr("Taken back"), f"{shown.recalled:,}", "neutral"),
                (tr("Redeemed"), f"{shown.redeemed:,}", "neutral"),
            )
        )
        self.tiles.setVisible(not self.panel.isVisibleTo(self) or shown.prepared == 0)
        self.failed_button.setVisible(shown.failed > 0)
        self.retry_button.setVisible(shown.retryable > 0)
        self.uncertain_button.setVisible(shown.uncertain > 0)
        self._follow_selection(self.table.selected_count(), None)

    def _follow_selection(self, count: int, _: object) -> None:
        self.recall_button.setEnabled(count > 0)

    def _narrow(self) -> None:
        chips = []
        if self.state_box.currentData():
            chips.append(Chip("state", tr("State"), self.state_box.currentText()))
        if self.department_box.currentData():
            chips.append(Chip("department", tr("Department"), self.department_box.currentText()))
        self.chips.show_chips(chips)
        self.reload()

    def _drop_chip(self, key: str) -> None:
        (self.state_box if key == "state" else self.department_box).setCurrentIndex(0)

    def _clear_filters(self) -> None:
        self.state_box.setCurrentIndex(0)
        self.department_box.setCurrentIndex(0)
        self.search.clear()

    def _show_failed(self) -> None:
        self.state_box.setCurrentIndex(self.state_box.findData("failed"))

    def _fill_departments(self) -> None:
        def done(names: list[str]) -> None:
            chosen = self.department_box.currentData()
            self.department_box.blockSignals(True)
            while self.department_box.count() > 1:
                self.department_box.removeItem(1)
            for name in names:
                self.department_box.addItem(name, name)
            self.department_box.setCurrentIndex(max(0, self.department_box.findData(chosen)))
            self.department_box.blockSignals(False)

        self.jobs.start(self._parts.people.departments, on_done=done, owner=self)

    def _open(self, delivery_id: int) -> None:
        found = self.table.current_row()
        if isinstance(found, DeliveryRow) and found.id == delivery_id and found.card_id is not None:
            self.card_wanted.emit(found.card_id)

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        found = self.table.current_row()
        if isinstance(found, DeliveryRow) and found.card_id is not None:
            card_id = found.card_id
            menu.addAction(tr("Show the card"), lambda: self.card_wanted.emit(card_id))
        if len(ids):
            menu.addAction(tr("Take back"), self.ask_to_recall)

    def _channel_word(self) -> str:
        return word(CHANNELS, self.row.channel) if self.row is not None else ""


def reason_of(found: DeliveryRow) -> str:
    return word(DELIVERY_REASONS, found.reason) if found.reason else ""


def latest_of(found: DeliveryRow) -> datetime | None:
    """The last thing that happened to a delivery."""
    times = (found.sent_at, found.opened_at, found.claimed_at, found.redeemed_at, found.recalled_at)
    return max((time for time in times if time is not None), default=None)
