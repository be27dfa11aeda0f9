"""What the tests of distributions share: an endpoint, people, and ways to look."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.models.redemption import DailyFigure
from app.services.distribution import (
    DistributionRow,
    DistributionSpec,
)
from app.services.progress import Progress
from app.services.recount import Key, recounted
from app.services.stock import stock_of
from app.services.vault.vaults import OpenVault
from app.topics import Topic

Spec = Callable[..., DistributionSpec]
RESEARCH, SALES, OFFICE = "研发部", "销售部", "行政部"
SUMS = ("prepared", "sent", "failed", "uncertain", "skipped", "recalled")


class Door:
    """An endpoint that takes every link, or none while it is away."""

    def __init__(self, vault: OpenVault) -> None:
        self._vault = vault
        self.base: str | None = "https://cards.example/"
        self.refused: set[str] = set()
        self.problem: dict[str, str] | None = None
        """What it says to those."""

    def public_url(self) -> str | None:
        return self.base

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        self.answer()

    def answer(self) -> None:
        with self._vault.database.write(Topic.OUTBOX) as session:
            for op in session.scalars(select(OutboxOp).where(OutboxOp.state == "waiting")):
                refused = op.aggregate in self.refused
                op.state, op.problem = ("rejected", self.problem) if refused else ("applied", None)


def added(vault: OpenVault, names: list[str], **values: Any) -> list[int]:
    with vault.database.write(Topic.PEOPLE) as session:
        rows = [
            Person(
                **{
                    "name": name,
                    "pinyin_key": "",
                    "search": name.lower(),
                    "department": "研发部",
                    "phone": f"1380013{n:04d}",
                    "phone_tail": f"{n:04d}",
                    "email": f"p{n}@firm.example",
                    "employee_no": f"kx{n}",
                    "created_at": now(),
                    "changed_at": now(),
                }
                | values
            )
            for n, name in enumerate(names)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def stock(vault: OpenVault, product: int) -> int:
    with vault.database.read() as session:
        return stock_of(session, product)


def figures(vault: OpenVault) -> dict[str, tuple[int, int]]:
    with vault.database.read() as session:
        found: dict[str, tuple[int, int]] = {}
        for figure in session.scalars(select(DailyFigure)):
            count, amount = found.get(figure.metric, (0, 0))
            found[figure.metric] = (count + figure.count, amount + figure.amount_minor)
        assert recounted(session) == {
            Key(*(getattr(figure, name) for name in Key._fields)): (figure.count, figure.amount_minor)
            for figure in session.scalars(select(DailyFigure))
            if figure.count or figure.amount_minor
        }
        return {metric: value for metric, value in found.items() if value != (0, 0)}


def counts(row: DistributionRow) -> dict[str, int]:
    assert sum(getattr(row, name) for name in SUMS) == row.people
    return {name: getattr(row, name) for name in SUMS if getattr(row, name)}


def deliveries(vault: OpenVault, distribution_id: int) -> list[Delivery]:
    with vault.database.read() as session:
        wanted = select(Delivery).where(Delivery.distribution_id == distribution_id).order_by(Delivery.no)
        return list(session.scalars(wanted))


def held(vault: OpenVault, run: int) -> list[tuple[int | None, int | None]]:
    """(product, face) of each card of a distribution, by what its batch says."""
    with vault.database.read() as session:
        wanted = select(Batch.product_id, Batch.face_minor).join(Card, Card.batch_id == Batch.id)
        cards = [delivery.card_id for delivery in deliveries(vault, run) if delivery.card_id is not None]
        return [tuple(session.execute(wanted.where(Card.id == card)).one()) for card in cards]  # type: ignore[misc]


def change(vault: OpenVault, person: int, **values: object) -> None:
    with vault.database.write(Topic.PEOPLE) as session:
        session.execute(update(Person).where(Person.id == person).values(**values))
