"""Leases as the feed told of them, and what a counter gave out that its card could not pay any more."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Lease(Base):
    """Cards that one device decides about alone: ids from `first_card_id` up to, not with, `end_card_id`."""

    __tablename__ = "lease"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'returning', 'returned', 'reclaimed', 'left')", name="state"),
        Index("ix_lease_state", "state"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    """The op id that took it."""
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    first_card_id: Mapped[int]
    end_card_id: Mapped[int]
    device_id: Mapped[str]
    device_name: Mapped[str]
    incarnation: Mapped[str]
    """The life of the device that has it: a vault put back from a backup is another."""
    until: Mapped[datetime]
    state: Mapped[str]
    """`returning`: this machine has given it back and the endpoint has not heard so; `left`: its endpoint was left."""
    taken_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Conflict(Base):
    """A use that a counter confirmed and the ledger does not have."""

    __tablename__ = "conflict"
    __table_args__ = (
        CheckConstraint("way IN ('loss', 'contacted', 'undone')", name="way"),
        Index("ix_conflict_card", "card_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    """The op id under which it was confirmed."""
    lease_id: Mapped[str]
    card_id: Mapped[int]
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    amount_minor: Mapped[int]
    uses: Mapped[int]
    reason: Mapped[str]
    """Why the card could not pay: a problem key of the protocol."""
    place: Mapped[str]
    device_id: Mapped[str]
    decided_at: Mapped[datetime]
    found_at: Mapped[datetime]
    way: Mapped[str | None]
    """How people settled it; None while it is open."""
    note: Mapped[str | None]
    settled_at: Mapped[datetime | None]
