"""Sending a card another way or to another address: its old link ends first, so that no card travels twice."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import AlreadyHandedOut, InvalidInput, NotFound
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.services.channels import ON_PAPER
from app.services.distribution.linking import forget_refused_links, take_links_back
from app.services.distribution.preparing import chunks, give_cards, given_of, lacking, people_of, tell_issued
from app.services.distribution.recalling import answers_of, let_be, refuse_gone
from app.services.distribution.rows import Rerouted
from app.services.hidden import refuse_removed, removed
from app.services.recount import take_back_deliveries
from sync.protocol import new_op_id

CHANGEABLE = ("prepared", "released", "sending", "sent", "delivered", "claimed", "failed", "uncertain")


def of_one(session: Session, delivery_ids: Sequence[int]) -> tuple[Distribution, list[Delivery]]:
    """Deliveries of one distribution. Raises NotFound."""
    deliveries: list[Delivery] = []
    for some in chunks(delivery_ids):
        deliveries += session.scalars(select(Delivery).where(Delivery.id.in_(some)).order_by(Delivery.no))
    if not deliveries:
        raise NotFound("delivery", ", ".join(str(one) for one in delivery_ids))
    distribution = session.get_one(Distribution, deliveries[0].distribution_id)
    return distribution, [one for one in deliveries if one.distribution_id == distribution.id]


def set_folder(distribution: Distribution, folder: Path | None) -> None:
    """Where paper goes; a distribution by mail has none yet. Raises InvalidInput."""
    if folder is not None:
        distribution.out_folder = str(folder)
    if not distribution.out_folder:
        raise InvalidInput("out_folder", "required")


def retry(session: Session, distribution: Distribution, only: Sequence[int] | None) -> int:
    """Put what failed and may go well now back in line; how many. Raises NotEnoughCards, InBin.

    Whoever lies in the recycle bin stays failed for that reason, until restored.
    """
    wanted = select(Delivery, Person).join(Person, Person.id == Delivery.person_id)
    wanted = wanted.where(
        Delivery.distribution_id == distribution.id, Delivery.state == "failed", Delivery.retryable
    ).order_by(Delivery.no)
    chosen = None if only is None else set(only)
    again = [
        delivery
        for delivery, person in session.execute(wanted)
        if _may_go(distribution, delivery, person) and (chosen is None or delivery.id in chosen)
    ]
    again, in_bin = _apart(session, again)
    for delivery in in_bin:
        delivery.reason, delivery.said = "removed", None
    return line_up(session, distribution, again)


def _apart(session: Session, deliveries: Sequence[Delivery]) -> tuple[list[Delivery], list[Delivery]]:
    """Those that may go on, and those of people in the recycle bin. Raises InBin where nobody else is meant."""
    gone = set(session.scalars(removed("person"))) if deliveries else set()
    in_bin = [delivery for delivery in deliveries if delivery.person_id in gone]
    if in_bin and len(in_bin) == len(deliveries):
        refuse_removed(session, "person", in_bin[0].person_id, session.get_one(Person, in_bin[0].person_id).name)
    return [delivery for delivery in deliveries if delivery.person_id not in gone], in_bin


def change(session: Session, distribution: Distribution, deliveries: Sequence[Delivery], channel: str) -> Rerouted:
    """Let deliveries of one distribution travel by `channel`; whoever it cannot reach stays as he was.

    Nobody in the recycle bin is reached. Raises AlreadyHandedOut, AlreadyClaimed, DistributionRunning, NotEnoughCards,
    InBin; then nothing is changed.
    """
    other = [one for one in deliveries if one.state in CHANGEABLE and (one.channel != channel or one.change_to)]
    out = [one for one in other if one.channel in ON_PAPER and one.sent_at is not None]
    if out:
        raise AlreadyHandedOut(len(out))
    refuse_gone(session, distribution, other)
    people, gate = people_of(session, [one.person_id for one in other]), distribution.template.get("gate", "none")
    there, _ = _apart(session, other)
    reached = [one for one in there if lacking(people[one.person_id], channel=channel, gate=gate) is None]
    waiting = reroute(session, distribution, reached, channel)
    return Rerouted(len(reached) - waiting, waiting, len(other) - len(reached))


def reroute(session: Session, distribution: Distribution, deliveries: Sequence[Delivery], channel: str) -> int:
    """Change at once what nobody can have opened; for the rest ask the link back first. How many wait for that."""
    asked = [delivery for delivery in deliveries if delivery.change_to is not None]
    fresh = [delivery for delivery in deliveries if delivery.change_to is None]
    free = take_links_back(session, fresh)
    switch(session, distribution, [delivery for delivery in fresh if delivery.id in free], channel)
    waiting = [*asked, *(delivery for delivery in fresh if delivery.id not in free)]
    for delivery in waiting:
        delivery.change_to = channel
    session.flush()
    return len(waiting)


def switch(session: Session, distribution: Distribution, deliveries: Sequence[Delivery], channel: str) -> None:
    """Begin anew on another way: as if it had never been sent, in the figures, too. Raises NotEnoughCards."""
    take_back_deliveries(session, [delivery.id for delivery in deliveries])
    for delivery in deliveries:
        if delivery.attempts and delivery.channel not in ON_PAPER:
            delivery.message_id = (
                f"<{new_op_id()}@{delivery.message_id.rpartition('@')[2]}"  # another link, so another mail
            )
        delivery.channel, delivery.change_to = channel, None
        delivery.link_id = delivery.link_secret = delivery.pickup_code = delivery.link_stored_at = None
        delivery.sent_at = delivery.delivered_at = None
    session.flush()
    tell_issued(session, distribution, given_of(delivery for delivery in deliveries if delivery.card_id is not None))
    line_up(session, distribution, deliveries)


def line_up(session: Session, distribution: Distribution, deliveries: Sequence[Delivery]) -> int:
    """Back in line, with a card where none was taken; how many. Raises NotEnoughCards.

    Whoever has got a card of the product elsewhere meanwhile is left out.
    """
    going = give_cards(session, distribution, deliveries)
    forget_refused_links(session, going)
    for delivery in going:
        delivery.state, delivery.reason = "released" if delivery.link_id else "prepared", None
        delivery.said, delivery.retryable = None, False
    if going:
        wait_again(distribution)
    session.flush()
    return len(going)


def wait_again(distribution: Distribution) -> None:
    """Something waits once more. A planned one that was begun goes on by hand only: its time is past, so it would start
    by itself, though somebody paused it."""
    if distribution.state == "sending":
        return
    goes_by_itself = distribution.scheduled_at is not None and distribution.state != "prepared"
    distribution.state, distribution.finished_at = "paused" if goes_by_itself else "prepared", None


def _may_go(distribution: Distribution, delivery: Delivery, person: Person) -> bool:
    """Whether what failed may go well now."""
    gate = "none" if delivery.link_id else distribution.template.get("gate", "none")
    left = person.left_at is not None or delivery.opened_at is not None
    return not left and delivery.change_to is None and lacking(person, channel=delivery.channel, gate=gate) is None


def follow(session: Session, distribution: Distribution, delivery: Delivery, person: Person, *, field: str) -> Rerouted:
    """After a person's data was mended: what failed for it goes again, what may lie with somebody else goes anew.

    Raises AlreadyClaimed, DistributionRunning, NotEnoughCards.
    """
    if delivery.channel in ON_PAPER or delivery.state not in CHANGEABLE:
        return Rerouted(0, 0, 0)
    refuse_gone(session, distribution, [delivery])
    gate = distribution.template.get("gate", "none")
    asked = field == "email" or field == {"phone_tail": "phone"}.get(gate, gate)
    if lacking(person, channel=delivery.channel, gate=gate) is not None or not asked:
        return Rerouted(0, 0, int(asked))
    if delivery.state == "failed" and (field == "email" or delivery.link_id is None) and not delivery.change_to:
        line_up(session, distribution, [delivery])
        return Rerouted(1, 0, 0)
    if field == "email" and delivery.state in ("prepared", "released"):
        return Rerouted(1, 0, 0)
    waiting = reroute(session, distribution, [delivery], delivery.channel)
    return Rerouted(1 - waiting, waiting, 0)


def changing(session: Session, distribution_id: int | None = None) -> list[tuple[Delivery, Distribution]]:
    """Deliveries that wait for the end of their link."""
    wanted = select(Delivery, Distribution).join(Distribution, Distribution.id == Delivery.distribution_id)
    wanted = wanted.where(Delivery.change_to.is_not(None))
    if distribution_id is not None:
        wanted = wanted.where(Delivery.distribution_id == distribution_id)
    return [(delivery, distribution) for delivery, distribution in session.execute(wanted.order_by(Delivery.id))]


def settle_changes(session: Session) -> int:
    """Change those whose link is dead, let those be whose link was opened first; how many were changed."""
    waiting = changing(session)
    answers = answers_of(session, [delivery.id for delivery, _ in waiting])
    lots: dict[tuple[int, str], list[Delivery]] = {}
    distributions = {distribution.id: distribution for _, distribution in waiting}
    for delivery, _ in waiting:
        answer = answers.get(f"delivery:{delivery.id}")
        if answer == "rejected" or delivery.opened_at is not None:
            delivery.change_to, delivery.reason, delivery.retryable = None, "opened-first", False
            let_be(session, delivery)
        elif answer == "applied":
            lots.setdefault((delivery.distribution_id, delivery.change_to or ""), []).append(delivery)
        elif answer == "withdrawn":  # it waited for an endpoint that was left behind
            free = take_links_back(session, [delivery])
            if free:
                lots.setdefault((delivery.distribution_id, delivery.change_to or ""), []).append(delivery)
    for (distribution_id, channel), deliveries in lots.items():
        for some in chunks(deliveries):
            switch(session, distributions[distribution_id], some, channel)
    session.flush()
    return sum(len(deliveries) for deliveries in lots.values())
