"""Who of a list gets a card: sorting people out, taking cards, writing the deliveries down."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.errors import InvalidInput, NotFound, OverBudget
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.services import figures
from app.services.cards.codes import batch_of, batches_of
from app.services.channels import CHANNELS, ON_PAPER
from app.services.channels.email import is_address
from app.services.channels.letters import FIELDS, Template, default_template, flaws
from app.services.distribution.links import GATES, gate_of
from app.services.distribution.rows import DistributionSpec, Gift
from app.services.figures import FigureEntry
from app.services.hidden import removed
from app.services.stock import take
from sync.protocol import new_op_id

T = TypeVar("T")

AT_ONCE = 500
"""Ids in one IN list, and links in one transaction."""
LONGEST_PACE = 24 * 60
"""Minutes between two parts of a run."""
LONGEST_NOTE = 500
"""Signs: it stands behind every link beside the card, and an endpoint keeps so much of one."""
ANY_VALUES = dict.fromkeys(FIELDS, "-")


Given = tuple[int | None, str, int | None]
"""What went out or comes back: (product id, channel, amount in fen)."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the list: who stands there, what they get, and why they get no card (None: they do)."""

    no: int
    person: Person
    gift: Gift | None
    state: str = "prepared"
    reason: str | None = None


def checked_template(spec: DistributionSpec, *, with_pickup: bool = True) -> Template:
    """The words of the mail. Raises InvalidInput for a spec that can never be delivered."""
    if spec.channel not in CHANNELS:
        raise InvalidInput("channel", "unknown-kind")
    if spec.gate not in GATES:
        raise InvalidInput("gate", "unknown-kind")
    if not spec.name.strip():
        raise InvalidInput("name", "required")
    if not spec.person_ids:
        raise InvalidInput("people", "required")
    if spec.channel in ON_PAPER and spec.out_folder is None:
        raise InvalidInput("out_folder", "required")
    if spec.pace is not None and (spec.pace < 1 or not 1 <= spec.pace_minutes <= LONGEST_PACE):
        raise InvalidInput("pace", "out-of-range")
    if not any(spec.gifts):
        raise InvalidInput("product", "required")
    if len(spec.note) > LONGEST_NOTE:
        raise InvalidInput("note", "too-long-for-a-note")
    template = spec.template or default_template(with_pickup=with_pickup)
    if spec.channel == "email":
        refuse_useless(template)
    return template


def refuse_useless(template: Template) -> None:
    """Raises InvalidInput for words that reach nobody, or tell too many."""
    fatal = next((flaw for flaw in flaws(template, ANY_VALUES) if flaw.is_fatal), None)
    if fatal is not None:
        raise InvalidInput(fatal.where, "required" if fatal.kind == "no-subject" else fatal.kind)


def product_of(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("product", str(product_id))
    return product


def checked_gifts(session: Session, spec: DistributionSpec) -> list[Gift | None]:
    """Gift of each rule and of the rest, with the face its cards must have. Raises NotFound, InvalidInput."""
    return [gift and _checked(product_of(session, gift.product_id), gift.amount_minor) for gift in spec.gifts]


def _checked(product: Product, amount_minor: int | None) -> Gift:
    """Only the cards of a variable-value product differ in their face."""
    amount = product.face_minor if amount_minor is None else amount_minor
    if product.kind != "variable":
        if amount != product.face_minor:
            raise InvalidInput("amount", "not-variable")
        return Gift(product.id)
    lowest, highest, step = product.min_minor or 0, product.max_minor or 0, product.step_minor or 1
    if amount is None or not lowest <= amount <= highest or (amount - lowest) % step:
        raise InvalidInput("amount", "out-of-range")
    return Gift(product.id, amount)


def places(session: Session, spec: DistributionSpec) -> list[Place]:
    """The list in its order, each place with what becomes of it. Raises NotFound for an unknown person."""
    gifts = checked_gifts(session, spec)
    people = people_of(session, spec.person_ids)
    given: dict[int, set[int]] = {}
    if not spec.allow_again:
        products = {gift.product_id for gift in gifts if gift is not None}
        given = {product_id: already_given(session, product_id, spec.person_ids) for product_id in products}
    gone = set(session.scalars(removed("person")))
    seen: set[int] = set()
    found: list[Place] = []
    for no, person_id in enumerate(spec.person_ids, 1):
        person = people.get(person_id)
        if person is None:
            raise NotFound("person", str(person_id))
        gift = gifts[spec.group_of(person.department)]
        reason = _left_out(person, gift, given=given, seen=set() if spec.allow_again else seen)
        if person_id in gone:
            reason = "removed"
        seen.add(person_id)
        if reason is not None:
            found.append(Place(no, person, gift, "skipped", reason))
            continue
        lack = lacking(person, channel=spec.channel, gate=spec.gate)
        found.append(Place(no, person, gift, "failed" if lack else "prepared", lack))
    return found


def _left_out(person: Person, gift: Gift | None, *, given: dict[int, set[int]], seen: set[int]) -> str | None:
    """Why somebody gets no card whatever the channel."""
    if person.left_at is not None:
        return "has-left"
    if gift is None:
        return "no-rule"
    if person.id in given.get(gift.product_id, ()):
        return "already-given"
    return "listed-twice" if person.id in seen else None


def lacking(person: Person, *, channel: str, gate: str) -> str | None:
    """The reason why a channel cannot reach a person; None when it can."""
    if channel != "email":
        return None
    if not person.email:
        return "no-email"
    if not is_address(person.email):
        return "bad-address"
    try:
        gate_of(gate, phone=person.phone, employee_no=person.employee_no)
    except ValueError:
        return "no-phone" if gate == "phone_tail" else "no-employee-no"
    return None


def people_of(session: Session, ids: Sequence[int]) -> dict[int, Person]:
    found: dict[int, Person] = {}
    for some in chunks(list(dict.fromkeys(ids))):
        found |= {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(some)))}
    return found


def already_given(session: Session, product_id: int, person_ids: Iterable[int]) -> set[int]:
    """Who has a card of this product that was not voided, from a delivery neither recalled nor left out."""
    given: set[int] = set()
    for some in chunks(list(dict.fromkeys(person_ids))):
        wanted = (
            select(Delivery.person_id)
            .join(Card, Card.id == Delivery.card_id)
            .join(Batch, Batch.id == Card.batch_id)
            .where(
                Batch.product_id == product_id,
                Card.state != "voided",
                Delivery.person_id.in_(some),
                Delivery.state.not_in(("recalled", "skipped")),
            )
        )
        given.update(session.scalars(wanted))
    return given


def take_cards(session: Session, wanted: Sequence[tuple[Gift, int]]) -> list[tuple[int, int | None]]:
    """A card for each (gift, person id), in that order: [(card id, face)].

    Raises NotEnoughCards; the transaction then takes none.
    """
    by_gift: dict[Gift, list[int]] = {}
    for at, (gift, _) in enumerate(wanted):
        by_gift.setdefault(gift, []).append(at)
    found: dict[int, tuple[int, int | None]] = {}
    for gift, ats in by_gift.items():
        cards = take(session, gift.product_id, [wanted[at][1] for at in ats], gift.amount_minor)
        batches = batches_of(session, cards)
        found |= {at: (card, _face(card, batches)) for at, card in zip(ats, cards, strict=True)}
    return [found[at] for at in range(len(wanted))]


def write_deliveries(session: Session, distribution: Distribution, spec: DistributionSpec, *, domain: str) -> int:
    """Take the cards and write every place of the list down. Gives how many people get one."""
    listed = places(session, spec)
    receivers = [(place.gift, place.person.id) for place in listed if place.gift and place.state == "prepared"]
    cards = take_cards(session, receivers)
    total = sum(face or 0 for _, face in cards)
    if spec.budget_minor is not None and total > spec.budget_minor:
        raise OverBudget(total, spec.budget_minor)
    handed = iter(cards)
    rows = [_delivery(distribution, place, handed, domain=domain) for place in listed]
    for some in chunks(rows):
        session.execute(insert(Delivery), some)
    given = [(row["product_id"], row["channel"], row["amount_minor"]) for row in rows if row["card_id"] is not None]
    tell_issued(session, distribution, given)
    return len(receivers)


def give_cards(session: Session, distribution: Distribution, failed: Sequence[Delivery]) -> list[Delivery]:
    """A card of what was decided for each delivery that has none; those that may go now.

    Whoever has got a card of the product elsewhere meanwhile is left out. Raises NotEnoughCards.
    """
    without = [delivery for delivery in failed if delivery.card_id is None]
    if not distribution.template.get("allow_again"):
        for product_id in {delivery.product_id for delivery in without if delivery.product_id is not None}:
            own = [delivery for delivery in without if delivery.product_id == product_id]
            given = already_given(session, product_id, [delivery.person_id for delivery in own])
            for delivery in own:
                if delivery.person_id in given:
                    delivery.state, delivery.reason, delivery.retryable = "skipped", "already-given", False
    owed = [one for one in without if one.state == "failed" and one.product_id is not None]
    wanted = [(Gift(one.product_id or 0, one.wanted_minor), one.person_id) for one in owed]
    for delivery, (card_id, amount) in zip(owed, take_cards(session, wanted), strict=True):
        delivery.card_id, delivery.amount_minor = card_id, amount
    tell_issued(session, distribution, given_of(owed))
    return [delivery for delivery in failed if delivery.state != "skipped"]


def given_of(deliveries: Iterable[Delivery]) -> list[Given]:
    """What these give, for the figures."""
    return [(delivery.product_id, delivery.channel, delivery.amount_minor) for delivery in deliveries]


def tell_issued(session: Session, distribution: Distribution, given: Iterable[Given]) -> None:
    """Cards count as issued at the time of their distribution. Amounts stand with this step only."""
    tell(session, "issued", given, at=distribution.created_at)


def tell(session: Session, metric: str, given: Iterable[Given], *, at: datetime) -> None:
    """Add to the figures of each product and channel; the amounts of `given` count with the step `issued` only."""
    entries = (
        FigureEntry(
            metric,
            at,
            product_id,
            channel,
            amount_minor=(amount_minor or 0) if metric == "issued" else 0,
        )
        for product_id, channel, amount_minor in given
        if product_id is not None
    )
    figures.add_many(session, entries)


def chunks(values: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _face(card_id: int, batches: dict[int, Batch]) -> int | None:
    batch = batch_of(card_id, batches)
    return batch.face_minor if batch else None


def _delivery(
    distribution: Distribution, place: Place, cards: Iterator[tuple[int, int | None]], *, domain: str
) -> dict[str, Any]:
    card, face = next(cards) if place.state == "prepared" else (None, None)
    return {
        "distribution_id": distribution.id,
        "channel": distribution.channel,
        "person_id": place.person.id,
        "no": place.no,
        "product_id": place.gift and place.gift.product_id,
        "wanted_minor": place.gift and place.gift.amount_minor,
        "card_id": card,
        "amount_minor": face,
        "state": place.state,
        "reason": place.reason,
        "retryable": place.state == "failed",
        "attempts": 0,
        "message_id": f"<{new_op_id()}@{domain}>",
    }
