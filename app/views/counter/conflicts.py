"""冲突: what a counter gave out and its card could not pay any more, both stories beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from app.messages import reason_sentence
from app.services.leases import ConflictRow, LeaseService, Story
from app.topics import Topic
from app.views.changes import Changes
from app.views.counter.numbered import Numbers
from app.views.counter.settle_dialog import SettleDialog
from app.views.counter.stories import both, given_out, given_where, taken_by, taken_where
from app.views.jobs import JobRunner
from app.views.widgets.choice_box import choice_box, show_choice
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.flow import Flow
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.pieces import button, column
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import StateMark
from app.vocabulary import CONFLICT_WAYS, CONFLICTS_SHOWN, word
from app.words import moment, tr

TAKING = ("redeemed", "refunded")
"""Kinds of entries that leave less on a card."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: `id` stands for the conflict's, which is a text."""

    id: int
    conflict: ConflictRow


class ConflictsPage(ListPage):
    """Open ones; settled ones stand behind the filter. Enter shows both stories."""

    def __init__(self, leases: LeaseService, *, jobs: JobRunner, changes: Changes) -> None:
        self._leases = leases
        self._numbers = Numbers()
        self._rows: dict[int, ConflictRow] = {}
        super().__init__(
            tr("Conflicts"),
            tr("A counter gave something out offline, and the card had been used up elsewhere"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.LEASES, Topic.REDEMPTIONS),
            columns=_columns(),
            load=self._ids,
            fetch=self._fetch,
        )
        self.header.add_primary(tr("Settle"), self.settle_current, symbol="check", shortcut="Ctrl+Return")
        self.state_box = choice_box(tr("State"), tr("To be settled"), CONFLICTS_SHOWN)
        boxes = QWidget()
        boxes.setLayout(Flow(self.state_box))
        self.body.insertWidget(0, boxes)
        self.state_box.currentIndexChanged.connect(lambda _: self.reload())
        self.table.set_menu(self._fill_menu)
        self.table.opened.connect(self.open_record)
        hint = tr("One comes up when a lease was taken back by force while its computer went on without a line")
        self.table.set_empty(EmptyState("circle-check", tr("There is no conflict"), hint=hint))
        self.reload()

    def show_settled(self, *, settled: bool) -> None:
        show_choice(self.state_box, "all" if settled else "")
        self.reload()

    # --- acts ---

    def settle_current(self) -> None:
        current = self.table.current_id()
        row = self._rows.get(current if current is not None else -1)
        if row is None and self.table.count == 1:
            row = next(iter(self._rows.values()))  # there is no other that could be meant
        if row is None:
            self.banner.say("info", tr("Choose a conflict in the list first."))
        elif row.way is not None:
            self.banner.say("info", tr("This conflict is settled already."))
        else:
            self.settle(row)

    def settle(self, row: ConflictRow) -> None:
        dialog = SettleDialog(self, row, self._leases, jobs=self.jobs)
        dialog.accepted.connect(self.drawer.shut)
        dialog.open()

    def open_record(self, record: int) -> None:
        row = self._rows.get(record)
        if row is None:
            return
        settled = row.way is not None
        told = facts(
            (
                (tr("Reason"), reason_sentence(row.reason)),
                (tr("Holder"), row.holder),
                (tr("Found at"), moment(row.found_at)),
                *(
                    (
                        (tr("How it was settled"), word(CONFLICT_WAYS, row.way or "")),
                        (tr("Note"), row.note),
                        (tr("Settled at"), moment(row.settled_at)),
                    )
                    if settled
                    else ()
                ),
            )
        )
        body = QWidget()
        body.setLayout(column(both(row), told, spacing=16))
        acts = () if settled else (button(tr("Settle"), lambda: self.settle(row), kind="primary"),)
        card = button(tr("Show the card"), lambda: self.page_wanted.emit("cards", row.card_id))
        self.drawer.show_record(f"{row.serial} · {row.product}", body, state=conflict_mark(row), acts=(*acts, card))

    # --- inside ---

    def _fill_menu(self, menu: QMenu, ids: Sequence[int]) -> None:
        row = self._rows.get(ids[0])
        if row is None:
            return
        menu.addAction(tr("Show"), lambda: self.open_record(ids[0]))
        if row.way is None:
            menu.addAction(tr("Settle"), lambda: self.settle(row))
        menu.addAction(tr("Show the card"), lambda: self.page_wanted.emit("cards", row.card_id))

    def _ids(self, _sort: str, _descending: bool) -> Load:  # ListPage's shape
        return partial(self._read, settled=self.state_box.currentData() == "all")

    def _read(self, *, settled: bool) -> Sequence[int]:
        rows = self._leases.conflicts(settled=settled)
        numbers = self._numbers.of([row.id for row in rows])
        self._rows = dict(zip(numbers, rows, strict=True))
        return numbers

    def _fetch(self, ids: Sequence[int]) -> list[Line]:
        return [Line(one, self._rows[one]) for one in ids if one in self._rows]


def conflict_mark(row: ConflictRow) -> StateMark:
    if row.way is None:
        return StateMark("error", tr("To be settled"), "triangle-alert")
    return StateMark("ok", word(CONFLICT_WAYS, row.way), "circle-check")


def _columns() -> tuple[Column, ...]:
    """How much, when and where, of both stories: nothing of that is cut. The rest stands in the drawer."""
    return (
        Column("serial", tr("Serial"), 150, Kind.CODE, value=lambda line: line.conflict.serial),
        Column("product", tr("Product"), 130, stretch=True, roomy=True, value=lambda line: line.conflict.product),
        Column("given", tr("Given out"), 90, Kind.COUNT, value=lambda line: given_out(line.conflict)[0]),
        Column("given_on", tr("Given out on"), 136, Kind.MOMENT, value=lambda line: line.conflict.decided_at),
        Column("given_at", tr("Given out at"), 104, stretch=True, value=lambda line: given_where(line.conflict)),
        Column("used", tr("Used elsewhere"), 90, Kind.COUNT, roomy=True, value=lambda line: _used(line.conflict)),
        Column("used_on", tr("Used on"), 136, Kind.MOMENT, value=lambda line: _used_on(line.conflict)),
        Column("used_at", tr("Used at"), 104, stretch=True, value=lambda line: _used_at(line.conflict)),
        Column("state", tr("State"), 104, Kind.STATE, value=lambda line: conflict_mark(line.conflict)),
    )


def _taker(row: ConflictRow) -> Story | None:
    """The newest entry that took something off the card; all of them stand in the drawer."""
    takers = [story for story in row.others if story.kind in TAKING]
    return takers[-1] if takers else None


def _used(row: ConflictRow) -> str:
    story = _taker(row)
    return taken_by(story)[0] if story else ""


def _used_on(row: ConflictRow) -> datetime | None:
    story = _taker(row)
    return story.at if story else None


def _used_at(row: ConflictRow) -> str:
    story = _taker(row)
    return taken_where(story) if story else ""
