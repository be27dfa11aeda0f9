"""What the slips' service gives: frozen rows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a customer gets in the hand for one use, or for its undoing; `text` is what is signed."""

    redemption_id: str
    number: str
    kind: str
    """redeemed or reversed; amounts and uses of a reversal are negative."""
    merchant: str
    counter: str
    """What the device is called; empty where the endpoint has not told it."""
    device_id: str
    place: str
    product: str
    serial: str
    """Empty, like the product, for a card of which this vault has no batch."""
    amount_minor: int
    uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    at: datetime
    leased: bool
    """Decided by this counter alone, under a lease."""
    waits: bool
    """The endpoint has not confirmed it."""
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a genuine slip says."""

    redemption_id: str
    number: str
    kind: str
    serial: str
    amount_minor: int
    uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    at: datetime
    place: str
    leased: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger of this vault has to say of the same entry."""

    state: str
    """booked, waits (decided here, not uploaded), undone, differs, conflict (uploaded, and the card could not pay any
    more) or missing."""
    amount_minor: int | None = None
    uses: int | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SlipVerdict:
    """Whether a slip is genuine. `reason` is None or why not: damaged, other-merchant, device-unknown (nobody can say:
    this vault has not heard of the device) or changed. `said` and `booked` are there for a genuine one only."""

    reason: str | None
    device_id: str = ""
    counter: str = ""
    device_state: str = ""
    """active or revoked; empty where nobody told."""
    own: bool = False
    """Made by this very computer."""
    said: Said | None = None
    booked: Booked | None = None

    @property
    def genuine(self) -> bool:
        return self.reason is None


def receipt_number(redemption_id: str) -> str:
    """The last twelve signs of the entry's id, in groups of four, as people read them out."""
    tail = redemption_id.replace("-", "")[-12:].upper()
    return " ".join(tail[at : at + 4] for at in range(0, len(tail), 4))
