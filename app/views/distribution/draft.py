"""A distribution while it is being thought about: everything chosen so far, frozen; nothing of it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.services.catalog import ProductRow
from app.services.channels.letters import Template
from app.services.distribution import DistributionSpec
from app.services.people.roster import Checked, Place, Roster
from app.services.secret import Secret


@dataclass(frozen=True, slots=True)
class Draft:
    """`roster` is a staged list; people chosen from the address book have `book` (what was chosen) instead."""

    source: Path | str | None = None
    roster: Roster | None = None
    book: str = ""
    edits: Mapping[Place, str] = field(default_factory=dict)
    undone: frozenset[Place] = frozenset()
    choices: Mapping[int, str] = field(default_factory=dict)
    checked: Checked | None = None
    person_ids: tuple[int, ...] = ()
    """Who is on the list, in its order; known once a checked list was stored."""
    product: ProductRow | None = None
    amount_minor: int | None = None
    name: str = ""
    note: str = ""
    allow_again: bool = False
    channel: str = "file"
    out_folder: Path | None = None
    zip_password: Secret | None = field(default=None, repr=False)
    gate: str = "phone_tail"
    template: Template | None = None
    pace: int | None = None
    scheduled_at: datetime | None = None

    @property
    def begun(self) -> bool:
        """Whether there is a list at all."""
        return self.roster is not None or bool(self.book)

    @property
    def title(self) -> str:
        """What the list is called: its file, or the part of the address book."""
        return self.book or (self.roster.source if self.roster else "")

    @property
    def spec(self) -> DistributionSpec:
        assert self.product is not None, "asked for after a product was chosen"
        by_mail = self.channel == "email"
        return DistributionSpec(
            self.product.id,
            self.person_ids,
            self.channel,
            self.name,
            note=self.note,
            out_folder=None if by_mail else self.out_folder,
            allow_again=self.allow_again,
            amount_minor=self.amount_minor,
            roster_hash=self.roster.sha256 if self.roster else None,
            gate=self.gate,
            pace_per_10min=self.pace if by_mail else None,
            scheduled_at=self.scheduled_at,
            template=self.template if by_mail else None,
        )
