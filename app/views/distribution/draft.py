"""A distribution while it is being thought about: everything chosen so far, frozen; nothing of it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.services.catalog import ProductRow
from app.services.channels.letters import Template
from app.services.distribution import DistributionSpec, Gift, Rule
from app.services.people.roster import Checked, Place, Roster
from app.services.secret import Secret

USUAL_PACE_MIN = 10
Decisions = tuple[Mapping[Place, str], frozenset[Place], Mapping[int, str]]
"""Edits, undone repairs, choices on duplicates."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What people get, all of them or those of some departments. No product is nothing."""

    product: ProductRow | None = None
    amount_minor: int | None = None
    departments: tuple[str, ...] = ()

    @property
    def lacks_amount(self) -> bool:
        return self.product is not None and self.product.kind == "variable" and self.amount_minor is None

    @property
    def gift(self) -> Gift | None:
        return None if self.product is None else Gift(self.product.id, self.amount_minor)


@dataclass(frozen=True, slots=True)
class Draft:
    """`roster` is a staged list; people chosen from the address book have `book` (what was chosen) instead."""

    source: Path | str | None = None
    roster: Roster | None = None
    book: str = ""
    edits: Mapping[Place, str] = field(default_factory=dict)
    undone: frozenset[Place] = frozenset()
    choices: Mapping[int, str] = field(default_factory=dict)
    history: tuple[Decisions, ...] = ()
    """What was decided on the list before each decision, to be taken back."""
    checked: Checked | None = None
    person_ids: tuple[int, ...] = ()
    """Who is on the list, in its order; known once a checked list was stored."""
    rest: Choice = Choice()
    """What everybody gets; `by_rules`, everybody whom none of `rules` names."""
    by_rules: bool = False
    rules: tuple[Choice, ...] = ()
    budget_minor: int | None = None
    accepted_minor: int | None = None
    """A total over the budget that was accepted all the same."""
    name: str = ""
    note: str = ""
    allow_again: bool = False
    channel: str = "file"
    out_folder: Path | None = None
    zip_password: Secret | None = field(default=None, repr=False)
    gate: str = "phone_tail"
    template: Template | None = None
    pace: int | None = None
    """Mails in each part of a run that goes out in parts."""
    pace_minutes: int = USUAL_PACE_MIN
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
    def choices_made(self) -> tuple[Choice, ...]:
        """The rules that count, then the rest."""
        return (*(self.rules if self.by_rules else ()), self.rest)

    def choice_for(self, department: str) -> Choice:
        """What somebody of this department gets."""
        return next((one for one in self.choices_made if department in one.departments), self.rest)

    @property
    def limit_minor(self) -> int | None:
        """The budget, or the total over it that was accepted."""
        return None if self.budget_minor is None else max(self.budget_minor, self.accepted_minor or 0)

    @property
    def spec(self) -> DistributionSpec:
        by_mail = self.channel == "email"
        rest = self.rest.gift
        return DistributionSpec(
            rest.product_id if rest else None,
            self.person_ids,
            self.channel,
            self.name,
            note=self.note,
            out_folder=None if by_mail else self.out_folder,
            allow_again=self.allow_again,
            amount_minor=rest.amount_minor if rest else None,
            rules=tuple(Rule(one.departments, one.gift) for one in self.choices_made[:-1]),
            budget_minor=self.limit_minor,
            roster_hash=self.roster.sha256 if self.roster else None,
            gate=self.gate,
            pace=self.pace if by_mail else None,
            pace_minutes=self.pace_minutes,
            scheduled_at=self.scheduled_at,
            template=self.template if by_mail else None,
            protected=self.channel == "file" and self.zip_password is not None,
        )


@dataclass(slots=True)
class Shelf:
    """Where a draft lies while its page is made anew: after a lock, or for another language.

    `at` is the step it was seen at, `reached` the last one that was seen. What is being sent lies here no more.
    """

    draft: Draft = field(default_factory=Draft)
    at: int = 0
    reached: int = 0
