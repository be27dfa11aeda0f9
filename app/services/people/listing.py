"""Finding people: all in SQL, sorted as a Chinese address book is."""

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.models.people import Person
from app.services.hidden import removed
from app.services.people.masking import mask_email, mask_phone
from app.services.people.rows import PersonFilter, PersonRow
from app.services.people.storing import MOST_VARIABLES, TAIL

ORDER = (Person.pinyin_key, Person.id)
SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "name": Person.pinyin_key,
    "employee_no": Person.employee_no,
    "department": Person.department,
    "left_at": Person.left_at,
}
SHORT = 2
"""Letters up to which a text is a beginning (`zx`), not any part (`xian`)."""


def narrowed(wanted: PersonFilter, *, sort: str = "name", descending: bool = False) -> Select[Any]:
    """Ids of those who match, in the order of the list, equals by pinyin. Deleted people never match."""
    column = SORTS[sort]
    rest = ORDER[1:] if column is Person.pinyin_key else ORDER
    query = select(Person.id).where(Person.name != "", Person.id.not_in(removed("person")))
    query = query.order_by(column.desc() if descending else column, *rest)
    if wanted.text.strip():
        query = query.where(_matching(wanted.text))
    if wanted.department is not None:
        query = query.where(Person.department == wanted.department)
    if wanted.left is not None:
        query = query.where(Person.left_at.is_not(None) if wanted.left else Person.left_at.is_(None))
    return query


def _matching(typed: str) -> ColumnElement[bool]:
    text = "".join(unicodedata.normalize("NFKC", typed).lower().split()).replace("ü", "v")
    ways = [Person.employee_no == typed.strip(), func.lower(Person.employee_no).startswith(text, autoescape=True)]
    if "@" in text:
        ways.append(func.lower(Person.email).startswith(text, autoescape=True))
    elif text.isdecimal() and len(text) >= TAIL:
        ways.append(Person.phone_tail == text if len(text) == TAIL else Person.phone.endswith(text, autoescape=True))
    elif text.isascii() and len(text) <= SHORT:
        ways.append((" " + Person.search).contains(" " + text, autoescape=True))
    else:
        ways.append(Person.search.contains(text, autoescape=True))
    return or_(*ways)


def rows_of(session: Session, ids: list[int]) -> list[PersonRow]:
    """Rows in the order of the ids."""
    found: dict[int, PersonRow] = {}
    for start in range(0, len(ids), MOST_VARIABLES):
        part = select(Person).where(Person.id.in_(ids[start : start + MOST_VARIABLES]))
        found |= {person.id: _row(person) for person in session.scalars(part)}
    return [found[person_id] for person_id in ids if person_id in found]


def _row(person: Person) -> PersonRow:
    return PersonRow(
        person.id,
        person.name,
        person.employee_no or "",
        person.department,
        mask_phone(person.phone),
        mask_email(person.email),
        person.left_at,
    )
