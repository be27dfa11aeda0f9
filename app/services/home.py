"""What needs somebody today, how the last month went, and what a young vault still lacks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.lease import Conflict, Lease
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services.dashboard import Dashboard, DashboardService, Period
from app.services.distribution.listing import come
from app.services.distribution.rows import IN_HAND
from app.services.ledger import CardsOut
from app.services.settings import stored
from app.words import zone

DAYS = 30
BACKUP_AGE = timedelta(days=7)
FAILURES = "failures"
"""As `wanted` of the distributions: those with cards that could not be delivered."""
FESTIVALS = {"spring": (1, 1), "dragon_boat": (5, 5), "mid_autumn": (8, 15)}
"""Lunar month and day."""


@dataclass(frozen=True, slots=True)
class Todo:
    """`key` is what it is about; `page` and `wanted` are where it is done."""

    key: str
    count: int
    minor: int | None
    page: str
    wanted: Any


@dataclass(frozen=True, slots=True)
class Step:
    """A first step, as a key of vocabulary.STEPS, and whether it was taken."""

    key: str
    done: bool
    page: str
    wanted: Any


@dataclass(frozen=True, slots=True)
class Today:
    todos: tuple[Todo, ...]
    steps: tuple[Step, ...]
    """Empty once all are taken."""
    festival: str
    festival_day: date
    days_left: int
    figures: Dashboard


class HomeService:
    def __init__(self, database: Database, dashboard: DashboardService) -> None:
        self._database = database
        self._dashboard = dashboard

    def today(self) -> Today:
        """Everything of the home page, in one go."""
        at = now()
        day = at.astimezone(zone()).date()
        figures = self._dashboard.summary(Period(day - timedelta(days=DAYS - 1), day))
        festival, festival_day = next_festival(day)
        steps = self._steps()
        return Today(
            todos=tuple(todo for todo in self._todos(figures, at) if todo.count),
            steps=steps if not all(step.done for step in steps) else (),
            festival=festival,
            festival_day=festival_day,
            days_left=(festival_day - day).days,
            figures=figures,
        )

    def _todos(self, figures: Dashboard, at: datetime) -> list[Todo]:
        with self._database.read() as session:

            def count(query: Any) -> int:
                return int(session.scalar(query) or 0)

            unfinished = count(select(func.count()).select_from(Batch).where(Batch.state == "generating"))
            undone = _undelivered(session)
            paused, locked = _waiting(session, at)
            refused = count(select(func.count()).select_from(OutboxOp).where(OutboxOp.state == "rejected"))
            conflicts = count(select(func.count()).select_from(Conflict).where(Conflict.settled_at.is_(None)))
            over = count(select(func.count()).select_from(Lease).where(Lease.state == "open", Lease.until <= at))
            last, made = stored(session, "backup.last"), session.scalar(select(func.min(Batch.created_at)))
            confirmed = bool(stored(session, "recovery.confirmed"))
            waits = stored(session, "cloud.recovery")
        since = datetime.fromisoformat(str(last)) if last else made
        stale = (at - since).days if since is not None and at - since > BACKUP_AGE else 0
        expiring = figures.expiring
        return [
            Todo("recovering", waits["devices"] - waits["done"] if waits else 0, None, "sync", None),
            Todo("unfinished", unfinished, None, "batches", None),
            Todo("paused", len(paused), None, "distribution", _one_of(paused)),
            Todo("password", len(locked), None, "distribution", _one_of(locked)),
            Todo("failed", sum(undone.values()), None, "distribution", _one_of(undone) or FAILURES),
            Todo("conflicts", conflicts, None, "conflicts", None),
            Todo("expiring", expiring.count, expiring.minor, "cards", CardsOut(live=True, expiring_days=DAYS)),
            Todo("leases-over", over, None, "leases", None),
            Todo("refused", refused, None, "sync", None),
            Todo("backup" if last else "unsaved", stale, None, "settings", "backups"),
            Todo("recovery", int(not confirmed), None, "settings", "security"),
        ]

    def _steps(self) -> tuple[Step, ...]:
        with self._database.read() as session:

            def there(query: Any) -> bool:
                return bool(session.scalar(select(exists(query))))

            return (
                Step("people", there(select(Person.id)), "people", "import"),
                Step("batch", there(select(Batch.id)), "batches", ("generate", 0)),
                Step("mail", bool(stored(session, "mail.server")), "settings", "mail"),
                Step("endpoint", bool(stored(session, "cloud.url")), "sync", None),
                Step("backup", stored(session, "backup.last") is not None, "settings", "backups"),
            )


def _undelivered(session: Session) -> dict[int, int]:
    """Distribution → how many of its deliveries failed, or ended nobody knows how."""
    query = select(Delivery.distribution_id, func.count()).where(Delivery.state.in_(("failed", "uncertain")))
    return {row[0]: row[1] for row in session.execute(query.group_by(Delivery.distribution_id))}


def _one_of(distributions: Collection[int]) -> int | None:
    """The one to open; of several the list is shown."""
    return next(iter(distributions)) if len(distributions) == 1 else None


def _waiting(session: Session, at: datetime) -> tuple[list[int], list[int]]:
    """Distributions that were paused or cut off with cards left, and planned ones whose file needs a password."""
    left = exists().where(Delivery.distribution_id == Distribution.id, Delivery.state.in_(IN_HAND))
    paused = session.scalars(select(Distribution.id).where(Distribution.state == "paused", left))
    return list(paused), [distribution_id for distribution_id, locked in come(session, at) if locked]


def next_festival(day: date) -> tuple[str, date]:
    """The next of the festivals that sell, as a key of vocabulary.FESTIVALS, and its day (lunar calendar)."""
    from lunar_python import Lunar

    coming = []
    for year in (day.year - 1, day.year, day.year + 1):
        for key, (month, lunar_day) in FESTIVALS.items():
            solar = Lunar.fromYmd(year, month, lunar_day).getSolar()
            when = date(solar.getYear(), solar.getMonth(), solar.getDay())
            if when >= day:
                coming.append((when, key))
    when, key = min(coming)
    return key, when
