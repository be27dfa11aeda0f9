"""What the endpoint's events change here. Facts commute and carry ids, so a page may come twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from app.models.batch import Batch, Card
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp, RawEvent
from app.models.redemption import Redemption
from app.services import figures, recount
from app.services.figures import DIRECT
from app.services.stock import life_of
from sync.protocol import Event, from_wire

OPEN = ("waiting", "in_flight", "rejected")
DOUBTED = ("uncertain", "failed")
"""States of a mail that nobody knows of, or that was refused; it may have come all the same."""
SILENT = frozenset({"merchant.updated@1", "batch.created@1", "device.enrolled@1"})
"""Known, and nothing follows from them here."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event, read."""

    seq: int
    type: str
    op_id: str
    at: datetime
    body: dict[str, Any]


class EventBook:
    """Applies events inside the transaction of their page."""

    def __init__(self, session: Session, epoch: str) -> None:
        self._session = session
        self._epoch = epoch
        self._batches: dict[str, Batch | None] = {}
        self._acts: dict[str, Callable[[Told, Batch], None]] = {
            "redeemed@1": self._redeemed,
            "reversed@1": self._redeemed,
            "sealed@1": self._sealed,
            "frozen@1": self._frozen,
            "thawed@1": self._frozen,
            "batch.voided@1": self._voided,
            "card.frozen@1": self._card_frozen,
            "card.thawed@1": self._card_frozen,
            "card.voided@1": self._card_voided,
            "link.stored@1": self._link,
            "link.recalled@1": self._link,
            "opened@1": self._link,
            "claimed@1": self._link,
        }

    def apply(self, event: Event) -> None:
        """An unknown event, or one about a batch another desktop made, is kept as it came."""
        told = Told(event.seq, event.type, event.op_id, from_wire(event.at), msgspec.json.decode(event.body))
        if event.type in SILENT:
            return
        act = self._acts.get(event.type)
        batch = self._batch(str(told.body.get("batch_id", ""))) if act else None
        if act is None or batch is None:
            self._keep_raw(told)
            return
        act(told, batch)

    # --- money ---

    def _redeemed(self, told: Told, batch: Batch) -> None:
        body, card_id = told.body, batch.first_card_id + int(told.body["card_no"])
        kind = "redeemed" if told.type == "redeemed@1" else "reversed"
        channel = self._channel(card_id)
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
            "reverses": body.get("reverses"),
            "reason": body.get("reason"),
            "channel": channel,
            "entry": body.get("entry", "counter"),
            "place": body.get("place") or None,
            "region": None,
            "device_class": body.get("device_class") or None,
            "at": told.at,
        }
        fresh = self._session.execute(insert(Redemption).values(entry).on_conflict_do_nothing())
        if fresh.rowcount != 1:  # type: ignore[attr-defined]  # seen before
            return
        self._settle(batch, card_id, told)
        figures.add(
            self._session,
            kind,
            at=told.at,
            product_id=batch.product_id,
            channel=channel,
            amount_minor=abs(int(body["amount_minor"])),
        )

    def _settle(self, batch: Batch, card_id: int, told: Told) -> None:
        """The card stands as its ledger folds: what the entry says is left."""
        self._begin_life(batch, card_id)
        left = select(func.coalesce(func.sum(Redemption.amount_minor), 0), func.coalesce(func.sum(Redemption.uses), 0))
        amount, uses = self._session.execute(left.where(Redemption.card_id == card_id)).one()
        balance = None if batch.face_minor is None else batch.face_minor - int(amount)
        uses_left = batch.uses - int(uses)
        of_money = told.body["remaining_minor"] is not None
        spent = balance == 0 if of_money else uses_left == 0
        state = "spent" if spent else "active"
        self._session.execute(
            update(Card)
            .where(Card.id == card_id)
            .values(balance_minor=balance, uses_left=uses_left, changed_at=told.at)
        )
        self._session.execute(update(Card).where(Card.id == card_id, Card.state != "voided").values(state=state))

    # --- batches and cards ---

    def _sealed(self, told: Told, batch: Batch) -> None:
        self._session.execute(
            update(Batch).where(Batch.id == batch.id, Batch.sealed_at.is_(None)).values(sealed_at=told.at)
        )
        self._session.execute(
            update(Batch).where(Batch.id == batch.id, Batch.state == "ready").values(state="published")
        )

    def _frozen(self, told: Told, batch: Batch) -> None:
        if self._still_speaking(batch):
            return
        at = told.at if told.type == "frozen@1" else None
        already = Batch.frozen_at.is_(None) if at else Batch.frozen_at.is_not(None)
        self._session.execute(update(Batch).where(Batch.id == batch.id, already).values(frozen_at=at))

    def _voided(self, told: Told, batch: Batch) -> None:
        if batch.state == "voided":
            return
        recount.take_back_batch(self._session, batch.id)
        self._session.execute(update(Batch).where(Batch.id == batch.id).values(state="voided"))
        self._session.execute(
            update(Card).where(Card.batch_id == batch.id, Card.state != "spent").values(state="voided")
        )
        self._session.expire(batch)

    def _card_frozen(self, told: Told, batch: Batch) -> None:
        if self._still_speaking(batch):
            return
        card_id = batch.first_card_id + int(told.body["card_no"])
        self._begin_life(batch, card_id)
        at = told.at if told.type == "card.frozen@1" else None
        already = Card.frozen_at.is_(None) if at else Card.frozen_at.is_not(None)
        self._session.execute(update(Card).where(Card.id == card_id, already).values(frozen_at=at))

    def _card_voided(self, told: Told, batch: Batch) -> None:
        card_id = batch.first_card_id + int(told.body["card_no"])
        self._begin_life(batch, card_id)
        card = self._session.get_one(Card, card_id)
        if card.state in ("spent", "voided"):
            return
        recount.take_back_cards(self._session, [card_id])
        card.state, card.changed_at = "voided", told.at
        self._session.flush()

    # --- deliveries ---

    def _link(self, told: Told, batch: Batch) -> None:
        delivery = self._session.scalar(select(Delivery).where(Delivery.link_id == str(told.body["link_id"])))
        if delivery is None:
            return
        if told.type == "link.stored@1":
            delivery.link_stored_at = delivery.link_stored_at or told.at
        elif told.type == "opened@1" and delivery.opened_at is None:
            delivery.opened_at = told.at
            self._counted(delivery, batch, "opened", told.at)
            if delivery.delivered_at is None:  # who opened it has got it
                delivery.delivered_at = told.at
                self._counted(delivery, batch, "delivered", told.at)
            if delivery.state in DOUBTED:
                delivery.state, delivery.reason, delivery.retryable = "delivered", None, False
        elif told.type == "claimed@1" and delivery.claimed_at is None:
            delivery.claimed_at = told.at
            if delivery.state in ("sent", "delivered", *DOUBTED):
                delivery.state, delivery.reason, delivery.retryable = "claimed", None, False
            self._counted(delivery, batch, "claimed", told.at)
            self._session.execute(
                update(Card).where(Card.id == delivery.card_id, Card.state == "assigned").values(state="active")
            )
        self._session.flush()

    def _counted(self, delivery: Delivery, batch: Batch, metric: str, at: datetime) -> None:
        if delivery.state not in recount.GONE:
            figures.add(self._session, metric, at=at, product_id=batch.product_id, channel=delivery.channel)

    # --- common ---

    def _batch(self, uid: str) -> Batch | None:
        if uid not in self._batches:
            try:
                raw = UUID(uid).bytes
            except ValueError:
                return None
            self._batches[uid] = self._session.scalar(select(Batch).where(Batch.uid == raw))
        return self._batches[uid]

    def _channel(self, card_id: int) -> str:
        """Through which channel the card went out."""
        wanted = (
            select(Delivery.channel)
            .where(Delivery.card_id == card_id, Delivery.state.not_in(recount.GONE))
            .order_by(Delivery.id.desc())
            .limit(1)
        )
        return self._session.scalar(wanted) or DIRECT

    def _begin_life(self, batch: Batch, card_id: int) -> None:
        if self._session.get(Card, card_id) is None:
            state = "voided" if batch.state == "voided" else "active"
            self._session.execute(insert(Card).values(life_of(batch, card_id, state=state)))

    def _still_speaking(self, batch: Batch) -> bool:
        """Whether we ourselves have something on its way about this batch: the later word is ours."""
        aggregate = f"batch:{batch.id}"
        wanted = select(OutboxOp.id).where(OutboxOp.aggregate == aggregate, OutboxOp.state.in_(OPEN)).limit(1)
        return self._session.scalar(wanted) is not None

    def _keep_raw(self, told: Told) -> None:
        values = {"seq": told.seq, "epoch": self._epoch, "type": told.type, "body": told.body, "at": told.at}
        self._session.execute(insert(RawEvent).values(values).on_conflict_do_nothing())
