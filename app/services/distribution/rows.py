"""What the distribution service takes and gives: frozen rows."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.services.channels.letters import Template

IN_HAND = ("prepared", "released", "sending")
ON_THE_WAY = ("sent", "delivered", "claimed")


@dataclass(frozen=True, slots=True)
class DistributionSpec:
    """A distribution as wished. `person_ids` stand in the order of the list; a person named twice gets a second card
    only with `allow_again`."""

    product_id: int
    person_ids: tuple[int, ...]
    channel: str
    name: str
    note: str = ""
    out_folder: Path | None = None
    """Where file and print put what they write."""
    allow_again: bool = False
    amount_minor: int | None = None
    """Of a variable-value product: every card must have this face."""
    roster_hash: str | None = None
    gate: str = "phone_tail"
    """What a link also asks for: phone_tail, employee_no or none."""
    pace_per_10min: int | None = None
    scheduled_at: datetime | None = None
    template: Template | None = None
    """Words of the mail; the house's own when left out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a spec would do. Nothing was taken; another window may be quicker."""

    people: int
    """Who would get a card."""
    total_minor: int
    stock: int
    missing: int
    """Cards to be generated first."""
    skipped: tuple[int, ...]
    """Ids of people who have this benefit already, stand in the list twice or have left."""
    unreachable: tuple[int, ...]
    """Ids of people who lack what the channel needs."""
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    cost_minor: int
    minutes: int
    """How long it takes at the wished pace; 0 is at once."""


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """A distribution with its counts: prepared + sent + failed + uncertain + skipped + recalled = people."""

    id: int
    name: str
    product_id: int
    product: str
    channel: str
    state: str
    note: str
    people: int
    total_minor: int
    """Σ face of the cards that are prepared, sent or with a delivery that failed underway."""
    prepared: int
    sent: int
    failed: int
    uncertain: int
    skipped: int
    recalled: int
    opened: int
    claimed: int
    redeemed: int
    retryable: int
    out_folder: str | None
    roster_hash: str | None
    created_at: datetime
    scheduled_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries a list shows. Empty fields do not narrow it."""

    states: tuple[str, ...] = ()
    department: str = ""
    text: str = ""
    """Part of a name, of its pinyin, or of an employee number."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One card for one person. `reason` is a key of vocabulary.DELIVERY_REASONS."""

    id: int
    distribution_id: int
    no: int
    person_id: int
    name: str
    department: str
    phone_masked: str
    email_masked: str
    card_id: int | None
    serial: str
    card_tail: str
    """Last six signs of the serial."""
    amount_minor: int | None
    state: str
    reason: str | None
    retryable: bool
    attempts: int
    sent_at: datetime | None
    opened_at: datetime | None
    claimed_at: datetime | None
    recalled_at: datetime | None
    redeemed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run did. `files` are what file and print wrote."""

    sent: int
    failed: int
    uncertain: int
    left: int
    files: tuple[str, ...] = field(default=())
