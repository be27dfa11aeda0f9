"""Batches: generate, continue or discard, freeze, thaw, void, list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import (
    BatchNotGenerating,
    BatchUnfinished,
    BatchVoided,
    CountMismatch,
    InvalidInput,
    JobCancelled,
    NotFound,
    PatternTooWeak,
    QuantityOutOfRange,
)
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.models.database import Database
from app.models.outbox import OutboxOp
from app.services import recount
from app.services.audit import AuditLog
from app.services.batches import listing
from app.services.batches.generation import CHUNK, Redraw, draw_unique, drop, store_chunk
from app.services.batches.listing import untouched_state
from app.services.batches.rows import LARGEST, BatchFilter, BatchName, BatchRow, BatchSpec, Counts, Odds
from app.services.hidden import refuse_removed
from app.services.outbox import enqueue
from app.services.progress import Progress, unwatched
from app.services.sealing import BlindIndex, Sealer
from app.topics import Topic
from app.words import end_of_day, zone
from sync import points
from sync.codes import CodeFormat
from sync.protocol import new_op_id

EVERY_BATCH = BatchFilter()
WEAKEST_BITS = 40
GUESSES_PER_SECOND = 10
"""What the endpoint's limits on failures leave an attacker who owns many addresses."""
SECONDS_PER_YEAR = 31_557_600


class BatchService:
    def __init__(self, database: Database, audit: AuditLog, *, sealer: Sealer, blind: BlindIndex) -> None:
        self._database = database
        self._audit = audit
        self._sealer = sealer
        self._blind = blind

    def generate(self, spec: BatchSpec, progress: Progress = unwatched) -> int:
        """Make a batch of codes; its id. A cancel leaves nothing; a crash leaves a batch to continue or discard.

        Raises QuantityOutOfRange, PatternTooWeak, InvalidInput, NotFound.
        """
        if not 1 <= spec.quantity <= LARGEST:
            raise QuantityOutOfRange(spec.quantity, LARGEST)
        code_format = read_format(spec.format)
        if not self.odds(spec.format, spec.quantity).allowed:
            raise PatternTooWeak(int(code_format.bits), WEAKEST_BITS)
        with self._database.write(Topic.BATCHES, Topic.AUDIT) as session:
            batch_id = self._begin(session, spec, code_format)
        try:
            self._fill(batch_id, progress)
        except JobCancelled:
            self._remove(batch_id)
            raise
        return batch_id

    def resume(self, batch_id: int, progress: Progress = unwatched) -> None:
        """Make the rest of a batch that a crash interrupted. A cancel keeps what is there, to be continued again."""
        if self.batch(batch_id).state != "generating":
            raise BatchNotGenerating(batch_id)
        self._fill(batch_id, progress)

    def discard(self, batch_id: int) -> None:
        """Remove an unfinished batch; nobody has seen its codes. Raises BatchNotGenerating for a finished one."""
        if self.batch(batch_id).state != "generating":
            raise BatchNotGenerating(batch_id)
        self._remove(batch_id)

    def freeze(self, batch_id: int) -> None:
        """Stop a batch at once here, and first in the queue at the endpoint."""
        self._set_frozen(batch_id, frozen=True)

    def thaw(self, batch_id: int) -> None:
        self._set_frozen(batch_id, frozen=False)

    def void(self, batch_id: int, *, confirm: str) -> None:
        """End a batch for ever. `confirm` is the typed count of its cards. Raises CountMismatch."""
        with self._database.write(Topic.BATCHES, Topic.CARDS, Topic.OUTBOX, Topic.AUDIT) as session:
            batch = found(session, batch_id)
            _refuse_unusable(session, batch)
            if confirm.strip().replace(",", "") != str(batch.quantity):
                raise CountMismatch(confirm, batch.quantity)
            void_batch(session, self._audit, batch)

    def ids(self, wanted: BatchFilter = EVERY_BATCH, *, sort: str = "created_at", descending: bool = True) -> list[int]:
        """Ids of those that match, sorted by a column of `listing.SORTS`."""
        with self._database.read() as session:
            return listing.in_order(session, wanted, sort=sort, descending=descending)

    def rows_of(self, ids: Sequence[int]) -> list[BatchRow]:
        """One page of batches, in the order of `ids`."""
        with self._database.read() as session:
            return listing.rows_of(session, ids)

    def batches(self, *, product_id: int | None = None, states: Sequence[str] = ()) -> list[BatchRow]:
        """Newest first."""
        wanted = listing.narrowed(BatchFilter(product_id, tuple(states)), sort="created_at", descending=True)
        with self._database.read() as session:
            return listing.rows_of(session, list(session.scalars(wanted)))

    def batch(self, batch_id: int) -> BatchRow:
        with self._database.read() as session:
            return listing.rows_of(session, [found(session, batch_id).id])[0]

    def find(self, text: str, limit: int = 20) -> list[BatchName]:
        """By a part of the serial or of the product's name, newest first; the newest of all for an empty text."""
        with self._database.read() as session:
            return listing.named(session, text, limit)

    def odds(self, format_: str, quantity: int) -> Odds:
        """Expected hits R·T·N / 2^b over a year of guessing, with all live cards of the vault counted."""
        bits = read_format(format_).bits
        with self._database.read() as session:
            live = int(session.scalar(select(func.sum(Batch.made)).where(Batch.state != "voided")) or 0)
        hits = GUESSES_PER_SECOND * SECONDS_PER_YEAR * (live + quantity) / 2.0**bits
        return Odds(bits, live + quantity, GUESSES_PER_SECOND, min(hits, 1.0), bits >= WEAKEST_BITS)

    def _begin(self, session: Session, spec: BatchSpec, code_format: CodeFormat) -> int:
        product = session.get(Product, spec.product_id)
        if product is None:
            raise NotFound("product", str(spec.product_id))
        if product.kind == "supplier":
            raise InvalidInput("product", "supplier-codes-are-imported")
        values = {**new_batch(session, product, spec.quantity), **_validity(product, spec)}
        _, wrapped = self._sealer.new(values["uid"])
        values |= {
            "format": spec.format.strip(),
            "code_length": code_format.length,
            "face_minor": _face(product, spec),
            "uses": product.uses,
            "data_key": wrapped,
        }
        batch = Batch(**values)
        session.add(batch)
        session.flush()
        self._audit.record(session, "batch.started", subject=values["serial"], cards=spec.quantity, format=spec.format)
        return batch.id

    def _fill(self, batch_id: int, progress: Progress) -> None:
        with self._database.read() as session:
            batch = found(session, batch_id)
            session.expunge(batch)
        code_format = read_format(batch.format)
        missing = batch.quantity - batch.made

        def half_way(done: int, total: int) -> None:
            progress(batch.made + done // 2, batch.quantity)

        unstored = draw_unique(code_format, missing, self._blind, progress=half_way)
        seal = self._sealer.opened(batch.uid, batch.data_key)
        redraw = Redraw(code_format, self._blind)
        for start in range(0, missing, CHUNK):
            made = store_chunk(self._database, batch, unstored, seal=seal, redraw=redraw, start=start)
            progress((made + batch.made + missing) // 2 if made < batch.quantity else made, batch.quantity)
        points.passed("desk.generate.ready")
        with self._database.write(Topic.BATCHES, Topic.CATALOG, Topic.OUTBOX, Topic.AUDIT) as session:
            finish(session, found(session, batch_id))
            self._audit.record(session, "batch.ready", subject=batch.serial, cards=batch.quantity)

    def _remove(self, batch_id: int) -> None:
        """In one transaction: a kill must not leave a batch that counts cards it has lost."""
        with self._database.write(Topic.BATCHES, Topic.AUDIT) as session:
            batch = found(session, batch_id)
            self._audit.record(session, "batch.discarded", subject=batch.serial, cards=batch.made)
            drop(session, batch)

    def _set_frozen(self, batch_id: int, *, frozen: bool) -> None:
        with self._database.write(Topic.BATCHES, Topic.CARDS, Topic.OUTBOX, Topic.AUDIT) as session:
            batch = found(session, batch_id)
            _refuse_unusable(session, batch)
            stop_batch(session, self._audit, batch, frozen=frozen)


def stop_batch(session: Session, audit: AuditLog, batch: Batch, *, frozen: bool) -> bool:
    """Freeze a usable batch or let it go again; False when it was so already."""
    if (batch.frozen_at is not None) == frozen:
        return False
    session.execute(update(Batch).where(Batch.id == batch.id).values(frozen_at=now() if frozen else None))
    audit.record(session, "batch.frozen" if frozen else "batch.thawed", subject=batch.serial)
    _tell(session, batch, "batch.freeze@1" if frozen else "batch.thaw@1", lane="freeze" if frozen else "ops")
    return True


def void_batch(session: Session, audit: AuditLog, batch: Batch) -> None:
    """End all its cards that are not spent, here and at the endpoint."""
    recount.take_back_batch(session, batch.id)
    session.execute(update(Batch).where(Batch.id == batch.id).values(state="voided"))
    session.execute(
        update(Card)
        .where(Card.batch_id == batch.id, Card.state.in_(("in_stock", "assigned", "active")))
        .values(state="voided", changed_at=now())
    )
    audit.record(session, "batch.voided", subject=batch.serial, cards=batch.quantity)
    _tell(session, batch, "batch.void@1")


def read_format(typed: str) -> CodeFormat:
    """The code format behind a profile's name or a pattern. Raises InvalidInput."""
    try:
        return CodeFormat.read(typed.strip())
    except ValueError as error:
        raise InvalidInput("format", "bad-pattern") from error


def found(session: Session, batch_id: int) -> Batch:
    batch = session.get(Batch, batch_id)
    if batch is None:
        raise NotFound("batch", str(batch_id))
    return batch


def new_batch(session: Session, product: Product, quantity: int) -> dict[str, Any]:
    """The values every new batch starts from: ids, serial, and its own range of card ids."""
    refuse_removed(session, "product", product.id, product.name)
    return next_place(session) | {"uid": UUID(new_op_id()).bytes, "product_id": product.id, "quantity": quantity}


def next_place(session: Session) -> dict[str, Any]:
    """Serial and first card id of the next batch."""
    at = now()
    day = at.astimezone(zone()).strftime("%y%m%d")
    today = session.scalar(select(func.count()).select_from(Batch).where(Batch.serial.startswith(f"B{day}-"))) or 0
    serial = today + 1
    while session.scalar(select(Batch.id).where(Batch.serial == f"B{day}-{serial:02d}")) is not None:
        serial += 1
    end = session.execute(
        select(Batch.first_card_id, Batch.quantity).order_by(Batch.first_card_id.desc()).limit(1)
    ).one_or_none()
    return {
        "serial": f"B{day}-{serial:02d}",
        "first_card_id": end.first_card_id + end.quantity if end else 1,
        "created_at": at,
    }


def finish(session: Session, batch: Batch) -> None:
    """All cards are stored: the batch is ready, and its way to the endpoint is queued."""
    session.execute(update(Batch).where(Batch.id == batch.id).values(state="ready"))
    tell_created(session, batch, session.get_one(Product, batch.product_id))
    tell_cards(session, batch)


def tell_created(session: Session, batch: Batch, product: Product) -> None:
    """Queue the first step of a batch's way to the endpoint: its facts."""
    money = product.kind in ("fixed", "variable")
    face: dict[str, Any] = {"kind": "uses"}
    if money:
        face = {"kind": "money", "amount_minor": batch.face_minor, "currency": product.currency}
    body = {
        "batch_id": str(UUID(bytes=batch.uid)),
        "name": product.name,
        "face": face,
        "kind": product.kind,
        "max_uses": None if money else batch.uses,
        "partial": is_partial(session, batch, product),
        "valid_from": _wire(batch.valid_from),
        "valid_until": _wire(batch.valid_until),
        "count": batch.quantity,
    }
    enqueue(session, "batch.create@1", aggregate=f"batch:{batch.id}", body=body)


def is_partial(session: Session, batch: Batch, product: Product) -> bool:
    """Whether its cards are used in parts: as an endpoint was told when the batch was made, whatever has become of the
    product since."""
    told = OutboxOp.aggregate == f"batch:{batch.id}", OutboxOp.type == "batch.create@1"
    first = select(OutboxOp.body["partial"].as_boolean()).where(*told).order_by(OutboxOp.id).limit(1)
    said = session.scalar(first)
    return product.partial if said is None else said


def tell_cards(session: Session, batch: Batch) -> None:
    """Queue the upload of a batch's cards; the codes of a supplier stay here."""
    if batch.source == "generated":
        _tell(session, batch, "batch.seal@1", lane="upload")


def _wire(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant else None


def _tell(session: Session, batch: Batch, type_: str, *, lane: str = "ops") -> None:
    enqueue(session, type_, aggregate=f"batch:{batch.id}", body={"batch_id": str(UUID(bytes=batch.uid))}, lane=lane)


def _refuse_unusable(session: Session, batch: Batch) -> None:
    refuse_removed(session, "batch", batch.id, batch.serial)
    if batch.state == "generating":
        raise BatchUnfinished(batch.serial)
    if batch.state == "voided":
        raise BatchVoided(batch.serial)


def _face(product: Product, spec: BatchSpec) -> int | None:
    if product.kind != "variable" or spec.face_minor is None:
        return product.face_minor
    lowest, highest, step = product.min_minor or 0, product.max_minor or 0, product.step_minor or 1
    if not lowest <= spec.face_minor <= highest or (spec.face_minor - lowest) % step:
        raise InvalidInput("face_minor", "out-of-range")
    return spec.face_minor


def _validity(product: Product, spec: BatchSpec) -> dict[str, datetime | None]:
    """The end day is inclusive: its last second, in the merchant's zone."""
    until = spec.valid_until or product.valid_until
    if until is None and product.valid_days:
        until = end_of_day(now() + timedelta(days=product.valid_days))
    if until is not None and until <= now():
        raise InvalidInput("valid_until", "in-the-past")
    return {"valid_from": spec.valid_from, "valid_until": until}


__all__ = ["BatchFilter", "BatchName", "BatchRow", "BatchService", "BatchSpec", "Counts", "Odds", "untouched_state"]
