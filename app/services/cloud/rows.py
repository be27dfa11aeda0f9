"""What the cloud services give: frozen rows."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PAIR_AGAIN = frozenset({"device-revoked", "bad-signature"})
"""Refusals of the device itself, not of what it asked."""


@dataclass(frozen=True, slots=True)
class CloudStatus:
    """How the vault stands with its endpoint. `mode` is embedded, cloud, or none before the first pairing."""

    mode: str
    url: str
    device_id: str
    merchant_id: str
    slug: str
    running: bool
    """Whether the embedded endpoint's process is there; True for a cloud endpoint."""
    pending: int
    rejected: int
    last_sync_at: datetime | None
    last_problem: str
    """Code of the error that stopped the last sync, or empty; one of PAIR_AGAIN where only a new pairing helps."""
    differences: tuple[str, ...] = ()
    """Batches whose sums differ between here and there."""
    conflicts: int = 0
    """Uses that a counter confirmed and the ledger does not have, and nobody has settled."""
    recovery: "Recovering | None" = None
    """The endpoint was put back from a backup and waits for desktops; as of the last sync."""
    role: str = ""
    """What this device may do there, as it was told last."""
    twin_since: datetime | None = None
    """When another life of this vault was first heard of: it was copied, or restored while the first one goes on."""


@dataclass(frozen=True, slots=True)
class Recovering:
    """`done` of so many `devices` have given back what they hold; `entries` of the ledger came back."""

    since: datetime
    devices: int
    done: int
    entries: int


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    pushed: int
    pulled: int
    rejected: int
    head: int
    pending: int
    differences: tuple[str, ...] = ()
    returned: int = 0
    """Batches that came back from the endpoint into a vault that was restored."""


@dataclass(frozen=True, slots=True)
class EntryDifference:
    """An entry of the ledger that stands in one place and not in the other, or in both and not the same."""

    op_id: str
    serial: str
    """The card's."""
    kind: str
    here_minor: int | None
    there_minor: int | None
    here_uses: int | None
    there_uses: int | None


def closed_there(type_: str, problem: str) -> bool:
    """Whether an op was a thaw that the endpoint refused because another one decides about the batch."""
    return (type_, problem) == ("batch.thaw@1", "batch-closed")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One op of the outbox. `problem` is a key of the protocol's problems."""

    id: int
    op_id: str
    type: str
    subject: str
    state: str
    created_at: datetime
    attempts: int
    problem: str = ""
    held_back: bool = False
    details: dict[str, Any] = field(default_factory=dict)
