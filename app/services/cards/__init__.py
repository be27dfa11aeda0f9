"""Cards: list, find, show the life of one, reveal its code, freeze, thaw, void."""

from array import array
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.errors import CardSpent, NotFound, ReasonMissing
from app.models.base import now
from app.models.batch import Batch, Card, card_key
from app.models.database import Database
from app.models.distribution import Delivery, Distribution
from app.models.redemption import Redemption
from app.services import recount
from app.services.audit import AuditLog
from app.services.batches import untouched_state
from app.services.cards.codes import TAIL, CodeReader, batch_of, batches_of
from app.services.cards.listing import card_ids, names_of
from app.services.cards.reading import card_rows
from app.services.cards.rows import CardDetail, CardFilter, CardNames, CardRow, TimelineEntry
from app.services.cards.stopping import Stopped, Stopping
from app.services.outbox import enqueue
from app.services.progress import Progress, unwatched
from app.services.sealing import BlindIndex
from app.services.secret import Secret
from app.services.stock import life_of
from app.topics import Topic
from sync import codes as code_words

FIND = select(card_key.c.card_id).where(card_key.c.blind.in_(bindparam("entries", expanding=True)))


class CardService:
    def __init__(self, database: Database, audit: AuditLog, *, reader: CodeReader, blind: BlindIndex) -> None:
        self._database = database
        self._audit = audit
        self._reader = reader
        self._blind = blind

    def ids(self, wanted: CardFilter, *, sort: str = "serial", descending: bool = True) -> "array[int]":
        """Ids of all cards of a filter, in order: 8 bytes a card."""
        with self._database.read() as session:
            return card_ids(session, wanted, sort=sort, descending=descending)

    def rows(self, ids: Sequence[int]) -> list[CardRow]:
        """One page of cards, in the order of `ids`."""
        with self._database.read() as session:
            return self._rows(session, ids)

    def names_of(self, wanted: CardFilter) -> CardNames:
        """What the batch, the product and the holder of a filter are called."""
        with self._database.read() as session:
            return names_of(session, wanted)

    def find_by_code(self, typed: str) -> int | None:
        """The card of a full code, however it was typed; None when the vault does not hold it."""
        entries = [self._blind.one(candidate.encode()) for candidate in _candidates(typed)]
        entries.append(self._blind.supplier([("", typed.strip())]))
        with self._database.read() as session:
            found = session.execute(FIND, {"entries": entries}).first()
        return int(found.card_id) if found else None

    def find(self, typed: str) -> int:
        """A card by serial or by code. Raises NotFound (which never says the code back)."""
        typed = typed.strip()
        card_id = self._find_by_serial(typed.upper())
        if card_id is None:
            card_id = self.find_by_code(typed)
        if card_id is None:
            raise NotFound("card", masked(typed))
        return card_id

    def detail(self, card_id: int) -> CardDetail:
        """A card and its life, oldest first."""
        with self._database.read() as session:
            rows = self._rows(session, [card_id])
            if not rows:
                raise NotFound("card", str(card_id))
            return CardDetail(rows[0], tuple(sorted(_timeline(session, rows[0]), key=lambda entry: entry.at)))

    def reveal(self, card_id: int, *, reason: str) -> Secret:
        """The plain code of one card. Needs a reason; the audit log keeps it."""
        if not reason.strip():
            raise ReasonMissing
        with self._database.write(Topic.AUDIT) as session:
            row = self._one(session, card_id)
            block = self._reader.codes_of(session, [card_id], batches_of(session, [card_id]))[card_id]
            self._audit.record(session, "card.revealed", subject=row.serial, reason=reason.strip())
            batch = session.get_one(Batch, row.batch_id)
            code = block.code(card_id - batch.first_card_id - block.first)
        return Secret(code_words.format_code(code) if block.length and batch.format in PROFILES else code)

    def freeze(self, card_id: int) -> None:
        self._set_frozen(card_id, frozen=True)

    def thaw(self, card_id: int) -> None:
        self._set_frozen(card_id, frozen=False)

    def stop(self, ids: Sequence[int], *, frozen: bool, progress: Progress = unwatched) -> Stopped:
        """Freeze any number of cards, or thaw them; what became of it. A cancel leaves nothing half done."""
        return Stopping(self._database, self._audit, frozen=frozen).stop(ids, progress)

    def undo_stop(self, done: Stopped, *, frozen: bool) -> None:
        """Take back what `stop(…, frozen=frozen)` changed, and nothing else."""
        Stopping(self._database, self._audit, frozen=frozen).take_back(done)

    def void(self, card_id: int, *, reason: str) -> None:
        """End one card for ever."""
        if not reason.strip():
            raise ReasonMissing
        with self._database.write(Topic.CARDS, Topic.BATCHES, Topic.OUTBOX, Topic.AUDIT) as session:
            row = self._one(session, card_id)
            if row.state in ("spent", "voided"):
                raise CardSpent(row.serial)
            recount.take_back_cards(session, [card_id])
            self._begin_life(session, card_id)
            ended = {"state": "voided", "voided_at": now(), "changed_at": now()}
            session.execute(update(Card).where(Card.id == card_id).values(ended))
            self._audit.record(session, "card.voided", subject=row.serial, reason=reason.strip())
            _tell(session, card_id, "card.void@1")

    def _set_frozen(self, card_id: int, *, frozen: bool) -> None:
        with self._database.write(Topic.CARDS, Topic.BATCHES, Topic.OUTBOX, Topic.AUDIT) as session:
            row = self._one(session, card_id)
            if row.state in ("spent", "voided"):
                raise CardSpent(row.serial)
            self._begin_life(session, card_id)
            at = now() if frozen else None
            session.execute(update(Card).where(Card.id == card_id).values(frozen_at=at, changed_at=now()))
            self._audit.record(session, "card.frozen" if frozen else "card.thawed", subject=row.serial)
            _tell(session, card_id, "card.freeze@1" if frozen else "card.thaw@1", lane="freeze" if frozen else "ops")

    def _begin_life(self, session: Session, card_id: int) -> None:
        """Give an untouched card a row, in the state it has."""
        if session.get(Card, card_id) is None:
            batch = batch_of(card_id, batches_of(session, [card_id]))
            assert batch is not None, "a listed card has its batch"
            session.execute(insert(Card).values(life_of(batch, card_id, state=untouched_state(batch))))

    def _one(self, session: Session, card_id: int) -> CardRow:
        rows = self._rows(session, [card_id])
        if not rows:
            raise NotFound("card", str(card_id))
        return rows[0]

    def _find_by_serial(self, typed: str) -> int | None:
        serial, _, number = typed.rpartition("-")
        if not (serial.startswith("B") and number.isdecimal()):
            return None
        with self._database.read() as session:
            batch = session.scalar(select(Batch).where(Batch.serial == serial))
            if batch is None or not 1 <= int(number) <= batch.quantity:
                return None
            return batch.first_card_id + int(number) - 1

    def _rows(self, session: Session, ids: Sequence[int]) -> list[CardRow]:
        return card_rows(session, ids, self._reader)


PROFILES = ("SHORT", "STANDARD", "LONG")


def masked(typed: str) -> str:
    """What a person typed, without what could be a code."""
    return typed if len(typed) <= TAIL else "····" + typed[-TAIL:]


def _candidates(typed: str) -> list[str]:
    """Canonical forms a typed code may stand for: the house's alphabet, and a custom pattern as it was made."""
    try:
        read = [code_words.canonical(typed)]
    except ValueError:
        read = []
    return list(dict.fromkeys([*read, typed.strip(), typed.strip().upper()]))


def _timeline(session: Session, row: CardRow) -> list[TimelineEntry]:
    batch = session.get_one(Batch, row.batch_id)
    entries = [TimelineEntry(batch.created_at, "generated" if batch.source == "generated" else "imported")]
    if batch.released_at is not None:
        entries.append(TimelineEntry(batch.released_at, "released"))
    if batch.sealed_at is not None:
        entries.append(TimelineEntry(batch.sealed_at, "sealed"))
    life = session.get(Card, row.id)
    if life is not None and life.frozen_at is not None:
        entries.append(TimelineEntry(life.frozen_at, "frozen"))
    if batch.frozen_at is not None:
        entries.append(TimelineEntry(batch.frozen_at, "frozen"))
    deliveries = select(Delivery, Distribution.name, Distribution.created_at).join(
        Distribution, Distribution.id == Delivery.distribution_id
    )
    for delivery, name, at in session.execute(deliveries.where(Delivery.card_id == row.id)):
        entries += _delivery_entries(delivery, name, at)
    entries += [
        TimelineEntry(
            entry.at,
            entry.kind,
            abs(entry.amount_minor),
            abs(entry.uses),
            " · ".join(filter(None, (entry.place, entry.reason))),
            entry.id,
        )
        for entry in session.scalars(select(Redemption).where(Redemption.card_id == row.id))
    ]
    return entries


def _delivery_entries(delivery: Delivery, distribution: str, at: datetime) -> list[TimelineEntry]:
    steps = (
        ("assigned", at),
        ("sent", delivery.sent_at),
        ("opened", delivery.opened_at),
        ("claimed", delivery.claimed_at),
        ("recalled", delivery.recalled_at),
    )
    return [TimelineEntry(when, what, detail=distribution) for what, when in steps if when is not None]


def _tell(session: Session, card_id: int, type_: str, *, lane: str = "ops") -> None:
    batch = batch_of(card_id, batches_of(session, [card_id]))
    assert batch is not None, "a listed card has its batch"
    body = {"batch_id": str(UUID(bytes=batch.uid)), "card_no": card_id - batch.first_card_id}
    enqueue(session, type_, aggregate=f"batch:{batch.id}", body=body, lane=lane)


__all__ = ["CardDetail", "CardFilter", "CardNames", "CardRow", "CardService", "Stopped", "TimelineEntry"]
