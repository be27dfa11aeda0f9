"""What the lease services give: frozen rows."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """Cards that one computer decides about alone."""

    id: str
    batch_id: int
    serial: str
    """The batch's."""
    product: str
    cards: int
    first_no: int
    """Number of its first card in the batch, from 1."""
    device_name: str
    mine: bool
    """Whether this computer may redeem under it, as long as it is open and has not run out."""
    earlier: bool
    """It was taken by this computer before its vault was put back from a backup."""
    until: datetime
    state: str
    taken_at: datetime
    ended_at: datetime | None
    uses: int
    """Redeemed under it, as far as this vault has heard."""
    minor: int
    unsent: int
    """Of these, what this computer decided and the endpoint does not know."""
    over: bool
    """It ran out and was not given back."""


@dataclass(frozen=True, slots=True)
class Leasable:
    """A batch of which cards can be leased, and its longest run of cards that nobody has leased."""

    batch_id: int
    serial: str
    product: str
    quantity: int
    free_no: int
    """Number of the first card of the run, from 1."""
    free: int


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a freeze of some batches reaches now."""

    leased: int = 0
    """Batches of which another computer has cards on a lease: it minds the freeze when it hears of it."""
    waiting: bool = False
    """There is no line: the endpoint hears of it later."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the counter can do without a line. `cards` counts those that can still be redeemed under a lease."""

    cards: int
    until: datetime | None
    uses: int
    """Decided here and not uploaded yet."""
    minor: int
    most_uses: int
    most_minor: int
    over: int = 0
    """Leases of this computer that ran out and were not given back: their cards are redeemed nowhere."""
    offline: bool = False
    """The last sync did not reach the endpoint."""
    pin: bool = False
    """A manager's PIN goes beyond the limit."""

    @property
    def is_spent(self) -> bool:
        """Whether the limit of what may wait is used up."""
        return self.uses >= self.most_uses or self.minor >= self.most_minor


@dataclass(frozen=True, slots=True)
class Decided:
    """A use or its reversal that this computer decided by itself; the sign of the amounts tells which."""

    op_id: str
    amount_minor: int
    uses: int
    remaining_minor: int | None
    remaining_uses: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """One entry of the ledger of a card in conflict."""

    at: datetime
    kind: str
    amount_minor: int
    uses: int
    entry: str
    place: str


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """What a counter gave out and the card could not pay; `others` is what had used it up."""

    id: str
    card_id: int
    serial: str
    product: str
    holder: str
    amount_minor: int
    uses: int
    reason: str
    place: str
    device_name: str
    decided_at: datetime
    found_at: datetime
    way: str | None
    note: str
    settled_at: datetime | None
    others: tuple[Story, ...] = ()
