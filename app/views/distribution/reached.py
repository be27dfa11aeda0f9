"""The deliveries behind a number of the dashboard, over all distributions."""

from array import array
from collections.abc import Sequence

from app.services.distribution import DeliveryRow, DistributionService
from app.services.ledger import DeliveryFilter, LedgerService
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.list_page import ListPage
from app.views.widgets.marks import delivery_mark
from app.views.widgets.pieces import button, row
from app.views.widgets.row_table import Column, Kind
from app.views.widgets.state_mark import StateMark
from app.vocabulary import DELIVERY_STATES, word
from app.words import moment, tr


class ReachedPage(ListPage):
    """`show_wanted` takes the ledger's DeliveryFilter."""

    def __init__(
        self, ledger: LedgerService, distribution: DistributionService, *, jobs: JobRunner, changes: Changes
    ) -> None:
        self._ledger = ledger
        self._wanted: DeliveryFilter | None = None
        super().__init__(
            tr("Deliveries"),
            tr("What a number of the dashboard counts"),
            jobs=jobs,
            changes=changes,
            topics=(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS),
            columns=(
                Column("name", tr("Name"), 140, stretch=True),
                Column("department", tr("Department"), 140),
                Column("card_tail", tr("Card ends in"), 110, Kind.CODE),
                Column("amount_minor", tr("Amount (yuan)"), 120, Kind.MONEY),
                Column("state", tr("State"), 110, Kind.STATE, value=_mark),
                Column("sent_at", tr("Sent"), 150, Kind.MOMENT),
            ),
            load=self._ids,
            fetch=distribution.deliveries_of,
        )
        self.chip = button("", self._leave, kind="chip", symbol="x")
        self.chip.hide()
        self.body.insertLayout(0, row(self.chip, 0))
        self.table.set_empty(EmptyState("users", tr("Nobody here")))

    def show_wanted(self, wanted: object) -> None:
        if isinstance(wanted, DeliveryFilter):
            self._wanted = wanted
            step = word(DELIVERY_STATES, wanted.step)
            self.chip.setText(f"{step}  {moment(wanted.begin)} ~ {moment(wanted.end)}")
            self.chip.show()
            self.reload()

    def _leave(self) -> None:
        self.page_wanted.emit("dashboard", None)

    def _ids(self, sort: str, descending: bool) -> Sequence[int]:  # ListPage's shape
        return array("q", self._ledger.delivery_ids(self._wanted) if self._wanted is not None else ())


def _mark(found: DeliveryRow) -> StateMark:
    return delivery_mark(found.state)
