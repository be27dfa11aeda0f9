"""Taking deliveries back: what nobody can have seen returns to stock, what may be known is voided."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import AlreadyClaimed, DistributionRunning
from app.models.base import now
from app.models.batch import Card
from app.models.distribution import Delivery, Distribution
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services.cards.codes import batch_of, batches_of
from app.services.channels import ON_PAPER
from app.services.distribution.linking import RECALL, aggregate_of, take_link_back
from app.services.distribution.preparing import chunks, tell, tell_issued
from app.services.outbox import enqueue
from app.services.stock import put_back

GONE = ("recalled", "skipped")


def recall(session: Session, distribution: Distribution, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Recall deliveries of one distribution; those that were. Raises AlreadyClaimed and changes nothing then."""
    live = [delivery for delivery in deliveries if delivery.state not in GONE]
    if any(delivery.state == "sending" for delivery in live):
        raise DistributionRunning(distribution.name)
    used = used_cards(session, [delivery.card_id for delivery in live if delivery.card_id is not None])
    seen = [one for one in live if one.opened_at is not None or one.claimed_at is not None or one.card_id in used]
    if seen:
        raise AlreadyClaimed(len(seen))
    unseen: list[int] = []
    for delivery in live:
        if delivery.card_id is None:
            continue
        if _is_back(session, distribution, delivery):
            unseen.append(delivery.card_id)
    put_back(session, unseen)
    _take_back_figures(session, distribution, live)
    for delivery in live:
        delivery.state, delivery.recalled_at, delivery.retryable = "recalled", now(), False
    session.flush()
    return live


def cancel(session: Session, distribution: Distribution, deliveries: Sequence[Delivery]) -> int:
    """Leave out deliveries that never went out; their cards return to stock. How many there were."""
    withdrawn: list[Delivery] = []
    for delivery in deliveries:
        if delivery.card_id is None or take_link_back(session, delivery):
            withdrawn.append(delivery)
        else:
            delivery.state, delivery.recalled_at, delivery.reason = "recalled", now(), "cancelled"
    _take_back_figures(session, distribution, deliveries)
    put_back(session, [delivery.card_id for delivery in withdrawn if delivery.card_id is not None])
    for delivery in withdrawn:
        delivery.state, delivery.reason, delivery.retryable = "skipped", "cancelled", False
        delivery.card_id = delivery.amount_minor = None
    session.flush()
    return len(deliveries)


def settle(session: Session) -> int:
    """Return to stock the cards of recalled links once the endpoint said that they are dead; how many.

    Until then somebody may still open the link, and the card must not go to a second person. A link that was opened
    first makes the endpoint refuse: the delivery then stands as it was.
    """
    dead: list[int] = []
    for delivery, distribution in recalled(session):
        answer = _answer(session, delivery)
        unopened = delivery.opened_at is None and not _has_another(session, delivery)
        if answer == "applied" and delivery.card_id is not None and unopened:
            dead.append(delivery.card_id)
        elif answer == "rejected":
            _stand_again(session, distribution, delivery)
    put_back(session, dead)
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
            Distribution.channel.not_in(ON_PAPER),
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


def _is_back(session: Session, distribution: Distribution, delivery: Delivery) -> bool:
    """Take one card back. True when it is certain that nobody knows its code."""
    if distribution.channel not in ON_PAPER:
        return take_link_back(session, delivery)
    if delivery.sent_at is None:
        return True
    _void(session, delivery.card_id or 0)
    return False


def _void(session: Session, card_id: int) -> None:
    session.execute(update(Card).where(Card.id == card_id).values(state="voided", changed_at=now()))
    batch = batch_of(card_id, batches_of(session, [card_id]))
    assert batch is not None, "a delivered card has its batch"
    body = {"batch_id": str(UUID(bytes=batch.uid)), "card_no": card_id - batch.first_card_id}
    enqueue(session, "card.void@1", aggregate=f"batch:{batch.id}", body=body)


def _take_back_figures(
    session: Session, distribution: Distribution, deliveries: Sequence[Delivery], *, sign: int = -1
) -> None:
    carded = [delivery for delivery in deliveries if delivery.card_id is not None]
    tell_issued(session, distribution, [delivery.amount_minor or 0 for delivery in carded], sign=sign)
    for delivery in carded:
        for metric, at in (("sent", delivery.sent_at), ("delivered", delivery.delivered_at)):
            if at is not None:
                tell(session, distribution, metric, at=at, amounts=[delivery.amount_minor or 0], sign=sign)


def _answer(session: Session, delivery: Delivery) -> str | None:
    wanted = select(OutboxOp.state).where(OutboxOp.aggregate == aggregate_of(delivery.id), OutboxOp.type == RECALL)
    return session.scalar(wanted.order_by(OutboxOp.id.desc()).limit(1))


def _has_another(session: Session, delivery: Delivery) -> bool:
    """The same person may have got the same card again meanwhile."""
    wanted = select(func.count()).where(
        Delivery.card_id == delivery.card_id, Delivery.id != delivery.id, Delivery.state.not_in(GONE)
    )
    return bool(session.scalar(wanted))


def _stand_again(session: Session, distribution: Distribution, delivery: Delivery) -> None:
    delivery.state = "claimed" if delivery.claimed_at else "sent" if delivery.sent_at else "failed"
    delivery.recalled_at = None
    _take_back_figures(session, distribution, [delivery], sign=1)
