"""Making a batch: draw all codes, index them, seal them in blocks, store them chunk by chunk.

The whole batch is sorted by its blind index before anything is stored: the index then grows at one place per chunk
instead of everywhere, and a card's position tells nothing about its code. Each chunk is one transaction, so a crash
leaves a batch that says how far it came.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app.models.batch import Batch, Card, CodeBlock, card_key
from app.models.database import Database
from app.models.lease import Conflict, Lease
from app.services.audit import AuditLog
from app.services.progress import Progress
from app.services.sealing import BLIND, BLOCK, BatchSeal, BlindIndex
from app.topics import Topic
from sync import points
from sync.codes import CodeFormat

CHUNK = 20 * BLOCK

STORE_KEYS = text(
    "INSERT INTO card_key (blind, card_id) "
    "SELECT substr(:blinds, n * 16 + 1, 16), :first + n FROM number WHERE n < :count ORDER BY n"
)
CLASHES = text(
    "SELECT n FROM number JOIN card_key ON card_key.blind = substr(:blinds, n * 16 + 1, 16) WHERE n < :count"
)


@dataclass(frozen=True, slots=True)
class Unstored:
    """Codes drawn but not stored: (count, length) symbols and (count, 16) blind index entries, sorted by the latter."""

    codes: NDArray[np.uint8]
    blinds: NDArray[np.uint8]


def draw_unique(code_format: CodeFormat, count: int, blind: BlindIndex, *, progress: Progress) -> Unstored:
    """`count` different codes in the order of their blind index. Progress runs over the codes indexed."""
    codes = code_format.draw(count)
    blinds = _indexed(codes, blind, progress)
    while True:
        order = _order(blinds)
        codes, blinds = codes[order], blinds[order]
        doubles = np.flatnonzero((blinds[1:] == blinds[:-1]).all(axis=1)) + 1
        if not len(doubles):
            return Unstored(codes, blinds)
        codes[doubles] = code_format.draw(len(doubles))
        blinds[doubles] = _indexed(codes[doubles], blind, None)


def store_chunk(
    database: Database, batch: Batch, unstored: Unstored, *, seal: BatchSeal, redraw: "Redraw", start: int
) -> int:
    """Store one chunk in one transaction; how many cards the batch holds afterwards.

    `start` is the place in `unstored`; the batch's own `made` says where in the batch it goes.
    """
    codes = unstored.codes[start : start + CHUNK]
    blinds = unstored.blinds[start : start + CHUNK]
    count, length = len(codes), codes.shape[1]
    with database.write(Topic.BATCHES) as session:
        made = int(session.scalars(select(Batch.made).where(Batch.id == batch.id)).one())
        _replace_clashes(session, codes, blinds, redraw)
        session.execute(STORE_KEYS, {"blinds": blinds.tobytes(), "first": batch.first_card_id + made, "count": count})
        plain = codes.tobytes()
        session.connection().exec_driver_sql(
            "INSERT INTO code_block (batch_id, no, count, sealed) VALUES (?, ?, ?, ?)",
            [
                (batch.id, no, cards, seal.seal(no, cards, plain[at * length : (at + cards) * length]))
                for no, at, cards in _blocks(made, count)
            ],
        )
        session.execute(update(Batch).where(Batch.id == batch.id).values(made=made + count))
        points.passed("desk.generate.chunk")
    points.passed("desk.generate.chunk.stored")
    return made + count


@dataclass(frozen=True, slots=True)
class Redraw:
    """How to draw other codes where one clashes with a code the vault holds already."""

    code_format: CodeFormat
    blind: BlindIndex


def _replace_clashes(session: Session, codes: NDArray[np.uint8], blinds: NDArray[np.uint8], redraw: Redraw) -> None:
    """In a small code space, a drawn code may exist in another batch: draw again until none does."""
    if redraw.code_format.bits >= 80:
        return  # the unique index refuses what will not happen
    while True:
        clashing = [int(n) for n in session.scalars(CLASHES, {"blinds": blinds.tobytes(), "count": len(blinds)})]
        own = {bytes(entry) for entry in blinds}
        clashing += [] if len(own) == len(blinds) else _repeated(blinds)
        if not clashing:
            return
        fresh = redraw.code_format.draw(len(clashing))
        codes[clashing] = fresh
        blinds[clashing] = _indexed(fresh, redraw.blind, None)


def _repeated(blinds: NDArray[np.uint8]) -> list[int]:
    seen: set[bytes] = set()
    again = []
    for n, entry in enumerate(blinds):
        key = bytes(entry)
        if key in seen:
            again.append(n)
        seen.add(key)
    return again


def _indexed(codes: NDArray[np.uint8], blind: BlindIndex, progress: Progress | None) -> NDArray[np.uint8]:
    """Blind index entries, chunk by chunk, so that a cancel is heard within a tenth of a second."""
    count, length = len(codes), codes.shape[1]
    blinds = np.empty((count, BLIND), np.uint8)
    for start in range(0, count, CHUNK):
        chunk = memoryview(codes[start : start + CHUNK].tobytes())
        made = np.frombuffer(blind.many(chunk, length), np.uint8).reshape(-1, BLIND)
        blinds[start : start + len(made)] = made
        if progress:
            progress(start + len(made), count)
    return blinds


def _order(blinds: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Order by the first half of an entry, then by the second: equal entries end up side by side."""
    halves = blinds.view(">u8")
    return np.lexsort((halves[:, 1], halves[:, 0]))


def _blocks(made: int, count: int) -> list[tuple[int, int, int]]:
    """(block number, place in the chunk, cards) of a chunk that begins at card `made`, a block's first."""
    return [(made // BLOCK + at // BLOCK, at, min(BLOCK, count - at)) for at in range(0, count, BLOCK)]


def drop_half_made(session: Session, audit: AuditLog) -> None:
    """In a copy of a vault: its original may have gone on with them, and two would make different cards of one batch.
    What the original sealed comes back whole from the endpoint."""
    for batch in session.scalars(select(Batch).where(Batch.state == "generating")).all():
        audit.record(session, "batch.discarded", subject=batch.serial, cards=batch.made)
        drop(session, batch)


def drop(session: Session, batch: Batch) -> None:
    """A batch that was never finished, with everything of it, and what was heard of one that was finished elsewhere."""
    first, last = batch.first_card_id, batch.first_card_id + batch.made
    session.execute(delete(card_key).where(card_key.c.card_id >= first, card_key.c.card_id < last))
    for of_batch in (CodeBlock, Card, Lease, Conflict):
        session.execute(delete(of_batch).where(of_batch.batch_id == batch.id))
    session.delete(batch)
    session.flush()
