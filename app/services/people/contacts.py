"""Mending how one person is reached: the same checks as an imported list, one field at a time."""

from sqlalchemy.orm import Session

from app.errors import InvalidInput
from app.models.base import now
from app.models.people import Person
from app.services.people.faults import CHECKS

REASONS = {"email": "not-an-address", "phone": "not-a-phone", "employee_no": "not-a-staff-number"}
"""Fields that can be mended, each with why a value is refused."""
TAIL = 4


def put_contact(session: Session, person: Person, field: str, text: str) -> str:
    """Store a mended value; it comes back as it was understood. Raises InvalidInput."""
    if field not in REASONS:
        raise InvalidInput(field, "unknown-kind")
    cell = CHECKS[field](text)
    if not cell.value:
        raise InvalidInput(field, "required")
    if cell.fault:
        raise InvalidInput(field, REASONS[field])
    setattr(person, field, cell.value)
    if field == "phone":
        person.phone_tail = cell.value[-TAIL:]
    person.changed_at = now()
    session.flush()
    return cell.value
