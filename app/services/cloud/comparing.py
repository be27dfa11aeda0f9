"""The ledger of every published batch against the endpoint's; a difference is shown, never written over.

Sums are compared at each sync. The root that tells one ledger from another costs a digest for each entry: with many
entries it is compared for those batches that something happened to, and once a day for all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.base import now
from app.models.batch import Batch
from app.models.database import Database
from app.models.redemption import Redemption
from app.services.cards.codes import serial_of
from app.services.cloud.rows import EntryDifference
from app.services.settings import store, stored
from app.topics import Topic
from sync import tally
from sync.client import SyncClient
from sync.protocol import CLAIMS, BatchClaim, DrawersRequest, ReconcileRequest
from sync.tally import Booked

FEW = 20_000
"""So many entries are hashed at every sync."""
WHOLE_EVERY = timedelta(days=1)
CONFIRMED = Redemption.seq > 0
"""Not what was decided here under a lease and is still on its way."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """Which batches get a root. `since` is the place in the feed up to which all agreed, None for all of them."""

    since: int | None


def compare(database: Database, client: SyncClient, *, at_seq: int) -> tuple[str, ...]:
    """Serials of the batches that differ. What is known of them stays when the feed has moved on and nothing can be
    compared. Raises Unreachable, Refused."""
    with database.read() as session:
        extent = _extent(session, at_seq)
        claims = _claims(session, extent)
    found: set[str] = set()
    for start in range(0, len(claims), CLAIMS):
        some = claims[start : start + CLAIMS]
        answer = client.reconcile(ReconcileRequest(at_seq, some))
        if answer.compared < len(some):
            with database.read() as session:
                return tuple(stored(session, "cloud.differences") or ())
        found |= {difference.batch_id for difference in answer.differences}
    with database.write(Topic.CLOUD) as session:
        names = {str(UUID(bytes=uid)): serial for uid, serial in session.execute(select(Batch.uid, Batch.serial))}
        serials = tuple(names.get(uid, uid) for uid in sorted(found))
        store(session, "cloud.differences", list(serials))
        _note(session, extent, at_seq, agreed=not found)
    return serials


def explain(database: Database, client: SyncClient, serial: str, *, at_seq: int) -> list[EntryDifference]:
    """The entries in which the ledgers of a batch differ. Raises NotFound, Unreachable, Refused."""
    with database.read() as session:
        batch = session.scalars(select(Batch).where(Batch.serial == serial)).one_or_none()
        if batch is None:
            raise NotFound("batch", serial)
        ours = {entry.op_id: entry for entry in _booked(session, batch)}
        uid = str(UUID(bytes=batch.uid))
    answer = client.drawers(DrawersRequest(at_seq, uid, tally.roots_of(ours.values())))
    theirs = {entry.op_id: Booked(*_fields(entry)) for entry in answer.entries}
    differ = set(answer.drawers)
    meant = theirs.keys() | {op_id for op_id in ours if tally.drawer_of(op_id) in differ}
    return [
        EntryDifference(
            op_id=op_id,
            serial=serial_of(batch, batch.first_card_id + (ours.get(op_id) or theirs[op_id]).card_no),
            kind=(ours.get(op_id) or theirs[op_id]).kind,
            here_minor=ours[op_id].amount_minor if op_id in ours else None,
            there_minor=theirs[op_id].amount_minor if op_id in theirs else None,
            here_uses=ours[op_id].uses if op_id in ours else None,
            there_uses=theirs[op_id].uses if op_id in theirs else None,
        )
        for op_id in sorted(meant)
        if ours.get(op_id) != theirs.get(op_id)
    ]


def _fields(entry: Any) -> tuple[Any, ...]:
    return tuple(getattr(entry, name) for name in Booked._fields)


def _extent(session: Session, at_seq: int) -> _Extent:
    entries = session.scalar(select(func.count()).select_from(Redemption)) or 0
    known: dict[str, Any] = stored(session, "cloud.compared") or {}
    whole_at = datetime.fromisoformat(known["at"]) if known else None
    if entries <= FEW or whole_at is None or now() - whole_at > WHOLE_EVERY or now() < whole_at:
        return _Extent(None)
    return _Extent(int(known["seq"]) if int(known["seq"]) <= at_seq else None)


def _note(session: Session, extent: _Extent, at_seq: int, *, agreed: bool) -> None:
    """Up to where all is known to agree; after a difference everything is compared again."""
    known: dict[str, Any] = stored(session, "cloud.compared") or {}
    whole_at = now().isoformat() if extent.since is None else known.get("at")
    store(session, "cloud.compared", {"seq": at_seq, "at": whole_at} if agreed and whole_at else {})


def _claims(session: Session, extent: _Extent) -> list[BatchClaim]:
    sums = select(Redemption.batch_id, func.sum(Redemption.amount_minor), func.sum(Redemption.uses)).where(CONFIRMED)
    taken = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(sums.group_by(Redemption.batch_id))}
    batches = list(session.scalars(select(Batch).where(Batch.sealed_at.is_not(None))))
    touched = {batch.id for batch in batches}
    if extent.since is not None:
        touched = set(session.scalars(select(Redemption.batch_id).where(Redemption.seq > extent.since).distinct()))
    return [
        BatchClaim(
            *(str(UUID(bytes=batch.uid)), batch.quantity, *taken.get(batch.id, (0, 0))),
            root=tally.root_of(_booked(session, batch)) if batch.id in touched else None,
        )
        for batch in batches
    ]


def _booked(session: Session, batch: Batch) -> list[Booked]:
    columns = (Redemption.id, Redemption.card_id, Redemption.kind, Redemption.amount_minor, Redemption.uses)
    rows = session.execute(select(*columns).where(Redemption.batch_id == batch.id, CONFIRMED))
    return [Booked(row[0], row[1] - batch.first_card_id, row[2], row[3], row[4]) for row in rows]
