"""Opens every sealed block and looks every code up in the blind index."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import BatchUnreadable
from app.models.batch import Batch, CodeBlock, card_key
from app.services.cards.codes import CodeReader, OpenBlock
from app.services.integrity.rows import FEW, Finding
from app.services.progress import Progress
from app.services.sealing import BLIND, BLOCK, BlindIndex


class DeepCheck:
    """`looked_at` counts blocks and codes as it goes."""

    def __init__(self, reader: CodeReader, blind: BlindIndex, progress: Progress) -> None:
        self._reader = reader
        self._blind = blind
        self._progress = progress
        self.blocks = 0
        self.codes = 0

    def findings(self, session: Session) -> Iterator[Finding]:
        total = session.scalar(select(func.count()).select_from(CodeBlock)) or 0
        batches = list(session.scalars(select(Batch).order_by(Batch.id)))
        yield from _key_counts(session, batches)
        for batch in batches:
            for no in session.scalars(
                select(CodeBlock.no).where(CodeBlock.batch_id == batch.id).order_by(CodeBlock.no)
            ).all():
                self._progress(self.blocks, total)
                yield from self._block(session, batch, no)
                self.blocks += 1
        self._progress(total, total)

    def _block(self, session: Session, batch: Batch, no: int) -> Iterator[Finding]:
        first = batch.first_card_id + no * BLOCK
        try:
            block = self._reader.codes_of(session, [first], {batch.first_card_id: batch})[first]
        except (BatchUnreadable, KeyError):
            yield Finding("block", batch.serial, str(no))
            return
        self.codes += block.count
        if batch.code_length:
            yield from self._indexed(session, batch, block)

    def _indexed(self, session: Session, batch: Batch, block: OpenBlock) -> Iterator[Finding]:
        """Every code of a block leads to its own card."""
        if len(block.plain) != block.count * block.length:
            yield Finding("batch-count", batch.serial, f"{len(block.plain)} / {block.count * block.length}")
            return
        entries = self._blind.many(block.plain, block.length)
        keys = [entries[at : at + BLIND] for at in range(0, len(entries), BLIND)]
        wanted = select(card_key.c.blind, card_key.c.card_id).where(card_key.c.blind.in_(keys))
        found = {row.blind: row.card_id for row in session.execute(wanted)}
        first = batch.first_card_id + block.first
        missing = [first + at for at, key in enumerate(keys) if key not in found]
        astray = [first + at for at, key in enumerate(keys) if found.get(key, first + at) != first + at]
        yield from _told("code-unindexed", batch, missing)
        yield from _told("code-elsewhere", batch, astray)


def _told(code: str, batch: Batch, card_ids: Sequence[int]) -> Iterator[Finding]:
    """One finding a block, with the numbers of the first few cards."""
    if card_ids:
        numbers = ", ".join(f"{card_id - batch.first_card_id + 1:06d}" for card_id in card_ids[:FEW])
        yield Finding(code, batch.serial, f"{len(card_ids)}: {numbers}")


def _key_counts(session: Session, batches: Sequence[Batch]) -> Iterator[Finding]:
    """One key a generated card, at least one a supplier card, none without a card."""
    last = max((batch.first_card_id + batch.quantity for batch in batches), default=1)
    keys: NDArray[np.int64] = np.fromiter(session.scalars(select(card_key.c.card_id)), np.int64)
    inside = keys[(keys >= 0) & (keys < last)]
    each = np.bincount(inside, minlength=last)
    strays = len(keys) - len(inside)
    for batch in batches:
        mine = each[batch.first_card_id : batch.first_card_id + batch.made]
        strays += int(each[batch.first_card_id + batch.made : batch.first_card_id + batch.quantity].sum())
        wrong = int((mine != 1).sum()) if batch.code_length else int((mine < 1).sum())
        if wrong:
            yield Finding("index-count", batch.serial, f"{batch.serial}: {len(mine) - wrong} ≠ {len(mine)}")
    strays += int(each[0])
    if strays:
        yield Finding("index-count", "", f"+{strays}")
