"""Leases: this computer decides about some cards alone, so that its counter goes on without a line.

What was decided waits in the outbox and is uploaded by itself. Where the lease had been reclaimed meanwhile and the
card is empty, it comes back as a conflict, with both stories.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import (
    EndpointNotStarted,
    EndpointRefused,
    EndpointUnreachable,
    InvalidInput,
    NotFound,
    ReasonMissing,
)
from app.models.base import now
from app.models.batch import Batch
from app.models.catalog import Product
from app.models.database import Database
from app.models.lease import Conflict, Lease
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.audit import AuditLog
from app.services.cards import CardService
from app.services.cloud import CloudService
from app.services.cloud.connection import pairing_of
from app.services.cloud.lease_events import LIVE
from app.services.cloud.pushing import OPEN
from app.services.cloud.working_set import UNCONFIRMED
from app.services.leases import asking, deciding
from app.services.leases.asking import is_mine as _is_mine
from app.services.leases.pin import ManagerPin, is_set
from app.services.leases.rows import ConflictRow, Decided, Leasable, LeaseRow, Reach, Standing, Story
from app.services.line import has_no_line
from app.services.outbox import enqueue
from app.services.settings import store, stored
from app.topics import Topic
from sync import points
from sync.protocol import to_wire
from sync.rules import Wanted

LONGEST = timedelta(days=7)
"""The endpoint gives no longer lease."""
TAKE = "lease.take@1"
WAYS = ("loss", "contacted", "undone")
MONEY = (Topic.REDEMPTIONS, Topic.CARDS, Topic.BATCHES, Topic.LEASES, Topic.OUTBOX, Topic.AUDIT)


class LeaseService:
    """`check_passphrase` is asked before the manager's PIN is set; it raises WrongPassphrase."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        *,
        cards: CardService,
        cloud: CloudService,
        check_passphrase: Callable[[str], None],
    ) -> None:
        self.pin = ManagerPin(database, audit, check_passphrase=check_passphrase)
        self._database = database
        self._audit = audit
        self._cards = cards
        self._cloud = cloud

    # --- moving the authority ---

    def take(self, batch_id: int, *, until: datetime, first_no: int = 1, count: int | None = None) -> LeaseRow:
        """Lease cards of a batch to this computer: `count` from number `first_no` (from 1) on, or all the rest.

        It is in force when this returns. Raises EndpointUnreachable, EndpointRefused, InvalidInput, NotFound.
        """
        if not now() < until <= now() + LONGEST:
            raise InvalidInput("until", "out-of-range")
        with self._database.write(Topic.OUTBOX, Topic.AUDIT) as session:
            batch = session.get(Batch, batch_id)
            if batch is None:
                raise NotFound("batch", str(batch_id))
            last = batch.quantity if count is None else first_no + count - 1
            if not 1 <= first_no <= last <= batch.quantity:
                raise InvalidInput("count", "out-of-range")
            body = {
                "batch_id": str(UUID(bytes=batch.uid)),
                "first_no": first_no - 1,
                "count": last - first_no + 1,
                "until": to_wire(until),
            }
            asked = _asked_before(session, batch_id)
            op_id = asked or enqueue(session, TAKE, aggregate=f"take:{batch_id}", body=body)
            self._audit.record(session, "lease.asked", subject=batch.serial, cards=last - first_no + 1)
        points.passed("desk.lease.asked")
        self._cloud.push_now(frozenset({f"take:{batch_id}"}))
        refused = self._refusal(op_id, may_wait=False)
        if refused == "invalid" and asked:  # asked for before, until a time that has passed since
            return self.take(batch_id, until=until, first_no=first_no, count=count)
        if refused:
            # the endpoint takes a span that is there until a time that lies ahead; ours was held against our own clock
            raise EndpointRefused("clock-skew" if refused == "invalid" else refused)
        return self._one(op_id)

    def give_back(self, lease_id: str) -> LeaseRow:
        """End a lease of this computer. Nothing is redeemed under it from now on; where there is no line the endpoint
        hears it behind what waits. Raises NotFound."""
        with self._database.write(Topic.LEASES, Topic.OUTBOX, Topic.AUDIT) as session:
            lease = session.get(Lease, lease_id)
            if lease is None or lease.state != "open" or not _is_mine(lease, pairing_of(session)):
                raise NotFound("lease", lease_id)
            lease.state = "returning"
            enqueue(session, "lease.return@1", aggregate=f"lease:{lease_id}", body={"lease_id": lease_id})
            self._audit.record(session, "lease.returned", subject=_serial(session, lease))
        points.passed("desk.lease.ended")
        self._tell(f"lease:{lease_id}")
        return self._one(lease_id)

    def reclaim(self, lease_id: str, *, reason: str) -> LeaseRow:
        """Take the cards back from a computer that does not come back. What it has given out and not uploaded may turn
        up as a conflict. Raises ReasonMissing, NotFound, and EndpointRefused where the endpoint refuses it."""
        if not reason.strip():
            raise ReasonMissing
        with self._database.write(Topic.LEASES, Topic.OUTBOX, Topic.AUDIT) as session:
            lease = session.get(Lease, lease_id)
            if lease is None or lease.state not in LIVE:
                raise NotFound("lease", lease_id)
            body = {"lease_id": lease_id, "reason": reason.strip()}
            op_id = enqueue(session, "lease.reclaim@1", aggregate=f"reclaim:{lease_id}", body=body)
            self._audit.record(session, "lease.reclaimed", subject=_serial(session, lease), reason=reason.strip())
        self._tell(f"reclaim:{lease_id}")
        if refused := self._refusal(op_id):
            raise EndpointRefused(refused)
        return self._one(lease_id)

    # --- deciding without a line ---

    def holds(self, card_id: int) -> bool:
        """Whether this computer decides about the card."""
        with self._database.read() as session:
            return deciding.lease_over(session, card_id, now()) is not None

    def why_idle(self, card_id: int) -> str | None:
        """Why a lease of this computer over the card is none to redeem under: a problem key. None where it has none."""
        with self._database.read() as session:
            return asking.why_idle(session, card_id, now())

    def why_not(self, card_id: int) -> str | None:
        """Why a card that it holds may not be redeemed: a problem key, or None."""
        with self._database.read() as session:
            return deciding.verdict(session, card_id, now())

    def decide(self, card_id: int, *, d: bytes, wanted: Wanted, place: str, serial: str, pin: str = "") -> Decided:
        """Redeem on this computer's own word; with a manager's `pin` beyond the limit of what may wait.

        Raises RedemptionRefused, PinWrong, PinLocked."""
        if pin:
            self.pin.prove(pin)
        with self._database.write(*MONEY) as session:
            over = deciding.why_not(session, card_id, wanted, now()) == "shift-limit" and bool(pin)
            done = deciding.decide(session, card_id, d=d, wanted=wanted, place=place, over=over)
            self._audit.record(session, "card.redeemed", subject=serial, op=done.op_id, leased=True)
            if over:
                self._audit.record(session, "limit.overridden", subject=serial, op=done.op_id)
            points.passed("desk.leased.commit")
        points.passed("desk.leased.committed")
        return done

    def limit(self, *, uses: int, minor: int, pin: str = "") -> None:
        """How much may wait for upload. Where there is a manager's PIN nobody raises it without.

        Raises InvalidInput where it is missing, PinWrong, PinLocked."""
        with self._database.read() as session:
            stand, guarded = deciding.standing(session, now()), is_set(session)
        if guarded and (uses > stand.most_uses or minor > stand.most_minor):
            if not pin:
                raise InvalidInput("pin", "required")
            self.pin.prove(pin)
        values = {"counter.offline_uses": uses, "counter.offline_minor": minor}
        with self._database.write(Topic.SETTINGS, Topic.LEASES, Topic.AUDIT) as session:
            for key, value in values.items():
                before = stored(session, key)
                if before != value:
                    store(session, key, value)
                    self._audit.record(session, "setting.changed", subject=key, before=before, after=value)

    def take_back(self, redemption_id: str, *, reason: str, serial: str) -> Decided:
        """Undo a use that was decided so. Raises RedemptionRefused."""
        with self._database.write(*MONEY) as session:
            done = deciding.take_back(session, session.get_one(Redemption, redemption_id), reason=reason)
            more = {"op": done.op_id, "leased": True, "place": str(stored(session, "counter.place") or "")}
            self._audit.record(session, "card.reversed", subject=serial, reason=reason, **more)
            points.passed("desk.leased.commit")
        points.passed("desk.leased.committed")
        return done

    def standing(self) -> Standing:
        """What the counter can do without a line, and whether there is one."""
        at = now()
        with self._database.read() as session:
            over, offline = asking.ran_out(session, at), has_no_line(session)
            return replace(deciding.standing(session, at), over=over, offline=offline, pin=is_set(session))

    # --- before something is done ---

    def leasable(self) -> list[Leasable]:
        """Batches of which cards can be leased, newest first."""
        with self._database.read() as session:
            return asking.leasable(session, now())

    def reach(self, batch_ids: Sequence[int]) -> Reach:
        """How far a freeze of these batches reaches that was just made."""
        with self._database.read() as session:
            return asking.reach(session, batch_ids)

    # --- looking ---

    def leases(self, *, ended: bool = False) -> list[LeaseRow]:
        """Those in force, or all, newest first."""
        wanted = select(Lease).order_by(Lease.taken_at.desc(), Lease.id)
        with self._database.read() as session:
            found = session.scalars(wanted if ended else wanted.where(Lease.state.in_(LIVE)))
            return [_lease_row(session, lease) for lease in found]

    def conflicts(self, *, settled: bool = False) -> list[ConflictRow]:
        """Those that nobody has settled, or all, newest first."""
        wanted = select(Conflict).order_by(Conflict.found_at.desc(), Conflict.id)
        with self._database.read() as session:
            found = list(session.scalars(wanted if settled else wanted.where(Conflict.settled_at.is_(None))))
            names = dict(session.execute(select(Lease.id, Lease.device_name)).all())
            stories = {conflict.card_id: _stories(session, conflict.card_id) for conflict in found}
        cards = {card.id: card for card in self._cards.rows([conflict.card_id for conflict in found])}
        return [
            ConflictRow(
                id=one.id,
                card_id=one.card_id,
                serial=cards[one.card_id].serial,
                product=cards[one.card_id].product,
                holder=cards[one.card_id].holder,
                amount_minor=one.amount_minor,
                uses=one.uses,
                reason=one.reason,
                place=one.place,
                device_name=names.get(one.lease_id, ""),
                decided_at=one.decided_at,
                found_at=one.found_at,
                way=one.way,
                note=one.note or "",
                settled_at=one.settled_at,
                others=stories[one.card_id],
            )
            for one in found
        ]

    def settle(self, conflict_id: str, *, way: str, note: str) -> None:
        """Put down how people settled a conflict. One that this endpoint does not know was found at another, and is
        settled here. Raises ReasonMissing, InvalidInput, NotFound, EndpointRefused."""
        if way not in WAYS:
            raise InvalidInput("way", "unknown-kind")
        if not note.strip():
            raise ReasonMissing
        with self._database.write(Topic.LEASES, Topic.OUTBOX, Topic.AUDIT) as session:
            conflict = session.get(Conflict, conflict_id)
            if conflict is None or conflict.settled_at is not None:
                raise NotFound("conflict", conflict_id)
            body = {"conflict_id": conflict_id, "way": way, "note": note.strip()}
            conflict.way, conflict.note, conflict.settled_at = way, note.strip(), now()
            op_id = enqueue(session, "conflict.settle@1", aggregate=f"conflict:{conflict_id}", body=body)
            self._audit.record(session, "conflict.settled", subject=conflict_id, way=way, note=note.strip())
        self._tell(f"conflict:{conflict_id}")
        refused = self._refusal(op_id)
        if refused and refused != "conflict-unknown":
            with self._database.write(Topic.LEASES) as session:
                conflict = session.get_one(Conflict, conflict_id)
                conflict.way = conflict.note = conflict.settled_at = None
            raise EndpointRefused(refused)

    # --- the parts ---

    def _refusal(self, op_id: str, *, may_wait: bool = True) -> str:
        """Why it was refused, or nothing: whoever asked is told at once, and it stands in no list. What was answered
        and not decided is refused, too, unless it `may_wait`: by an endpoint that hears first what it missed."""
        with self._database.write(Topic.OUTBOX, Topic.AUDIT) as session:
            op = session.scalars(select(OutboxOp).where(OutboxOp.op_id == op_id)).one()
            refused = str((op.problem or {}).get("key", "")) if op.state == "rejected" else ""
            if op.state in OPEN and not may_wait:
                refused = "recovering"
            if refused:
                op.state = "withdrawn"
                self._audit.record(session, "outbox.withdrawn", subject=op.aggregate, type=op.type, reason=refused)
        return refused

    def _tell(self, aggregate: str) -> None:
        """At once where there is a line; else it waits like everything else."""
        try:
            self._cloud.push_now(frozenset({aggregate}))
        except (EndpointUnreachable, EndpointNotStarted):
            return

    def _one(self, lease_id: str) -> LeaseRow:
        with self._database.read() as session:
            lease = session.get(Lease, lease_id)
            if lease is None:
                raise NotFound("lease", lease_id)
            return _lease_row(session, lease)


def _asked_before(session: Session, batch_id: int) -> str | None:
    """A lease that was asked for and whose answer was lost: asked again, it is the same one. One that a sync saw
    refused meanwhile is in nobody's way."""
    refused = OutboxOp.aggregate == f"take:{batch_id}", OutboxOp.state == "rejected"
    session.execute(update(OutboxOp).where(*refused).values(state="withdrawn"))
    waiting = select(OutboxOp.op_id).where(OutboxOp.aggregate == f"take:{batch_id}", OutboxOp.state.in_(OPEN))
    return session.scalar(waiting.limit(1))


def _lease_row(session: Session, lease: Lease) -> LeaseRow:
    who, batch = pairing_of(session), session.get_one(Batch, lease.batch_id)
    sums = select(func.count(), func.coalesce(func.sum(Redemption.amount_minor), 0))
    under = Redemption.lease_id == lease.id
    uses, minor = session.execute(sums.where(under)).one()
    unsent = session.scalar(select(func.count()).where(under, Redemption.seq == UNCONFIRMED)) or 0
    mine = _is_mine(lease, who)
    return LeaseRow(
        id=lease.id,
        batch_id=batch.id,
        serial=batch.serial,
        product=session.get_one(Product, batch.product_id).name,
        cards=lease.end_card_id - lease.first_card_id,
        first_no=lease.first_card_id - batch.first_card_id + 1,
        device_name=lease.device_name,
        mine=mine,
        earlier=not mine and who is not None and lease.device_id == who.device_id,
        until=lease.until,
        state=lease.state,
        taken_at=lease.taken_at,
        ended_at=lease.ended_at,
        uses=int(uses),
        minor=int(minor),
        unsent=int(unsent),
        over=lease.state == "open" and lease.until <= now(),
    )


def _serial(session: Session, lease: Lease) -> str:
    return session.get_one(Batch, lease.batch_id).serial


def _stories(session: Session, card_id: int) -> tuple[Story, ...]:
    entries: Sequence[Redemption] = list(
        session.scalars(select(Redemption).where(Redemption.card_id == card_id).order_by(Redemption.at))
    )
    return tuple(
        Story(entry.at, entry.kind, entry.amount_minor, entry.uses, entry.entry, entry.place or "") for entry in entries
    )


__all__ = ["ConflictRow", "Decided", "Leasable", "LeaseRow", "LeaseService", "Reach", "Standing", "Story"]
