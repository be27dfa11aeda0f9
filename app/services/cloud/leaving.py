"""Leaving an endpoint: after a last sync with it, or, where it is gone for ever, by a deliberate word without one."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import (
    EndpointNotStarted,
    EndpointRefused,
    EndpointUnreachable,
    LeavingUnconfirmed,
    OldEndpointAnswers,
    OldEndpointSilent,
)
from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.services.audit import AuditLog
from app.services.cloud.connection import Pairing
from app.services.cloud.lease_events import LIVE
from app.services.cloud.working_set import CORE
from app.services.outbox import enqueue
from app.services.settings import stored
from app.topics import Topic


def part_from(
    before: Pairing,
    *,
    hear: Callable[[], object],
    greet: Callable[[], object],
    leave: str | None,
    since: datetime | None,
) -> bool:
    """Let `hear` do the last sync; whether the endpoint is left unheard instead, for it does not even answer when it is
    greeted and `leave` is its host as the user has typed it. `since` is when it was heard last.

    Raises OldEndpointSilent, OldEndpointAnswers, LeavingUnconfirmed, EndpointRefused.
    """
    host = host_and_port(before.url)
    if leave is None:
        try:
            hear()
        except (EndpointUnreachable, EndpointNotStarted) as error:
            said = error.where if isinstance(error, EndpointNotStarted) else ""
            raise OldEndpointSilent(before.url, host, since, said) from error
        return False
    if leave.strip().lower() != host:
        raise LeavingUnconfirmed(host)
    try:
        greet()
    except (EndpointUnreachable, EndpointNotStarted):
        return True
    except EndpointRefused as refused:
        raise OldEndpointAnswers(host) from refused
    raise OldEndpointAnswers(host)


def note_left(session: Session, audit: AuditLog, before: Pairing) -> None:
    """In the write that takes the vault elsewhere: what was left, when it was heard last, how much waited for it."""
    waiting = select(func.count()).where(OutboxOp.state.in_(("waiting", "in_flight", "rejected")))
    audit.record(
        session,
        "endpoint.left",
        subject=before.url,
        last_sync=str(stored(session, "cloud.last_sync") or ""),
        waiting=session.scalar(waiting),
    )


def give_leases_back(database: Database, audit: AuditLog, who: Pairing, push: Callable[[], object]) -> None:
    """Before this computer becomes another device, which nothing may decide under what this one has leased: `push`
    tells what it gave out under that, and gives it back. One that was revoked is not heard, and need not be: what it
    has is nobody's there. Raises EndpointUnreachable."""
    queued = {}
    with database.write(Topic.LEASES, Topic.OUTBOX, Topic.AUDIT) as session:
        mine = Lease.device_id == who.device_id, Lease.incarnation == who.incarnation, Lease.state.in_(LIVE)
        leases = list(session.scalars(select(Lease).where(*mine)))
        for lease in leases:
            if lease.state == "open":
                lease.state, body = "returning", {"lease_id": lease.id}
                queued[enqueue(session, "lease.return@1", aggregate=f"lease:{lease.id}", body=body)] = lease.id
                audit.record(session, "lease.returned", subject=session.get_one(Batch, lease.batch_id).serial)
    try:
        if leases:
            push()
    except EndpointRefused:
        with database.write(Topic.LEASES, Topic.OUTBOX) as session:
            session.execute(update(OutboxOp).where(OutboxOp.op_id.in_(queued)).values(state="withdrawn"))
            session.execute(update(Lease).where(Lease.id.in_(queued.values())).values(state="open"))


def leave_leases(session: Session) -> None:
    """Another endpoint, or one that begins anew, knows nothing of the leases of before."""
    ended = update(Lease).where(Lease.state.in_(LIVE)).values(state="left", ended_at=now())
    session.execute(ended, execution_options=CORE)


def host_and_port(url: str) -> str:
    """What a person types to name an endpoint."""
    return urlsplit(url).netloc.lower()
