"""Redemptions as the endpoint reported them, and the rollups the dashboard reads."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Redemption(Base):
    """An immutable ledger entry. A reversal is an entry of its own with negative amounts that points at the first; a
    top-up is negative, too, so that a balance is always the face less the sum."""

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("kind IN ('redeemed', 'reversed', 'topped_up', 'refunded')", name="kind"),
        Index("ix_redemption_card", "card_id"),
        Index("ix_redemption_at", "at"),
        Index("ix_redemption_batch_at", "batch_id", "at"),
        Index("ix_redemption_reverses", "reverses"),
        Index("ix_redemption_seq", "seq"),
        Index("ix_redemption_lease", "lease_id", sqlite_where=text("lease_id IS NOT NULL")),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    """The op id that made it, at the endpoint."""
    seq: Mapped[int]
    """Its number in the feed; 0 for one that this machine decided under a lease and the feed has not told yet."""
    kind: Mapped[str]
    card_id: Mapped[int]
    batch_id: Mapped[int]
    product_id: Mapped[int]
    amount_minor: Mapped[int]
    """Fen redeemed or paid out; negative for a reversal and a top-up; 0 for vouchers."""
    uses: Mapped[int]
    remaining_minor: Mapped[int | None]
    remaining_uses: Mapped[int | None]
    reverses: Mapped[str | None]
    reason: Mapped[str | None]
    channel: Mapped[str]
    """Channel the card was delivered through, or `direct`."""
    entry: Mapped[str]
    """link, pickup, code (phone page) or counter."""
    place: Mapped[str | None]
    region: Mapped[str | None]
    device_class: Mapped[str | None]
    at: Mapped[datetime]
    lease_id: Mapped[str | None]
    """The lease under which a counter decided it without a line."""
    receipt: Mapped[bytes | None]
    """The endpoint's word on it: with it the entry can be given back to an endpoint that lost it."""


class DailyFigure(Base):
    """Count and sum of one metric on one local day, hour, product and channel: what the dashboard adds up."""

    __tablename__ = "daily_figure"
    day: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    """issued, sent, delivered, opened, claimed, redeemed, reversed, topped_up, refunded."""
    count: Mapped[int] = mapped_column(default=0)
    amount_minor: Mapped[int] = mapped_column(default=0)
