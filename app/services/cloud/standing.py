"""How the vault stands with its endpoint, as it knows it itself."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.lease import Conflict
from app.models.outbox import OutboxOp
from app.services.cloud.connection import pairing_of
from app.services.cloud.pushing import OPEN
from app.services.cloud.restored import recovery_of
from app.services.cloud.rows import CloudStatus
from app.services.settings import stored


def status_of(session: Session, *, runs: Callable[[], bool]) -> CloudStatus:
    """`runs` says whether the embedded endpoint's process is there."""
    pairing = pairing_of(session)
    grouped = select(OutboxOp.state, func.count()).group_by(OutboxOp.state)
    counts = {state: int(count) for state, count in session.execute(grouped)}
    conflicts = session.scalar(select(func.count()).select_from(Conflict).where(Conflict.settled_at.is_(None)))
    twin = stored(session, "cloud.twin_since")
    mode = pairing.mode if pairing else "none"
    return CloudStatus(
        mode=mode,
        url=pairing.url if pairing else "",
        device_id=pairing.device_id if pairing else "",
        merchant_id=str(stored(session, "merchant.id")),
        slug=str(stored(session, "merchant.slug")),
        running=runs() if mode != "cloud" else True,
        pending=sum(counts.get(state, 0) for state in OPEN),
        rejected=counts.get("rejected", 0),
        last_sync_at=last_sync(session),
        last_problem=str(stored(session, "cloud.last_problem") or ""),
        differences=tuple(stored(session, "cloud.differences") or ()),
        conflicts=conflicts or 0,
        recovery=recovery_of(session),
        role=str(stored(session, "cloud.role")),
        twin_since=datetime.fromisoformat(twin) if twin else None,
    )


def last_sync(session: Session) -> datetime | None:
    """When the endpoint was last heard in full."""
    last = stored(session, "cloud.last_sync")
    return datetime.fromisoformat(last) if last else None


def place(session: Session) -> tuple[str, int]:
    """Epoch and number up to which the feed was heard."""
    epoch, _, seq = str(stored(session, "cloud.cursor")).rpartition(".")
    return epoch, int(seq or 0)
