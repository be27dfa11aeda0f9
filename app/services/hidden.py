"""What lies in the recycle bin is left out of lists: one question for all who list or use something."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.errors import InBin
from app.models.removal import Removal


def removed(kind: str) -> Select[Any]:
    """Ids of the products, batches or people in the bin, or hidden for good: `Person.id.not_in(removed("person"))`."""
    return select(Removal.record_id).where(Removal.kind == kind)


def is_removed(session: Session, kind: str, record_id: int) -> bool:
    return session.scalar(removed(kind).where(Removal.record_id == record_id)) is not None


def refuse_removed(session: Session, kind: str, record_id: int, name: str) -> None:
    """Raises InBin for what must be restored before it is used."""
    if is_removed(session, kind, record_id):
        raise InBin(kind, name)
