"""发放详情: who got what, why somebody did not, and what can be done about it."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QPushButton

from app.errors import AppError, MailServerRefused, ZipPasswordNeeded
from app.messages import sentence
from app.services.distribution import DeliveryFilter, DeliveryRow, DistributionRow
from app.services.secret import Secret
from app.topics import Topic
from app.views.changes import Changes
from app.views.distribution.acts import MENDED, DeliveryActs
from app.views.distribution.delivery_body import delivery_body
from app.views.distribution.delivery_columns import delivery_columns, may_change
from app.views.distribution.parts import Parts
from app.views.distribution.receipt_files import choose_receipt_file, write_receipt
from app.views.distribution.running import RunPanel
from app.views.distribution.runs import RunBook
from app.views.distribution.tiles import Tiles
from app.views.distribution.zip_password import ZipPasswordDialog
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.marks import delivery_mark
from app.views.widgets.pieces import button, row
from app.views.widgets.search_box import SearchBox
from app.views.widgets.selection_bar import SelectionWords
from app.vocabulary import CHANNELS, DELIVERY_REASONS, DELIVERY_REPAIRS, DELIVERY_STATES, word
from app.words import moment, ntr, tr, yuan

NOBODY = -1
NARROW_PX = 1000
Seen = tuple[DistributionRow, int, list[str]]
"""A distribution, how many a reminder would go to, the reasons that stand in it."""


class DistributionDetail(ListPage):
    """One distribution; `show_one` chooses which. `card_wanted` carries a card id."""

    left = Signal()
    card_wanted = Signal(int)

    def __init__(self, parts: Parts, runs: RunBook, *, jobs: JobRunner, changes: Changes) -> None:
        self._parts, self._runs = parts, runs
        self.distribution_id = NOBODY
        self.row: DistributionRow | None = None
        self._boxes: dict[str, tuple[QComboBox, str]] = {}
        super().__init__(
            tr("Distribution"),
            " ",
            jobs=jobs,
            changes=changes,
            topics=(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS),
            columns=delivery_columns(),
            load=self._ids,
            fetch=parts.distribution.deliveries_of,
            sort=("no", False),
            views=parts.views,
        )
        self.acts = DeliveryActs(self, parts, jobs=jobs)
        self.acts.run_wanted.connect(self._run_on)
        self._add_acts()
        self.panel = RunPanel(parts.distribution, jobs=jobs)
        self.panel.refused.connect(self.banner.show_error)
        self.panel.go_on_wanted.connect(lambda _: self._run_on(None))
        self.panel.seen.connect(self._see)
        self.tiles = Tiles()
        self.body.insertWidget(0, self.panel)
        self.body.insertWidget(1, self.tiles)
        self.body.insertLayout(2, self._filter_line())
        self.table.opened.connect(self.open_record)
        self.table.set_menu(self._fill_menu)
        self.offer_bulk(SelectionWords(_selected, _everybody))
        self.table.selection_changed.connect(self._follow_selection)
        self.table.rows.arrived.connect(lambda *_: self._follow_selection(self.table.selected_count(), None))
        self.table.set_empty(EmptyState("users", tr("Nobody here"), hint=tr("Take a filter away")))

    # --- what is shown ---

    def show_one(self, distribution_id: int) -> None:
        if distribution_id != self.distribution_id:
            self.banner.clear()
            self.drawer.shut()
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

    def open_record(self, record: int) -> None:
        """One delivery in the drawer, with its story and its repair."""

        def done(rows: list[DeliveryRow]) -> None:
            for found in rows:
                state = delivery_mark(found.state)
                self.drawer.show_record(found.name, delivery_body(found), state=state, acts=self._acts_of(found))

        self.look_up(self._parts.distribution.deliveries_of, [record], then=done)

    # --- acts ---

    def retry(self) -> None:
        if self.row is not None and self.row.retryable and not self._is_running:
            self.acts.retry()

    def ask_to_recall(self) -> None:
        """Of the selected rows."""
        self.acts.ask_to_recall(list(self.table.selected_ids()))

    def ask_for_channel(self) -> None:
        """Of the selected rows."""
        self.acts.ask_for_channel(list(self.table.selected_ids()))

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

    def _run_on(self, before: Callable[[int], object] | None, password: Secret | None = None) -> None:
        """Everything that waits goes out; a protected file asks for its password first."""
        shown = self.row
        if shown is None:
            return
        run = self._runs.run(tr("Distribute {name}", name=shown.name), distribution_id=shown.id, zip_password=password)
        if shown.needs_password and run.zip_password is None:
            self._ask_password(before)
            return
        run.ended.connect(lambda: self._end(run.error))
        run.go_on(before)
        self.panel.show_row(shown, run)
        self.panel.show()

    def _end(self, error: AppError | None) -> None:
        if isinstance(error, ZipPasswordNeeded):
            self._ask_password(None)
        elif error is not None:
            self.panel.say_stopped(sentence(error))
            mail = tr("Set up mail"), lambda: self.page_wanted.emit("settings", "mail")
            self.banner.show_error(error, action=mail if isinstance(error, MailServerRefused) else None)
        self.refresh()

    def _ask_password(self, before: Callable[[int], object] | None) -> None:
        if self.row is not None:
            ZipPasswordDialog(self, self.row.name, then=partial(self._run_on, before)).open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_header()

    # --- set-up ---

    def _add_acts(self) -> None:
        back = self.header.add_secondary(
            tr("All distributions"), self.left.emit, symbol="arrow-left", shortcut="Alt+Left"
        )
        self.recall_button = self.header.add_secondary(tr("Take back"), self.ask_to_recall, symbol="undo-2")
        self.channel_button = self.header.add_secondary(tr("Another way"), self.ask_for_channel, symbol="repeat")
        self.remind_button = self.header.add_secondary(tr("Remind"), self.acts.remind, symbol="bell")
        self.retry_button = self.header.add_primary(tr("Resend the failed"), self.retry, symbol="send")
        self.uncertain_act = self.header.add_more(
            tr("Resend uncertain"), self.acts.ask_to_resend_uncertain, symbol="repeat"
        )
        self.header.add_more(tr("Receipt as XLSX"), lambda: self.choose_receipt("xlsx"), symbol="file-spreadsheet")
        self.header.add_more(tr("Receipt as PDF"), lambda: self.choose_receipt("pdf"), symbol="file-text")
        for made, key, call in ((self.retry_button, "R", self.retry), (self.channel_button, "M", self.ask_for_channel)):
            made.setToolTip(tr("{verb} ({keys})", verb=made.text(), keys=key))
            letter = QAction(made.text(), self.table)
            letter.setShortcut(QKeySequence(key))
            letter.triggered.connect(lambda _=False, call=call: call())
            self.table.addAction(letter)  # of the table alone: a letter typed into the search box stays a letter
        self._short = {made: made.text() for made in (back, self.recall_button, self.channel_button)}
        for made, words in self._short.items():
            made.setAccessibleName(words)
        self.recall_button.setToolTip(self.recall_button.text())

    def _filter_line(self) -> QHBoxLayout:
        self.state_box, self.department_box, self.reason_box = QComboBox(), QComboBox(), QComboBox()
        self.search = SearchBox(tr("Name, pinyin or employee no."))
        self.state_box.setAccessibleName(tr("State"))
        self.state_box.addItem(tr("All states"), "")
        for key in DELIVERY_STATES:
            self.state_box.addItem(word(DELIVERY_STATES, key), key)
        self.department_box.setAccessibleName(tr("Department"))
        self.department_box.addItem(tr("All departments"), "")
        self.reason_box.setAccessibleName(tr("Reason"))
        self.reason_box.addItem(tr("All reasons"), "")
        self.chips = ChipBar()
        self.chips.removed.connect(lambda key: self._boxes[key][0].setCurrentIndex(0))
        self.chips.cleared.connect(self._clear_filters)
        self.failed_button = button(tr("Show the failed"), self._show_failed, kind="text", compact=True)
        boxes = (self.state_box, self.department_box, self.reason_box)
        self._boxes = {
            "state": (self.state_box, tr("State")),
            "department": (self.department_box, tr("Department")),
            "reason": (self.reason_box, tr("Reason")),
        }
        for box in boxes:
            box.currentIndexChanged.connect(self._narrow)
        self.search.searched.connect(lambda _: self._narrow())
        return row(self.search, *boxes, self.failed_button, self.chips, 0)

    def question(self) -> dict[str, Any]:
        kept = {key: str(box.currentData() or "") for key, (box, _) in self._boxes.items()}
        kept["words"] = self.search.words
        return {key: value for key, value in kept.items() if value}

    def show_question(self, question: Mapping[str, Any]) -> None:
        known = {"state": DELIVERY_STATES, "reason": DELIVERY_REASONS}
        for key, (box, _) in self._boxes.items():
            value = question.get(key, "")
            if value and box.findData(value) < 0:  # nobody here has it, or what is here is still being read
                box.addItem(word(known.get(key, {}), value), value)
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(value)))
            box.blockSignals(False)
        self.search.show_words(question.get("words", ""))
        self._narrow()

    # --- inside ---

    @property
    def wanted(self) -> DeliveryFilter:
        state, department, reason = (str(box.currentData() or "") for box, _ in self._boxes.values())
        return DeliveryFilter((state,) if state else (), department, reason, self.search.words)

    @property
    def _is_running(self) -> bool:
        return self._runs.of(self.distribution_id) is not None

    def _ids(self, sort: str, descending: bool) -> Load:  # ListPage's shape
        read = self._parts.distribution.delivery_ids
        return partial(read, self.distribution_id, self.wanted, sort=sort, descending=descending)

    def _read(self) -> None:
        service, distribution_id = self._parts.distribution, self.distribution_id

        def read() -> Seen:
            shown = service.distribution(distribution_id)
            return shown, service.to_remind(distribution_id), service.reasons(distribution_id)

        self.jobs.start(read, on_done=self._show, on_refused=self.banner.show_error, owner=self)

    def _show(self, found: Seen) -> None:
        shown, to_remind, reasons = found
        if shown.id != self.distribution_id:
            return
        run = self._runs.of(shown.id)
        self.panel.setVisible(run is not None or shown.prepared > 0)
        self.panel.show_row(shown, run)
        self.remind_button.setVisible(to_remind > 0)
        self.remind_button.setText(tr("Remind {count}", count=f"{to_remind:,}"))
        _fill(self.reason_box, [(word(DELIVERY_REASONS, reason), reason) for reason in reasons])

    def _see(self, shown: DistributionRow) -> None:
        """A fresh row, from the page or from the panel's own look."""
        if shown.id != self.distribution_id:
            return
        self.row = self.acts.row = shown
        self.header.set_title(shown.name)
        self._fit_header()
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
        self.uncertain_act.setVisible(shown.uncertain > 0)
        self._follow_selection(self.table.selected_count(), None)

    def _fit_header(self) -> None:
        """Where there is little room, icons with a tooltip stand for words, and the day is left out."""
        narrow = self.width() < NARROW_PX
        for made, words in self._short.items():
            made.setText("" if narrow else words)
        if self.row is not None:
            ways = tr(", ").join(word(CHANNELS, channel) for channel in self.row.channels)
            facts = [self.row.product, ways, yuan(self.row.total_minor)]
            self.header.set_line(" · ".join(facts if narrow else [*facts, moment(self.row.created_at)]))

    def _follow_selection(self, count: int, _: object) -> None:
        """One that was taken back is not taken back again; of several, those are left out by themselves."""
        only = self.table.current_row()
        gone = isinstance(only, DeliveryRow) and only.state == "recalled" and [*self.table.selected_ids()] == [only.id]
        self.recall_button.setEnabled(count > 0 and not gone)
        self.channel_button.setEnabled(count > 0 and not gone)

    def _narrow(self) -> None:
        boxes = self._boxes.items()
        self.chips.show_chips([Chip(key, title, box.currentText()) for key, (box, title) in boxes if box.currentData()])
        self.reload()

    def _clear_filters(self) -> None:
        for box, _ in self._boxes.values():
            box.setCurrentIndex(0)
        self.search.clear()

    def _show_failed(self) -> None:
        self.state_box.setCurrentIndex(self.state_box.findData("failed"))

    def _fill_departments(self) -> None:
        def done(names: list[str]) -> None:
            _fill(self.department_box, [(name, name) for name in names])

        self.jobs.start(self._parts.people.departments, on_done=done, owner=self)

    def _acts_of(self, found: DeliveryRow) -> tuple[QPushButton, ...]:
        """The repair first; then what can be done about any card that is not gone."""
        made = []
        if found.repair:
            words = word(DELIVERY_REPAIRS, found.repair)
            made.append(button(words, partial(self._with_drawer_shut, self.acts.mend, found), kind="primary"))
        if may_change(found):
            change = partial(self._with_drawer_shut, self.acts.ask_for_channel, [found.id])
            made.append(button(tr("Another way"), change, symbol="repeat"))
        if found.card_id is not None:
            made.append(button(tr("Show the card"), partial(self.card_wanted.emit, found.card_id), kind="text"))
        return tuple(made)

    def _with_drawer_shut(self, call: Callable[..., object], *arguments: object) -> None:
        self.drawer.shut()
        call(*arguments)

    def _fill_menu(self, menu: QMenu, ids: "array[int]") -> None:
        found, chosen = self.table.current_row(), list(ids)
        if isinstance(found, DeliveryRow):
            menu.addAction(tr("Who, what and when"), partial(self.open_record, found.id))
            if found.repair:
                menu.addAction(word(DELIVERY_REPAIRS, found.repair), partial(self.acts.mend, found))
            if found.repair not in MENDED and may_change(found) and found.channel == "email":
                menu.addAction(tr("Mend the address"), partial(self.acts.mend_field, found, "email"))
            if found.card_id is not None:
                menu.addAction(tr("Show the card"), partial(self.card_wanted.emit, found.card_id))
        if chosen:
            menu.addSeparator()
            menu.addAction(tr("Send again what failed"), partial(self.acts.retry, chosen))
            menu.addAction(tr("Another way"), self.ask_for_channel)
            menu.addAction(tr("Take back"), self.ask_to_recall)


def _selected(count: int) -> str:
    return ntr("{count} person selected", "{count} people selected", count)


def _everybody(count: int) -> str:
    return ntr("Select the {count} person", "Select all {count} people", count)


def _fill(box: QComboBox, items: Sequence[tuple[str, str]]) -> None:
    """Everything after the first item, which stands for all; what was chosen stays chosen."""
    chosen = box.currentData()
    box.blockSignals(True)
    while box.count() > 1:
        box.removeItem(1)
    for words, key in items:
        box.addItem(words, key)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(False)
