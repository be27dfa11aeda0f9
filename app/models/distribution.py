"""Distributions and their deliveries: who got which card, through which channel, and how far it came."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Distribution(Base):
    __tablename__ = "distribution"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    name: Mapped[str]
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    """The one of a distribution without rules; with rules the first. Each delivery knows its own."""
    channel: Mapped[str]
    """The one it began with; single deliveries may have changed theirs."""
    note: Mapped[str] = mapped_column(default="")
    template: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    roster_hash: Mapped[str | None]
    """SHA-256 of the staged roster, so that the same list is recognised the next time."""
    out_folder: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="prepared")
    """prepared, sending, paused, finished, cancelled."""
    created_at: Mapped[datetime]
    scheduled_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Delivery(Base):
    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(
            "state IN ('prepared', 'released', 'sending', 'sent', 'delivered', 'claimed', 'failed', 'uncertain', "
            "'recalled', 'skipped')",
            name="state",
        ),
        UniqueConstraint("distribution_id", "person_id", "no"),
        Index("ix_delivery_distribution_state", "distribution_id", "state"),
        Index("ix_delivery_card", "card_id"),
        Index("ix_delivery_person", "person_id"),
        Index("ix_delivery_link", "link_id", unique=True),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    distribution_id: Mapped[int] = mapped_column(ForeignKey("distribution.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    no: Mapped[int] = mapped_column(default=0)
    """Place in the list; a second card for one person by choice is a second place."""
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"))
    """What this person gets, as decided when the list was prepared; None: nothing, by the rules."""
    wanted_minor: Mapped[int | None]
    """The face the card must have; None: any card of the product."""
    channel: Mapped[str]
    """How this card travels: at first as its whole distribution does."""
    change_to: Mapped[str | None]
    """The channel it takes as soon as the endpoint has ended its link; the same channel means a new link."""
    card_id: Mapped[int | None]
    amount_minor: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="prepared")
    reason: Mapped[str | None]
    """Key of the human reason when failed or skipped."""
    said: Mapped[str | None]
    """The mail server's own words about the last try."""
    retryable: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    message_id: Mapped[str]
    """Made once, so that a re-sent mail is the same mail."""
    link_id: Mapped[str | None]
    link_secret: Mapped[str | None]
    """k of the claim link; lies in the encrypted vault only."""
    pickup_code: Mapped[str | None]
    link_stored_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    recalled_at: Mapped[datetime | None]


class Reminder(Base):
    """A mail that reminds of one that was sent and not opened. Written down before it goes out, never twice a day."""

    __tablename__ = "reminder"
    __table_args__ = (
        CheckConstraint("state IN ('sending', 'sent', 'failed', 'uncertain')", name="state"),
        Index("ix_reminder_delivery", "delivery_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"))
    message_id: Mapped[str]
    state: Mapped[str] = mapped_column(default="sending")
    reason: Mapped[str | None]
    said: Mapped[str | None]
    at: Mapped[datetime]
