"""Taking deliveries back: what nobody can have seen returns to stock, what may be known is voided."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Text, case, cast, func, select, update
from sqlalchemy.orm import Session

from app.errors import AlreadyClaimed, DistributionRunning
from app.models.base import now
from app.models.batch import Card
from app.models.distribution import Delivery, Distribution
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.cards.codes import batch_of, batches_of
from app.services.channels import ON_PAPER
from app.services.distribution.delivering import may_be_written
from app.services.distribution.linking import RECALL, aggregate_of, take_links_back
from app.services.distribution.preparing import chunks, given_of, tell, tell_issued
from app.services.outbox import enqueue
from app.services.recount import take_back_deliveries
from app.services.stock import put_back

GONE = ("recalled", "skipped")


def recall(session: Session, distribution: Distribution, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Recall deliveries of one distribution; those that were. Raises AlreadyClaimed and changes nothing then."""
    live = [delivery for delivery in deliveries if delivery.state not in GONE]
    refuse_gone(session, distribution, live)
    take_back_deliveries(session, [delivery.id for delivery in live])
    carded = [delivery for delivery in live if delivery.card_id is not None]
    on_paper = [delivery for delivery in carded if delivery.channel in ON_PAPER]
    unseen = {delivery.id for delivery in on_paper if delivery.sent_at is None} - maybe_on_paper(distribution, on_paper)
    _void(session, [delivery.card_id or 0 for delivery in on_paper if delivery.id not in unseen])
    unseen |= take_links_back(session, [delivery for delivery in carded if delivery.channel not in ON_PAPER])
    put_back(session, [delivery.card_id or 0 for delivery in carded if delivery.id in unseen])
    for delivery in live:
        delivery.state, delivery.recalled_at, delivery.retryable = "recalled", now(), False
        delivery.change_to = None
    session.flush()
    return live


def refuse_gone(session: Session, distribution: Distribution, deliveries: Sequence[Delivery]) -> None:
    """Raises DistributionRunning for what goes out at this moment, AlreadyClaimed for what was opened or used."""
    if any(delivery.state == "sending" for delivery in deliveries):
        raise DistributionRunning(distribution.name)
    used = used_cards(session, [delivery.card_id for delivery in deliveries if delivery.card_id is not None])
    seen = [one for one in deliveries if one.opened_at is not None or one.claimed_at is not None or one.card_id in used]
    if seen:
        raise AlreadyClaimed(len(seen))


def cancel(session: Session, distribution: Distribution, deliveries: Sequence[Delivery]) -> int:
    """Leave out deliveries that never went out; their cards return to stock. How many there were."""
    take_back_deliveries(session, [delivery.id for delivery in deliveries])
    on_paper = [one for one in deliveries if one.channel in ON_PAPER and one.card_id is not None]
    known = maybe_on_paper(distribution, on_paper)
    _void(session, [one.card_id or 0 for one in on_paper if one.id in known])
    unsent = take_links_back(session, deliveries) - known
    withdrawn = [delivery for delivery in deliveries if delivery.id in unsent]
    for delivery in deliveries:
        if delivery.id not in unsent:
            delivery.state, delivery.recalled_at, delivery.reason = "recalled", now(), "cancelled"
    put_back(session, [delivery.card_id for delivery in withdrawn if delivery.card_id is not None])
    for delivery in deliveries:
        delivery.change_to = None
    for delivery in withdrawn:
        delivery.state, delivery.reason, delivery.retryable = "skipped", "cancelled", False
        delivery.card_id = delivery.amount_minor = None
    session.flush()
    return len(deliveries)


def settle(session: Session) -> int:
    """Return to stock the cards of recalled links once the endpoint said that they are dead; how many.

    Until then somebody may still open the link, and the card must not go to a second person. A link that was opened
    first makes the endpoint refuse: the delivery then stands as it was. Where the endpoint was left before it answered
    nobody knows whether the link was opened: the card is voided, as if its code were out on paper.
    """
    dead: list[int] = []
    unknown: list[int] = []
    waiting = recalled(session)
    answers = answers_of(session, [delivery.id for delivery, _ in waiting])
    for delivery, distribution in waiting:
        answer = answers.get(aggregate_of(delivery.id))
        unopened = delivery.opened_at is None and not _has_another(session, delivery)
        if answer == "applied" and delivery.card_id is not None and unopened:
            dead.append(delivery.card_id)
        elif answer == "withdrawn" and delivery.card_id is not None and unopened:
            unknown.append(delivery.card_id)
        elif answer == "rejected":
            _stand_again(session, distribution, delivery)
    put_back(session, dead)
    _void(session, unknown)
    session.flush()
    return len(dead)


def recalled(session: Session) -> list[tuple[Delivery, Distribution]]:
    """Recalled deliveries whose card still stands with the person."""
    wanted = (
        select(Delivery, Distribution)
        .join(Distribution, Distribution.id == Delivery.distribution_id)
        .join(Card, Card.id == Delivery.card_id)
        .where(
            Delivery.state == "recalled",
            Delivery.link_id.is_not(None),
            Delivery.channel.not_in(ON_PAPER),
            Card.state == "assigned",
            Card.person_id == Delivery.person_id,
        )
    )
    return [(delivery, distribution) for delivery, distribution in session.execute(wanted)]


def used_cards(session: Session, card_ids: Sequence[int]) -> set[int]:
    """Cards of which something was redeemed."""
    used: set[int] = set()
    for some in chunks(card_ids):
        used.update(session.scalars(select(Redemption.card_id).where(Redemption.card_id.in_(some)).distinct()))
        used.update(session.scalars(select(Card.id).where(Card.id.in_(some), Card.state == "spent")))
    return used


def maybe_on_paper(distribution: Distribution, deliveries: Sequence[Delivery]) -> set[int]:
    """Ids of those that a run began to write and did not conclude, though its files are there: their codes are out."""
    begun = {delivery.id for delivery in deliveries if delivery.attempts and delivery.sent_at is None}
    return begun if begun and may_be_written(distribution) else set()


def _void(session: Session, card_ids: Sequence[int]) -> None:
    for some in chunks(card_ids):
        ended = {"state": "voided", "voided_at": now(), "changed_at": now()}
        session.execute(update(Card).where(Card.id.in_(some)).values(ended))
        batches = batches_of(session, some)
        for card_id in some:
            batch = batch_of(card_id, batches)
            assert batch is not None, "a delivered card has its batch"
            body = {"batch_id": str(UUID(bytes=batch.uid)), "card_no": card_id - batch.first_card_id}
            enqueue(session, "card.void@1", aggregate=f"batch:{batch.id}", body=body)


def answers_of(session: Session, delivery_ids: Sequence[int]) -> dict[str, str]:
    """Aggregate → state of its latest recall; a refused one stays that when it is given up. One that was refused for
    this device's role says nothing of the link: it waits for another role, or to be given up."""
    answered = func.coalesce(cast(OutboxOp.problem, Text), "null") != "null"
    not_decided = (OutboxOp.state == "rejected") & (OutboxOp.problem["key"].as_string() == "forbidden")
    given_up = (OutboxOp.state == "withdrawn") & answered
    state = case((given_up, "rejected"), (not_decided, "waiting"), else_=OutboxOp.state)
    found: dict[str, str] = {}
    for some in chunks(delivery_ids):
        wanted = select(OutboxOp.aggregate, state).where(
            OutboxOp.type == RECALL, OutboxOp.aggregate.in_([aggregate_of(delivery_id) for delivery_id in some])
        )
        found |= dict(session.execute(wanted.order_by(OutboxOp.id)).all())
    return found


def _has_another(session: Session, delivery: Delivery) -> bool:
    """The same person may have got the same card again meanwhile."""
    wanted = select(func.count()).where(
        Delivery.card_id == delivery.card_id, Delivery.id != delivery.id, Delivery.state.not_in(GONE)
    )
    return bool(session.scalar(wanted))


def _stand_again(session: Session, distribution: Distribution, delivery: Delivery) -> None:
    delivery.state = "claimed" if delivery.claimed_at else "sent" if delivery.sent_at else "failed"
    delivery.recalled_at = None
    let_be(session, delivery)
    given = given_of([delivery])
    tell_issued(session, distribution, given)
    for metric in ("sent", "delivered", "opened", "claimed"):
        at = getattr(delivery, f"{metric}_at")
        if at is not None:
            tell(session, metric, given, at=at)


def let_be(session: Session, delivery: Delivery) -> None:
    """A refused recall no longer holds back what follows about this delivery."""
    session.execute(
        update(OutboxOp)
        .where(OutboxOp.aggregate == aggregate_of(delivery.id), OutboxOp.state == "rejected")
        .values(state="withdrawn")
    )
