"""Who of a list gets a card: sorting people out, taking cards, writing the deliveries down."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.errors import InvalidInput, NotEnoughCards, NotFound
from app.models.batch import Batch
from app.models.catalog import Product
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.services import figures
from app.services.cards.codes import batch_of, batches_of
from app.services.channels import CHANNELS, ON_PAPER
from app.services.channels.email import is_address
from app.services.channels.letters import Template, default_template, gives_a_card, unknown_fields
from app.services.distribution.links import GATES, gate_of
from app.services.distribution.rows import DistributionSpec
from app.services.stock import take
from sync.protocol import new_op_id

T = TypeVar("T")

AT_ONCE = 500
"""Ids in one IN list, and links in one transaction."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the list: who stands there, and why this person gets no card (None: gets one)."""

    no: int
    person: Person
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
    if spec.pace_per_10min is not None and spec.pace_per_10min < 1:
        raise InvalidInput("pace", "out-of-range")
    template = spec.template or default_template(with_pickup=with_pickup)
    if spec.channel == "email":
        _refuse_useless(template)
    return template


def _refuse_useless(template: Template) -> None:
    if not template.subject.strip():
        raise InvalidInput("subject", "required")
    if unknown_fields(template):
        raise InvalidInput("body", "unknown-field")
    if not gives_a_card(template):
        raise InvalidInput("body", "no-way-in")


def product_of(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise NotFound("product", str(product_id))
    return product


def places(session: Session, spec: DistributionSpec) -> list[Place]:
    """The list in its order, each place with what becomes of it. Raises NotFound for an unknown person."""
    people = people_of(session, spec.person_ids)
    given = set() if spec.allow_again else already_given(session, spec.product_id, spec.person_ids)
    seen: set[int] = set()
    found: list[Place] = []
    for no, person_id in enumerate(spec.person_ids, 1):
        person = people.get(person_id)
        if person is None:
            raise NotFound("person", str(person_id))
        if person.left_at is not None:
            found.append(Place(no, person, "skipped", "has-left"))
        elif person_id in given:
            found.append(Place(no, person, "skipped", "already-given"))
        elif person_id in seen and not spec.allow_again:
            found.append(Place(no, person, "skipped", "listed-twice"))
        else:
            lack = lacking(person, channel=spec.channel, gate=spec.gate)
            found.append(Place(no, person, "failed", lack) if lack else Place(no, person))
        seen.add(person_id)
    return found


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
    """Who has a card of this product from a delivery that was neither recalled nor left out."""
    given: set[int] = set()
    for some in chunks(list(dict.fromkeys(person_ids))):
        wanted = (
            select(Delivery.person_id)
            .join(Distribution, Distribution.id == Delivery.distribution_id)
            .where(
                Distribution.product_id == product_id,
                Delivery.person_id.in_(some),
                Delivery.card_id.is_not(None),
                Delivery.state.not_in(("recalled", "skipped")),
            )
        )
        given.update(session.scalars(wanted))
    return given


def take_cards(
    session: Session, product_id: int, people: Sequence[int], *, face_minor: int | None
) -> list[tuple[int, int | None]]:
    """A card for each person: [(card id, face)]. Raises NotEnoughCards; the transaction then takes none."""
    cards = take(session, product_id, people) if people else []
    batches = batches_of(session, cards)
    found = [(card, _face(card, batches)) for card in cards]
    fitting = sum(1 for _, face in found if face_minor is None or face == face_minor)
    if fitting < len(people):
        raise NotEnoughCards(fitting, len(people))
    return found


def write_deliveries(session: Session, distribution: Distribution, spec: DistributionSpec, *, domain: str) -> int:
    """Take the cards and write every place of the list down. Gives how many people get one."""
    listed = places(session, spec)
    receivers = [place.person.id for place in listed if place.state == "prepared"]
    cards = iter(take_cards(session, spec.product_id, receivers, face_minor=spec.amount_minor))
    rows = [_delivery(distribution.id, place, cards, domain=domain) for place in listed]
    for some in chunks(rows):
        session.execute(insert(Delivery), some)
    issued = [row["amount_minor"] or 0 for row in rows if row["card_id"] is not None]
    tell_issued(session, distribution, issued)
    return len(receivers)


def tell_issued(session: Session, distribution: Distribution, amounts: Sequence[int]) -> None:
    """Cards count as issued at the time of their distribution. Amounts stand with this step only."""
    if amounts:
        at, count = distribution.created_at, len(amounts)
        tell(session, distribution, "issued", at=at, count=count, amount_minor=sum(amounts))


def tell(
    session: Session, distribution: Distribution, metric: str, *, at: datetime, count: int, amount_minor: int = 0
) -> None:
    figures.add(
        session,
        metric,
        at=at,
        product_id=distribution.product_id,
        channel=distribution.channel,
        count=count,
        amount_minor=amount_minor,
    )


def chunks(values: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _face(card_id: int, batches: dict[int, Batch]) -> int | None:
    batch = batch_of(card_id, batches)
    return batch.face_minor if batch else None


def _delivery(
    distribution_id: int, place: Place, cards: Iterator[tuple[int, int | None]], *, domain: str
) -> dict[str, Any]:
    card, face = next(cards) if place.state == "prepared" else (None, None)
    return {
        "distribution_id": distribution_id,
        "person_id": place.person.id,
        "no": place.no,
        "card_id": card,
        "amount_minor": face,
        "state": place.state,
        "reason": place.reason,
        "retryable": place.state == "failed",
        "attempts": 0,
        "message_id": f"<{new_op_id()}@{domain}>",
    }
