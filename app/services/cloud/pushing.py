"""Pushing the outbox: in order, under the ids ops were born with; a refused op holds back its own aggregate only."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch, CodeBlock
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.services.cards.codes import CodeReader
from app.services.cloud import said_elsewhere, word
from app.services.cloud.blobs import Blobs, blob_id
from app.services.progress import Progress
from app.topics import Topic
from sync import points
from sync.client import Refused, SyncClient
from sync.codes import digests
from sync.merkle import merkle_root, sorted_records
from sync.phone import LinkRequest
from sync.protocol import (
    CHUNK_RECORDS,
    PROBLEM,
    RECORD,
    FreezeRequest,
    Op,
    OpResult,
    Problem,
    SealRequest,
    b64,
    from_wire,
    to_wire,
)

OPEN = ("waiting", "in_flight")
PER_PUSH = 100
PAGE = 1_000
"""Ops that are read at once."""
CHUNK = CHUNK_RECORDS * RECORD
TOOK = "took"
"""In the body of an op that was answered: how much it asked for in the end."""
TOO_LARGE = Problem(PROBLEM + "too-large", "The card's text is too long for a link.", 413)
TOPICS = (Topic.OUTBOX, Topic.CLOUD, Topic.BATCHES, Topic.DISTRIBUTIONS, Topic.LEASES)
TOGETHER = {
    "card.freeze@1": "freeze",
    "card.thaw@1": "thaw",
    "card.void@1": "void",
    "redeem@1": "entry",
    "redeem.leased@1": "entry",
    "reverse@1": "entry",
    "card.topup@1": "entry",
    "card.refund@1": "entry",
}
"""Ops of which many of one kind may go in one request though they are about one aggregate: each stands for itself,
whatever becomes of the one before it. Any other waits for that answer: some endpoints go on behind what they refuse."""
PASSING = frozenset({"rate-limited", "internal", "read-only", "held-back", "recovering"})
"""Problems that say nothing about the op: it stays in line."""
UNHEARD = PASSING | {
    "bad-signature",
    "clock-skew",
    "replayed-nonce",
    "device-revoked",
    "restore-detected",
    "upgrade-required",
}
"""Whole requests that were refused for who asked, before any op was looked at: the same."""


class _Line(NamedTuple):
    """What waits as a round begins: the number of the first op of each aggregate, the last number, how many; `only`
    where no more than a few aggregates are asked for."""

    firsts: dict[str, int]
    last: int
    total: int
    only: frozenset[str] | None


class Pusher:
    """One round of pushing over one client."""

    def __init__(
        self, database: Database, reader: CodeReader, client: SyncClient, *, merchant_id: UUID, blobs: Blobs
    ) -> None:
        self._database = database
        self._reader = reader
        self._blobs = blobs
        self._client = client
        self._merchant_id = merchant_id
        self.pushed = 0
        self.rejected = 0
        self._held: set[str] = set()
        """Aggregates of which an op was refused in this round, or not tried."""

    def push(self, progress: Progress, *, aggregates: frozenset[str] | None = None) -> None:
        """Everything that waits, or what belongs to `aggregates`. Raises Unreachable; the rest then goes on waiting."""
        self._held.clear()
        with self._database.write(Topic.OUTBOX) as session:
            again = update(OutboxOp).where(OutboxOp.state == "in_flight")
            session.execute(again.values(state="waiting", in_flight_since=None))  # a crash between asking and hearing
        waiting = self._waiting(aggregates)
        for lot in _lots(self._freezes_first(waiting)):
            self._push_lot(lot, lambda: progress(min(self.pushed + self.rejected, waiting.total), waiting.total))

    def _waiting(self, aggregates: frozenset[str] | None) -> "_Line":
        """What waits now, without what stands behind a refused op; what comes later waits for the next round."""
        with self._database.read() as session:
            held = set(session.scalars(select(OutboxOp.aggregate).where(OutboxOp.state == "rejected")))
            last = session.scalar(select(func.max(OutboxOp.id))) or 0
            counted = select(OutboxOp.aggregate, func.min(OutboxOp.id), func.count())
            counted = counted.where(OutboxOp.state.in_(OPEN)).group_by(OutboxOp.aggregate)
            only = aggregates if aggregates and len(aggregates) <= PER_PUSH else None
            if only is not None:
                counted = counted.where(OutboxOp.aggregate.in_(only))
            firsts, total = {}, 0
            for aggregate, first, count in session.execute(counted):
                if aggregate not in held and (aggregates is None or aggregate in aggregates):
                    firsts[aggregate] = first
                    total += count
        return _Line(firsts, last, total, only)

    def _freezes_first(self, waiting: "_Line") -> Iterator[OutboxOp]:
        """The fast lane, for what has nothing of its aggregate waiting before it: a freeze must not overtake its batch.

        Read page by page, as it is sent: after a move to another endpoint a whole ledger waits.
        """
        jump: set[int] = set()
        for fast in (True, False):
            after = -1
            while waiting.firsts and (page := self._page(waiting, after, fast=fast)):
                after = page[-1].id
                for op in page:
                    jumps = op.lane == "freeze" and waiting.firsts.get(op.aggregate) == op.id
                    if op.aggregate in waiting.firsts and (jumps if fast else op.id not in jump):
                        jump |= {op.id} if fast else set()
                        yield op

    def _page(self, waiting: "_Line", after: int, *, fast: bool) -> list[OutboxOp]:
        # one state, so that the index gives them in their order: this round has nothing in flight but what it has read
        wanted = select(OutboxOp).where(OutboxOp.state == "waiting", OutboxOp.id > after, OutboxOp.id <= waiting.last)
        if waiting.only is not None:
            wanted = wanted.where(OutboxOp.aggregate.in_(waiting.only))
        if fast:
            wanted = wanted.where(OutboxOp.lane == "freeze")
        with self._database.read() as session:
            return list(session.scalars(wanted.order_by(OutboxOp.id).limit(PAGE)))

    def _push_lot(self, lot: Sequence[OutboxOp], step: Callable[[], None]) -> None:
        """`step` tells how far it is, and may stop the job."""
        with self._database.write(Topic.OUTBOX) as session:
            lot = self._still_open(session, lot)
            session.execute(
                update(OutboxOp)
                .where(OutboxOp.id.in_([op.id for op in lot]))
                .values(state="in_flight", in_flight_since=now(), attempts=OutboxOp.attempts + 1)
            )
        if not lot:
            return
        points.passed("desk.in_flight")
        results = {op.id: result for op, result in zip(lot, self._ask(lot, step), strict=True)}
        points.passed("desk.answered")
        with self._database.write(*TOPICS) as session:
            word.keep(session, self._client.word)
            still = {op.id for op in self._still_open(session, lot)}
            for op in lot:
                # one that the counter settled meanwhile was told there: only a yes has more to say
                if op.id in still or results[op.id].problem is None:
                    self._note(session, op, results[op.id])
            points.passed("desk.t2.commit")
        points.passed("desk.t2.committed")
        step()

    def _still_open(self, session: Session, lot: Sequence[OutboxOp]) -> list[OutboxOp]:
        """Without what was withdrawn since this round began, and what stands behind an op that it saw refused."""
        wanted = select(OutboxOp.id).where(OutboxOp.id.in_([op.id for op in lot]), OutboxOp.state.in_(OPEN))
        still = set(session.scalars(wanted))
        return [op for op in lot if op.id in still and op.aggregate not in self._held]

    def _ask(self, lot: Sequence[OutboxOp], step: Callable[[], None]) -> list[OpResult]:
        """One request for a run of plain ops, one each for the other lanes."""
        first = lot[0]
        try:
            if first.lane == "upload":
                return [self._upload(first, step)]
            if first.lane == "link":
                return [self._put_link(first)]
            if first.type == "batch.freeze@1":
                return [self._freeze(first)]
            return self._client.push([_wired(op) for op in lot]).results
        except Refused as refused:
            if refused.key in UNHEARD:
                raise
            if len(lot) > 1:  # one of them made the request unreadable: the others must not suffer for it
                return [result for op in lot for result in self._ask([op], step)]
            return [OpResult(op.op_id, "rejected", problem=refused.problem) for op in lot]

    def _note(self, session: Session, op: OutboxOp, result: OpResult) -> None:
        """T2: what the endpoint said, and what follows from it here."""
        values: dict[str, object] = {"answered_at": decided_at(result) or now(), "in_flight_since": None}
        if result.problem is not None and (result.problem.key in PASSING or op.aggregate in self._held):
            values["state"] = "waiting"
            self._held.add(op.aggregate)  # what comes behind it in this round would come before it there
        elif result.problem is not None:
            self._held.add(op.aggregate)
            self.rejected += 1
            values |= {"state": "rejected", "problem": {"key": result.problem.key, "title": result.problem.title}}
            session.execute(update(OutboxOp).where(OutboxOp.id == op.id).values(**values))
            _fall_back(session, op, result.problem.key)
            return
        else:
            self.pushed += 1
            values |= {"state": "applied", "seq": result.seq, "problem": None, "body": as_decided(op.body, result)}
            _follow(session, op)
        session.execute(update(OutboxOp).where(OutboxOp.id == op.id).values(**values))

    # --- lanes ---

    def _freeze(self, op: OutboxOp) -> OpResult:
        request = FreezeRequest(op.op_id, str(op.body["batch_id"]), to_wire(op.created_at))
        return OpResult(op.op_id, "applied", seq=self._client.freeze(request).seq)

    def _put_link(self, op: OutboxOp) -> OpResult:
        body = {name: value for name, value in op.body.items() if name != "link_id"} | {"op_id": op.op_id}
        try:
            request = msgspec.convert(body, LinkRequest)
        except msgspec.ValidationError:  # no endpoint could read it, and the others must not suffer for it
            return OpResult(op.op_id, "rejected", problem=TOO_LARGE)
        answer = self._client.put_link(str(op.body["link_id"]), request)
        return OpResult(op.op_id, "applied", seq=answer.get("seq"))

    def _upload(self, op: OutboxOp, step: Callable[[], None]) -> OpResult:
        """Missing chunks, then the seal. A cut upload goes on where it stopped."""
        uid = str(op.body["batch_id"])
        chunks = self._chunks(UUID(uid))
        with ThreadPoolExecutor(1, "root") as beside:  # while the endpoint has a chunk, nothing else is to be done here
            root = beside.submit(lambda: merkle_root(sorted_records(chunks)))
            try:
                self._send(uid, chunks, step)
                self._leave_blobs(UUID(uid), step)
                count = sum(map(len, chunks)) // RECORD
                points.passed("desk.seal")
                sealed = self._client.seal(uid, SealRequest(op.op_id, count, b64(root.result())))
            except Refused as refused:
                if refused.key == said_elsewhere.SEALED:
                    said_elsewhere.note_root(self._database, op.op_id, b64(root.result()))
                raise
        points.passed("desk.seal.answered")
        return OpResult(op.op_id, "applied", seq=sealed.seq)

    def _send(self, uid: str, chunks: list[bytes], step: Callable[[], None]) -> None:
        state = self._client.upload_state(uid)
        have = set(state.have)
        for n, chunk in enumerate(chunks):
            if n not in have and not state.sealed:
                points.passed("desk.chunk")
                self._client.put_chunk(uid, n, chunk)
                points.passed("desk.chunk.sent")
                step()

    def _leave_blobs(self, uid: UUID, step: Callable[[], None]) -> None:
        """For a vault that is restored from an older backup; an endpoint of before takes none."""
        with self._database.read() as session:
            batch = session.scalars(select(Batch).where(Batch.uid == uid.bytes)).one()
            product = session.get_one(Product, batch.product_id)
            wanted = select(CodeBlock).where(CodeBlock.batch_id == batch.id).order_by(CodeBlock.no)
            blocks = session.scalars(wanted.execution_options(yield_per=64))
            for n, piece in enumerate(self._blobs.pieces(batch, product, blocks)):
                points.passed("desk.blob")
                try:
                    self._client.put_blob(blob_id(uid, n), piece)
                except Refused as refused:
                    if refused.key != "not-found":
                        raise
                    return
                points.passed("desk.blob.left")
                step()

    def _chunks(self, uid: UUID) -> list[bytes]:
        """The digests of a batch as they are sent: 32 MB for a million; single ones would be four times that."""
        with self._database.read() as session:
            batch = session.scalars(select(Batch).where(Batch.uid == uid.bytes)).one()
        chunks, rest = [], bytearray()
        for block in self._reader.blocks(batch):
            rest += b"".join(digests(self._merchant_id, block.codes()))
            while len(rest) >= CHUNK:
                chunks.append(bytes(rest[:CHUNK]))
                del rest[:CHUNK]
        return [*chunks, bytes(rest)] if rest else chunks


def decided_at(result: OpResult) -> datetime | None:
    """When the endpoint decided an entry of the ledger: so it is said again where the endpoint has lost it."""
    at = (result.outcome or {}).get("at")
    return None if at is None else from_wire(str(at))


def as_decided(body: dict[str, Any], result: OpResult) -> dict[str, Any]:
    """What was asked, with how much "all of it" was: it is another sum where the endpoint has lost what came before."""
    outcome = result.outcome or {}
    if "amount_minor" not in body or body["amount_minor"] or body.get("uses") or "redeemed_minor" not in outcome:
        return body
    return body | {TOOK: {"amount_minor": outcome["redeemed_minor"] or None, "uses": outcome["redeemed_uses"] or None}}


def _follow(session: Session, op: OutboxOp) -> None:
    """Local facts that begin with the endpoint's yes."""
    if op.lane == "link":
        link_id = str(op.body["link_id"])
        session.execute(update(Delivery).where(Delivery.link_id == link_id).values(link_stored_at=now()))
    elif op.type == "batch.seal@1":
        uid = UUID(str(op.body["batch_id"])).bytes
        session.execute(update(Batch).where(Batch.uid == uid).values(sealed_at=now()))
        session.execute(update(Batch).where(Batch.uid == uid, Batch.state == "ready").values(state="published"))


def _fall_back(session: Session, op: OutboxOp, key: str) -> None:
    """Local facts that follow from the endpoint's no: a lease of this vault's life before it was put back is still
    open, and a manager can take it back; what another desktop sealed is sealed, if it is the same."""
    if op.type == "lease.return@1" and key == "lease-of-another":
        returning = Lease.id == str(op.body["lease_id"]), Lease.state == "returning"
        session.execute(update(Lease).where(*returning).values(state="open"))
    elif key == said_elsewhere.SEALED and said_elsewhere.settle(session.get_one(OutboxOp, op.id)):
        _follow(session, op)


def _lots(ops: Iterable[OutboxOp]) -> Iterator[list[OutboxOp]]:
    """Runs of plain ops go together, unless one must know what became of another; every other op alone."""
    lot: list[OutboxOp] = []
    kinds: dict[str, str | None] = {}
    for op in ops:
        plain = op.lane not in ("upload", "link") and op.type != "batch.freeze@1"
        kind = TOGETHER.get(op.type)
        joins = plain and len(lot) < PER_PUSH and (op.aggregate not in kinds or (kind and kinds[op.aggregate] == kind))
        if lot and not joins:
            yield lot
            lot, kinds = [], {}
        if plain:
            lot.append(op)
            kinds[op.aggregate] = kind
        else:
            yield [op]
    if lot:
        yield lot


def _wired(op: OutboxOp) -> Op:
    return Op(op.op_id, op.type, to_wire(op.created_at), dict(op.body))
