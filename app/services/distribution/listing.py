"""Reading distributions and deliveries: rows, counts and filters, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.errors import NotFound
from app.models.batch import Batch
from app.models.catalog import Product
from app.models.distribution import Delivery, Distribution, Reminder
from app.models.people import Person
from app.models.redemption import Redemption
from app.services.cards.codes import batch_of, batches_of, serial_of
from app.services.channels import CHANNELS
from app.services.distribution.preparing import chunks
from app.services.distribution.rows import (
    IN_HAND,
    ON_THE_WAY,
    DeliveryFilter,
    DeliveryRow,
    DistributionRow,
    ProductTotal,
)
from app.services.people.masking import mask_email, mask_phone
from app.services.recount import USE
from app.words import tr

TAIL = 6
OUT = ("recalled", "skipped")
COUNTS = ("people", "total_minor", "prepared", "sent", "failed", "uncertain", "skipped", "recalled")
FACTS = ("opened", "claimed", "redeemed", "retryable", "retrying", "changing", "turning", "for_file")


def found(session: Session, distribution_id: int) -> Distribution:
    distribution = session.get(Distribution, distribution_id)
    if distribution is None:
        raise NotFound("distribution", str(distribution_id))
    return distribution


def distribution_rows(session: Session, distribution_id: int | None = None) -> list[DistributionRow]:
    """Newest first."""
    wanted = select(Distribution)
    if distribution_id is not None:
        wanted = wanted.where(Distribution.id == distribution_id)
    counts = _counts(session, distribution_id)
    products, names = _products(session, distribution_id), _names(session)
    none: dict[str, Any] = dict.fromkeys((*COUNTS, *FACTS), 0) | {"channels": ""}
    return [
        _distribution_row(
            distribution,
            products.get(distribution.id)
            or [ProductTotal(distribution.product_id, names[distribution.product_id], 0, 0)],
            counts.get(distribution.id, none),
        )
        for distribution in session.scalars(wanted.order_by(Distribution.id.desc()))
    ]


def come(session: Session, at: datetime) -> list[tuple[int, bool]]:
    """Planned distributions whose time has come and that nobody started; with whether a file needs a password."""
    files = exists().where(
        Delivery.distribution_id == Distribution.id, Delivery.channel == "file", Delivery.state.in_(IN_HAND)
    )
    wanted = select(Distribution, files).where(
        Distribution.state == "prepared", Distribution.scheduled_at.is_not(None), Distribution.scheduled_at <= at
    )
    found = session.execute(wanted.order_by(Distribution.id)).all()
    return [(one.id, bool(one.template.get("protected")) and waits) for one, waits in found]


DELIVERY_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "no": Delivery.no,
    "name": Person.pinyin_key,
    "department": Person.department,
    "amount_minor": Delivery.amount_minor,
    "state": Delivery.state,
    "reason": Delivery.reason,
    "sent_at": Delivery.sent_at,
    "opened_at": Delivery.opened_at,
    "attempts": Delivery.attempts,
}


def delivery_ids(
    session: Session, distribution_id: int, wanted: DeliveryFilter, *, sort: str = "no", descending: bool = False
) -> list[int]:
    """In the order of the list, or of a column."""
    query = select(Delivery.id).where(Delivery.distribution_id == distribution_id)
    if wanted.states:
        query = query.where(Delivery.state.in_(wanted.states))
    if wanted.reason:
        query = query.where(Delivery.reason == wanted.reason)
    column = DELIVERY_SORTS[sort]
    if wanted.department or wanted.text.strip() or column.class_ is Person:
        query = _narrowed(query.join(Person, Person.id == Delivery.person_id), wanted)
    return list(session.scalars(query.order_by(column.desc() if descending else column, Delivery.no)))


def delivery_rows(session: Session, ids: Sequence[int]) -> list[DeliveryRow]:
    """In the order of `ids`; unknown ids are left out."""
    rows: dict[int, DeliveryRow] = {}
    names = _names(session)
    for some in chunks(ids):
        wanted = (
            select(Delivery, Person, Distribution.created_at)
            .join(Person, Person.id == Delivery.person_id)
            .join(Distribution, Distribution.id == Delivery.distribution_id)
        )
        listed = session.execute(wanted.where(Delivery.id.in_(some))).all()
        cards = [delivery.card_id for delivery, _, _ in listed if delivery.card_id is not None]
        batches = batches_of(session, cards)
        redeemed, reminded = _redeemed_at(session, cards), _reminded(session, some)
        for delivery, person, prepared_at in listed:
            times, last = reminded.get(delivery.id, (0, None))
            known = {
                "product": names.get(delivery.product_id or 0, ""),
                "prepared_at": prepared_at,
                "reminders": times,
                "reminded_at": last,
            }
            rows[delivery.id] = _delivery_row(delivery, person, batches=batches, redeemed=redeemed, known=known)
    return [rows[delivery_id] for delivery_id in ids if delivery_id in rows]


def _narrowed(query: Select[Any], wanted: DeliveryFilter) -> Select[Any]:
    if wanted.department:
        query = query.where(Person.department == wanted.department)
    text = wanted.text.strip().lower()
    if text:
        query = query.where(
            or_(
                Person.name.contains(text, autoescape=True),
                Person.search.contains(text, autoescape=True),
                func.lower(Person.employee_no).contains(text, autoescape=True),
            )
        )
    return query


def _counts(session: Session, distribution_id: int | None) -> dict[int, dict[str, Any]]:
    def how_many(condition: Any) -> Any:
        return func.sum(case((condition, 1), else_=0))

    live = Delivery.state.not_in(OUT)
    used = select(Redemption.card_id).where(Redemption.kind.in_(USE)).group_by(Redemption.card_id)
    redeemed, paid = (used.having(func.sum(taken) > 0) for taken in (Redemption.uses, Redemption.amount_minor))
    wanted = select(
        Delivery.distribution_id,
        func.count().label("people"),
        func.group_concat(Delivery.channel.distinct()).label("channels"),
        func.sum(case((live, func.coalesce(Delivery.amount_minor, 0)), else_=0)).label("total_minor"),
        how_many(Delivery.state.in_(IN_HAND)).label("prepared"),
        how_many(Delivery.state.in_(ON_THE_WAY)).label("sent"),
        *(how_many(Delivery.state == state).label(state) for state in ("failed", "uncertain", "skipped", "recalled")),
        how_many(Delivery.opened_at.is_not(None)).label("opened"),
        how_many(Delivery.claimed_at.is_not(None)).label("claimed"),
        how_many(live & (Delivery.card_id.in_(redeemed) | Delivery.card_id.in_(paid))).label("redeemed"),
        how_many((Delivery.state == "failed") & Delivery.retryable & Delivery.change_to.is_(None)).label("retryable"),
        how_many((Delivery.state == "released") & Delivery.reason.is_not(None)).label("retrying"),
        how_many(Delivery.change_to.is_not(None)).label("changing"),
        how_many(Delivery.change_to.is_not(None) & Delivery.state.not_in(IN_HAND)).label("turning"),
        how_many(Delivery.state.in_(IN_HAND) & (Delivery.channel == "file")).label("for_file"),
    ).group_by(Delivery.distribution_id)
    if distribution_id is not None:
        wanted = wanted.where(Delivery.distribution_id == distribution_id)
    return {row.distribution_id: dict(row._mapping) for row in session.execute(wanted)}  # noqa: SLF001  # documented name


def _products(session: Session, distribution_id: int | None) -> dict[int, list[ProductTotal]]:
    """Distribution id → what it gives of each product, in the order of the products."""
    live = and_(Delivery.card_id.is_not(None), Delivery.state.not_in(OUT))
    wanted = (
        select(
            Delivery.distribution_id,
            Product.id,
            Product.name,
            func.sum(case((live, 1), else_=0)),
            func.sum(case((live, func.coalesce(Delivery.amount_minor, 0)), else_=0)),
        )
        .join(Product, Product.id == Delivery.product_id)
        .group_by(Delivery.distribution_id, Product.id)
        .order_by(Product.id)
    )
    if distribution_id is not None:
        wanted = wanted.where(Delivery.distribution_id == distribution_id)
    found: dict[int, list[ProductTotal]] = {}
    for number, *values in session.execute(wanted):
        found.setdefault(number, []).append(ProductTotal(*values))
    return found


def _names(session: Session) -> dict[int, str]:
    """Product id → name."""
    return dict(session.execute(select(Product.id, Product.name)).all())


def _distribution_row(
    distribution: Distribution, products: list[ProductTotal], counts: dict[str, Any]
) -> DistributionRow:
    ways = str(counts["channels"] or distribution.channel).split(",")
    return DistributionRow(
        id=distribution.id,
        name=distribution.name,
        product_id=distribution.product_id,
        product=tr(", ").join(one.product for one in products),
        products=tuple(products),
        channel=distribution.channel,
        channels=tuple(channel for channel in CHANNELS if channel in ways),
        state=distribution.state,
        note=distribution.note,
        protected=bool(distribution.template.get("protected")),
        out_folder=distribution.out_folder,
        roster_hash=distribution.roster_hash,
        created_at=distribution.created_at,
        scheduled_at=distribution.scheduled_at,
        finished_at=distribution.finished_at,
        **{name: int(counts[name]) for name in (*COUNTS, *FACTS)},
    )


def _delivery_row(
    delivery: Delivery,
    person: Person,
    *,
    batches: dict[int, Batch],
    redeemed: dict[int, Any],
    known: dict[str, Any],
) -> DeliveryRow:
    batch = batch_of(delivery.card_id, batches) if delivery.card_id is not None else None
    serial = serial_of(batch, delivery.card_id) if batch and delivery.card_id is not None else ""
    return DeliveryRow(
        name=person.name,
        department=person.department,
        phone_masked=mask_phone(person.phone) if person.phone else "",
        email_masked=mask_email(person.email) if person.email else "",
        serial=serial,
        card_tail=serial[-TAIL:],
        said=delivery.said or "",
        redeemed_at=redeemed.get(delivery.card_id or 0) if delivery.state not in OUT else None,
        **{
            name: getattr(delivery, name)
            for name in (
                "id", "distribution_id", "no", "person_id", "product_id", "card_id", "amount_minor", "channel",
                "change_to", "state", "reason", "retryable", "attempts", "sent_at", "delivered_at", "opened_at",
                "claimed_at", "recalled_at",
            )
        },
        **known,
    )  # fmt: skip


def _reminded(session: Session, deliveries: Sequence[int]) -> dict[int, tuple[int, Any]]:
    """Delivery → reminders that went out, or may have, and when the last one did."""
    wanted = (
        select(Reminder.delivery_id, func.count(), func.max(Reminder.at))
        .where(Reminder.delivery_id.in_(deliveries), Reminder.state.in_(("sent", "uncertain")))
        .group_by(Reminder.delivery_id)
    )
    return {delivery_id: (times, last) for delivery_id, times, last in session.execute(wanted)}


def _redeemed_at(session: Session, cards: Sequence[int]) -> dict[int, Any]:
    """First redemption of each card that is not reversed whole."""
    wanted = (
        select(Redemption.card_id, func.min(Redemption.at))
        .where(Redemption.card_id.in_(cards), Redemption.kind.in_(USE))
        .group_by(Redemption.card_id)
        .having((func.sum(Redemption.amount_minor) > 0) | (func.sum(Redemption.uses) > 0))
    )
    return dict(session.execute(wanted).all())
