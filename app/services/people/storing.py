"""Bringing a checked list into the vault: who is known already, who is new, what changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from app.errors import DeliveriesOpen
from app.models.distribution import Delivery
from app.models.people import Person
from app.models.removal import Removal
from app.services.audit import AuditLog
from app.services.hidden import removed
from app.services.people.pinyin import readings
from app.services.people.roster import Checked, CheckedRow, Left
from app.services.progress import Progress

CHUNK = 5_000
TAIL = 4
MOST_VARIABLES = 500
"""Ids per query; SQLite takes a limited number of variables."""
OPEN = ("prepared", "released", "sending", "uncertain")
"""States of a delivery that still needs to know where to go."""
Readings = Mapping[str, tuple[str, str]]


class Kept(NamedTuple):
    """A person in the vault, as far as matching needs."""

    id: int
    name: str
    employee_no: str | None
    phone: str | None
    email: str | None
    department: str


@dataclass(slots=True)
class Changes:
    """What one import will write. `ids` is the person of each line."""

    created: list[dict[str, Any]] = field(default_factory=list)
    updated: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0
    ids: dict[int, int] = field(default_factory=dict)
    restored: list[int] = field(default_factory=list)
    """People on the list who lay in the recycle bin."""


class Register:
    """Everybody in the vault by what they are recognised by. One person answers to one row of a list only."""

    def __init__(self, people: Iterable[Kept]) -> None:
        self._by_no: dict[str, list[Kept]] = {}
        self._by_contact: dict[tuple[str, str], list[Kept]] = {}
        self._taken: set[int] = set()
        for person in people:
            if person.employee_no:
                self._by_no.setdefault(person.employee_no, []).append(person)
            for contact in (person.phone, (person.email or "").lower()):
                if contact:
                    self._by_contact.setdefault((contact, person.name), []).append(person)

    def take(self, values: Mapping[str, str]) -> Kept | None:
        """By employee number, else by phone and name, else by e-mail and name."""
        found = self._of_number(values) or self._of_contact(values)
        if found:
            self._taken.add(found.id)
        return found

    def _of_number(self, values: Mapping[str, str]) -> Kept | None:
        free = [p for p in self._by_no.get(values.get("employee_no", ""), []) if p.id not in self._taken]
        named = [person for person in free if person.name == values["name"]]
        return next((person for person in [*named, *free] if not _is_another(person, values)), None)

    def _of_contact(self, values: Mapping[str, str]) -> Kept | None:
        for contact in (values.get("phone", ""), values.get("email", "").lower()):
            for person in self._by_contact.get((contact, values["name"]), []):
                if person.id not in self._taken:
                    return person
        return None


def _is_another(person: Kept, values: Mapping[str, str]) -> bool:
    """A number given again to somebody else: another name, and no phone or e-mail in common though both have some."""
    if person.name == values["name"]:
        return False
    before = {person.phone, (person.email or "").lower()} - {None, ""}
    after = {values.get("phone", ""), values.get("email", "").lower()} - {""}
    return bool(before and after) and not before & after


def everybody(session: Session) -> list[Kept]:
    """All people whose data was not deleted."""
    columns = (Person.id, Person.name, Person.employee_no, Person.phone, Person.email, Person.department)
    return [Kept(*row) for row in session.execute(select(*columns).where(Person.name != "").order_by(Person.id))]


def who_left(session: Session) -> Left:
    """How to recognise those who have left."""
    return _known_by(session, Person.left_at.is_not(None))


def who_removed(session: Session) -> Left:
    """How to recognise those in the recycle bin."""
    return _known_by(session, Person.id.in_(removed("person")))


def _known_by(session: Session, which: ColumnElement[bool]) -> Left:
    wanted = select(Person.name, Person.employee_no, Person.phone, Person.email).where(which)
    people = session.execute(wanted.where(Person.name != "")).all()
    named = {(contact, p.name) for p in people for contact in (p.phone, (p.email or "").lower()) if contact}
    return Left(frozenset(p.employee_no for p in people if p.employee_no), frozenset(named))


def storable(checked: Checked, lines: Iterable[int] | None) -> list[CheckedRow]:
    """Rows that become people: the good ones, or those of them that were asked for."""
    wanted = None if lines is None else set(lines)
    return [row for row in checked.rows if row.storable and (wanted is None or row.line in wanted)]


def read_names(rows: Sequence[CheckedRow], known: set[str]) -> dict[str, tuple[str, str]]:
    """Readings of names that are new: slow, so it is done before anything is locked."""
    return {name: readings(name) for name in {row.values["name"] for row in rows} - known}


def changes_of(session: Session, rows: Sequence[CheckedRow], names: Readings, at: datetime) -> Changes:
    """Compare with the vault as it is now."""
    register = Register(everybody(session))
    next_id = (session.scalar(select(func.max(Person.id))) or 0) + 1
    changes = Changes()
    in_bin = set(session.scalars(removed("person")))
    for row in rows:
        before = register.take(row.values)
        if before is None:
            person_id = next_id + len(changes.created)
            person = _merged(Kept(person_id, "", None, None, None, ""), row.values)
            changes.created.append(_columns(person, names) | {"created_at": at, "changed_at": at})
        elif (after := _merged(before, row.values)) == before:
            person_id = before.id
            changes.unchanged += 1
        else:
            person_id = before.id
            changes.updated.append(_columns(after, names) | {"changed_at": at})
        changes.ids[row.line] = person_id
        if person_id in in_bin:
            changes.restored.append(person_id)
    return changes


def brought_back(session: Session, changes: Changes) -> list[int]:
    """Whoever stands on a list again is no double: out of the recycle bin, and back."""
    for part in in_parts(changes.restored):
        session.execute(delete(Removal).where(Removal.kind == "person", Removal.record_id.in_(part)))
    return changes.restored


def nobody(at: datetime) -> dict[str, Any]:
    """What is left of a person whose data was erased: a number that the ledger and the deliveries know."""
    gone = {"name": "", "pinyin_key": "", "search": "", "department": "", "changed_at": at}
    return gone | dict.fromkeys(("employee_no", "phone", "phone_tail", "email"))


def erase(session: Session, ids: list[int], at: datetime) -> None:
    """Delete these people's data for good."""
    for part in in_parts(ids):
        session.execute(update(Person).where(Person.id.in_(part)).values(nobody(at)))


def record_people(session: Session, audit: AuditLog, action: str, ids: list[int]) -> None:
    """One entry for all of them: who they were by number alone."""
    if ids:
        audit.record(session, action, subject=f"person:{ids[0]}" if len(ids) == 1 else "", people=sorted(ids))


def refuse_underway(session: Session, ids: list[int]) -> None:
    """Raises DeliveriesOpen."""
    people = underway(session, ids)
    if people:
        raise DeliveriesOpen(len(people))


def underway(session: Session, ids: list[int]) -> set[int]:
    """Which of these people have cards on the way to them."""
    people: set[int] = set()
    going = Delivery.state.in_(OPEN) | Delivery.change_to.is_not(None)  # the latter as soon as its old link is dead
    for part in in_parts(ids):
        people.update(session.scalars(select(Delivery.person_id).where(Delivery.person_id.in_(part), going)))
    return people


def in_parts(ids: list[int]) -> list[list[int]]:
    """As many ids as one query may name."""
    return [ids[start : start + MOST_VARIABLES] for start in range(0, len(ids), MOST_VARIABLES)]


def _merged(before: Kept, values: Mapping[str, str]) -> Kept:
    """The person as the list has them. What the list leaves empty stays as it was."""
    return Kept(
        before.id,
        values["name"],
        values.get("employee_no") or before.employee_no,
        values.get("phone") or before.phone,
        values.get("email") or before.email,
        values.get("department") or before.department,
    )


def _columns(person: Kept, names: Readings) -> dict[str, Any]:
    key, search = names.get(person.name) or readings(person.name)
    tail = person.phone[-TAIL:] if person.phone else None
    return {**person._asdict(), "pinyin_key": key, "search": search, "phone_tail": tail}


def write(session: Session, changes: Changes, progress: Progress) -> None:
    done, total = 0, len(changes.created) + len(changes.updated)
    for statement, rows in ((insert(Person), changes.created), (update(Person), changes.updated)):
        for start in range(0, len(rows), CHUNK):
            session.execute(statement, rows[start : start + CHUNK])
            done += len(rows[start : start + CHUNK])
            progress(done, total)
