"""The recycle bin: take products, batches and people out of the lists, restore them whole for 30 days, then let go.

The ledger, the cards and the deliveries stay as they are whatever is removed: only lists and new work leave it out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete, insert, select, update
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.base import now
from app.models.batch import Batch
from app.models.catalog import Product
from app.models.database import Database
from app.models.people import Person
from app.models.removal import Removal
from app.services.audit import AuditLog
from app.services.batches import found, stop_batch, void_batch
from app.services.hidden import removed
from app.services.people import in_parts, refuse_underway
from app.services.people.storing import erase, record_people, underway
from app.services.removals.refusals import refuse_live_batch, refuse_used_product
from app.services.removals.rows import KINDS, Purged, RemovalRow
from app.topics import Topic

KEPT_DAYS = 30
TOPICS = {
    "product": (Topic.CATALOG,),
    "batch": (Topic.BATCHES, Topic.CARDS, Topic.CATALOG, Topic.OUTBOX),
    "person": (Topic.PEOPLE,),
}
NAME = case(
    (Removal.kind == "product", Product.name),
    (Removal.kind == "batch", Batch.serial),
    else_=Person.name,
)
SORTS: dict[str, ColumnElement[Any]] = {
    "name": NAME,
    "kind": Removal.kind.expression,
    "removed_at": Removal.removed_at.expression,
}


class RemovalService:
    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database, self._audit = database, audit

    def remove(self, kind: str, ids: Sequence[int]) -> list[int]:
        """Into the bin, all of them or none; those that were not there before. A batch in stock is frozen by it.

        Raises NotFound, BatchUnfinished, BatchInUse (cards are out), ProductInUse (batches), DeliveriesOpen (people).
        """
        with self._database.write(*TOPICS[kind], Topic.AUDIT) as session:
            known = _known(session, kind, ids)
            fresh = [one for one in dict.fromkeys(ids) if one not in known]
            names = _names(session, kind, fresh)
            if kind == "person":
                refuse_underway(session, fresh)
            at = now()
            rows = [
                {"kind": kind, "record_id": one, "froze": self._take_out(session, kind, one), "removed_at": at}
                for one in fresh
            ]
            if rows:
                session.execute(insert(Removal), rows)
            self._tell(session, f"{kind}.removed", kind, names)
        return fresh

    def restore(self, kind: str, ids: Sequence[int]) -> int:
        """Back where they were, as they were; how many. A batch brings its product along. After 30 days none."""
        at = now()
        with self._database.write(*TOPICS[kind], Topic.AUDIT) as session:
            rows = [row for row in _entries(session, kind, ids) if row.removed_at > _oldest(at)]
            names = _names(session, kind, [row.record_id for row in rows])
            if kind == "batch":
                for row in rows:
                    self._bring_back(session, row)
            _take_from_bin(session, rows)
            self._tell(session, f"{kind}.recovered", kind, names)
        return len(rows)

    def ids(
        self, kind: str | None = None, *, text: str = "", sort: str = "removed_at", descending: bool = True
    ) -> list[int]:
        """Entries of the bin that can still be restored."""
        column = SORTS[sort]
        order = (column.desc(), Removal.id.desc()) if descending else (column, Removal.id)
        wanted = _named(select(Removal.id)).where(*_restorable(now())).order_by(*order)
        if kind is not None:
            wanted = wanted.where(Removal.kind == kind)
        if text.strip():
            wanted = wanted.where(NAME.icontains(text.strip(), autoescape=True))
        with self._database.read() as session:
            return list(session.scalars(wanted))

    def rows_of(self, ids: Sequence[int]) -> list[RemovalRow]:
        """One page of the bin, in the order of `ids`."""
        wanted = _named(select(Removal, NAME)).where(Removal.id.in_(ids))
        with self._database.read() as session:
            rows = {row.id: _row(row, name) for row, name in session.execute(wanted)}
        return [rows[one] for one in ids if one in rows]

    def restore_entries(self, ids: Sequence[int]) -> int:
        """What `restore` does, for rows of the bin of any kind. Products first: their batches need them."""
        rows = self.rows_of(ids)
        return sum(self.restore(kind, [row.record_id for row in rows if row.kind == kind]) for kind in KINDS)

    def due(self, at: datetime) -> bool:
        """Whether the time of something is up."""
        with self._database.read() as session:
            return session.scalar(_overdue(at).limit(1)) is not None

    def purge_due(self, at: datetime) -> None:
        """What goes on by itself while a vault is open; nothing is written while nothing is due."""
        if self.due(at):
            self.purge(at)

    def purge(self, at: datetime) -> Purged:
        """Let go of what lay in the bin for 30 days: people's data is erased, batches end, products stay hidden.

        Somebody with a card underway waits until it has arrived.
        """
        topics = {topic for kind in KINDS for topic in TOPICS[kind]}
        counts = dict.fromkeys(KINDS, 0)
        with self._database.write(*sorted(topics), Topic.AUDIT) as session:
            rows = list(session.scalars(_overdue(at)))
            for row in rows:
                if row.kind != "person":
                    self._let_go(session, row, at)
                    counts[row.kind] += 1
            counts["person"] = self._forget(session, [row for row in rows if row.kind == "person"], at)
        return Purged(counts["product"], counts["batch"], counts["person"])

    # --- inside a transaction ---

    def _take_out(self, session: Session, kind: str, record_id: int) -> bool:
        """What removing does to the thing itself: whether a batch was frozen by it."""
        if kind == "product":
            refuse_used_product(session, record_id)
        if kind != "batch":
            return False
        batch = found(session, record_id)
        refuse_live_batch(session, batch)
        return batch.state != "voided" and stop_batch(session, self._audit, batch, frozen=True)

    def _bring_back(self, session: Session, row: Removal) -> None:
        """A batch thaws, and needs its product."""
        batch = found(session, row.record_id)
        if row.froze and batch.state != "voided":
            stop_batch(session, self._audit, batch, frozen=False)
        products = _entries(session, "product", [batch.product_id])
        if products:
            names = _names(session, "product", [batch.product_id])
            _take_from_bin(session, products)
            self._tell(session, "product.recovered", "product", names)

    def _let_go(self, session: Session, row: Removal, at: datetime) -> None:
        """A product or a batch: it stays hidden for good."""
        names = _names(session, row.kind, [row.record_id])
        if row.kind == "batch":
            batch = found(session, row.record_id)
            if batch.state != "voided":
                void_batch(session, self._audit, batch)
        session.execute(update(Removal).where(Removal.id == row.id).values(purged_at=at))
        self._tell(session, f"{row.kind}.purged", row.kind, names)

    def _forget(self, session: Session, rows: list[Removal], at: datetime) -> int:
        """Erase people's data, but of those to whom a card is underway; how many."""
        waiting = underway(session, [row.record_id for row in rows])
        rows = [row for row in rows if row.record_id not in waiting]
        names = _names(session, "person", [row.record_id for row in rows])
        erase(session, list(names), at)
        _take_from_bin(session, rows)
        self._tell(session, "person.purged", "person", names)
        return len(rows)

    def _tell(self, session: Session, action: str, kind: str, names: dict[int, str]) -> None:
        """People are named by their numbers alone, however many in one entry."""
        if kind == "person":
            record_people(session, self._audit, action, list(names))
            return
        for record_id, name in names.items():
            subject = name if kind == "batch" else f"product:{record_id}"
            known = {"name": name} if kind == "product" else {}
            self._audit.record(session, action, subject=subject, **known)


def _oldest(at: datetime) -> datetime:
    return at - timedelta(days=KEPT_DAYS)


def _restorable(at: datetime) -> list[ColumnElement[bool]]:
    return [Removal.purged_at.is_(None), Removal.removed_at > _oldest(at)]


def _overdue(at: datetime) -> Any:
    return select(Removal).where(Removal.purged_at.is_(None), Removal.removed_at <= _oldest(at)).order_by(Removal.id)


def _known(session: Session, kind: str, ids: Sequence[int]) -> set[int]:
    """Which of these are in the bin, or hidden for good."""
    known: set[int] = set()
    for part in in_parts(list(ids)):
        known.update(session.scalars(removed(kind).where(Removal.record_id.in_(part))))
    return known


def _take_from_bin(session: Session, rows: Sequence[Removal]) -> None:
    for part in in_parts([row.id for row in rows]):
        session.execute(delete(Removal).where(Removal.id.in_(part)), execution_options={"synchronize_session": False})


def _entries(session: Session, kind: str, ids: Sequence[int]) -> list[Removal]:
    rows: list[Removal] = []
    for part in in_parts(list(ids)):
        wanted = select(Removal).where(Removal.kind == kind, Removal.record_id.in_(part), Removal.purged_at.is_(None))
        rows += session.scalars(wanted)
    return rows


def _names(session: Session, kind: str, ids: Sequence[int]) -> dict[int, str]:
    """Record id → name. Raises NotFound for one that is not there."""
    table: Any = {"product": Product, "batch": Batch, "person": Person}[kind]
    name = table.serial if kind == "batch" else table.name
    names: dict[int, str] = {}
    for part in in_parts(list(ids)):
        names |= {row[0]: row[1] for row in session.execute(select(table.id, name).where(table.id.in_(part)))}
    for one in ids:
        if one not in names:
            raise NotFound(kind, str(one))
    return names


def _named(query: Any) -> Any:
    for kind, table in (("product", Product), ("batch", Batch), ("person", Person)):
        query = query.outerjoin(table, (Removal.kind == kind) & (table.id == Removal.record_id))
    return query


def _row(row: Removal, name: str) -> RemovalRow:
    gone = row.removed_at + timedelta(days=KEPT_DAYS)
    return RemovalRow(row.id, row.kind, row.record_id, name or "", row.removed_at, gone)


__all__ = ["KEPT_DAYS", "KINDS", "Purged", "RemovalRow", "RemovalService"]
