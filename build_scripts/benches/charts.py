"""The figures of the dashboard over many cards and redemptions."""

import random
import statistics
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.database import Database
from app.models.redemption import Redemption
from app.services import figures
from app.services.batches import BatchSpec
from app.services.dashboard import Period
from app.services.exports import ExportOrder
from app.services.figures import DIRECT, FigureEntry
from app.services.secret import Secret
from app.services.stock import life_of
from app.topics import Topic
from app.words import zone
from build_scripts.benches import PASSPHRASE, Figure, Size, fresh, seconds
from sync.protocol import new_op_id

EVENTS = 200_000
DAYS = 90
LOT = 20_000
FACE, PARTLY = 20_000, 3
"""Fen on a card; every third keeps some of it."""


def dashboard(size: Size) -> list[Figure]:
    """Every chart of ninety days at once; the bar of the design is for the slowest single one."""
    events = size.part(EVENTS)
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        batch = services.batches.generate(BatchSpec(product, size.cards))
        path = Path(name) / "cards.csv"
        services.exports.export(ExportOrder(batch, "csv", path, True, "bench", Secret(PASSPHRASE), None))
        _redeemed(vault.database, events)
        today = now().astimezone(zone()).date()
        period = Period(today - timedelta(days=DAYS - 1), today)
        times = [seconds(lambda: services.dashboard.summary(period)) for _ in range(max(7, size.rounds))]
        vault.close()
    context = f"{size.cards:,} cards, {events:,} redeemed over {DAYS} days; all charts together"
    return [Figure("dashboard", statistics.median(times) * 1000, "ms", 50, context)]


def _redeemed(database: Database, events: int) -> None:
    """What the feed would have booked, at random moments."""
    dice = random.Random(1)
    with database.write(Topic.REDEMPTIONS) as session:
        batch = session.scalars(select(Batch)).one()
        lives, entries, told = [], [], []
        for number in range(events):
            card, at = batch.first_card_id + number, _moment(dice)
            left = 0 if number % PARTLY else 5_000
            state = "active" if left else "spent"
            lives.append(life_of(batch, card, state=state, balance_minor=left, changed_at=at))
            entries.append(_entry(batch, card, at, seq=number + 1, left=left))
            told.append(FigureEntry("redeemed", at, batch.product_id, DIRECT, amount_minor=FACE - left))
        for start in range(0, events, LOT):
            session.execute(insert(Card), lives[start : start + LOT])
            session.execute(insert(Redemption), entries[start : start + LOT])
        figures.add_many(session, told)


def _moment(dice: random.Random) -> datetime:
    return now() - timedelta(days=dice.random() * (DAYS - 1))


def _entry(batch: Batch, card: int, at: datetime, *, seq: int, left: int) -> dict[str, object]:
    return {
        "id": new_op_id(),
        "seq": seq,
        "kind": "redeemed",
        "card_id": card,
        "batch_id": batch.id,
        "product_id": batch.product_id,
        "amount_minor": FACE - left,
        "uses": 0,
        "remaining_minor": left,
        "remaining_uses": None,
        "reverses": None,
        "reason": None,
        "channel": DIRECT,
        "entry": "counter",
        "place": "一店",
        "region": None,
        "device_class": None,
        "at": at,
    }
