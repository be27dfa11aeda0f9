"""A run on paper or into a file: everything that waits goes out in one piece."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.batch import Batch, Card
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.people import Person
from app.services.cards import PROFILES
from app.services.cards.codes import CodeReader, OpenBlock, batch_of, batches_of, serial_of
from app.services.channels import ON_PAPER, Envelope, PaperChannel, RunHead
from app.services.channels.letters import one_line
from app.services.distribution.preparing import chunks, tell
from app.services.people.masking import mask_phone
from app.services.progress import Progress
from app.services.secret import Secret
from app.services.unfinished import Unfinished
from app.services.vault.vaults import file_refusals
from app.topics import Topic
from sync.codes import format_code

LONGEST_STEM = 80
ENDINGS = (".xlsx", ".zip", ".pdf")
"""Of the files that hold codes."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What stays the same for all deliveries of a run."""

    distribution: Distribution
    products: dict[int, str]
    """Product id → name."""
    merchant: str


class PaperRun:
    """File and print: all codes go out in one piece, so the run has three steps and the middle one can be repeated.

    `name` is the channel's.
    """

    def __init__(self, database: Database, reader: CodeReader, channel: PaperChannel, *, name: str) -> None:
        self._database, self._reader, self._channel, self._name = database, reader, channel, name

    def run(self, facts: RunFacts, zip_password: Secret | None, progress: Progress) -> tuple[Path, ...]:
        """Write what waits; the files. On any failure everything is prepared again."""
        distribution = facts.distribution
        ids = self._claim(distribution.id)
        if not ids:
            return ()
        folder = Path(distribution.out_folder or ".")
        try:
            with file_refusals(folder):
                folder.mkdir(parents=True, exist_ok=True)
            head = RunHead(
                title=distribution.name,
                merchant=facts.merchant,
                note=distribution.note,
                folder=folder,
                stem=stem_of(distribution),
                zip_password=zip_password,
            )
            with Unfinished(self._database).noted(*self._channel.targets(head)):
                files = self._channel.write(head, self._envelopes(facts, ids), progress)
        except BaseException:
            self._give_up(distribution.id)
            raise
        self._conclude(distribution.id, ids)
        return files

    def _claim(self, distribution_id: int) -> list[int]:
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            wanted = select(Delivery.id).where(
                Delivery.distribution_id == distribution_id,
                Delivery.channel == self._name,
                Delivery.state.in_(("prepared", "released")),
                Delivery.card_id.is_not(None),
            )
            ids = list(session.scalars(wanted.order_by(Delivery.no)))
            for some in chunks(ids):
                session.execute(
                    update(Delivery)
                    .where(Delivery.id.in_(some))
                    .values(state="sending", attempts=Delivery.attempts + 1, reason=None)
                )
        return ids

    def _envelopes(self, facts: RunFacts, ids: Sequence[int]) -> list[Envelope]:
        found: list[Envelope] = []
        with self._database.read() as session:
            for some in chunks(ids):
                wanted = select(Delivery, Person).join(Person, Person.id == Delivery.person_id)
                rows = session.execute(wanted.where(Delivery.id.in_(some)).order_by(Delivery.no)).all()
                cards = [delivery.card_id or 0 for delivery, _ in rows]
                batches = batches_of(session, cards)
                blocks = self._reader.codes_of(session, cards, batches)
                for delivery, person in rows:
                    batch = batch_of(delivery.card_id or 0, batches)
                    assert batch is not None, "a card has its batch"
                    found.append(_envelope(facts, delivery, person, batch=batch, block=blocks[delivery.card_id or 0]))
        return found

    def _give_up(self, distribution_id: int) -> None:
        with self._database.write(Topic.DISTRIBUTIONS) as session:
            back_to_prepared(session, distribution_id)

    def _conclude(self, distribution_id: int, ids: Sequence[int]) -> None:
        at = now()
        with self._database.write(Topic.DISTRIBUTIONS, Topic.CARDS) as session:
            distribution = session.get_one(Distribution, distribution_id)
            for some in chunks(ids):
                session.execute(
                    update(Delivery)
                    .where(Delivery.id.in_(some))
                    .values(state="sent", sent_at=at, delivered_at=at, reason=None, retryable=False)
                )
            products: list[int | None] = []
            for some in chunks(ids):
                products += session.scalars(select(Delivery.product_id).where(Delivery.id.in_(some)))
            for metric in ("sent", "delivered"):
                tell(session, metric, [(product, self._name, None) for product in products], at=at)
            runs = int(distribution.template.get("runs", 0)) + 1
            distribution.template = {**distribution.template, "runs": runs}


def back_to_prepared(session: Session, distribution_id: int) -> None:
    """What a broken run left on paper was not handed out: the files are written whole or not at all."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.distribution_id == distribution_id,
            Delivery.channel.in_(ON_PAPER),
            Delivery.state == "sending",
        )
        .values(state="prepared")
    )


def drop_dead_cards(session: Session, distribution_id: int) -> None:
    """A card that was voided since it was prepared goes to nobody; a retry takes another one."""
    dead = select(Card.id).where(Card.state.not_in(("assigned", "active")))
    session.execute(
        update(Delivery)
        .where(
            Delivery.distribution_id == distribution_id,
            Delivery.state.in_(("prepared", "released")),
            Delivery.card_id.in_(dead),
        )
        .values(
            state="failed",
            reason="card-voided",
            retryable=True,
            card_id=None,
            amount_minor=None,
            link_id=None,
            link_secret=None,
            pickup_code=None,
        )
    )


def may_be_written(distribution: Distribution) -> bool:
    """Whether the files of a run that never came to its end lie there whole: a crash may fall just behind the last."""
    stem = Path(distribution.out_folder or ".") / stem_of(distribution)
    return any(stem.with_name(stem.name + ending).exists() for ending in ENDINGS)


def stem_of(distribution: Distribution) -> str:
    """Name of the files of the next run: the distribution's, with its number and that of a second run."""
    kept = "".join(" " if sign in '<>:"/\\|?*' else sign for sign in one_line(distribution.name))
    runs = int(distribution.template.get("runs", 0))
    stem = " ".join(kept.split()).strip(". ")[:LONGEST_STEM] or "kaxia"
    return f"{stem} {distribution.id}" + (f"-{runs + 1}" if runs else "")


def _envelope(facts: RunFacts, delivery: Delivery, person: Person, *, batch: Batch, block: OpenBlock) -> Envelope:
    card_id = delivery.card_id or 0
    at = card_id - batch.first_card_id - block.first
    code = block.code(at)
    return Envelope(
        no=delivery.no,
        name=person.name,
        department=person.department,
        phone_masked=mask_phone(person.phone) if person.phone else "",
        product=facts.products[batch.product_id],
        amount_minor=delivery.amount_minor,
        serial=serial_of(batch, card_id),
        code=format_code(code) if block.length and batch.format.upper() in PROFILES else code,
        fields=() if block.length else tuple((name, value) for name, value in block.fields(at)),
        valid_until=batch.valid_until,
        uses=batch.uses if block.length and batch.face_minor is None else None,
    )
