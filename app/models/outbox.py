"""What waits for the endpoint, what it refused, and its feed as far as it was read."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class OutboxOp(Base):
    """One op. It leaves this table's queue only by an answer of the endpoint; it is never deleted."""

    __tablename__ = "outbox_op"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'in_flight', 'applied', 'rejected', 'withdrawn')", name="state"),
        Index("ix_outbox_op_state", "state", "id"),
        Index("ix_outbox_op_aggregate", "aggregate"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    op_id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[str]
    aggregate: Mapped[str]
    """What it is about (`batch:3`, `delivery:17`): a rejected op holds back later ops of the same aggregate only."""
    lane: Mapped[str] = mapped_column(default="ops")
    """ops, freeze (jumps the queue), upload (chunks and seal of a batch), link (PUT of a claim link)."""
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(default="waiting")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    in_flight_since: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    seq: Mapped[int | None]


class RawEvent(Base):
    """An event this version does not know: kept as it came, the cursor moves on."""

    __tablename__ = "raw_event"
    __table_args__ = (Index("ix_raw_event_op", "op_id"),)
    seq: Mapped[int] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]
    op_id: Mapped[str | None]
    """None for one that an earlier version kept."""
