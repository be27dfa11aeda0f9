"""What a distribution would do, before anything is taken."""

from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.distribution import Delivery, Distribution
from app.services.distribution.preparing import Place, checked_gifts, places, product_of
from app.services.distribution.rows import DistributionSpec, Earlier, Gift, Group, Plan, Share
from app.services.stock import faces_of

SHOWN_NAMES = 3
USUAL_MAIL_S = 1.0
"""A mail takes at most about so long."""
LOOKED_BACK = 5
"""Runs by mail whose speed is compared."""
OUT = ("recalled", "skipped")


def plan(session: Session, spec: DistributionSpec, *, compare: bool = False) -> Plan:
    """Sort the list out and count; `compare` also looks for the last run like it. Raises NotFound, InvalidInput."""
    listed = places(session, spec)
    receivers = [place for place in listed if place.state == "prepared"]
    shares, amounts = _shares(session, checked_gifts(session, spec), receivers)
    names = [place.person.name for place in receivers]
    left_out = [place for place in listed if place.state == "skipped"]
    return Plan(
        people=len(names),
        total_minor=sum(amounts.values()),
        groups=_groups(spec, listed, amounts),
        shares=shares,
        nothing=tuple(place.person.id for place in left_out if place.reason == "no-rule"),
        skipped=tuple(place.person.id for place in left_out if place.reason != "no-rule"),
        unreachable=tuple(place.person.id for place in listed if place.state == "failed"),
        first_names=tuple(names[:SHOWN_NAMES]),
        last_names=tuple(names[SHOWN_NAMES:][-SHOWN_NAMES:]),
        mail_s=_mail_s(session) if spec.channel == "email" else 0.0,
        earlier=_earlier(session, spec.channel, receivers) if compare else None,
    )


def _shares(
    session: Session, gifts: Sequence[Gift | None], receivers: Sequence[Place]
) -> tuple[tuple[Share, ...], dict[int, int]]:
    """What is needed of each product and face; and place number → the amount of the card that would be taken."""
    wanted: dict[Gift, list[int]] = {gift: [] for gift in gifts if gift is not None}
    for place in receivers:
        assert place.gift is not None, "who gets a card gets one of something"
        wanted[place.gift].append(place.no)
    shares: list[Share] = []
    amounts: dict[int, int] = {}
    for gift, numbers in wanted.items():
        product = product_of(session, gift.product_id)
        faces = faces_of(session, gift.product_id, gift.amount_minor)
        own = dict(zip(numbers, _handed_out(session, gift, faces), strict=False))
        amounts |= own
        shares.append(
            Share(
                product.id,
                product.name,
                product.kind,
                gift.amount_minor,
                people=len(numbers),
                total_minor=sum(own.values()),
                stock=sum(count for _, count in faces),
            )
        )
    return tuple(shares), amounts


def _handed_out(session: Session, gift: Gift, faces: Sequence[tuple[int | None, int]]) -> Iterator[int]:
    """The faces in the order in which cards would be taken; what is missing as it would be made."""
    yield from chain.from_iterable(repeat(face or 0, count) for face, count in faces)
    made = gift.amount_minor or product_of(session, gift.product_id).face_minor
    if made is None:  # a supplier's card: as the last that came
        latest = select(Batch.face_minor).where(Batch.product_id == gift.product_id).order_by(Batch.id.desc())
        made = session.scalar(latest.limit(1))
    yield from repeat(made or 0)


def _groups(spec: DistributionSpec, listed: Sequence[Place], amounts: dict[int, int]) -> tuple[Group, ...]:
    counts = [[0, 0, 0] for _ in spec.gifts]
    for place in listed:
        count = counts[spec.group_of(place.person.department)]
        count[0] += 1
        count[1] += place.no in amounts
        count[2] += amounts.get(place.no, 0)
    return tuple(Group(*count) for count in counts)


def _mail_s(session: Session) -> float:
    """How long one mail took in the quickest of the last runs: pauses and parts make the others slow."""
    wanted = (
        select(func.count(), func.min(Delivery.sent_at), func.max(Delivery.sent_at))
        .join(Distribution, Distribution.id == Delivery.distribution_id)
        .where(Distribution.channel == "email", Delivery.sent_at.is_not(None))
        .group_by(Distribution.id)
        .having(func.count() > 1)
        .order_by(Distribution.id.desc())
        .limit(LOOKED_BACK)
    )
    rows = session.execute(wanted)
    took = [(last - first).total_seconds() / (count - 1) for count, first, last in rows if first and last]
    return min([USUAL_MAIL_S, *took])


def _earlier(session: Session, channel: str, receivers: Sequence[Place]) -> Earlier | None:
    """The newest run that gave exactly these products through this channel."""
    products = {place.gift.product_id for place in receivers if place.gift}
    for distribution in session.scalars(
        select(Distribution)
        .where(Distribution.channel == channel, Distribution.state != "cancelled")
        .order_by(Distribution.id.desc())
        .limit(LOOKED_BACK * 10)
    ):
        given = session.execute(
            select(Delivery.person_id, Delivery.product_id, Delivery.amount_minor).where(
                Delivery.distribution_id == distribution.id, Delivery.card_id.is_not(None), Delivery.state.not_in(OUT)
            )
        ).all()
        if given and {row.product_id for row in given} == products:
            then, now = {row.person_id for row in given}, {place.person.id for place in receivers}
            return Earlier(
                distribution.id,
                distribution.name,
                distribution.created_at,
                people=len(given),
                total_minor=sum(row.amount_minor or 0 for row in given),
                joined=len(now - then),
                gone=len(then - now),
            )
    return None
