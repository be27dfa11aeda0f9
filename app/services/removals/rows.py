"""What the recycle bin takes and gives: frozen rows."""

from dataclasses import dataclass
from datetime import datetime

KINDS = ("product", "batch", "person")


@dataclass(frozen=True, slots=True)
class RemovalRow:
    """One thing in the bin; from `gone_at` on it cannot be restored."""

    id: int
    kind: str
    record_id: int
    name: str
    removed_at: datetime
    gone_at: datetime


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each kind were let go for good."""

    products: int = 0
    batches: int = 0
    people: int = 0
