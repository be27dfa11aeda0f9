"""What became of the demo's cards: people open and redeem them over the real endpoint; then it is spread over weeks."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import requests
from sqlalchemy import delete, insert, select, update

from app.models.base import now
from app.models.batch import Batch
from app.models.catalog import Product
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.models.redemption import DailyFigure, Redemption
from app.services import Services
from app.services.distribution.links import TAIL, auth_token, gate_digest
from app.services.recount import recounted
from app.topics import Topic
from app.words import tr, zone
from sync.codes import canonical, digest
from sync.protocol import b64

DAYS = 60
SEED = 20261125
TIMEOUT_S = 20
SHOPS = 0.75
"""Share of the people with a card in hand who come to the shop within a month."""
PARTS = (None, None, None, 5_000, 8_800, 12_000)
HOURS = (10, 11, 11, 12, 12, 12, 13, 15, 17, 18, 18, 18, 19, 19, 20)
"""When people shop, more often around noon and in the evening."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A distribution went out so many days ago; shares of its people opened and claimed."""

    days_ago: int
    opened: float = 0.0
    claimed: float = 0.0


class Fate(NamedTuple):
    """What one delivered card will have gone through, and when."""

    delivery_id: int
    card_id: int
    kind: str
    link_id: str | None
    secret: str | None
    tail: str
    sent: datetime
    opened: datetime | None
    claimed: datetime | None
    redeemed: datetime | None


def name_batches(database: Database) -> None:
    """Their serials tell the day they will have been made on; nothing has gone out under them yet."""
    made = (now() - timedelta(days=DAYS)).astimezone(zone())
    with database.write(Topic.BATCHES) as session:
        for number, batch in enumerate(session.scalars(select(Batch).order_by(Batch.id)), 1):
            batch.serial = f"B{made:%y%m%d}-{number:02d}"


def live(services: Services, database: Database, runs: Mapping[int, Wave]) -> int:
    """Open, claim and redeem as phones and the counter do, then move all of it back over the last weeks; how many."""
    dice = random.Random(SEED)
    fates = _fates(database, runs, dice)
    services.cloud.sync()
    base = services.cloud.public_url() or ""
    for fate in fates:
        if fate.opened is not None:
            _open(base, fate)
    shoppers = sorted((fate for fate in fates if fate.redeemed is not None), key=_when)
    for fate in shoppers:  # in the order of time: the ledger's numbers must tell the same story
        _redeem(services, base, fate, dice)
    services.cloud.sync()
    _move_back(database, runs, fates)
    return len(shoppers)


# --- what will have happened ---


def _fates(database: Database, runs: Mapping[int, Wave], dice: random.Random) -> list[Fate]:
    wanted = (
        select(Delivery, Person.phone, Product.kind)
        .join(Person, Person.id == Delivery.person_id)
        .join(Distribution, Distribution.id == Delivery.distribution_id)
        .join(Product, Product.id == Distribution.product_id)
        .where(Delivery.state == "sent", Delivery.distribution_id.in_(runs))
        .order_by(Delivery.id)
    )
    at = now()
    with database.read() as session:
        rows = session.execute(wanted).all()
    return [_fate(one, phone or "", kind, runs[one.distribution_id], at=at, dice=dice) for one, phone, kind in rows]


def _fate(one: Delivery, phone: str, kind: str, wave: Wave, *, at: datetime, dice: random.Random) -> Fate:
    sent = at - timedelta(days=wave.days_ago)
    opened = claimed = redeemed = None
    lot = dice.random()
    if one.link_id and lot < wave.opened:
        opened = min(sent + timedelta(hours=dice.expovariate(1 / 16)), at - timedelta(hours=2))
        claimed = opened + timedelta(seconds=20) if lot < wave.claimed else None
    begun = claimed if one.link_id else sent
    if kind != "supplier" and begun is not None and dice.random() < SHOPS:
        redeemed = _shop_hour(begun, at, dice)
    card = one.card_id or 0
    return Fate(one.id, card, kind, one.link_id, one.link_secret, phone[-TAIL:], sent, opened, claimed, redeemed)


def _shop_hour(after: datetime, at: datetime, dice: random.Random) -> datetime | None:
    """An instant of a later day while shops are open; None when that day has not come."""
    day = after + timedelta(days=dice.triangular(1, 30, 5))
    local = day.astimezone(zone()).replace(hour=dice.choice(HOURS), minute=dice.randrange(60))
    return local.astimezone(UTC) if after < local < at else None


def _when(fate: Fate) -> datetime:
    assert fate.redeemed is not None, "only those who redeem are sorted"
    return fate.redeemed


# --- the phones and the counter ---


def _open(base: str, fate: Fate) -> None:
    auth = auth_token(fate.secret or "")
    link = f"{base}/h5/v1/links/{fate.link_id}"
    _post(f"{link}/open", {"auth": auth, "gate": gate_digest(fate.link_id or "", fate.tail)})
    if fate.claimed is not None:
        _post(f"{link}/ack", {"auth": auth})


def _redeem(services: Services, base: str, fate: Fate, dice: random.Random) -> None:
    code = services.cards.reveal(fate.card_id, reason=tr("Demo")).reveal()
    part = dice.choice(PARTS) if fate.kind != "exchange" else None
    if fate.link_id is None:
        services.redemptions.redeem(code, part, place=tr("Main shop"))
        return
    merchant = services.settings.merchant().id
    d = b64(digest(UUID(merchant), canonical(code)))
    body = {"merchant_id": merchant, "d": d, "link_id": fate.link_id, "amount_minor": part}
    _post(f"{base}/h5/v1/redeem", {"op_id": str(uuid4()), **body})


def _post(url: str, body: dict[str, Any]) -> None:
    requests.post(url, json=body, timeout=TIMEOUT_S).raise_for_status()


# --- the past ---


def _move_back(database: Database, runs: Mapping[int, Wave], fates: Sequence[Fate]) -> None:
    """Give everything its time, and count the figures anew from it."""
    at = now()
    with database.write(Topic.DISTRIBUTIONS, Topic.REDEMPTIONS, Topic.BATCHES) as session:
        for made in (Batch, Product, Person):
            session.execute(update(made).values(created_at=at - timedelta(days=DAYS)))
        sealed = update(Batch).where(Batch.sealed_at.is_not(None))
        session.execute(sealed.values(sealed_at=at - timedelta(days=DAYS, minutes=-5)))
        for run, wave in runs.items():
            sent = at - timedelta(days=wave.days_ago)
            values = {"created_at": sent, "finished_at": sent + timedelta(minutes=3)}
            session.execute(update(Distribution).where(Distribution.id == run).values(**values))
        for fate in fates:
            of_it = update(Delivery).where(Delivery.id == fate.delivery_id)
            delivered = fate.sent if fate.link_id is None else fate.opened
            steps = {"delivered_at": delivered, "opened_at": fate.opened, "claimed_at": fate.claimed}
            session.execute(of_it.values(sent_at=fate.sent, **steps))
            if fate.redeemed is not None:
                used = update(Redemption).where(Redemption.card_id == fate.card_id)
                session.execute(used.values(at=fate.redeemed))
        session.execute(delete(DailyFigure))
        rows = [
            {**key._asdict(), "count": count, "amount_minor": minor}
            for key, (count, minor) in recounted(session).items()
        ]
        session.execute(insert(DailyFigure), rows)
