"""Products: what a card stands for."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Product(Base):
    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("kind IN ('fixed', 'variable', 'exchange', 'supplier')", name="kind"),
        CheckConstraint("face_minor IS NULL OR face_minor >= 0", name="face"),
        CheckConstraint("uses >= 1", name="uses"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    form: Mapped[str]
    """What it is in trade: stored_value, voucher, membership, course, supplier_code."""
    named: Mapped[bool] = mapped_column(default=False)
    currency: Mapped[str] = mapped_column(default="CNY")
    face_minor: Mapped[int | None]
    min_minor: Mapped[int | None]
    max_minor: Mapped[int | None]
    step_minor: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=1)
    partial: Mapped[bool] = mapped_column(default=True)
    valid_days: Mapped[int | None]
    valid_until: Mapped[datetime | None]
    target_url: Mapped[str | None]
    description: Mapped[str] = mapped_column(default="")
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
