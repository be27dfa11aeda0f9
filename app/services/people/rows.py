"""What the people service takes and gives: frozen rows, masked unless asked for plainly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PersonFilter:
    """Which people a list shows. Empty fields do not narrow it; `left` tells those who left from those who did not."""

    text: str = ""
    """Part of a name, of its pinyin or initials, a phone tail of four digits or more, an employee number."""
    department: str | None = None
    left: bool | None = None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as listed. `name` is empty once their data was deleted."""

    id: int
    name: str
    employee_no: str
    department: str
    phone_masked: str
    email_masked: str
    left_at: datetime | None

    @property
    def forgotten(self) -> bool:
        return not self.name


@dataclass(frozen=True, slots=True)
class Contact:
    """Plain values, for those who send or print; never for a list."""

    id: int
    name: str
    employee_no: str | None
    department: str
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing a checked list did. `person_ids` names the person of every stored or merged line."""

    created: int
    updated: int
    unchanged: int
    person_ids: Mapping[int, int]
    restored: int = 0
    """Of them, those who lay in the recycle bin and are back."""

    @property
    def is_nothing_new(self) -> bool:
        return not self.created and not self.updated and not self.restored
