"""A trade put straight into the vault: cards handed out, plain codes released, redemptions and reversals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from app.models.batch import Batch, Card
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.models.redemption import Redemption
from app.services.figures import DIRECT, FigureEntry, add, add_many
from app.services.recount import STEPS, releasing
from app.services.stock import life_of, take
from app.topics import Topic

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Trade:
    """Each act goes through one transaction, with its figures, as the services do it."""

    database: Database
    acts: int = 0

    def hand_out(
        self, product_id: int, count: int, *, at: datetime, channel: str = "email", steps: Sequence[int] = ()
    ) -> list[int]:
        """Give cards to as many new people at `at`; so many of them were sent, delivered, opened and claimed, each an
        hour after the step before. Card ids."""
        with self.database.write(Topic.DISTRIBUTIONS, Topic.CARDS) as session:
            people = [self._person(at) for _ in range(count)]
            session.add_all(people)
            session.flush()
            cards = take(session, product_id, [person.id for person in people])
            self.acts += 1
            distribution = Distribution(
                uid=self.acts.to_bytes(16, "big"), name="中秋", product_id=product_id, channel=channel, created_at=at
            )
            session.add(distribution)
            session.flush()
            entries = []
            for no, (person, card_id) in enumerate(zip(people, cards, strict=True)):
                delivery = Delivery(
                    distribution_id=distribution.id,
                    person_id=person.id,
                    no=no,
                    product_id=product_id,
                    channel=channel,
                    card_id=card_id,
                    message_id=f"m{no}",
                )
                face = session.get_one(Batch, session.get_one(Card, card_id).batch_id).face_minor or 0
                entries.append(FigureEntry("issued", at, product_id, channel, amount_minor=face))
                for hours, ((metric, column), reached) in enumerate(zip(STEPS[1:], steps, strict=False), 1):
                    if no < reached:
                        setattr(delivery, column.key, at + hours * HOUR)
                        delivery.state = {"opened": "delivered"}.get(metric, metric)
                        entries.append(FigureEntry(metric, at + hours * HOUR, product_id, channel))
                session.add(delivery)
            add_many(session, entries)
        return cards

    def release(self, batch_id: int, *, at: datetime) -> None:
        """The batch's plain codes go into the world."""
        with self.database.write(Topic.BATCHES) as session, releasing(session, batch_id):
            session.execute(
                update(Batch)
                .where(Batch.id == batch_id, Batch.released_at.is_(None))
                .values(released_at=at)
                .execution_options(synchronize_session=False)
            )

    def redeem(self, card_id: int, amount_minor: int, *, at: datetime, reverses: str | None = None) -> str:
        """An entry of the ledger; its id. With `reverses` it gives back what that entry took."""
        self.acts += 1
        entry_id, sign = f"op{self.acts}", -1 if reverses else 1
        kind = "reversed" if reverses else "redeemed"
        with self.database.write(Topic.REDEMPTIONS, Topic.CARDS) as session:
            batch = session.scalars(
                select(Batch).where(Batch.first_card_id <= card_id).order_by(Batch.first_card_id.desc())
            ).first()
            assert batch is not None
            card = session.get(Card, card_id)
            if card is None:
                card = Card(**life_of(batch, card_id, state="active"))
                session.add(card)
            wanted = select(Distribution.channel).join(Delivery, Delivery.distribution_id == Distribution.id)
            channel = session.scalar(wanted.where(Delivery.card_id == card_id)) or DIRECT
            card.balance_minor = (card.balance_minor or 0) - sign * amount_minor
            card.state = "active" if card.balance_minor else "spent"
            session.add(
                Redemption(
                    id=entry_id,
                    seq=self.acts,
                    kind=kind,
                    card_id=card_id,
                    batch_id=batch.id,
                    product_id=batch.product_id,
                    amount_minor=sign * amount_minor,
                    uses=0,
                    remaining_minor=card.balance_minor,
                    reverses=reverses,
                    channel=channel,
                    entry="counter",
                    place="门店",
                    at=at,
                )
            )
            add(session, kind, at=at, product_id=batch.product_id, channel=channel, amount_minor=amount_minor)
        return entry_id

    def pay(self, card_id: int, amount_minor: int, *, at: datetime) -> str:
        """A top-up of so many fen, or with a negative amount a refund; the id of its entry."""
        self.acts += 1
        entry_id, kind = f"op{self.acts}", "topped_up" if amount_minor > 0 else "refunded"
        with self.database.write(Topic.REDEMPTIONS, Topic.CARDS) as session:
            card = session.get_one(Card, card_id)
            batch = session.get_one(Batch, card.batch_id)
            channel = session.scalar(select(Delivery.channel).where(Delivery.card_id == card_id)) or DIRECT
            card.balance_minor = (card.balance_minor or 0) + amount_minor
            card.adjusted += amount_minor
            card.state = "active" if card.balance_minor else "spent"
            of_card = {"card_id": card_id, "batch_id": batch.id, "product_id": batch.product_id, "channel": channel}
            left = {"remaining_minor": card.balance_minor, "uses": 0, "entry": "counter", "at": at}
            entry = Redemption(id=entry_id, seq=self.acts, kind=kind, amount_minor=-amount_minor, **of_card, **left)
            session.add(entry)
            minor = abs(amount_minor)
            add(session, kind, at=at, product_id=batch.product_id, channel=channel, amount_minor=minor)
        return entry_id

    def end_validity(self, batch_id: int, at: datetime) -> None:
        with self.database.write(Topic.BATCHES) as session:
            session.execute(update(Batch).where(Batch.id == batch_id).values(valid_until=at))

    def _person(self, at: datetime) -> Person:
        self.acts += 1
        return Person(name=f"员工{self.acts}", pinyin_key="", search="", created_at=at, changed_at=at)
