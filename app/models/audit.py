"""The audit log: a hash chain with ratcheting MACs and signed checkpoints."""

from datetime import datetime

from sqlalchemy import DDL, JSON, LargeBinary, event
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class AuditEntry(Base):
    """One act. `hash` chains to the entry before, `mac` proves who could write at that time."""

    __tablename__ = "audit_entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, object]] = mapped_column(JSON)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditCheckpoint(Base):
    """A signature over the chain's head, made every 500 entries or 24 hours."""

    __tablename__ = "audit_checkpoint"
    entry_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


for _table in ("audit_entry", "audit_checkpoint"):
    for _verb in ("UPDATE", "DELETE"):
        event.listen(
            Base.metadata.tables[_table],
            "after_create",
            DDL(  # type: ignore[no-untyped-call]
                f"CREATE TRIGGER {_table}_no_{_verb.lower()} BEFORE {_verb} ON {_table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            ),
        )
