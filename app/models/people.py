"""People who can receive cards."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Person(Base):
    __tablename__ = "person"
    __table_args__ = (
        Index("ix_person_phone", "phone"),
        Index("ix_person_phone_tail", "phone_tail"),
        Index("ix_person_employee_no", "employee_no"),
        Index("ix_person_email", "email"),
        Index("ix_person_pinyin_key", "pinyin_key", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    pinyin_key: Mapped[str]
    """Sort key: full pinyin of the likelier reading."""
    search: Mapped[str]
    """Space-joined lower-case readings (full and initials) and the name itself."""
    employee_no: Mapped[str | None]
    department: Mapped[str] = mapped_column(default="")
    phone: Mapped[str | None]
    phone_tail: Mapped[str | None]
    email: Mapped[str | None]
    left_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
