"""What the batch services take and give: frozen rows."""

from dataclasses import dataclass
from datetime import datetime

LARGEST = 1_000_000
"""Cards a batch may hold."""


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """An order for codes. `format` is SHORT, STANDARD, LONG or a pattern like `KX-####-####`.

    `face_minor` chooses the amount of a variable-value product; validity defaults to the product's.
    """

    product_id: int
    quantity: int
    format: str = "STANDARD"
    face_minor: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """Which batches a list shows. Empty fields do not narrow it; `states` are those of BatchRow, and `expired`."""

    product_id: int | None = None
    states: tuple[str, ...] = ()
    made_from: datetime | None = None
    made_to: datetime | None = None
    """The first moment behind the last day."""


@dataclass(frozen=True, slots=True)
class BatchName:
    """A batch as it is offered to choose from."""

    id: int
    serial: str
    product: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Cards of a batch by state; `frozen` cards are counted in their state, too."""

    in_stock: int
    assigned: int
    active: int
    spent: int
    voided: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch as listed. `state` is generating, ready, published, frozen or voided; `expired` follows from time."""

    id: int
    serial: str
    product_id: int
    product: str
    kind: str
    source: str
    format: str
    quantity: int
    made: int
    state: str
    face_minor: int | None
    uses: int
    valid_from: datetime | None
    valid_until: datetime | None
    frozen_at: datetime | None
    released_at: datetime | None
    sealed_at: datetime | None
    created_at: datetime
    expired: bool
    counts: Counts
    unheard: bool = False
    """It was frozen or voided here, and the endpoint, which has it, does not know that yet or refused it."""


@dataclass(frozen=True, slots=True)
class Odds:
    """How hard a code is to guess: `bits` of entropy, and the yearly chance of one hit at `per_second` tries."""

    bits: float
    live_cards: int
    per_second: int
    chance_per_year: float
    allowed: bool
    """False below 40 bits: such a code needs a second factor, which is not offered."""
