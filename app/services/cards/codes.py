"""Opening sealed codes: one, a page of tails, or a whole batch block by block."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.models.batch import Batch, CodeBlock
from app.models.database import Database
from app.services.sealing import BLOCK, BatchSeal, Sealer

TAIL = 4
"""Symbols of a code that are shown where the code is not."""
SupplierFields = list[list[str]]
"""[[column name, value], …] of one supplier code."""
BLOCKS = select(CodeBlock).where(
    CodeBlock.batch_id == bindparam("batch"), CodeBlock.no.in_(bindparam("numbers", expanding=True))
)


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """The codes of one block. Generated: `count` × `length` ASCII symbols in `plain`. Supplier: `fields`."""

    first: int
    """Position in the batch of the block's first card."""
    count: int
    length: int
    plain: bytes

    def code(self, at: int) -> str:
        """The code as it is typed in: for a supplier code its fields, joined by spaces."""
        if self.length:
            return self.plain[at * self.length : (at + 1) * self.length].decode()
        return " ".join(value for _, value in self.fields(at))

    def tail(self, at: int) -> str:
        """What is shown of a code nobody has released: four symbols, but of a supplier's short one at most a third.

        A supplier's code shows the end of its first part, the number: a PIN or password behind it may be no longer.
        """
        if self.length:
            return self.code(at)[-TAIL:]
        value = self.fields(at)[0][1]
        return value[len(value) - min(TAIL, len(value) // 3) :]

    def fields(self, at: int) -> SupplierFields:
        """Supplier fields of a card; a generated code is one field without a name."""
        if self.length:
            return [["", self.code(at)]]
        fields: SupplierFields = json.loads(self.plain)[at]
        return fields

    def codes(self) -> Iterator[str]:
        if self.length:
            text = self.plain.decode()
            yield from (text[at : at + self.length] for at in range(0, len(text), self.length))
        else:
            yield from (" ".join(value for _, value in fields) for fields in json.loads(self.plain))


def pack_fields(cards: Sequence[SupplierFields]) -> bytes:
    """The plain text of a supplier block."""
    return json.dumps(cards, ensure_ascii=False, separators=(",", ":")).encode()


class CodeReader:
    """Opens codes of the vault. Who may ask for them is decided, and recorded, by the services above."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def blocks(self, batch: Batch) -> Iterator[OpenBlock]:
        """All blocks in order. Each is read and opened when its turn comes: memory stays flat."""
        seal = self._sealer.opened(batch.uid, batch.data_key)
        wanted = select(CodeBlock).where(CodeBlock.batch_id == batch.id).order_by(CodeBlock.no)
        with self._database.read() as session:
            for block in session.scalars(wanted.execution_options(yield_per=64)):
                yield _opened(block, batch, seal)

    def codes_of(self, session: Session, card_ids: Sequence[int], batches: dict[int, Batch]) -> dict[int, OpenBlock]:
        """Card id → its open block, for cards of the given batches (first card id → batch)."""
        wanted: dict[int, dict[int, list[int]]] = {}
        ends = {first: first + batch.quantity for first, batch in batches.items()}
        firsts = sorted(ends)
        for card_id in card_ids:
            at = bisect_right(firsts, card_id) - 1
            if at >= 0 and card_id < ends[firsts[at]]:
                wanted.setdefault(firsts[at], {}).setdefault((card_id - firsts[at]) // BLOCK, []).append(card_id)
        found: dict[int, OpenBlock] = {}
        for first, cards in wanted.items():
            batch = batches[first]
            seal = self._sealer.opened(batch.uid, batch.data_key)
            for block in session.scalars(BLOCKS, {"batch": batch.id, "numbers": list(cards)}):
                opened = _opened(block, batch, seal)
                found |= dict.fromkeys(cards[block.no], opened)
        return found


def batches_of(session: Session, card_ids: Sequence[int]) -> dict[int, Batch]:
    """First card id → batch, for all batches that hold one of the cards."""
    if not card_ids:
        return {}
    wanted = select(Batch).where(
        Batch.first_card_id <= max(card_ids), Batch.first_card_id + Batch.quantity > min(card_ids)
    )
    return {batch.first_card_id: batch for batch in session.scalars(wanted)}


def batch_of(card_id: int, batches: dict[int, Batch]) -> Batch | None:
    for first, batch in batches.items():
        if first <= card_id < first + batch.quantity:
            return batch
    return None


def serial_of(batch: Batch, card_id: int) -> str:
    return f"{batch.serial}-{card_id - batch.first_card_id + 1:06d}"


def _opened(block: CodeBlock, batch: Batch, seal: BatchSeal) -> OpenBlock:
    plain = seal.open(block.no, block.count, block.sealed)
    return OpenBlock(block.no * BLOCK, block.count, batch.code_length, plain)
