"""What the endpoint's events change here. Facts commute and carry ids, so a page may come twice."""

from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.distribution import Delivery
from app.models.outbox import RawEvent
from app.services.cloud import device_keys, lease_events, said_elsewhere
from app.services.cloud.working_set import Told, WorkingSet
from app.services.figures import FigureEntry
from app.services.recount import GONE
from app.services.settings import store, stored
from app.topics import Topic
from sync.protocol import Event, EventsPage, from_wire
from sync.upcasting import upcast

TOPICS = (
    *(Topic.REDEMPTIONS, Topic.CARDS, Topic.BATCHES, Topic.DISTRIBUTIONS),
    *(Topic.LEASES, Topic.OUTBOX, Topic.CLOUD),
)
"""What a page of events may change."""
CLOSED = "cloud.closed"
"""Setting: batches about which the endpoint decides nothing, as it has told."""
KEPT = 1_000
DOUBTED = ("uncertain", "failed", "released")
"""States of a mail that nobody knows of, that was refused, or that is to go once more; it has come all the same."""
SILENT = frozenset(
    {
        "merchant.updated@1",
        "pairing.made@1",
        "device.enrolled@1",
        "device.revoked@1",
        "device.role-changed@1",
        "device.renamed@1",
        "recovery.begun@1",
        "recovery.lifted@1",
    }
)
"""Known, and nothing follows from them here."""


def apply(session: Session, page: EventsPage) -> None:
    """All of a page inside its transaction. An unknown event, or one about a batch another desktop made, is kept as it
    came."""
    heard = [_told(event) for event in page.events if event.type not in SILENT]
    books = WorkingSet(session, [told for told in heard if told.type in ACTS])
    for told in heard:
        act = ACTS.get(told.type)
        batch = books.batch(told) if act else None
        if act is None or batch is None:
            books.keep(told, page.epoch)
        else:
            act(books, told, batch)
    books.write()
    device_keys.note(session, page.events, page.epoch)


def knows_more(session: Session) -> bool:
    """Whether this version knows other events than the one that heard the feed last."""
    return bool(stored(session, "cloud.events_known") != KNOWN)


def apply_kept(session: Session, epoch: str, *, after: int) -> int | None:
    """Some of the events that were kept because nothing followed from them yet, once this version knows more: those
    behind a place, as many as a page of the feed has. The place they reach to; None when there are no more.

    A counter without the owner's vault keeps every event, a million of them.
    """
    about = RawEvent.type.in_(ACTS), RawEvent.epoch == epoch, RawEvent.op_id.is_not(None), RawEvent.seq > after
    kept = list(session.scalars(select(RawEvent).where(*about).order_by(RawEvent.seq).limit(KEPT)))
    if not kept:
        _hear_nameless_again(session)
        store(session, "cloud.events_known", KNOWN)
        return None
    heard = [_kept(row) for row in kept]
    books = WorkingSet(session, heard)
    for row, told in zip(kept, heard, strict=True):
        if (batch := books.batch(told)) is not None:
            ACTS[told.type](books, told, batch)
            session.delete(row)
    books.write()
    return kept[-1].seq


def carry_over(session: Session, epoch: str) -> None:
    """The feed that was heard last goes on under the name of another epoch: so does what was kept of it."""
    before = str(stored(session, "cloud.cursor")).rpartition(".")[0]
    session.execute(update(RawEvent).where(RawEvent.epoch == before).values(epoch=epoch))


def book(session: Session, batch: Batch, told: Told) -> None:
    """An entry of the ledger that was decided here, before the endpoint tells it."""
    books = WorkingSet(session, [told])
    _entered(books, told, batch)
    books.write()


def _told(event: Event) -> Told:
    type_, body = upcast(event.type, msgspec.json.decode(event.body))
    return Told(event.seq, type_, event.op_id, from_wire(event.at), body, event.receipt)


def _hear_nameless_again(session: Session) -> None:
    """An earlier version kept events without their ops, of which nothing can follow: where this one knows such, the
    feed is heard from its beginning once more."""
    nameless = RawEvent.op_id.is_(None)
    if session.scalar(select(RawEvent.seq).where(nameless, RawEvent.type.in_(ACTS)).limit(1)) is not None:
        session.execute(delete(RawEvent).where(nameless))
        epoch = str(stored(session, "cloud.cursor")).rpartition(".")[0]
        store(session, "cloud.cursor", f"{epoch}.0" if epoch else "")
        store(session, "cloud.feed_hash", "")


def _kept(row: RawEvent) -> Told:
    type_, body = upcast(row.type, row.body)
    return Told(row.seq, type_, str(row.op_id), row.at, body)


# --- money ---


def _entered(books: WorkingSet, told: Told, batch: Batch) -> None:
    """An entry of the ledger, of whatever kind."""
    if books.booked(told.op_id):  # seen before, or decided here
        books.hear_again(told)
        return
    body, card_id = told.body, books.card_id(told)
    kind = told.type.removesuffix("@1")
    channel = books.channel(card_id)
    entry = {
        "id": told.op_id,
        "seq": told.seq,
        "kind": kind,
        "card_id": card_id,
        "batch_id": batch.id,
        "product_id": batch.product_id,
        "amount_minor": body["amount_minor"],
        "uses": body["uses"],
        "remaining_minor": body["remaining_minor"],
        "remaining_uses": body["remaining_uses"],
        "reverses": body["reverses"],
        "reason": body["reason"],
        "channel": channel,
        "entry": body["entry"],
        "place": body["place"] or None,
        "region": None,
        "device_class": body["device_class"] or None,
        "at": told.at,
        "lease_id": body["lease_id"],
        "receipt": told.word,
    }
    books.book(entry)
    _settle(books, batch, told)
    amount = abs(int(body["amount_minor"]))
    books.count(FigureEntry(kind, told.at, batch.product_id, channel, amount_minor=amount))


def _settle(books: WorkingSet, batch: Batch, told: Told) -> None:
    """The card stands as its ledger folds: what the entry says is left. It can have given more than it had: at an
    endpoint that was put back from a backup and redeemed before it heard what it missed. The sums differ then."""
    life = books.begun(batch, books.card_id(told))
    life.amount_minor += int(told.body["amount_minor"])
    life.uses += int(told.body["uses"])
    # a counter whose lease was reclaimed can give out more than there was, until that is told to be a conflict
    balance = None if batch.face_minor is None else max(0, batch.face_minor - life.amount_minor)
    uses_left = max(0, batch.uses - life.uses)
    adjusted = life.row["adjusted"]
    if told.type in ("topped_up@1", "refunded@1"):
        adjusted -= int(told.body["amount_minor"] if balance is not None else told.body["uses"])
    books.change(life, balance_minor=balance, uses_left=uses_left, adjusted=adjusted, changed_at=told.at)
    books.judge(batch, life, told.at)


# --- batches and cards ---


def _created(books: WorkingSet, told: Told, batch: Batch) -> None:
    said_elsewhere.created(books.session, batch, told)


def _sealed(books: WorkingSet, told: Told, batch: Batch) -> None:
    if not said_elsewhere.sealed(books.session, batch, told):
        return
    batch.sealed_at = batch.sealed_at or told.at
    if batch.state == "ready":
        batch.state = "published"


def _frozen(books: WorkingSet, told: Told, batch: Batch) -> None:
    if "closed" in told.body:
        closed = set(stored(books.session, CLOSED))
        (closed.add if told.body["closed"] else closed.discard)(told.batch_uid)
        store(books.session, CLOSED, sorted(closed))
    if not books.still_speaking(batch, told):
        batch.frozen_at = _since(batch.frozen_at, told)


def _voided(books: WorkingSet, _: Told, batch: Batch) -> None:
    if batch.state != "voided":
        books.void(batch)


def _card_frozen(books: WorkingSet, told: Told, batch: Batch) -> None:
    if not books.still_speaking(batch, told):
        life = books.begun(batch, books.card_id(told))
        books.change(life, frozen_at=_since(life.row["frozen_at"], told))


def _card_voided(books: WorkingSet, told: Told, batch: Batch) -> None:
    life = books.begun(batch, books.card_id(told))
    books.change(life, voided_at=life.row["voided_at"] or told.at)
    if life.row["state"] not in ("spent", "voided"):
        books.void_card(life, told.at)


def _since(frozen_at: datetime | None, told: Told) -> datetime | None:
    """Since when it is frozen, after the event."""
    return (frozen_at or told.at) if told.type in ("frozen@1", "card.frozen@1") else None


# --- deliveries ---


def _link_stored(books: WorkingSet, told: Told, batch: Batch) -> None:
    """One that this vault knows nothing of was given to somebody by another life of it. To whom is not known here: the
    card counts as given out, so that nobody gets it a second time."""
    delivery = books.delivery(told)
    if delivery is not None:
        delivery.link_stored_at = delivery.link_stored_at or told.at
    elif not books.is_ours(told) and int(told.body["card_no"]) < batch.quantity:
        life = books.begun(batch, books.card_id(told))
        if life.row["state"] == "in_stock":
            books.change(life, state="active", changed_at=told.at)


def _link_recalled(books: WorkingSet, told: Told, _: Batch) -> None:
    """What this vault takes back itself is settled once it was answered."""
    delivery = books.delivery(told)
    if delivery is not None and delivery.state not in GONE and not books.is_ours(told):
        books.recall(delivery, told.at)


def _link_used(books: WorkingSet, told: Told, batch: Batch) -> None:
    delivery = books.delivery(told)
    if delivery is None:
        return
    if told.type == "opened@1" and delivery.opened_at is None:
        delivery.opened_at = told.at
        _counted(books, delivery, batch, "opened", told.at)
        if delivery.delivered_at is None:  # who opened it has got it
            delivery.delivered_at = told.at
            _counted(books, delivery, batch, "delivered", told.at)
        if delivery.state in DOUBTED:
            delivery.state, delivery.reason, delivery.retryable = "delivered", None, False
    elif told.type == "claimed@1" and delivery.claimed_at is None:
        delivery.claimed_at = told.at
        if delivery.state in ("sent", "delivered", *DOUBTED):
            delivery.state, delivery.reason, delivery.retryable = "claimed", None, False
        _counted(books, delivery, batch, "claimed", told.at)
        life = books.life(delivery.card_id)
        if life is not None and life.row["state"] == "assigned":
            books.change(life, state="active")


def _counted(books: WorkingSet, delivery: Delivery, batch: Batch, metric: str, at: datetime) -> None:
    """As `recount` does: neither a recalled delivery counts nor one whose card was voided."""
    life = books.life(delivery.card_id)
    if delivery.state not in GONE and life is not None and life.row["state"] != "voided":
        books.count(FigureEntry(metric, at, batch.product_id, delivery.channel))


ACTS: dict[str, Callable[[WorkingSet, Told, Batch], None]] = {
    "redeemed@1": _entered,
    "reversed@1": _entered,
    "topped_up@1": _entered,
    "refunded@1": _entered,
    "batch.created@1": _created,
    "sealed@1": _sealed,
    "frozen@1": _frozen,
    "thawed@1": _frozen,
    "batch.voided@1": _voided,
    "card.frozen@1": _card_frozen,
    "card.thawed@1": _card_frozen,
    "card.voided@1": _card_voided,
    "link.stored@1": _link_stored,
    "link.recalled@1": _link_recalled,
    "opened@1": _link_used,
    "claimed@1": _link_used,
    "lease.taken@1": lease_events.taken,
    "lease.returned@1": lease_events.ended,
    "lease.reclaimed@1": lease_events.ended,
    "conflict.found@1": lease_events.conflict_found,
    "conflict.settled@1": lease_events.conflict_settled,
}
KNOWN = ",".join(sorted(ACTS))
