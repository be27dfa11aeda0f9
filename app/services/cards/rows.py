"""What the card services take and give: frozen rows."""

from dataclasses import dataclass
from datetime import datetime

ENDING_DAYS = 30
"""A card that ends within so many days is about to."""


@dataclass(frozen=True, slots=True)
class CardFilter:
    """Which cards a list shows. Empty fields do not narrow it."""

    batch_id: int | None = None
    product_id: int | None = None
    states: tuple[str, ...] = ()
    frozen: bool | None = None
    person_id: int | None = None
    issued_from: datetime | None = None
    issued_to: datetime | None = None
    validity: str | None = None
    """valid (now), ending (within ENDING_DAYS), expired or endless: of the batch, whose cards all end together."""
    ends_from: datetime | None = None
    ends_to: datetime | None = None
    """The first moment behind the last day."""


@dataclass(frozen=True, slots=True)
class CardNames:
    """What the batch, the product and the holder of a filter are called; empty for those it does not ask for."""

    batch: str = ""
    product: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card as listed. `tail` is the last four symbols of the code; the code itself is never in a row."""

    id: int
    serial: str
    tail: str
    product: str
    kind: str
    batch_id: int
    batch: str
    state: str
    frozen: bool
    expired: bool
    face_minor: int | None
    balance_minor: int | None
    uses_left: int
    holder: str
    holder_id: int | None
    valid_until: datetime | None
    changed_at: datetime
    unheard: bool = False
    """It or its batch was frozen or voided here, and the endpoint does not know that yet or refused it."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to a card. `what` is a key of vocabulary.HAPPENED; `id` is set for redemptions."""

    at: datetime
    what: str
    amount_minor: int | None = None
    uses: int | None = None
    detail: str = ""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class CardDetail:
    """One card with its whole life, oldest entry first."""

    row: CardRow
    timeline: tuple[TimelineEntry, ...]
