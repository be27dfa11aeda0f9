"""People who can receive cards: stage a list, check it, store it; find them, let them go, forget them."""

from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.base import now
from app.models.database import Database
from app.models.people import Person
from app.services.audit import AuditLog
from app.services.hidden import removed
from app.services.people import listing, storing
from app.services.people.problems import write_problems
from app.services.people.roster import Checked, Place, Roster, check
from app.services.people.rows import Contact, PersonFilter, PersonRow, Stored
from app.services.people.staging import staged, with_mapping
from app.services.people.storing import in_parts, refuse_underway
from app.services.progress import Progress, unwatched
from app.services.settings import store, stored
from app.services.unfinished import Unfinished
from app.topics import Topic

MAPPINGS = "people.mappings"
EVERYONE = PersonFilter()
Marked = dict[int, datetime | None]
"""Whom an act changed, and when each of them had left before it."""


class PeopleService:
    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    def stage(
        self,
        source: Path | str,
        *,
        sheet: str | int | None = None,
        encoding: str | None = None,
        header_row: int | None = None,
        mapping: Mapping[str, int] | None = None,
    ) -> Roster:
        """Read a file (Path) or pasted cells (str); nothing is stored but the mapping, when one is given.

        `header_row` counts from 0, NO_HEADER (-1) is a list without one; `mapping` is field → column from 0 and
        replaces the guess. Raises FileUnreadable, InvalidInput.
        """
        with self._database.read() as session:
            kept = stored(session, MAPPINGS)
        roster = staged(source, sheet=sheet, encoding=encoding, header_row=header_row, mapping=mapping, kept=kept)
        if mapping is not None and with_mapping(kept, roster) is not None:
            with self._database.write(Topic.SETTINGS) as session:
                _remember(session, roster)
        return roster

    def check(
        self,
        roster: Roster,
        edits: Mapping[Place, str] | None = None,
        *,
        undone: Set[Place] = frozenset(),
        choices: Mapping[int, str] | None = None,
    ) -> Checked:
        """`roster.check` that also warns of those who have left, and of those in the recycle bin."""
        with self._database.read() as session:
            left, in_bin = storing.who_left(session), storing.who_removed(session)
        return check(roster, edits, undone=undone, choices=choices, left=left, in_bin=in_bin)

    def store(self, checked: Checked, *, lines: Iterable[int] | None = None, progress: Progress = unwatched) -> Stored:
        """Bring the good rows in, or those of them that stand on `lines`, in one transaction.

        Somebody known is brought up to date; cells the list leaves empty change nothing. The list a second time
        changes nothing (`Stored.is_nothing_new`). A merged line answers to the person of the line it was merged into.
        """
        rows = storing.storable(checked, lines)
        with self._database.read() as session:
            known = {person.name for person in storing.everybody(session)}
        names = storing.read_names(rows, known)
        with self._database.write(Topic.PEOPLE, Topic.AUDIT) as session:
            changes = storing.changes_of(session, rows, names, now())
            storing.write(session, changes, progress)
            storing.record_people(session, self._audit, "person.recovered", storing.brought_back(session, changes))
            _remember(session, checked.roster)
            self._audit.record(
                session,
                "people.imported",
                file=checked.roster.sha256,
                read=checked.counts.read,
                created=len(changes.created),
                updated=len(changes.updated),
                unchanged=changes.unchanged,
            )
        merged = {row.line: changes.ids.get(row.merged_into) for row in checked.rows if row.merged_into is not None}
        ids = changes.ids | {line: person_id for line, person_id in merged.items() if person_id is not None}
        return Stored(
            len(changes.created),
            len(changes.updated),
            changes.unchanged,
            dict(sorted(ids.items())),
            restored=len(changes.restored),
        )

    def problem_rows(self, checked: Checked, path: Path) -> int:
        """Write the faulty rows with their reasons (XLSX or CSV by the ending); how many. The file imports again."""
        with Unfinished(self._database).noted(path):
            return write_problems(checked, path)

    def ids(self, wanted: PersonFilter = EVERYONE, *, sort: str = "name", descending: bool = False) -> list[int]:
        """Ids of those who match, sorted by pinyin or another column of `listing.SORTS`."""
        with self._database.read() as session:
            return list(session.scalars(listing.narrowed(wanted, sort=sort, descending=descending)))

    def rows_of(self, ids: list[int]) -> list[PersonRow]:
        with self._database.read() as session:
            return listing.rows_of(session, ids)

    def person(self, person_id: int) -> PersonRow:
        with self._database.read() as session:
            rows = listing.rows_of(session, [person_id])
        if not rows:
            raise NotFound("person", str(person_id))
        return rows[0]

    def find(self, text: str, limit: int = 20) -> list[PersonRow]:
        """By name, pinyin (`zengxiao`), initials (`zx`), phone tail or employee number; nothing for an empty text."""
        if not text.strip():
            return []
        with self._database.read() as session:
            ids = list(session.scalars(listing.narrowed(PersonFilter(text)).limit(limit)))
            return listing.rows_of(session, ids)

    def departments(self) -> list[str]:
        """Every department that somebody belongs to."""
        wanted = select(Person.department).where(Person.department != "", Person.id.not_in(removed("person")))
        wanted = wanted.distinct().order_by(Person.department)
        with self._database.read() as session:
            return list(session.scalars(wanted))

    def contact(self, person_id: int) -> Contact:
        """Plain values, for sending and printing. Raises NotFound, also for somebody whose data was deleted."""
        with self._database.read() as session:
            person = session.get(Person, person_id)
            if person is None or not person.name:
                raise NotFound("person", str(person_id))
            return Contact(person.id, person.name, person.employee_no, person.department, person.phone, person.email)

    def leave(self, ids: Iterable[int]) -> Marked:
        """They left the company; those who had not before."""
        at = now()
        with self._database.write(Topic.PEOPLE, Topic.AUDIT) as session:
            return self._mark(session, ids, "person.left", is_left=False, values={"left_at": at, "changed_at": at})

    def rejoin(self, ids: Iterable[int]) -> Marked:
        """They are back; those who had left, and when."""
        with self._database.write(Topic.PEOPLE, Topic.AUDIT) as session:
            values = {"left_at": None, "changed_at": now()}
            return self._mark(session, ids, "person.rejoined", is_left=True, values=values)

    def put_back(self, before: Marked) -> None:
        """As `leave` or `rejoin` found them, with the day on which they had left; who changed since then stays."""
        times: dict[datetime | None, list[int]] = {}
        for person_id, left_at in before.items():
            times.setdefault(left_at, []).append(person_id)
        with self._database.write(Topic.PEOPLE, Topic.AUDIT) as session:
            for left_at, ids in times.items():
                action = "person.rejoined" if left_at is None else "person.left"
                values = {"left_at": left_at, "changed_at": now()}
                self._mark(session, ids, action, is_left=left_at is None, values=values)

    def forget(self, ids: Iterable[int]) -> int:
        """Delete name, number, phone and e-mail for good; what they received stays, without a name. How many.

        Raises DeliveriesOpen while cards are underway to one of them.
        """
        wanted = sorted(set(ids))
        with self._database.write(Topic.PEOPLE, Topic.AUDIT) as session:
            refuse_underway(session, wanted)
            return len(self._mark(session, wanted, "person.forgotten", is_left=None, values=storing.nobody(now())))

    def _mark(
        self, session: Session, ids: Iterable[int], action: str, *, is_left: bool | None, values: Mapping[str, object]
    ) -> Marked:
        """Put values on those who are (not) marked as left, and record who they were by id alone."""
        marked: Marked = {}
        for part in in_parts(sorted(set(ids))):
            wanted = select(Person.id, Person.left_at).where(Person.id.in_(part), Person.name != "")
            if is_left is not None:
                wanted = wanted.where(Person.left_at.is_not(None) if is_left else Person.left_at.is_(None))
            marked |= {row.id: row.left_at for row in session.execute(wanted)}
        for part in in_parts(list(marked)):
            session.execute(update(Person).where(Person.id.in_(part)).values(values))
        storing.record_people(session, self._audit, action, list(marked))
        return marked


def _remember(session: Session, roster: Roster) -> None:
    """The mapping of these headings, so that next month's list needs no choice."""
    kept = with_mapping(stored(session, MAPPINGS), roster)
    if kept is not None:
        store(session, MAPPINGS, kept)


__all__ = ["Contact", "Marked", "PeopleService", "PersonFilter", "PersonRow", "Stored", "in_parts", "refuse_underway"]
