"""Telling a new endpoint everything an old one knew: batches, seals, freezes, voids, links, and the whole ledger.

Redemptions keep their ids, so the new endpoint's events about them are recognised here and change nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from app.errors import EndpointRefused
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery
from app.models.many import among, put_all
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.batches import tell_cards, tell_created
from app.services.cards.codes import CodeReader, batch_of, batches_of
from app.services.cloud.events import CLOSED
from app.services.cloud.ledger_order import in_an_order_that_pays
from app.services.cloud.working_set import CORE, OF_MONEY, UNCONFIRMED
from app.services.outbox import enqueue
from app.services.progress import Progress, unwatched
from app.services.recount import PAID
from app.services.settings import stored
from sync.client import SyncClient
from sync.codes import digest
from sync.protocol import Event, b64, to_wire

PUT, RECALL = "link.put@1", "link.recall@1"
CLOSE, OPEN_AGAIN, FREEZE = "batch.close@1", "batch.open@1", "batch.freeze@1"
LEASED = "redeem.leased@1"
LOT = 2_000
"""Entries of the ledger, or links, that are in memory at once."""
MAY_CARRY = frozenset({"owner", "manager"})
"""Roles that say of entries of the ledger when another endpoint decided them."""
MAY_ISSUE = MAY_CARRY | {"distributor"}
"""Roles that have batches and links to tell of."""
NAMED = {
    "batch.created@1": ("batches", "batch_id"),
    "sealed@1": ("sealed", "batch_id"),
    "link.stored@1": ("links", "link_id"),
    "link.recalled@1": ("recalled", "link_id"),
}
"""Event → what it makes known, and the field of its body that names it."""
PAID_BY = {"topped_up": "card.topup@1", "refunded": "card.refund@1"}
LEASING = {"lease.taken@1": True, "lease.returned@1": False, "lease.reclaimed@1": False}
FREEZING = {"frozen@1": True, "card.frozen@1": True, "thawed@1": False, "card.thawed@1": False}


@dataclass(slots=True)
class Known:
    """What an endpoint has of this merchant already: ids of batches, seals, redemptions and links, and what is frozen
    there: a batch's id with the number of a card, or None for the batch itself. `restored_at`: what it was told behind
    that place was told by other desktops, and whether that is frozen is theirs to say."""

    batches: set[str] = field(default_factory=set)
    sealed: set[str] = field(default_factory=set)
    ledger: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    recalled: set[str] = field(default_factory=set)
    restored_at: int | None = None
    frozen: set[tuple[str, int | None]] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    """Batches about which it decides nothing until they are opened again."""
    leases: dict[str, bool] = field(default_factory=dict)
    """Each with whether it is open."""
    conflicts: set[str] = field(default_factory=set)
    """Ops that came too late for their cards."""

    def hear(self, event: Event) -> None:
        if event.type in OF_MONEY:
            self.ledger.add(event.op_id)
        elif event.type == "conflict.found@1":
            self.conflicts.add(event.op_id)
        elif event.type in NAMED:
            among, name = NAMED[event.type]
            getattr(self, among).add(str(msgspec.json.decode(event.body)[name]))
        elif event.type in LEASING:
            self.leases[str(msgspec.json.decode(event.body)["lease_id"])] = LEASING[event.type]
        elif event.type in FREEZING:
            body = msgspec.json.decode(event.body)
            meant = str(body["batch_id"]), body.get("card_no")
            theirs = self.restored_at is not None and event.seq > self.restored_at
            if "closed" in body:
                (self.closed.add if body["closed"] and not theirs else self.closed.discard)(meant[0])
                return
            (self.frozen.add if FREEZING[event.type] and not theirs else self.frozen.discard)(meant)


def survey(client: SyncClient, *, restored_at: int | None = None, progress: Progress = unwatched) -> Known:
    """Read an endpoint's whole feed for what it knows. Raises Unreachable, Refused."""
    known, after = Known(restored_at=restored_at), ""
    while True:
        page = client.events(after)
        for event in page.events:
            known.hear(event)
        if page.events:
            progress(page.events[-1].seq, page.head)
        after = page.next
        if not page.has_more:
            return known


def refuse_ledger(database: Database, known: Known, role: str) -> None:
    """Raises EndpointRefused where the ledger cannot come along: used cards would be whole there; or the cards."""
    with database.read() as session:
        if role not in MAY_CARRY and not known.ledger.issuperset(session.scalars(select(Redemption.id))):
            raise EndpointRefused("ledger-stays")
        made = session.scalars(select(Batch.uid).where(Batch.state != "generating"))
        if role not in MAY_ISSUE and not known.sealed.issuperset(str(UUID(bytes=uid)) for uid in made):
            raise EndpointRefused("cards-stay")


def announce_all(
    session: Session,
    reader: CodeReader,
    merchant_id: UUID,
    known: Known,
    *,
    past_freezes: bool = False,
    closes: bool = False,
    progress: Progress = unwatched,
) -> None:
    """Queue anew, oldest first, what the endpoint does not know. What still waited for the old one is withdrawn.

    `past_freezes`: entries of the ledger get in whatever is frozen there. Then what is used up already is redeemed by
    nobody before that is known there. `closes`: and nobody refunds or undoes anything of it, either.
    """
    ledger = session.scalars(select(Redemption.id).order_by(Redemption.at, Redemption.seq))
    entries = in_an_order_that_pays(session, [op_id for op_id in ledger if op_id not in known.ledger])
    waiting = (OutboxOp.state.in_(("waiting", "in_flight", "rejected")), OutboxOp.type != PUT)
    session.execute(update(OutboxOp).where(*waiting).values(state="withdrawn"))
    stopped = _batches_of(session, entries) | _stopped(session) if past_freezes else set()
    announce_batches(session, known, stopped=stopped, closes=closes)
    announce_rest(
        session, reader, merchant_id, known, entries, past_freezes=past_freezes, opens=closes, progress=progress
    )


def follow(session: Session, known: Known, taken: Collection[str]) -> None:
    """Thaw here what another copy of this vault has closed where this one comes from, `taken` to this endpoint and open
    there; not what people have frozen last of all here."""
    lasts = select(func.max(OutboxOp.id)).where(OutboxOp.type.in_((FREEZE, "batch.thaw@1")))
    lasts = lasts.group_by(OutboxOp.aggregate)
    said = set(session.scalars(select(OutboxOp.aggregate).where(OutboxOp.id.in_(lasts), OutboxOp.type == FREEZE)))
    there = {uid for uid in known.sealed - known.closed if (uid, None) not in known.frozen}
    for uid in there.intersection(taken):
        batch = session.scalars(select(Batch).where(Batch.uid == UUID(uid).bytes)).one()
        if f"batch:{batch.id}" not in said:
            batch.frozen_at = None


def announce_batches(session: Session, known: Known, *, stopped: Collection[int] = (), closes: bool = False) -> None:
    """Batches with their cards: what everything else is about. Of those that are `stopped` there is more to say before
    anybody redeems anything: they are closed until then, or frozen at an endpoint that does not know that."""
    for batch in session.scalars(select(Batch).where(Batch.state != "generating").order_by(Batch.id)):
        uid = str(UUID(bytes=batch.uid))
        is_stopped = uid in known.closed or (not closes and (uid, None) in known.frozen)
        stop = "" if batch.id not in stopped or is_stopped else CLOSE if closes else FREEZE
        _announce(session, batch, known, stop=stop)


def announce_rest(
    session: Session,
    reader: CodeReader,
    merchant_id: UUID,
    known: Known,
    entries: Sequence[str],
    *,
    dated: bool = True,
    past_freezes: bool = False,
    opens: bool = True,
    progress: Progress = unwatched,
) -> None:
    """`entries` of the ledger by their ids (`dated`: as of their time), what is frozen or ended, and links. `opens`:
    this device may open what is closed."""
    if not past_freezes:
        _announce_thaws(session, known, getting_in=_batches_of(session, entries) if known.frozen else set())
    _announce_ledger(session, reader, merchant_id, entries, leases=known.leases, dated=dated, progress=progress)
    if past_freezes:
        _announce_thaws(session, known)
    for batch in session.scalars(select(Batch).where(Batch.state != "generating").order_by(Batch.id)):
        _announce_stops(session, batch, known)
    if opens:
        _announce_openings(session, known)
    _announce_links(session, known)


def _announce(session: Session, batch: Batch, known: Known, *, stop: str) -> None:
    """`stop` is the op that stops it before its cards come, if any."""
    uid = str(UUID(bytes=batch.uid))
    if uid in known.sealed:
        _stop(session, batch, known, by=stop)
        return
    session.execute(update(Batch).where(Batch.id == batch.id).values(sealed_at=None))
    session.execute(update(Batch).where(Batch.id == batch.id, Batch.state == "published").values(state="ready"))
    if uid not in known.batches:
        tell_created(session, batch, session.get_one(Product, batch.product_id))
    _stop(session, batch, known, by=stop)
    tell_cards(session, batch)


def _stop(session: Session, batch: Batch, known: Known, *, by: str) -> None:
    uid = str(UUID(bytes=batch.uid))
    if by:
        enqueue(session, by, aggregate=f"batch:{batch.id}", body={"batch_id": uid})
    if by == CLOSE:
        known.closed.add(uid)
    elif by:
        known.frozen.add((uid, None))


def _stopped(session: Session) -> set[int]:
    """Batches that are frozen or voided, or a card of them is: that is told behind their cards."""
    whole = select(Batch.id).where(Batch.frozen_at.is_not(None) | (Batch.state == "voided"))
    partly = select(Card.batch_id).where(Card.voided_at.is_not(None) | Card.frozen_at.is_not(None)).distinct()
    return {*session.scalars(whole), *session.scalars(partly)}


def _batches_of(session: Session, entries: Sequence[str]) -> set[int]:
    found: set[int] = set()
    for lot in _lots(entries):
        found |= set(session.scalars(select(Redemption.batch_id).where(among(Redemption.id, lot)).distinct()))
    return found


def _announce_thaws(session: Session, known: Known, *, getting_in: Collection[int] = ()) -> None:
    """What is not frozen any more; and the batches that the ledger must get into, which are frozen again behind it."""
    for uid, card_no in sorted(known.frozen, key=str):
        batch = session.scalars(select(Batch).where(Batch.uid == UUID(uid).bytes)).one_or_none()
        if batch is None or (card_no is None and uid in known.closed):  # opened as it is to be
            continue
        card = None if card_no is None else session.get(Card, batch.first_card_id + card_no)
        frozen_at = batch.frozen_at if card_no is None else card and card.frozen_at
        if frozen_at is not None and batch.id not in getting_in:
            continue
        body: dict[str, Any] = {"batch_id": uid}
        if card_no is None:
            enqueue(session, "batch.thaw@1", aggregate=f"batch:{batch.id}", body=body)
        else:
            enqueue(session, "card.thaw@1", aggregate=f"batch:{batch.id}", body=body | {"card_no": card_no})


def _announce_openings(session: Session, known: Known) -> None:
    """What was closed there when this vault left, or until its ledger is told; of batches that this vault has. What
    another copy of it has closed at this same endpoint it has taken elsewhere."""
    taken = set(stored(session, CLOSED))
    for uid in sorted(known.closed - taken):
        batch = session.scalars(select(Batch).where(Batch.uid == UUID(uid).bytes)).one_or_none()
        if batch is not None:
            body = {"batch_id": uid, "thaws": batch.frozen_at is None and (uid, None) in known.frozen}
            enqueue(session, OPEN_AGAIN, aggregate=f"batch:{batch.id}", body=body)


def _announce_ledger(
    session: Session,
    reader: CodeReader,
    merchant_id: UUID,
    entries: Sequence[str],
    *,
    leases: Collection[str],
    dated: bool,
    progress: Progress,
) -> None:
    """Each entry again under its own id and as of its time, so that what is used up stays used up, expired or not.

    In the order of `entries`: each endpoint counts its own feed, so the numbers of two say nothing about what came
    first. Who may not say of itself when something was decided asks anew. What was given out under one of the
    `leases` that it has heard of goes as that: its cards may still be leased there. Some at a time: a ledger may have
    a million.
    """
    told = 0
    for lot in _lots(entries):
        found = {one.id: one for one in session.scalars(select(Redemption).where(among(Redemption.id, lot)))}
        cards = sorted({entry.card_id for entry in found.values()})
        batches = batches_of(session, cards)
        blocks = reader.codes_of(session, cards, batches)
        again = []
        for entry in (found[op_id] for op_id in lot):
            batch = batch_of(entry.card_id, batches)
            if batch is None:
                continue
            code = blocks[entry.card_id].code(entry.card_id - batch.first_card_id - blocks[entry.card_id].first)
            type_, body = _asked(batch, entry, d=b64(digest(merchant_id, code)))
            if type_ == "redeem@1" and entry.seq == UNCONFIRMED and entry.lease_id in leases:
                # no device's own any more: this one is another since
                type_, body = LEASED, body | {"lease_id": entry.lease_id, "incarnation": "", "closed": True}
            at = {"at": to_wire(entry.at)} if dated else {}
            again.append({"op_id": entry.id, "type": type_, "aggregate": f"batch:{batch.id}", "body": body | at})
        _put_again(session, again)
        told += len(lot)
        progress(told, len(entries))


def _lots(entries: Sequence[str]) -> Iterator[Sequence[str]]:
    return (entries[start : start + LOT] for start in range(0, len(entries), LOT))


def _asked(batch: Batch, entry: Redemption, *, d: str) -> tuple[str, dict[str, Any]]:
    """Type and body of the op that makes such an entry, with as much as it was, whatever is left over there."""
    if entry.kind == "reversed":
        return "reverse@1", {"redemption_id": entry.reverses, "reason": entry.reason or ""}
    money = batch.face_minor is not None
    body: dict[str, Any] = {
        "amount_minor": abs(entry.amount_minor) if money else None,
        "uses": None if money else entry.uses,
        "place": entry.place or "",
    }
    if entry.kind in PAID:
        card = {"batch_id": str(UUID(bytes=batch.uid)), "card_no": entry.card_id - batch.first_card_id}
        return PAID_BY[entry.kind], body | card | {"reason": entry.reason or ""}
    return "redeem@1", body | {"d": d}


def _put_again(session: Session, ops: Sequence[dict[str, Any]]) -> None:
    """An op of the counter has its row already: it goes behind its batch again, under the same id."""
    session.flush()
    first = _last(session) + 1
    common = {"lane": "ops", "state": "waiting", "problem": None, "attempts": 0, "created_at": now(), "seq": None}
    rows = [{"id": first + at} | op | common for at, op in enumerate(ops)]
    put = insert(OutboxOp)
    moved = {name: put.excluded[name] for name in rows[0] if name != "op_id"} if rows else {}
    put_all(session, put.on_conflict_do_update(index_elements=["op_id"], set_=moved), rows)


def _last(session: Session) -> int:
    """Number of the last op in the queue."""
    return session.scalar(select(func.max(OutboxOp.id))) or 0


def _announce_stops(session: Session, batch: Batch, known: Known) -> None:
    """Freezes and voids come last: the ledger must get in before them."""
    aggregate, uid = f"batch:{batch.id}", str(UUID(bytes=batch.uid))
    meant: dict[str, Any] = {"batch_id": uid} | ({"closed": True} if uid in known.closed else {})
    if batch.frozen_at is not None:
        enqueue(session, FREEZE, aggregate=aggregate, body={"batch_id": uid})
    if batch.state == "voided":
        enqueue(session, "batch.void@1", aggregate=aggregate, body=meant)
        return
    stopped = select(Card).where(Card.batch_id == batch.id, Card.voided_at.is_not(None) | Card.frozen_at.is_not(None))
    for card in session.scalars(stopped):
        body = meant | {"card_no": card.id - batch.first_card_id}
        type_ = "card.void@1" if card.voided_at is not None else "card.freeze@1"
        enqueue(session, type_, aggregate=aggregate, body=body)


def _announce_links(session: Session, known: Known) -> None:
    """The PUT of each link that can still be claimed, as it was: the link's text on paper and in mails stays right."""
    session.flush()
    recalled = _recall_again(session, known)
    puts = select(OutboxOp.id, OutboxOp.body["link_id"].as_string()).where(OutboxOp.type == PUT).order_by(OutboxOp.id)
    # the last of each: one that was refused and tried again has two
    lasts = {link_id: op_id for op_id, link_id in session.execute(puts) if link_id not in known.links}
    unknown = [(op_id, link_id) for link_id, op_id in lasts.items()]
    behind = update(OutboxOp.__table__).where(OutboxOp.id == bindparam("was"))  # type: ignore[arg-type]  # a table it is
    behind = behind.values(id=bindparam("place"), state=bindparam("becomes"), problem=None)
    for start in range(0, len(unknown), LOT):
        links = [link_id for _, link_id in unknown[start : start + LOT]]
        gone = Delivery.state.in_(("recalled", "skipped"))
        dead = recalled.union(session.scalars(select(Delivery.link_id).where(among(Delivery.link_id, links), gone)))
        unstored = update(Delivery).where(among(Delivery.link_id, links)).values(link_stored_at=None)
        session.execute(unstored, execution_options=CORE)
        first = _last(session) + 1
        rows = [
            {"was": op_id, "place": first + at, "becomes": "withdrawn" if link_id in dead else "waiting"}
            for at, (op_id, link_id) in enumerate(unknown[start : start + LOT])
        ]
        session.connection().execute(behind, rows)


def _recall_again(session: Session, known: Known) -> set[str]:
    """Links that were taken back for good, whoever has them since; what the endpoint has of them is recalled there."""
    recalls = select(OutboxOp).where(OutboxOp.type == RECALL, OutboxOp.state.in_(("applied", "waiting", "withdrawn")))
    recalled: set[str] = set()
    for op in session.scalars(recalls.order_by(OutboxOp.id)):
        link_id = str(op.body["link_id"])
        if op.problem:  # it was claimed before, and the recall given up
            continue
        recalled.add(link_id)
        if link_id in known.links and link_id not in known.recalled:
            op.state = "waiting"
    return recalled
