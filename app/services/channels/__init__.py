"""Ways to reach a person. A channel knows nothing of the vault: it gets what it shall carry and tells how that went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from app.services.progress import Progress, unwatched
from app.services.secret import Secret

CHANNELS = ("file", "print", "email")
ON_PAPER = ("file", "print")
"""Channels that put plain codes into the world, all in one go."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One card for one person, with its plain code: what a file or a printer gets."""

    no: int
    name: str
    department: str
    phone_masked: str
    product: str
    amount_minor: int | None
    serial: str
    code: str
    """As it is typed in; several fields of a supplier code are joined by spaces."""
    fields: tuple[tuple[str, str], ...]
    """[(name, value), …] of a supplier code; empty for our own."""
    valid_until: datetime | None
    uses: int | None = None
    """How often an exchange voucher can be used; None for cards that hold money or only a code."""


@dataclass(frozen=True, slots=True)
class RunHead:
    """What all envelopes of a distribution share."""

    title: str
    merchant: str
    note: str
    folder: Path
    stem: str
    """Name of the files, without an ending."""
    zip_password: Secret | None = None


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """How one message went. `state` is sent, failed or uncertain; `reason` is a key of vocabulary.DELIVERY_REASONS."""

    state: str
    reason: str | None = None
    retryable: bool = False
    said: str = ""
    """What the other side said, in its own words."""


SENT = SendOutcome("sent")


class PaperChannel(Protocol):
    def targets(self, head: RunHead) -> tuple[Path, ...]:
        """The files that `write` makes."""

    def write(self, head: RunHead, envelopes: Sequence[Envelope], progress: Progress = unwatched) -> tuple[Path, ...]:
        """Write the whole run; the files, which appear complete or not at all. Raises NotWritable, DiskFull."""
