"""The recycle bin: what was removed, and when. The thing itself stays where it is until its time is up."""

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Removal(Base):
    """One thing in the bin. Restored, it has no row; a person whose data was erased has none either."""

    __tablename__ = "removal"
    __table_args__ = (
        CheckConstraint("kind IN ('product', 'batch', 'person')", name="kind"),
        UniqueConstraint("kind", "record_id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    record_id: Mapped[int]
    froze: Mapped[bool] = mapped_column(default=False)
    """The batch was frozen by being removed: restored, it thaws."""
    removed_at: Mapped[datetime]
    purged_at: Mapped[datetime | None]
    """Since when it cannot be restored any more and stays hidden for good."""
