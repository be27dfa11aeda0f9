"""The deliveries behind a number of the dashboard, over all distributions."""

from array import array
from dataclasses import replace
from functools import partial

from app.services.distribution import DeliveryRow, DistributionService
from app.services.ledger import DeliveryFilter, LedgerService
from app.topics import Topic
from app.views.changes import Changes
from app.views.distribution.delivery_body import channel_words, delivery_body
from app.views.jobs import JobRunner
from app.views.widgets.chip_bar import Chip, ChipBar, period_words
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage, Load
from app.views.widgets.marks import delivery_mark
from app.views.widgets.pieces import button
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import StateMark
from app.vocabulary import CHANNELS, DELIVERY_STATES, FIELDS, word
from app.words import NO_DATA, tr

PERIOD = "period"


class ReachedPage(ListPage):
    """`show_wanted` takes the ledger's DeliveryFilter."""

    def __init__(
        self, ledger: LedgerService, distribution: DistributionService, *, jobs: JobRunner, changes: Changes
    ) -> None:
        self._ledger, self._distribution = ledger, distribution
        self._wanted: DeliveryFilter | None = None
        super().__init__(
            tr("Deliveries"),
            tr("What a number of the dashboard counts"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS),
            columns=(
                Column("name", word(FIELDS, "name"), 110, stretch=True),
                Column("department", tr("Department"), 110, stretch=True),
                Column("product", tr("Product"), 130, stretch=True),
                Column("channel", tr("Channel"), 90, value=channel_words),
                Column("card_tail", tr("Card ends in"), 100, Kind.CODE),
                Column("amount_minor", tr("Amount (yuan)"), 116, Kind.MONEY),
                Column("state", tr("State"), 104, Kind.STATE, value=_mark),
                Column("sent_at", tr("Sent"), 136, Kind.MOMENT),
            ),
            load=self._ids,
            fetch=distribution.deliveries_of,
        )
        self.header.add_secondary(tr("Dashboard"), self._leave, symbol="arrow-left")
        self.chips = ChipBar()
        self.chips.removed.connect(self._drop)
        self.chips.cleared.connect(self._leave)
        self.body.insertWidget(0, self.chips)
        self.table.opened.connect(self.open_record)
        back = (tr("To the dashboard"), self._leave)
        self.table.set_empty(EmptyState("users", tr("Nobody here"), act=back))
        for came in (self.table.rows.arrived, self.table.rows.modelReset):
            came.connect(lambda *_: self._name_chips())

    def show_wanted(self, wanted: object) -> None:
        if isinstance(wanted, DeliveryFilter):
            self._wanted = wanted
            self.drawer.shut()
            self.chips.show_chips(_chips(wanted))
            self.reload()

    def open_record(self, record: int) -> None:
        """One delivery with its story; from there to its distribution."""

        def done(rows: list[DeliveryRow]) -> None:
            for found in rows:
                go = button(tr("Show the distribution"), partial(self._show_distribution, found), symbol="send")
                self.drawer.show_record(found.name, delivery_body(found), state=_mark(found), acts=(go,))

        self.look_up(self._distribution.deliveries_of, [record], then=done)

    def _name_chips(self) -> None:
        """A product is called by what the first row says."""
        found = self.table.rows.row_at(0)
        if isinstance(found, DeliveryRow) and self._wanted is not None and self._wanted.product_id is not None:
            self.chips.show_chips(_chips(self._wanted, found))

    def _drop(self, key: str) -> None:
        """Take one filter away; without its period there is no number to list."""
        if key == PERIOD or self._wanted is None:
            self._leave()
        else:
            self.show_wanted(replace(self._wanted, **{key: None}))  # type: ignore[arg-type]  # its own fields

    def _show_distribution(self, found: DeliveryRow) -> None:
        self.page_wanted.emit("distribution", found.distribution_id)

    def _leave(self) -> None:
        self.page_wanted.emit("dashboard", None)

    def _ids(self, _sort: str, _descending: bool) -> Load:  # ListPage's shape
        wanted = self._wanted
        return lambda: array("q", self._ledger.delivery_ids(wanted) if wanted is not None else ())


def _chips(wanted: DeliveryFilter, one: DeliveryRow | None = None) -> list[Chip]:
    chips = [Chip(PERIOD, word(DELIVERY_STATES, wanted.step), period_words(wanted.begin, wanted.end))]
    if wanted.product_id is not None:
        chips.append(Chip("product_id", tr("Product"), one.product if one else NO_DATA))
    if wanted.channel is not None:
        chips.append(Chip("channel", tr("Channel"), word(CHANNELS, wanted.channel)))
    return chips


def _mark(found: DeliveryRow) -> StateMark:
    return delivery_mark(found.state)
