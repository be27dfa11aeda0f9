"""Any cards of the list as a masked file: what the list shows, never a code and never a holder's whole name."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from app.services.cards.codes import CodeReader
from app.services.cards.reading import card_rows
from app.services.cards.rows import CardRow
from app.services.exports.rows import DOTS
from app.services.people.masking import mask_name
from app.services.progress import Progress
from app.vocabulary import CARD_STATES, word
from app.words import last_second, moment, plain_amount, tr

LIST_FORMATS = ("csv", "xlsx")
PAGE = 2_048
"""Cards read at once: two blocks of codes."""
MONEY = frozenset({6, 7})
END, CHANGED = lru_cache(1_024)(last_second), lru_cache(1_024)(moment)
"""Cards of a batch share their instants: put in words once."""
WIDTHS = (22, 12, 24, 18, 10, 12, 14, 14, 10, 20, 18)


@dataclass(frozen=True, slots=True)
class CardListOrder:
    """`asked` says in words what narrowed the list, for the sheet of notes and the audit log; no personal data."""

    ids: "Sequence[int] | array[int]"
    format: str
    out: Path
    asked: str = ""


def list_header() -> list[str]:
    return [
        tr("Serial"),
        tr("Code"),
        tr("Product"),
        tr("Batch"),
        tr("State"),
        tr("Holder"),
        tr("Face (yuan)"),
        tr("Balance (yuan)"),
        tr("Uses left"),
        tr("Valid until"),
        tr("Changed"),
    ]


class ListedCards:
    """The lines of a list in its order, page by page out of one snapshot; `count` is how many there were."""

    def __init__(self, session: Session, order: CardListOrder, reader: CodeReader, progress: Progress) -> None:
        self._session, self._order, self._reader, self._progress = session, order, reader, progress
        self.count = 0

    def cells(self) -> Iterator[list[object]]:
        ids = self._order.ids
        for start in range(0, len(ids), PAGE):
            rows = card_rows(self._session, ids[start : start + PAGE], self._reader)
            self._session.expunge_all()
            for row in rows:
                yield _cells(row)
            self.count += len(rows)
            self._progress(min(start + PAGE, len(ids)), len(ids))

    def lines(self) -> Iterator[list[object]]:
        """The same for a CSV: amounts as the header's unit says."""
        for cells in self.cells():
            yield [
                plain_amount(cell) if at in MONEY and isinstance(cell, int) else cell for at, cell in enumerate(cells)
            ]


def _cells(card: CardRow) -> list[object]:
    stopped = card.frozen and card.state not in ("spent", "voided")
    expired = card.expired and card.state in ("in_stock", "assigned", "active")
    state = "frozen" if stopped else "expired" if expired else card.state
    return [
        card.serial,
        DOTS + card.tail,
        card.product,
        card.batch,
        word(CARD_STATES, state),
        mask_name(card.holder) if card.holder else "",
        card.face_minor,
        card.balance_minor,
        card.uses_left,
        END(card.valid_until) if card.valid_until else "",
        CHANGED(card.changed_at),
    ]
