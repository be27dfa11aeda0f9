"""What the list of the queue shows: its columns, its empty state, one entry in the drawer."""

from PySide6.QtWidgets import QWidget

from app.services.cloud import CloudStatus, QueueRow
from app.views.sync.words import deed, queue_mark, reason, subject
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.facts import facts
from app.views.widgets.row_table import Column, Kind
from app.words import moment, tr


def queue_columns() -> tuple[Column, ...]:
    """The reason gets what the others leave: it is a sentence."""
    return (
        Column("type", tr("Entry"), 112, value=deed),
        Column("subject", tr("About"), 104, value=subject),
        Column("state", tr("State"), 96, Kind.STATE, value=queue_mark),
        Column("problem", tr("Reason"), 180, stretch=True, value=reason),
        Column("attempts", tr("Tries"), 64, Kind.COUNT),
        Column("created_at", tr("Since"), 136, Kind.MOMENT),
    )


def entry_facts(entry: QueueRow) -> QWidget:
    return facts(
        (
            (tr("About"), subject(entry)),
            (tr("Reason"), reason(entry)),
            (tr("Tries"), str(entry.attempts)),
            (tr("Since"), moment(entry.created_at)),
        )
    )


def nothing_waits(status: CloudStatus) -> EmptyState:
    if status.mode == "none":
        return EmptyState(
            "cloud-off", tr("No endpoint yet"), hint=tr("What is to be sent stands here until it is sent")
        )
    return EmptyState("circle-check", tr("Nothing waits"), hint=tr("Everything is at the endpoint"))
