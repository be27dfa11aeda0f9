"""Batches, their sealed codes, and the cards whose own life has begun.

A card's id is `batch.first_card_id + position`. Untouched stock has no row in `card`: its state follows from
the batch. A row appears when something happens to that one card.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Batch(Base):
    __tablename__ = "batch"
    __table_args__ = (
        CheckConstraint("state IN ('generating', 'ready', 'published', 'voided')", name="state"),
        CheckConstraint("made >= 0 AND made <= quantity", name="made"),
        CheckConstraint("taken >= 0 AND taken <= quantity", name="taken"),
        UniqueConstraint("uid"),
        UniqueConstraint("serial"),
        UniqueConstraint("first_card_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[bytes] = mapped_column(LargeBinary(16))
    """The id on the wire."""
    serial: Mapped[str]
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    source: Mapped[str] = mapped_column(default="generated")
    """generated, or imported from a supplier."""
    format: Mapped[str]
    """SHORT, STANDARD, LONG, a custom pattern, or SUPPLIER."""
    code_length: Mapped[int] = mapped_column(default=0)
    """Symbols of a generated code; 0 where the sealed blocks hold the fields of a supplier."""
    quantity: Mapped[int]
    made: Mapped[int] = mapped_column(default=0)
    """Cards stored so far; less than `quantity` only while generating."""
    taken: Mapped[int] = mapped_column(default=0)
    """Positions below this were handed out once; the next free card is looked for from here."""
    first_card_id: Mapped[int]
    face_minor: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=1)
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="generating")
    frozen_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    """Since when the plain codes are in the world: untouched cards then count as active, not as stock."""
    sealed_at: Mapped[datetime | None]
    """When the endpoint acknowledged the seal."""
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    """The key of the sealed blocks, wrapped by the vault's wrapping key."""
    created_at: Mapped[datetime]


class CodeBlock(Base):
    """Up to 1,024 codes of a batch, sealed together."""

    __tablename__ = "code_block"
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


card_key = Table(
    "card_key",
    Base.metadata,
    Column("blind", LargeBinary(16), primary_key=True, nullable=False),
    Column("card_id", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Blind index: HMAC of a code → the card. Sorted by the index itself, so a million rows cost one B-tree."""

number = Table("number", Base.metadata, Column("n", Integer, primary_key=True))
"""0 … 20,479: lets one INSERT … SELECT make the rows of a chunk inside SQLite."""


class Card(Base):
    __tablename__ = "card"
    __table_args__ = (
        CheckConstraint("state IN ('in_stock', 'assigned', 'active', 'spent', 'voided')", name="state"),
        CheckConstraint("balance_minor IS NULL OR balance_minor >= 0", name="balance"),
        CheckConstraint("uses_left >= 0", name="uses_left"),
        Index("ix_card_batch_state", "batch_id", "state"),
        Index("ix_card_person", "person_id"),
        Index("ix_card_state_changed", "state", "changed_at"),
        Index("ix_card_adjusted", "state", sqlite_where=text("adjusted != 0")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    state: Mapped[str]
    frozen_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    """When it was ended, by itself and not with its batch. It may be used up all the same, and then says so."""
    balance_minor: Mapped[int | None]
    uses_left: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[datetime]
    adjusted: Mapped[int] = mapped_column(default=0, server_default="0")
    """What was put onto it less what was paid out, in fen, or in uses of a voucher: its face with this is what it could
    give in all."""
