"""The cards of a batch as lines of a file: block by block, masked or plain.

A block of untouched cards becomes bytes by joining columns of symbols (numpy); only blocks whose cards differ, or
whose codes need quoting, go row by row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.batch import Batch, Card
from app.models.catalog import Product
from app.services.batches import untouched_state
from app.services.cards import PROFILES
from app.services.cards.codes import OpenBlock
from app.services.cards.reading import TAIL
from app.services.sealing import BLOCK
from app.services.writers.tables import FORMULA_SIGNS, csv_lines
from app.vocabulary import CARD_STATES, word
from app.words import last_second, plain_amount, tr
from sync.codes import GROUP, format_code

STATES = ("in_stock", "assigned", "active", "spent", "voided", "frozen")
DOTS = "····"
WIDEST_NUMBER = 999_999
"""The last number that has the six digits of a serial."""
FACE = 2
"""The column that holds money."""
_SIGNS = np.array([ord(sign) for sign in ("'", *FORMULA_SIGNS) if ord(sign) < 128], np.uint8)


@dataclass(frozen=True, slots=True)
class ExportCard:
    """One line: everything but the face is text as it is shown. `fields` are those of a supplier code."""

    serial: str
    code: str
    face_minor: int | None
    uses: int
    valid: str
    state: str
    product: str
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def cells(self) -> list[object]:
        return [self.serial, self.code, self.face_minor, self.uses, self.valid, self.state, self.product]


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A batch as it stood when the export began. Arrays have one entry per card of the batch, in order."""

    batch: Batch
    product: str
    plain: bool
    states: NDArray[np.uint8]
    """Index into STATES."""
    kept: NDArray[np.bool_]
    _blanks: dict[tuple[int, int], NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return int(self.kept.sum())

    @property
    def left_out(self) -> int:
        return len(self.kept) - self.rows

    def csv(self, block: OpenBlock) -> bytes:
        """The lines of a block, without a header."""
        kept, states = self._of(block)
        if not kept.any():
            return b""
        state = int(states[kept.argmax()])
        codes = self._symbols(block)
        if codes is None or block.first + block.count > WIDEST_NUMBER or (states[kept] != state).any():
            return csv_lines([_csv_cells(card) for card in self.cards(block)])
        lines = self._blank(state, codes.shape[1])[: block.count]
        at = len(self.batch.serial) + 1
        lines[:, at : at + 6] = _digits(np.arange(block.first + 1, block.first + block.count + 1, dtype=np.int32))
        lines[:, at + 7 : at + 7 + codes.shape[1]] = codes
        return lines.tobytes() if kept.all() else lines[kept].tobytes()

    def txt(self, block: OpenBlock) -> bytes:
        """One code a line."""
        codes = self._symbols(block)
        if codes is None:
            return "".join(f"{card.code}\r\n" for card in self.cards(block)).encode()
        ends = np.broadcast_to(np.frombuffer(b"\r\n", np.uint8), (block.count, 2))
        return np.concatenate([codes, ends], axis=1)[self._of(block)[0]].tobytes()

    def cards(self, block: OpenBlock) -> Iterator[ExportCard]:
        """The cards of a block that belong in the file."""
        kept, states = self._of(block)
        valid, uses = _shown_end(self.batch), self.batch.uses
        for at in np.flatnonzero(kept).tolist():
            supplied = () if block.length or not self.plain else tuple((n, v) for n, v in block.fields(at))
            yield ExportCard(
                serial=f"{self.batch.serial}-{block.first + at + 1:06d}",
                code=self._code(block, at),
                face_minor=self.batch.face_minor,
                uses=uses,
                valid=valid,
                state=word(CARD_STATES, STATES[states[at]]),
                product=self.product,
                fields=supplied,
            )

    def _of(self, block: OpenBlock) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        here = slice(block.first, block.first + block.count)
        return self.kept[here], self.states[here]

    def _code(self, block: OpenBlock, at: int) -> str:
        code = block.code(at)
        if not self.plain:
            return DOTS + code[-TAIL:]
        return format_code(code) if block.length and self.batch.format.upper() in PROFILES else code

    def _symbols(self, block: OpenBlock) -> NDArray[np.uint8] | None:
        """The code column of a block, each line as wide as the others; None where a code needs quoting."""
        if not block.length or b'"' in block.plain or b"," in block.plain:
            return None
        codes = np.frombuffer(block.plain, np.uint8).reshape(-1, block.length)
        if not self.plain:
            dots = np.frombuffer(DOTS.encode(), np.uint8)
            return np.concatenate([np.broadcast_to(dots, (len(codes), len(dots))), codes[:, -TAIL:]], axis=1)
        if np.isin(codes[:, 0], _SIGNS).any():
            return None
        if self.batch.format.upper() not in PROFILES:
            return codes
        groups = range(0, block.length, GROUP)
        shown = np.full((len(codes), block.length + len(groups) - 1), ord("-"), np.uint8)
        for group, start in enumerate(groups):
            part = codes[:, start : start + GROUP]
            shown[:, start + group : start + group + part.shape[1]] = part
        return shown

    def _blank(self, state: int, width: int) -> NDArray[np.uint8]:
        """The lines of a full block with everything but numbers and codes; made once for each state and code width."""
        blank = self._blanks.get((state, width))
        if blank is None:
            cells = [
                plain_amount(self.batch.face_minor),
                self.batch.uses,
                _shown_end(self.batch),
                word(CARD_STATES, STATES[state]),
                self.product,
            ]
            line = f"{self.batch.serial}-000000,".encode() + bytes(width) + b"," + csv_lines([cells])
            blank = self._blanks[state, width] = np.tile(np.frombuffer(line, np.uint8), (BLOCK, 1))
        return blank


def header() -> list[str]:
    return [
        tr("Serial"),
        tr("Code"),
        tr("Face (yuan)"),
        tr("Uses"),
        tr("Valid until"),
        tr("State"),
        tr("Product"),
    ]


def table_of(session: Session, batch: Batch, *, plain: bool) -> ExportTable:
    """The batch as it stands now. Plain files hold nothing that is somebody's, spent or voided."""
    state = "active" if plain and batch.state != "voided" else untouched_state(batch)
    states = np.full(batch.quantity, STATES.index("frozen" if batch.frozen_at else state), np.uint8)
    kept = np.ones(batch.quantity, np.bool_)
    lives = select(Card.id, Card.state, Card.person_id, Card.frozen_at).where(Card.batch_id == batch.id)
    for card_id, own, person_id, frozen_at in session.execute(lives.execution_options(yield_per=10_000)):
        at = card_id - batch.first_card_id
        shown = "active" if plain and own == "in_stock" else own
        stopped = (frozen_at or batch.frozen_at) and own not in ("spent", "voided")
        states[at] = STATES.index("frozen" if stopped else shown)
        kept[at] = not plain or (person_id is None and own in ("in_stock", "active"))
    product = session.get_one(Product, batch.product_id)
    return ExportTable(batch, product.name, plain, states, kept)


def _csv_cells(card: ExportCard) -> list[object]:
    cells = card.cells
    cells[FACE] = plain_amount(card.face_minor)
    return cells


def _shown_end(batch: Batch) -> str:
    return last_second(batch.valid_until) if batch.valid_until else ""


def _digits(numbers: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Six ASCII digits each."""
    powers = 10 ** np.arange(5, -1, -1, dtype=np.int32)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)
