"""Links of the deliveries that travel by mail: drawn once, kept in the vault, queued for the endpoint."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services.batches import is_partial
from app.services.cards.codes import CodeReader, OpenBlock, batch_of, batches_of
from app.services.channels import ON_PAPER
from app.services.distribution.links import LinkSecrets, LinkTarget, gate_of, link_body, wire_time
from app.services.distribution.preparing import AT_ONCE, chunks, lacking
from app.services.outbox import enqueue
from app.services.progress import Progress
from app.topics import Topic

PUT, RECALL = "link.put@1", "link.recall@1"


class LinkMaker:
    """Makes the missing links of a distribution, some at a time: a kill between two lots leaves the rest to be made."""

    def __init__(self, database: Database, reader: CodeReader, merchant_id: UUID) -> None:
        self._database, self._reader, self._merchant_id = database, reader, merchant_id

    def make(self, distribution_id: int, progress: Progress) -> None:
        with self._database.read() as session:
            missing = list(session.scalars(_missing(distribution_id)))
        for start in range(0, len(missing), AT_ONCE):
            with self._database.write(Topic.DISTRIBUTIONS, Topic.OUTBOX) as session:
                self._make_some(session, distribution_id, missing[start : start + AT_ONCE])
            progress(min(start + AT_ONCE, len(missing)), len(missing))

    def _make_some(self, session: Session, distribution_id: int, ids: list[int]) -> None:
        distribution = session.get_one(Distribution, distribution_id)
        wanted = select(Delivery, Person).join(Person, Person.id == Delivery.person_id)
        rows = session.execute(wanted.where(Delivery.id.in_(ids), Delivery.link_id.is_(None))).all()
        cards = [delivery.card_id for delivery, _ in rows if delivery.card_id is not None]
        batches = batches_of(session, cards)
        blocks = self._reader.codes_of(session, cards, batches)
        products = {batch.id: session.get_one(Product, batch.product_id) for batch in batches.values()}
        partly = {batch.id: is_partial(session, batch, products[batch.id]) for batch in batches.values()}
        for delivery, person in rows:
            card_id = delivery.card_id
            batch = batch_of(card_id, batches) if card_id is not None else None
            if batch is None or card_id not in blocks:
                continue
            gate = distribution.template.get("gate", "none")
            lack = lacking(person, channel=delivery.channel, gate=gate)
            if lack:
                # what the channel needs was lost since the list was prepared; the card stays with the person
                delivery.state, delivery.reason, delivery.retryable = "failed", lack, True
                continue
            payload = {
                "v": 1,
                "merchant_id": str(self._merchant_id),
                "holder": person.name,
                "note": distribution.note,
                "partial": partly[batch.id],
                **_card_payload(products[batch.id], batch, blocks[card_id], card_id),
            }
            self._put(session, delivery, _Way(person, batch, gate, payload))

    def _put(self, session: Session, delivery: Delivery, way: "_Way") -> None:
        """Draw and queue one link; the flush at the end of the transaction writes all deliveries at once."""
        drawn = LinkSecrets.draw()
        card_no = (delivery.card_id or 0) - way.batch.first_card_id
        target = LinkTarget(self._merchant_id, UUID(bytes=way.batch.uid), card_no, way.batch.valid_until)
        gate = gate_of(way.gate, phone=way.person.phone, employee_no=way.person.employee_no)
        body = link_body(drawn, target, payload=way.payload, gate=gate) | {"link_id": drawn.link_id}
        enqueue(session, PUT, aggregate=aggregate_of(delivery.id), body=body, lane="link")
        delivery.link_id, delivery.link_secret, delivery.pickup_code = drawn.link_id, drawn.secret, drawn.pickup_code


class _Way:
    """What one link is made from."""

    __slots__ = ("batch", "gate", "payload", "person")

    def __init__(self, person: Person, batch: Batch, gate: str, payload: dict[str, Any]) -> None:
        self.person, self.batch, self.gate, self.payload = person, batch, gate, payload


def take_links_back(session: Session, deliveries: Sequence[Delivery]) -> set[int]:
    """Withdraw links. Ids of the deliveries whose link never left the vault, so nobody can have opened it."""
    unsent: set[int] = set()
    for some in chunks(deliveries):
        puts = _puts(session, [delivery.id for delivery in some])
        for delivery in some:
            own = puts.get(aggregate_of(delivery.id), [])
            never_left = all(_never_left(op) for op in own) and delivery.sent_at is None
            if delivery.link_id is None or (own and never_left):
                unsent.add(delivery.id)
                for op in own:
                    op.state = "withdrawn"
            else:
                enqueue(session, RECALL, aggregate=aggregate_of(delivery.id), body={"link_id": delivery.link_id})
    session.flush()
    return unsent


def _never_left(op: OutboxOp) -> bool:
    return op.state in ("rejected", "withdrawn") or (op.state == "waiting" and not op.attempts)


def forget_refused_links(session: Session, deliveries: Sequence[Delivery]) -> None:
    """A link the endpoint refused is made anew; its op no longer holds back the next."""
    refused = [delivery for delivery in deliveries if delivery.reason == "link-refused"]
    for some in chunks(refused):
        for ops in _puts(session, [delivery.id for delivery in some]).values():
            for op in ops:
                op.state = "withdrawn"
    for delivery in refused:
        delivery.link_id = delivery.link_secret = delivery.pickup_code = None


def _puts(session: Session, delivery_ids: Sequence[int]) -> dict[str, list[OutboxOp]]:
    wanted = select(OutboxOp).where(
        OutboxOp.type == PUT, OutboxOp.aggregate.in_([aggregate_of(delivery_id) for delivery_id in delivery_ids])
    )
    found: dict[str, list[OutboxOp]] = {}
    for op in session.scalars(wanted):
        found.setdefault(op.aggregate, []).append(op)
    return found


def aggregate_of(delivery_id: int) -> str:
    return f"delivery:{delivery_id}"


def _missing(distribution_id: int) -> Any:
    return (
        select(Delivery.id)
        .where(
            Delivery.distribution_id == distribution_id,
            Delivery.channel.not_in(ON_PAPER),
            Delivery.state == "prepared",
            Delivery.link_id.is_(None),
            Delivery.card_id.is_not(None),
        )
        .order_by(Delivery.no)
    )


def _card_payload(product: Product, batch: Batch, block: OpenBlock, card_id: int) -> dict[str, Any]:
    at = card_id - batch.first_card_id - block.first
    code: dict[str, Any] = {"code": block.code(at)} if block.length else {"fields": block.fields(at)}
    return {
        "kind": product.kind,
        "product": product.name,
        "face_minor": batch.face_minor,
        "uses": batch.uses,
        "valid_until": wire_time(batch.valid_until),
        "target_url": product.target_url,
        **code,
    }
