"""How a delivery stands in a table: its columns, and what its reason and its last event are."""

from datetime import datetime

from app.services.distribution import DeliveryRow
from app.views.distribution.delivery_body import channel_words
from app.views.widgets.marks import delivery_mark
from app.views.widgets.row_table import Column, Kind
from app.vocabulary import DELIVERY_REASONS, FIELDS, word
from app.words import moment, tr


def delivery_columns() -> tuple[Column, ...]:
    return (
        Column("name", word(FIELDS, "name"), 110, sortable=True),
        Column("department", tr("Department"), 100, sortable=True),
        Column("channel", tr("Channel"), 104, value=channel_words),
        Column("card_tail", tr("Card tail"), 92, Kind.CODE),
        Column("amount_minor", tr("Amount (yuan)"), 124, Kind.MONEY, sortable=True),
        Column("state", tr("State"), 108, Kind.STATE, value=lambda found: delivery_mark(found.state), sortable=True),
        Column("reason", tr("Reason"), 164, stretch=True, value=reason_of, tip=lambda found: found.said, sortable=True),
        Column("sent_at", tr("Sent"), 132, Kind.MOMENT, sortable=True),
        Column("opened_at", tr("Opened"), 104, Kind.DAY, sortable=True, tip=lambda found: moment(found.opened_at)),
        Column("redeemed_at", tr("Redeemed"), 132, Kind.MOMENT, hidden=True),
        Column("attempts", tr("Tries"), 64, Kind.COUNT, hidden=True, sortable=True),
        Column("reminders", tr("Reminders"), 84, Kind.COUNT, hidden=True),
        Column("last", tr("Latest"), 132, Kind.MOMENT, value=latest_of, hidden=True),
    )


def may_change(found: DeliveryRow) -> bool:
    """Whether it may still go another way, as far as is known here."""
    if found.opened_at is not None or found.claimed_at is not None or found.redeemed_at is not None:
        return False
    if found.channel != "email" and found.sent_at is not None:
        return False
    return found.state in ("prepared", "released", "sent", "delivered", "failed", "uncertain")


def reason_of(found: DeliveryRow) -> str:
    if found.change_to is not None:
        return tr("Its old link is ending")
    return word(DELIVERY_REASONS, found.reason) if found.reason else ""


def latest_of(found: DeliveryRow) -> datetime | None:
    """The last thing that happened to a delivery."""
    times = (found.sent_at, found.reminded_at, found.opened_at, found.claimed_at, found.redeemed_at, found.recalled_at)
    return max((time for time in times if time is not None), default=None)
