"""Leaving an endpoint: after a last sync with it, or, where it is gone for ever, by a deliberate word without one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
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
from app.services.cloud.events import CLOSED
from app.services.cloud.lease_events import LIVE
from app.services.cloud.moving import CLOSE, FREEZE, MAY_CARRY, OPEN_AGAIN
from app.services.cloud.pushing import OPEN
from app.services.cloud.working_set import CORE
from app.services.outbox import enqueue
from app.services.settings import store, stored
from app.topics import Topic
from sync.client import Refused, SyncClient
from sync.protocol import Op, from_wire, new_op_id, to_wire

Ask = Callable[[SyncClient], object]
PER_PUSH = 100
FROZEN = "cloud.leaving"
"""Setting: what was closed or frozen at the endpoint that is left, and since when, until the vault is elsewhere."""
STOPPING = ("frozen@1", "thawed@1")


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


class Departure:
    """This computer becomes another device: of the same endpoint, or of another one while this one goes on answering.

    Under what it has leased nobody could decide then, so that is given back, behind what was given out under it. And an
    endpoint that is left must not go on deciding about what another one decides about: its batches are closed there
    until the vault comes back. At an endpoint that does not know that, or lets this device not do it, they are frozen.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        who: Pairing,
        *,
        to: str,
        ask: Callable[[Ask], object],
        push: Ask,
        hear: Ask,
    ) -> None:
        """`ask` asks the endpoint that is left; `push` tells it what waits, `hear` hears what it has to tell."""
        self._database = database
        self._audit = audit
        self._who = who
        self._ask = ask
        self._push = push
        self._hear = hear
        self._moves = who.url != to
        self._closes = False
        self._frozen: dict[str, str] = {}
        """Each with the id of the op that freezes or closes it."""
        self._were_open: set[str] = set()
        """Those of them that were not frozen here."""
        self._by_others: set[str] = set()
        self._elsewhere: set[str] = set()
        """Batches that another copy of the vault has closed: not for this one to open."""
        self._since = self._after = ""

    def refuse_while_leased(self) -> None:
        """Other counters decide about cards without a line, whatever is frozen. Raises EndpointRefused."""
        other = ~((Lease.device_id == self._who.device_id) & (Lease.incarnation == self._who.incarnation))
        with self._database.read() as session:
            if self._moves and session.scalar(select(Lease.id).where(Lease.state.in_(LIVE), other).limit(1)):
                raise EndpointRefused("leased-here")

    def give_leases_back(self) -> None:
        """Behind what waits. A device that was revoked is not heard, and need not be: what it has is nobody's there.
        Raises EndpointUnreachable."""
        queued = {}
        with self._database.write(Topic.LEASES, Topic.OUTBOX, Topic.AUDIT) as session:
            mine = Lease.device_id == self._who.device_id, Lease.incarnation == self._who.incarnation
            leases = list(session.scalars(select(Lease).where(*mine, Lease.state.in_(LIVE))))
            for lease in leases:
                if lease.state == "open":
                    lease.state, body = "returning", {"lease_id": lease.id}
                    queued[enqueue(session, "lease.return@1", aggregate=f"lease:{lease.id}", body=body)] = lease.id
                    self._audit.record(session, "lease.returned", subject=session.get_one(Batch, lease.batch_id).serial)
        try:
            if leases:
                self._ask(self._push)
        except EndpointRefused:
            with self._database.write(Topic.LEASES, Topic.OUTBOX) as session:
                session.execute(update(OutboxOp).where(OutboxOp.op_id.in_(queued)).values(state="withdrawn"))
                session.execute(update(Lease).where(Lease.id.in_(queued.values())).values(state="open"))

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing of this vault is redeemed there from now on, and what was is known here; what fails meanwhile opens
        it again. Raises EndpointUnreachable, EndpointRefused."""
        if not self._moves:
            yield
            return
        try:
            self._ask(self._meet)
            while uids := self._not_closed():
                self._ask(partial(self._freeze, uids=uids))
                self._ask(self._hear)  # also of batches that another copy of the vault has made
                self._ask(self._look)
            self.refuse_while_leased()  # what was leased before that freeze
            yield
        except Exception:  # whatever it was, and it goes on to whoever asked: the endpoint must not stay shut
            with suppress(EndpointRefused, EndpointUnreachable):  # else with the next sync
                self._ask(self._open_again)
            raise

    def forget(self, session: Session) -> None:
        """What was heard of those freezes meanwhile is about the endpoint that is left; not what people froze."""
        store(session, FROZEN, {})
        ours = select(OutboxOp.body["batch_id"].as_string())
        ours = ours.where(OutboxOp.type == FREEZE, OutboxOp.state.in_((*OPEN, "rejected")))
        meant = set(session.scalars(ours))
        for batch in session.scalars(select(Batch).where(Batch.uid.in_([UUID(uid).bytes for uid in self._were_open]))):
            uid = str(UUID(bytes=batch.uid))
            if uid in self._by_others:
                batch.frozen_at = batch.frozen_at or now()
            elif uid not in meant:
                batch.frozen_at = None

    def _meet(self, client: SyncClient) -> None:
        """Raises Unreachable, Refused."""
        hello = client.hello()
        self._closes = hello.closes and hello.device.role in MAY_CARRY

    def _not_closed(self) -> list[str]:
        """Sealed batches that were not frozen yet. Whatever they are here, frozen or voided: people may have said so
        just now, and it waits for the endpoint that is left, which will never hear it."""
        with self._database.write(Topic.CLOUD) as session:
            sealed = session.execute(select(Batch.uid, Batch.frozen_at).where(Batch.sealed_at.is_not(None)))
            found = {str(UUID(bytes=uid)): frozen_at for uid, frozen_at in sealed}
            if not self._frozen:
                self._since, self._after = to_wire(now()), str(stored(session, "cloud.cursor"))
                self._elsewhere |= set(stored(session, CLOSED))
            new = [uid for uid in found if uid not in self._frozen]
            self._frozen |= {uid: new_op_id() for uid in new}
            self._were_open |= {uid for uid in new if found[uid] is None}
            self._note(session)
        return new

    def _look(self, client: SyncClient) -> None:
        """What other computers froze or closed there since. Raises Unreachable, Refused."""
        while True:
            page = client.events(self._after)
            for event in page.events:
                if event.type in STOPPING and event.op_id not in self._frozen.values():
                    self._note_others(msgspec.json.decode(event.body), frozen=event.type == "frozen@1")
            self._after = page.next
            if not page.has_more:
                break
        with self._database.write(Topic.CLOUD) as session:
            self._note(session)

    def _note_others(self, told: dict[str, Any], *, frozen: bool) -> None:
        uid = str(told["batch_id"])
        if "closed" not in told:
            (self._by_others.add if frozen else self._by_others.discard)(uid)
        elif told["closed"]:
            self._elsewhere.add(uid)

    def _note(self, session: Session) -> None:
        """What is to be opened or thawed should this not come about, also where it is killed."""
        were_open = sorted(self._were_open - self._by_others - self._elsewhere)
        closed = {uid: op_id for uid, op_id in self._frozen.items() if self._closes and uid not in self._elsewhere}
        store(session, FROZEN, {"since": self._since, "batches": were_open, "closed": closed})

    def _freeze(self, client: SyncClient, *, uids: Sequence[str]) -> None:
        """Raises Unreachable, Refused."""
        type_ = CLOSE if self._closes else FREEZE
        ops = [Op(self._frozen[uid], type_, to_wire(now()), {"batch_id": uid}) for uid in uids]
        for start in range(0, len(ops), PER_PUSH):
            for result in client.push(ops[start : start + PER_PUSH]).results:
                if result.problem is not None:
                    raise Refused(result.problem)

    def _open_again(self, client: SyncClient) -> None:
        open_again(self._database)
        self._push(client)


def open_again(database: Database) -> None:
    """Queue the openings, or thaws, of what was stopped for a move that then did not come about, also where it was
    killed; not of what people have frozen since."""
    with database.read() as session:
        if not stored(session, FROZEN):
            return
    with database.write(Topic.OUTBOX, Topic.CLOUD, Topic.BATCHES) as session:
        left = stored(session, FROZEN)
        meant = select(OutboxOp.aggregate).where(OutboxOp.type == FREEZE)
        kept = set(session.scalars(meant.where(OutboxOp.created_at >= from_wire(left["since"]))))
        were_open, closed = set(left["batches"]), dict[str, str](left.get("closed", {}))
        wanted = Batch.uid.in_([UUID(uid).bytes for uid in were_open | closed.keys()])
        for batch in session.scalars(select(Batch).where(wanted).order_by(Batch.id)):
            aggregate, uid = f"batch:{batch.id}", str(UUID(bytes=batch.uid))
            if thaws := uid in were_open and aggregate not in kept:
                batch.frozen_at = None
            if uid in closed:
                said = _unsaid(session, aggregate) and batch.frozen_at is None
                # the closing once more, lest one that is still on its way closes it behind the opening
                enqueue(session, CLOSE, aggregate=aggregate, body={"batch_id": uid}, op_id=closed[uid])
                body = {"batch_id": uid} | ({"thaws": True} if said else {})
                enqueue(session, OPEN_AGAIN, aggregate=aggregate, body=body)
            elif thaws:
                enqueue(session, "batch.thaw@1", aggregate=aggregate, body={"batch_id": uid})
        store(session, FROZEN, {})
        store(session, CLOSED, sorted(set(stored(session, CLOSED)) - closed.keys()))


def _unsaid(session: Session, aggregate: str) -> bool:
    """Whether people have thawed it while it was closed: that is refused, and its opening would wait behind it."""
    thaws = OutboxOp.aggregate == aggregate, OutboxOp.type == "batch.thaw@1"
    waiting = session.scalars(select(OutboxOp).where(*thaws, OutboxOp.state.in_((*OPEN, "rejected")))).all()
    for op in waiting:
        op.state = "withdrawn"
    return bool(waiting)


def leave_leases(session: Session) -> None:
    """Another endpoint, or one that begins anew, knows nothing of the leases of before."""
    ended = update(Lease).where(Lease.state.in_(LIVE)).values(state="left", ended_at=now())
    session.execute(ended, execution_options=CORE)


def host_and_port(url: str) -> str:
    """What a person types to name an endpoint."""
    return urlsplit(url).netloc.lower()
