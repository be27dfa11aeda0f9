"""The rollup behind the dashboard: an event adds to the figure of its local day and hour, in its own transaction."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from app.models.redemption import DailyFigure
from app.words import zone

METRICS = ("issued", "sent", "delivered", "opened", "claimed", "redeemed", "reversed", "topped_up", "refunded")
DIRECT = "direct"
"""Channel of a card that went out by no distribution: its batch's plain codes were released by an export."""


@dataclass(frozen=True, slots=True)
class FigureEntry:
    """One event, or `count` equal ones. Negative values take back, at the time of the event they undo."""

    metric: str
    at: datetime
    product_id: int
    channel: str
    count: int = 1
    amount_minor: int = 0


def add(
    session: Session,
    metric: str,
    *,
    at: datetime,
    product_id: int,
    channel: str,
    count: int = 1,
    amount_minor: int = 0,
) -> None:
    """Add to one figure. A void or a recall passes negative values and the ORIGINAL time."""
    add_many(session, [FigureEntry(metric, at, product_id, channel, count=count, amount_minor=amount_minor)])


@lru_cache(4_096)
def _hour(minute: datetime, local: tzinfo) -> tuple[str, int]:
    """Local day and hour; a million entries share a few minutes."""
    there = minute.astimezone(local)
    return there.date().isoformat(), there.hour


def add_many(session: Session, entries: Iterable[FigureEntry]) -> None:
    """Add all entries, grouped first: 100,000 entries of one afternoon cost some dozens of upserts."""
    sums: dict[tuple[str, int, int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in entries:
        if entry.metric not in METRICS:
            raise ValueError(f"no such metric: {entry.metric}")
        hour = _hour(entry.at.replace(second=0, microsecond=0), zone())
        key = (*hour, entry.product_id, entry.channel, entry.metric)
        sums[key][0] += entry.count
        sums[key][1] += entry.amount_minor
    rows = [
        {
            "day": day,
            "hour": hour,
            "product_id": product_id,
            "channel": channel,
            "metric": metric,
            "count": count,
            "amount_minor": amount_minor,
        }
        for (day, hour, product_id, channel, metric), (count, amount_minor) in sums.items()
        if count or amount_minor
    ]
    if not rows:
        return
    upsert = insert(DailyFigure)
    upsert = upsert.on_conflict_do_update(
        index_elements=["day", "hour", "product_id", "channel", "metric"],
        set_={
            "count": DailyFigure.count + upsert.excluded.count,
            "amount_minor": DailyFigure.amount_minor + upsert.excluded.amount_minor,
        },
    )
    session.connection().execute(upsert, rows)
