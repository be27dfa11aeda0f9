"""What a page of events touches: read in a few queries, changed in memory, written at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.distribution import Delivery
from app.models.many import among, put_all
from app.models.outbox import OutboxOp, RawEvent
from app.models.redemption import Redemption
from app.services import figures, recount
from app.services.figures import DIRECT, FigureEntry
from app.services.stock import life_of
from sync.protocol import unb64

OPEN = ("waiting", "in_flight")
UNCONFIRMED = 0
"""Number of an entry that was decided here under a lease, until the feed tells it."""
CORE = {"synchronize_session": False}
AS_TOLD = ("seq", "receipt", "at", "remaining_minor", "remaining_uses")
"""What the endpoint knows better of an entry: it answers for no other."""
HEARD_AGAIN = (
    update(Redemption.__table__)  # type: ignore[arg-type]
    .where(Redemption.id == bindparam("b_id"))
    .values({name: bindparam(f"b_{name}") for name in AS_TOLD})
)
FREEZING = ("batch.freeze@1", "batch.thaw@1", "batch.close@1", "batch.open@1", "card.freeze@1", "card.thaw@1")
SINCE = "since"
"""In the problem of an op that freezes or thaws: others have said since what stands."""
OF_MONEY = frozenset({"redeemed@1", "reversed@1", "topped_up@1", "refunded@1"})
OF_CARD = OF_MONEY | {"card.frozen@1", "card.thawed@1", "card.voided@1", "conflict.found@1"}
OF_LINK = frozenset({"link.stored@1", "link.recalled@1", "opened@1", "claimed@1"})
CHANGING = ("state", "frozen_at", "voided_at", "balance_minor", "uses_left", "changed_at", "adjusted")
"""What an event can change of a card that has a row."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event, read."""

    seq: int
    type: str
    op_id: str
    at: datetime
    body: dict[str, Any]
    receipt: str = ""
    batch_uid: str = field(init=False)
    """Of the batch it is about, as it came; empty where there is none."""

    def __post_init__(self) -> None:
        known = isinstance(self.body, dict)  # what nobody here knows may be anything
        object.__setattr__(self, "batch_uid", str(self.body.get("batch_id", "")) if known else "")

    @property
    def word(self) -> bytes | None:
        """The receipt as it is kept."""
        return unb64(self.receipt) if self.receipt else None


@dataclass(slots=True)
class Life:
    """A card whose own life has begun. `amount_minor` and `uses` are what its ledger sums to."""

    row: dict[str, Any]
    amount_minor: int = 0
    uses: int = 0


class WorkingSet:
    """Batches, cards, ledger and deliveries that known events speak of."""

    def __init__(self, session: Session, told: Sequence[Told]) -> None:
        self.session = session
        self._batches = self._batches_of(told)
        self._first_ids = {uid: batch.first_card_id for uid, batch in self._batches.items()}
        self._deliveries = self._deliveries_of([_link(one) for one in told if one.type in OF_LINK])
        cards = {self.card_id(one) for one in told if one.type in OF_CARD and one.batch_uid in self._batches}
        cards |= {delivery.card_id for delivery in self._deliveries.values() if delivery.card_id is not None}
        cards |= {self.card_id(one) for one in told if one.type == "link.stored@1" and one.batch_uid in self._batches}
        self._lives = self._lives_of(cards)
        self._channels = self._channels_of(cards)
        entries = [one.op_id for one in told if one.type in OF_MONEY or one.type == "conflict.found@1"]
        self._booked = self._times_of(entries)
        self._unconfirmed = set(self._in(Redemption.id, entries, Redemption.seq == UNCONFIRMED))
        links = [one.op_id for one in told if one.type in ("link.stored@1", "link.recalled@1")]
        self._ours = set(self._in(OutboxOp.op_id, links))
        aggregates = [_aggregate(batch) for batch in self._batches.values()]
        self._speaking, self._refused = self._speaking_of(aggregates), self._refused_of(aggregates)
        self._changed: dict[int, Life] = {}
        self._entries: list[dict[str, Any]] = []
        self._figures: list[FigureEntry] = []
        self._heard_again: list[dict[str, Any]] = []
        self._unknown: list[dict[str, Any]] = []

    # --- looking ---

    def batch(self, told: Told) -> Batch | None:
        """The batch an event is about; None when another desktop made it."""
        return self._batches.get(told.batch_uid)

    def card_id(self, told: Told) -> int:
        return self._first_ids[told.batch_uid] + int(told.body["card_no"])

    def life(self, card_id: int | None) -> Life | None:
        return None if card_id is None else self._lives.get(card_id)

    def delivery(self, told: Told) -> Delivery | None:
        return self._deliveries.get(_link(told))

    def channel(self, card_id: int) -> str:
        """Through which channel the card went out."""
        return self._channels.get(card_id, DIRECT)

    def booked(self, op_id: str) -> bool:
        return op_id in self._booked

    def still_speaking(self, batch: Batch, told: Told) -> bool:
        """Whether we ourselves have a word on its way that freezes or thaws the same: the later word is ours. What the
        event itself has brought is not on its way any more, even if its answer never came."""
        if told.op_id in self._speaking:
            del self._speaking[told.op_id]
            answered = {
                "state": "applied",
                "seq": told.seq,
                "problem": None,
                "answered_at": now(),
                "in_flight_since": None,
            }
            self.session.execute(update(OutboxOp).where(OutboxOp.op_id == told.op_id).values(**answered))
        meant = _aggregate(batch), told.body.get("card_no")
        for op in self._refused.get(meant, ()):
            op.problem = (op.problem or {}) | {SINCE: told.type}
        return meant in self._speaking.values()

    def is_ours(self, told: Told) -> bool:
        """Whether this vault itself has said so of a link. What it never said another life of it did: it was put back
        from a backup since, or a copy of it goes on."""
        return told.op_id in self._ours

    def unconfirmed(self, op_id: str) -> bool:
        """Decided here under a lease, and not heard of since."""
        return op_id in self._unconfirmed

    # --- changing ---

    def begun(self, batch: Batch, card_id: int) -> Life:
        """The card's life, which begins now if it had not."""
        if card_id not in self._lives:
            state = "voided" if batch.state == "voided" else "active"
            self._lives[card_id] = Life(life_of(batch, card_id, state=state))
            self._changed[card_id] = self._lives[card_id]
        return self._lives[card_id]

    def change(self, life: Life, **values: Any) -> None:
        life.row.update(values)
        self._changed[life.row["id"]] = life

    def book(self, entry: dict[str, Any]) -> None:
        """An entry of the ledger that was not there."""
        self._booked[entry["id"]] = entry["at"]
        self._entries.append(entry)

    def hear_again(self, told: Told) -> None:
        """An entry that is here already, decided under a lease or in another epoch: as this feed tells it, it counts.
        Its receipt would be worth nothing with another time or another rest than it was made over."""
        if self._booked[told.op_id] != told.at:
            self._count_elsewhere(told)
        self._unconfirmed.discard(told.op_id)
        left = {f"b_{name}": told.body[name] for name in ("remaining_minor", "remaining_uses")}
        self._heard_again.append(
            left | {"b_id": told.op_id, "b_seq": told.seq, "b_receipt": told.word, "b_at": told.at}
        )

    def strike(self, batch: Batch, op_id: str) -> None:
        """An entry that was decided here, and its reversal, are not in the ledger: the card has back what they took."""
        self.write()
        about = or_(Redemption.id == op_id, Redemption.reverses == op_id), Redemption.seq == UNCONFIRMED
        for entry in list(self.session.scalars(select(Redemption).where(*about))):
            life = self._lives[entry.card_id]
            life.amount_minor -= entry.amount_minor
            life.uses -= entry.uses
            minor = -abs(entry.amount_minor)
            self.count(FigureEntry(entry.kind, entry.at, entry.product_id, entry.channel, count=-1, amount_minor=minor))
            self.session.delete(entry)
            self._withdraw(entry.id)
            self._booked.pop(entry.id, None)
            self._unconfirmed.discard(entry.id)
            self._settle_again(batch, life)
        self.write()

    def count(self, entry: FigureEntry) -> None:
        self._figures.append(entry)

    def keep(self, told: Told, epoch: str) -> None:
        """An event nothing follows from yet, as it came."""
        row = {"seq": told.seq, "epoch": epoch, "type": told.type, "body": told.body, "at": told.at}
        row["op_id"] = told.op_id
        self._unknown.append(row)

    def void(self, batch: Batch) -> None:
        """Every card of the batch that is not spent, those that no event spoke of among them; so the file decides."""
        self.write()
        recount.take_back_batch(self.session, batch.id)
        batch.state = "voided"
        cards = update(Card).where(Card.batch_id == batch.id, Card.state != "spent")
        self.session.execute(cards.values(state="voided"))
        for life in self._lives.values():
            if life.row["batch_id"] == batch.id and life.row["state"] != "spent":
                life.row["state"] = "voided"

    def void_card(self, life: Life, at: datetime) -> None:
        self.write()
        recount.take_back_cards(self.session, [life.row["id"]])
        self.change(life, state="voided", changed_at=at)

    def recall(self, delivery: Delivery, at: datetime) -> None:
        """Another life of this vault took it back, and may have given the card to somebody else since: it counts as
        given out."""
        self.write()
        recount.take_back_deliveries(self.session, [delivery.id])
        delivery.state, delivery.recalled_at, delivery.retryable, delivery.change_to = "recalled", at, False, None
        self.session.flush()
        if delivery.card_id is not None:
            self._channels.pop(delivery.card_id, None)
            self._channels |= self._channels_of({delivery.card_id})
        life = self.life(delivery.card_id)
        if life is not None and life.row["state"] == "assigned":
            self.change(life, state="active", changed_at=at)

    def judge(self, batch: Batch, life: Life, at: datetime) -> None:
        """How a card stands by what is left of it. Used up counts more than ended, whichever was heard first; who gets
        something back onto an ended card has an ended card."""
        balance, uses_left, was = (life.row[name] for name in ("balance_minor", "uses_left", "state"))
        empty = uses_left == 0 if balance is None else balance == 0
        ended = was == "voided" or life.row["voided_at"] is not None or batch.state == "voided"
        if not empty and ended:
            if was != "voided":
                self.void_card(life, at)
            return
        self.change(life, state="spent" if empty else "active")
        if was == "voided":
            self.write()
            recount.count_cards_again(self.session, [life.row["id"]])

    def write(self) -> None:
        """Everything so far into the file."""
        self.session.flush()
        upsert = insert(Card)
        changing = {name: upsert.excluded[name] for name in CHANGING}
        put_all(
            self.session,
            upsert.on_conflict_do_update(index_elements=["id"], set_=changing),
            [life.row for life in self._changed.values()],
        )
        put_all(self.session, insert(Redemption), self._entries)
        put_all(self.session, insert(RawEvent).on_conflict_do_nothing(), self._unknown)
        if self._heard_again:
            self.session.connection().execute(HEARD_AGAIN, self._heard_again)
        figures.add_many(self.session, self._figures)
        for written in (self._changed, self._entries, self._unknown, self._figures, self._heard_again):
            written.clear()

    # --- the parts ---

    def _count_elsewhere(self, told: Told) -> None:
        """Figures stand at the time of the entry, which is another from now on."""
        self.write()
        wanted = select(Redemption.product_id, Redemption.channel, Redemption.amount_minor)
        product_id, channel, amount = self.session.execute(wanted.where(Redemption.id == told.op_id)).one()
        kind, minor = told.type.removesuffix("@1"), abs(amount)
        for at, sign in ((self._booked[told.op_id], -1), (told.at, 1)):
            self.count(FigureEntry(kind, at, product_id, channel, count=sign, amount_minor=sign * minor))
        self._booked[told.op_id] = told.at

    def _settle_again(self, batch: Batch, life: Life) -> None:
        balance = None if batch.face_minor is None else max(0, batch.face_minor - life.amount_minor)
        uses_left = max(0, batch.uses - life.uses)  # another entry may still have to be struck
        self.change(life, balance_minor=balance, uses_left=uses_left)
        self.judge(batch, life, life.row["changed_at"])

    def _withdraw(self, op_id: str) -> None:
        """The reversal of what is not in the ledger was refused, and is none any more."""
        waiting = OutboxOp.op_id == op_id, OutboxOp.type == "reverse@1", OutboxOp.state != "applied"
        self.session.execute(update(OutboxOp).where(*waiting).values(state="withdrawn"), execution_options=CORE)

    def _in(self, column: Any, values: Iterable[Any], *narrowed: Any) -> Iterable[Any]:
        """Those of `values` that the column has."""
        wanted = list(values)
        return self.session.scalars(select(column).where(among(column, wanted), *narrowed)) if wanted else ()

    def _times_of(self, entries: list[str]) -> dict[str, datetime]:
        """Of those that are in the ledger here."""
        if not entries:
            return {}
        wanted = select(Redemption.id, Redemption.at).where(among(Redemption.id, entries))
        return dict(self.session.execute(wanted).all())

    def _speaking_of(self, aggregates: Sequence[str]) -> dict[str, tuple[str, int | None]]:
        """Ops of ours that freeze or thaw and were not heard yet: what each is about."""
        wanted = OutboxOp.type.in_(FREEZING), OutboxOp.state.in_(OPEN), OutboxOp.aggregate.in_(aggregates)
        found = self.session.execute(select(OutboxOp.op_id, OutboxOp.aggregate, OutboxOp.body).where(*wanted))
        return {op_id: (aggregate, body.get("card_no")) for op_id, aggregate, body in found}

    def _refused_of(self, aggregates: Sequence[str]) -> dict[tuple[str, int | None], list[OutboxOp]]:
        """Those that were refused, by what they are about."""
        wanted = OutboxOp.type.in_(FREEZING), OutboxOp.state == "rejected", OutboxOp.aggregate.in_(aggregates)
        found: dict[tuple[str, int | None], list[OutboxOp]] = {}
        for op in self.session.scalars(select(OutboxOp).where(*wanted)):
            found.setdefault((op.aggregate, op.body.get("card_no")), []).append(op)
        return found

    def _batches_of(self, told: Sequence[Told]) -> dict[str, Batch]:
        """By the id as it came."""
        uids = {uid: _bytes(uid) for uid in {one.batch_uid for one in told}}
        wanted = select(Batch).where(Batch.uid.in_(uids.values()))
        found = {batch.uid: batch for batch in self.session.scalars(wanted)}
        return {uid: found[raw] for uid, raw in uids.items() if raw in found}

    def _deliveries_of(self, links: Sequence[str]) -> dict[str, Delivery]:
        if not links:
            return {}
        found = self.session.scalars(select(Delivery).where(among(Delivery.link_id, links)))
        return {delivery.link_id: delivery for delivery in found if delivery.link_id}

    def _lives_of(self, cards: set[int]) -> dict[int, Life]:
        if not cards:
            return {}
        rows = self.session.execute(select(Card.__table__).where(among(Card.id, cards))).mappings()
        lives = {row["id"]: Life(dict(row)) for row in rows}
        sums = select(Redemption.card_id, func.sum(Redemption.amount_minor), func.sum(Redemption.uses))
        taken = sums.where(among(Redemption.card_id, lives)).group_by(Redemption.card_id)
        for card_id, amount, uses in self.session.execute(taken):
            lives[card_id].amount_minor, lives[card_id].uses = int(amount), int(uses)
        return lives

    def _channels_of(self, cards: set[int]) -> dict[int, str]:
        if not cards:
            return {}
        out = among(Delivery.card_id, cards), Delivery.state.not_in(recount.GONE)
        wanted = select(Delivery.card_id, Delivery.channel).where(*out).order_by(Delivery.id)
        return {card_id: channel for card_id, channel in self.session.execute(wanted) if card_id is not None}


def _aggregate(batch: Batch) -> str:
    return f"batch:{batch.id}"


def _link(told: Told) -> str:
    return str(told.body.get("link_id", ""))


def _bytes(uid: str) -> bytes:
    """Of an id on the wire; of anything else what no batch has."""
    try:
        return UUID(uid).bytes
    except ValueError:
        return b""
