"""Storing supplier codes: sealed before the transaction, inserted in one, so that all of a file is there or nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InvalidInput
from app.models.base import now
from app.models.batch import Batch, card_key
from app.models.catalog import Product
from app.services.batches import finish, new_batch
from app.services.cards.codes import pack_fields
from app.services.progress import Progress
from app.services.sealing import BLOCK, BlindIndex, Sealer
from app.services.supplier_imports.rows import SupplierCode
from app.words import end_of_day
from sync.protocol import new_op_id

ASKED = 500
"""Blind index entries looked up by one statement."""
FOUND_BY = ("card_no", "code", "link")
"""Fields that find a card when typed alone. Passwords and PINs do not: short ones belong to many cards."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A good row with the blind index entry it is known by."""

    code: SupplierCode
    blind: bytes


@dataclass(frozen=True, slots=True)
class SealedGroup:
    """A batch to be: sealed blocks as (no, count, sealed), and for each card its index entries, its own first."""

    uid: bytes
    data_key: bytes = field(repr=False)
    valid_until: datetime | None
    face_minor: int | None
    count: int
    blocks: list[tuple[int, int, bytes]] = field(repr=False)
    entries: list[tuple[bytes, ...]] = field(repr=False)


def candidate_of(code: SupplierCode, blind: BlindIndex) -> Candidate:
    """Rows are the same when their code fields are, whatever the columns were called."""
    return Candidate(code, blind.supplier([("", value) for value in code.values]))


def known(session: Session, blinds: Sequence[bytes]) -> set[bytes]:
    """Which of the entries the vault holds already."""
    found: set[bytes] = set()
    for start in range(0, len(blinds), ASKED):
        wanted = select(card_key.c.blind).where(card_key.c.blind.in_(blinds[start : start + ASKED]))
        found |= set(session.scalars(wanted))
    return found


def grouped(
    candidates: Iterable[Candidate], product: Product
) -> dict[tuple[datetime | None, int | None], list[Candidate]]:
    """Rows of one validity and face value, in the file's order. What the file does not say, the product does."""
    groups: dict[tuple[datetime | None, int | None], list[Candidate]] = {}
    default = product.valid_until or (
        end_of_day(now() + timedelta(days=product.valid_days)) if product.valid_days else None
    )
    for candidate in candidates:
        terms = candidate.code.terms
        until = terms.valid_until if terms.dated else default
        face = product.face_minor if terms.face_minor is None else terms.face_minor
        groups.setdefault((until, face), []).append(candidate)
    if any(until is not None and until <= now() for until, _ in groups):
        raise InvalidInput("valid_until", "in-the-past")
    return groups


@dataclass(frozen=True, slots=True)
class Packer:
    """Seals groups. `names` are the shown names of the code fields `fields`, which every card of a file shares."""

    sealer: Sealer
    blind: BlindIndex
    fields: tuple[str, ...]
    names: tuple[str, ...]

    def sealed(
        self, terms: tuple[datetime | None, int | None], cards: Sequence[Candidate], progress: Progress
    ) -> SealedGroup:
        uid = UUID(new_op_id()).bytes
        seal, wrapped = self.sealer.new(uid)
        blocks, entries = [], []
        for no, start in enumerate(range(0, len(cards), BLOCK)):
            block = cards[start : start + BLOCK]
            plain = pack_fields([[list(pair) for pair in zip(self.names, c.code.values, strict=True)] for c in block])
            blocks.append((no, len(block), seal.seal(no, len(block), plain)))
            entries += [(card.blind, *self._others(card.code.values)) for card in block]
            progress(start + len(block), len(cards))
        return SealedGroup(uid, wrapped, *terms, len(cards), blocks, entries)

    def _others(self, values: tuple[str, ...]) -> Iterator[bytes]:
        """What else finds a card of several fields: one of them typed alone, or all with spaces between."""
        if len(values) > 1:
            yield self.blind.supplier([("", " ".join(values))])
            for name, value in zip(self.fields, values, strict=True):
                if name in FOUND_BY:
                    yield self.blind.supplier([("", value)])


def store(session: Session, product: Product, group: SealedGroup, progress: Progress) -> Batch:
    """Insert one sealed group as a finished batch."""
    values = new_batch(session, product, group.count) | {
        "uid": group.uid,
        "data_key": group.data_key,
        "source": "imported",
        "format": "SUPPLIER",
        "code_length": 0,
        "made": group.count,
        "face_minor": group.face_minor,
        "uses": product.uses,
        "valid_until": group.valid_until,
    }
    batch = Batch(**values)
    session.add(batch)
    session.flush()
    keys = sorted((entry, batch.first_card_id + at) for at, entries in enumerate(group.entries) for entry in entries)
    driver = session.connection()
    for start in range(0, len(keys), 20 * BLOCK):
        driver.exec_driver_sql(
            "INSERT OR IGNORE INTO card_key (blind, card_id) VALUES (?, ?)", keys[start : start + 20 * BLOCK]
        )
        progress(min(start + 20 * BLOCK, len(keys)), len(keys))
    driver.exec_driver_sql(
        "INSERT INTO code_block (batch_id, no, count, sealed) VALUES (?, ?, ?, ?)",
        [(batch.id, *block) for block in group.blocks],
    )
    finish(session, batch)
    return batch
