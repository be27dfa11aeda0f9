"""核销流水: every entry of the ledger, a reversal as an entry of its own."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from app.services.ledger import LedgerService, RedemptionFilter, RedemptionRow
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage
from app.views.widgets.pieces import button, row
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import StateMark
from app.vocabulary import CHANNELS, HAPPENED, word
from app.words import moment, tr

EVERYTHING = RedemptionFilter()


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: `id` is its place in the list, for the ids of entries are texts."""

    id: int
    entry: RedemptionRow


class LedgerPage(ListPage):
    """`show_wanted` takes a RedemptionFilter."""

    def __init__(self, ledger: LedgerService, *, jobs: JobRunner, changes: Changes) -> None:
        self._ledger, self._wanted = ledger, EVERYTHING
        self._ids: list[str] = []
        super().__init__(
            tr("Redemptions"),
            tr("What was used up, where and when; nothing here is ever changed or deleted"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.REDEMPTIONS,),
            columns=(
                Column("at", tr("Time"), 150, Kind.MOMENT, sortable=True, value=lambda line: line.entry.at),
                Column("serial", tr("Serial"), 190, Kind.CODE, value=lambda line: line.entry.serial),
                Column("product", tr("Product"), 170, stretch=True, value=lambda line: line.entry.product),
                Column("amount", tr("Amount (yuan)"), 120, Kind.MONEY, value=lambda line: line.entry.amount_minor),
                Column("uses", tr("Uses"), 80, Kind.COUNT, value=lambda line: line.entry.uses),
                Column("kind", tr("What"), 100, Kind.STATE, value=_mark),
                Column("channel", tr("Channel"), 90, value=lambda line: word(CHANNELS, line.entry.channel)),
                Column("place", tr("Place"), 120, value=lambda line: line.entry.place),
            ),
            load=self._numbers,
            fetch=self._fetch,
            sort=("at", True),
        )
        self.chip = button("", self._drop_chip, kind="chip", symbol="x")
        self.chip.hide()
        self.body.insertLayout(0, row(self.chip, 0))
        self.table.opened.connect(self._open)
        self.table.set_empty(EmptyState("scroll-text", tr("Nothing was redeemed here")))
        self.reload()

    def show_wanted(self, wanted: object) -> None:
        if isinstance(wanted, RedemptionFilter):
            self._wanted = wanted
            self.chip.setText(f"{moment(wanted.begin)} ~ {moment(wanted.end)}")
            self.chip.setVisible(wanted != EVERYTHING)
            self.reload()

    def _drop_chip(self) -> None:
        self.show_wanted(EVERYTHING)

    def _numbers(self, sort: str, descending: bool) -> Sequence[int]:  # ListPage's shape
        self._ids = self._ledger.redemption_ids(self._wanted, descending=descending)
        return array("q", range(len(self._ids)))

    def _fetch(self, numbers: Sequence[int]) -> list[Line]:
        entries = self._ledger.redemptions_of([self._ids[number] for number in numbers])
        return [Line(number, entry) for number, entry in zip(numbers, entries, strict=False)]

    def _open(self, number: int) -> None:
        self.jobs.start(self._fetch, [number], on_done=self._show_card, owner=self)

    def _show_card(self, lines: list[Line]) -> None:
        if lines:
            self.page_wanted.emit("cards", lines[0].entry.card_id)


def _mark(line: Line) -> StateMark:
    return StateMark("ok" if line.entry.kind == "redeemed" else "warn", word(HAPPENED, line.entry.kind))
