"""An endpoint that was put back from a backup: first it is told what it lost, then this vault hears it anew.

It counts its feed under a new name then. Batches that it lost are uploaded again; its own entries of the ledger go back
to it with their receipts, as they were; everything else is said as to an endpoint that is new. Only then is its feed
read from the beginning, so that no word of ours is undone by what it still believed.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from app.errors import EndpointRefused, ReasonMissing
from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.audit import AuditLog
from app.services.cards.codes import CodeReader, batch_of, batches_of
from app.services.cloud import events, lost_leases, word
from app.services.cloud.ledger_order import in_an_order_that_pays
from app.services.cloud.moving import MAY_CARRY, MAY_ISSUE, Known, announce_batches, announce_rest, survey
from app.services.cloud.pushing import TOOK, Pusher
from app.services.cloud.rows import Recovering
from app.services.cloud.working_set import UNCONFIRMED
from app.services.progress import Progress
from app.services.settings import store, stored
from app.topics import Topic
from sync.client import Refused, SyncClient
from sync.protocol import (
    LONGEST_NAME,
    Checkpoint,
    EventsPage,
    Hello,
    Op,
    RecoveryState,
    b64,
    from_wire,
    new_op_id,
    to_wire,
)
from sync.receipts import GIVEN_BACK, GivenBack

COUNTER = ("redeem@1", "reverse@1", "card.topup@1", "card.refund@1")
"""What is decided by an answer."""
RECEIPTED = select(Redemption.id).where(Redemption.receipt.is_not(None)).order_by(Redemption.at, Redemption.seq)
"""Entries that the endpoint answered for, in the order they were made; not more of them, a million do not fit into
memory."""
TAKEN = frozenset({"entered", "known"})
TOPICS = (Topic.OUTBOX, Topic.BATCHES, Topic.CARDS, Topic.DISTRIBUTIONS, Topic.CLOUD, Topic.AUDIT)


def recovery_of(session: Session) -> Recovering | None:
    """How far the endpoint's recovery was at the last sync."""
    waits = stored(session, "cloud.recovery")
    return Recovering(**waits | {"since": from_wire(waits["since"])}) if waits else None


class Restored:
    """Notices that an endpoint is not what it was, and brings it up to date."""

    def __init__(self, database: Database, audit: AuditLog, reader: CodeReader) -> None:
        self._database = database
        self._audit = audit
        self._reader = reader

    def greet(self, client: SyncClient) -> Hello:
        """Greet an endpoint, and hold what it said of its feed against what it says now.

        Raises Unreachable, Refused, EndpointRefused for one that signs as somebody else, or whose history was changed.
        """
        hello = client.hello()
        self._pin(hello)
        with self._database.read() as session:
            kept = word.kept(session)
        if kept is None:
            return hello
        verdict = _witnessed(client, kept)
        if verdict == "differs":
            raise EndpointRefused("feed-broken")
        return client.hello() if verdict == "restored" else hello

    def catch_up(self, client: SyncClient, hello: Hello, pusher: Pusher, progress: Progress) -> None:
        """Tell an endpoint that has begun anew what it lost, if it has. Raises Unreachable, Refused."""
        with self._database.read() as session:
            epoch, _, heard = str(stored(session, "cloud.cursor")).rpartition(".")
            told_as = str(stored(session, "cloud.told_as"))
        same = epoch in ("", hello.feed.epoch) or self._goes_on(client, hello, int(heard))
        if same and not (epoch and _may_tell_more(told_as, hello.device.role)):
            return
        # what others froze behind either place is theirs to thaw
        known = survey(client, restored_at=min(hello.feed.restored_at or 0, int(heard)), progress=progress)
        issues, carries = hello.device.role in MAY_ISSUE, hello.device.role in MAY_CARRY
        if issues:
            self._upload_again(known, hello.feed.epoch)
            pusher.push(progress)
        refused = self._give_back(client, known, progress)
        with self._database.write(*TOPICS, Topic.LEASES, Topic.REDEMPTIONS) as session:
            lost_leases.end_unknown(session, known.leases)
            self._say_again(session, known, refused, issues=issues, carries=carries)
            again = {"cloud.cursor": "", "cloud.feed_hash": "", "cloud.checkpoint": {}, "cloud.catching_up": ""}
            again |= {"cloud.compared": {}, "cloud.closed": [], "cloud.told_as": "" if carries else hello.device.role}
            for name, value in again.items():
                store(session, name, value)
            self._audit.record(session, "endpoint.restored", subject=client.base_url)

    def _say_again(
        self, session: Session, known: Known, refused: Sequence[str], *, issues: bool, carries: bool
    ) -> None:
        """`issues`: this device has batches and links to tell of; `carries`: it may say when an entry was decided."""
        lost_leases.say_again(session, known)
        if issues:
            merchant_id = UUID(str(stored(session, "merchant.id")))
            lacking = _lacking(session, known, among=refused, bare=carries)
            announce_rest(session, self._reader, merchant_id, known, lacking, dated=carries, opens=carries)
        _decide_again(session, known, dated=carries)

    def _goes_on(self, client: SyncClient, hello: Hello, heard: int) -> bool:
        """Whether nothing that was heard or said here was lost: then its feed goes on from where it was heard last.

        It may have had another life in between, in which the same numbers were given to other events.
        """
        restored_at = hello.feed.restored_at or 0
        if heard > restored_at:
            return False
        last = client.events(f"{hello.feed.epoch}.{heard - 1}", limit=1).events if heard else []
        with self._database.write(Topic.CLOUD) as session:
            same = all(event.hash == stored(session, "cloud.feed_hash") for event in last)
            if not same or _was_said_behind(session, restored_at):
                return False
            events.carry_over(session, hello.feed.epoch)
            store(session, "cloud.cursor", f"{hello.feed.epoch}.{heard}")
            store(session, "cloud.checkpoint", {})
        return True

    def _upload_again(self, known: Known, epoch: str) -> None:
        """Queue the batches that were lost, once in each epoch; what is refused stands in the queue."""
        with self._database.write(*TOPICS) as session:
            if stored(session, "cloud.catching_up") == epoch:
                return
            _withdraw_what_is_said_anew(session)
            announce_batches(session, known)
            store(session, "cloud.catching_up", epoch)

    def finish(self, client: SyncClient, hello: Hello) -> None:
        """Say that nothing more is to come from here; note how far the others are. Raises Unreachable, Refused."""
        waits = hello.recovery
        if waits is not None and hello.device.role in MAY_ISSUE:
            _given_back(client, [], done=True)
            waits = client.hello().recovery
        self._note(waits)

    def lift(self, client: SyncClient, reason: str) -> None:
        """Raises ReasonMissing, Unreachable, Refused."""
        if not reason:
            raise ReasonMissing
        self._audit.note("recovery.lifted", subject=client.base_url, reason=reason)
        op = Op(new_op_id(), "recovery.lift@1", to_wire(now()), {"reason": reason})
        problem = client.push([op]).results[0].problem
        if problem is not None:
            raise Refused(problem)
        self._note(client.hello().recovery)

    def check(self, session: Session, page: EventsPage) -> None:
        """Whether the endpoint answers for the page; its word is kept. Raises EndpointRefused."""
        if not stored(session, "cloud.public_key"):
            return
        told, last = page.checkpoint, page.events[-1]
        if (
            told is None
            or (told.epoch, told.seq, told.hash) != (page.epoch, last.seq, last.hash)
            or not word.is_its_own(session, told)
        ):
            raise EndpointRefused("feed-broken")
        word.keep(session, told)

    # --- the parts ---

    def _pin(self, hello: Hello) -> None:
        with self._database.read() as session:
            known = str(stored(session, "cloud.public_key"))
        if known and hello.public_key != known:
            raise EndpointRefused("key-changed")
        if not known and hello.public_key:  # paired before endpoints told it
            with self._database.write(Topic.CLOUD) as session:
                store(session, "cloud.public_key", hello.public_key)

    def _note(self, waits: RecoveryState | None) -> None:
        told: dict[str, Any] = {} if waits is None else msgspec.to_builtins(waits)
        with self._database.read() as session:
            if stored(session, "cloud.recovery") == told:
                return
        with self._database.write(Topic.CLOUD) as session:
            store(session, "cloud.recovery", told)

    def _give_back(self, client: SyncClient, known: Known, progress: Progress) -> list[str]:
        """Every entry that the endpoint lacks and has answered for; ids of those that it did not take."""
        refused: list[str] = []
        with self._database.read() as session:
            lacking = [op_id for op_id in session.scalars(RECEIPTED) if op_id not in known.ledger]
        for start in range(0, len(lacking), GIVEN_BACK):
            with self._database.read() as session:
                told = list(_wired(session, lacking[start : start + GIVEN_BACK]))
            results = _given_back(client, told)
            refused += [one.op_id for one, said in zip(told, results, strict=True) if said not in TAKEN]
            progress(min(start + GIVEN_BACK, len(lacking)), len(lacking))
        return refused


def _may_tell_more(told_as: str, role: str) -> bool:
    """Whether an endpoint that was put back was told less than this device may tell now: the backup may have been of a
    time when its role was another. `told_as` is that role, empty where all was told."""
    return bool(told_as) and any(role in these and told_as not in these for these in (MAY_CARRY, MAY_ISSUE))


def _given_back(client: SyncClient, told: list[GivenBack], *, done: bool = False) -> list[str]:
    """What became of each; an endpoint of before hears it from owners and managers alone."""
    try:
        return client.give_back(told, done=done).results
    except Refused as refused:
        if refused.key != "forbidden":
            raise
        return [refused.key] * len(told)


def _witnessed(client: SyncClient, checkpoint: Checkpoint) -> str:
    """What the endpoint says to its own word; one of before has no ear for it."""
    try:
        return client.witness(checkpoint).verdict
    except Refused as refused:
        if refused.key == "receipt-wrong":  # it has the key that we know and yet does not know its word
            return "differs"
        if refused.key in ("not-found", "method-not-allowed"):
            return ""
        raise


def _withdraw_what_is_said_anew(session: Session) -> None:
    """Batches and cards are told of as they stand. What was decided by people waits for its own answer."""
    anew = OutboxOp.type.startswith("batch.") | OutboxOp.type.startswith("card.") | (OutboxOp.type == "lease.take@1")
    waiting = OutboxOp.state.in_(("waiting", "in_flight", "rejected"))
    session.execute(update(OutboxOp).where(anew, waiting).values(state="withdrawn"))


def _was_said_behind(session: Session, restored_at: int) -> bool:
    """Whether anything was answered here that the endpoint does not know any more and this vault has not heard of."""
    applied = OutboxOp.state == "applied"
    behind = select(OutboxOp.id).where(applied, OutboxOp.seq > restored_at).limit(1)
    return session.scalar(behind) is not None or session.scalar(_unheard().limit(1)) is not None


def _unheard() -> Select[OutboxOp]:
    """What was answered at a counter and is not in the ledger here."""
    booked = select(Redemption.id).where(Redemption.id == OutboxOp.op_id).exists()
    return select(OutboxOp).where(OutboxOp.type.in_(COUNTER), OutboxOp.state == "applied", ~booked)


def _lacking(session: Session, known: Known, *, among: Sequence[str], bare: bool) -> list[str]:
    """Ids of what has to go the way that entries go to a new endpoint, in their order: those under leases it does not
    know, `among` those with a receipt, and all without one when `bare`."""
    found = {(one.at, one.seq, one.id) for one in lost_leases.to_carry(session, known.leases)}
    columns = select(Redemption.at, Redemption.seq, Redemption.id)
    if bare:
        unsigned = columns.where(Redemption.receipt.is_(None), Redemption.seq != UNCONFIRMED)
        found |= {(at, seq, op_id) for at, seq, op_id in session.execute(unsigned)}
    found = {one for one in found if one[2] not in known.ledger}
    for start in range(0, len(among), GIVEN_BACK):
        some = columns.where(Redemption.id.in_(among[start : start + GIVEN_BACK]))
        found |= {(at, seq, op_id) for at, seq, op_id in session.execute(some)}
    return in_an_order_that_pays(session, [op_id for _, _, op_id in sorted(found)])


def _wired(session: Session, op_ids: Sequence[str]) -> Iterator[GivenBack]:
    """Entries of the ledger in the order of their ids."""
    found = {one.id: one for one in session.scalars(select(Redemption).where(Redemption.id.in_(op_ids)))}
    batches = batches_of(session, sorted({entry.card_id for entry in found.values()}))
    for entry in (found[op_id] for op_id in op_ids if op_id in found):
        batch: Batch | None = batch_of(entry.card_id, batches)
        if batch is None or entry.receipt is None:
            continue
        yield GivenBack(
            op_id=entry.id,
            kind=entry.kind,
            batch_id=str(UUID(bytes=batch.uid)),
            card_no=entry.card_id - batch.first_card_id,
            amount_minor=entry.amount_minor,
            uses=entry.uses,
            remaining_minor=entry.remaining_minor,
            remaining_uses=entry.remaining_uses,
            at=to_wire(entry.at),
            receipt=b64(entry.receipt),
            reverses=entry.reverses,
            reason=entry.reason or "",
            entry=entry.entry,
            place=(entry.place or "")[:LONGEST_NAME],  # of a lease it is here as it was typed
            device_class=entry.device_class or "",
        )


def _decide_again(session: Session, known: Known, *, dated: bool) -> None:
    """What was answered at a counter and not heard of since: it stays as it was, if this device may say so; else the
    endpoint decides it once more."""
    for op in session.scalars(_unheard()):
        if op.op_id not in known.ledger and op.answered_at is not None:
            asked = {name: said for name, said in op.body.items() if name != TOOK}
            op.body = asked | op.body.get(TOOK, {}) | ({"at": to_wire(op.answered_at)} if dated else {})
            op.state = "waiting"
