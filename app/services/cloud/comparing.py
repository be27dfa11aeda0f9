"""The ledger of every published batch against the endpoint's; a difference is shown, never written over.

What is compared are sums, and the root that tells one ledger from another, which costs a digest for each entry. With
many entries a sync compares what came since all was known to agree, and once a day everything: else each would look
through the whole ledger, at both ends, twice a minute.
"""

from collections.abc import Iterator, Sequence
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
from sync.client import Refused, SyncClient
from sync.protocol import CLAIMS, BatchClaim, DrawersRequest, ReconcileRequest
from sync.tally import Booked

FEW = 20_000
"""So many entries are hashed at every sync."""
AT_ONCE = 250_000
"""Entries that one question is about: the answer has to come before it is waited for no longer."""
WHOLE_EVERY = timedelta(days=1)
COLUMNS = (Redemption.id, Redemption.card_id, Redemption.kind, Redemption.amount_minor, Redemption.uses)
CONFIRMED = Redemption.seq > 0
"""Not what was decided here under a lease and is still on its way."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """What is compared: what came behind `since`, the place in the feed up to which all agreed; None for everything."""

    since: int | None


@dataclass(frozen=True, slots=True)
class _Claim:
    """With the number of entries it is about."""

    wired: BatchClaim
    entries: int


def compare(database: Database, client: SyncClient, *, at_seq: int) -> tuple[str, ...]:
    """Serials of the batches that differ. What is known of them stays when the feed has moved on and nothing can be
    compared. Raises Unreachable, Refused."""
    with database.read() as session:
        extent = _extent(session, at_seq)
    if extent.since == at_seq:  # all agreed, and nothing has happened
        return ()
    try:
        return _compared(database, client, extent, at_seq=at_seq)
    except Refused as refused:
        if extent.since is None or refused.key != "invalid":
            raise
        return _compared(database, client, _Extent(None), at_seq=at_seq)  # an endpoint of before knows no `since`


def _compared(database: Database, client: SyncClient, extent: _Extent, *, at_seq: int) -> tuple[str, ...]:
    with database.read() as session:
        claims = _claims(session, extent)
    found: set[str] = set()
    for some in _lots(claims):
        answer = client.reconcile(ReconcileRequest(at_seq, some, extent.since or 0))
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


def _lots(claims: Sequence[_Claim]) -> Iterator[list[BatchClaim]]:
    """Those that go together into one question."""
    lot: list[BatchClaim] = []
    entries = 0
    for claim in claims:
        if lot and (len(lot) == CLAIMS or entries + claim.entries > AT_ONCE):
            yield lot
            lot, entries = [], 0
        lot.append(claim.wired)
        entries += claim.entries
    if lot:
        yield lot


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
    return _Extent(int(known["seq"]) if 0 < int(known["seq"]) <= at_seq else None)


def _note(session: Session, extent: _Extent, at_seq: int, *, agreed: bool) -> None:
    """Up to where all is known to agree; after a difference everything is compared again."""
    known: dict[str, Any] = stored(session, "cloud.compared") or {}
    whole_at = now().isoformat() if extent.since is None else known.get("at")
    store(session, "cloud.compared", {"seq": at_seq, "at": whole_at} if agreed and whole_at else {})


def _claims(session: Session, extent: _Extent) -> list[_Claim]:
    batches = select(Batch).where(Batch.sealed_at.is_not(None))
    if extent.since is not None:
        newer = _newer(session, extent.since)  # of the others it is claimed that nothing came
        return [_claim(batch, newer.get(batch.id, ())) for batch in session.scalars(batches)]
    return [_whole(session, batch) for batch in session.scalars(batches).all()]


def _claim(batch: Batch, entries: Sequence[Booked]) -> _Claim:
    minor, uses = sum(entry.amount_minor for entry in entries), sum(entry.uses for entry in entries)
    uid = str(UUID(bytes=batch.uid))
    return _Claim(BatchClaim(uid, batch.quantity, minor, uses, tally.root_of(entries)), len(entries))


def _whole(session: Session, batch: Batch) -> _Claim:
    sums = select(func.count(), func.sum(Redemption.amount_minor), func.sum(Redemption.uses))
    row = session.execute(sums.where(Redemption.batch_id == batch.id, CONFIRMED)).one()
    root, uid = tally.root_of(_booked(session, batch)), str(UUID(bytes=batch.uid))
    return _Claim(BatchClaim(uid, batch.quantity, int(row[1] or 0), int(row[2] or 0), root), row[0])


def _newer(session: Session, since: int) -> dict[int, list[Booked]]:
    """The entries of each batch behind a place in the feed."""
    wanted = select(Redemption.batch_id, Batch.first_card_id, *COLUMNS).join(Batch, Batch.id == Redemption.batch_id)
    found: dict[int, list[Booked]] = {}
    for batch_id, first, *entry in session.execute(wanted.where(Redemption.seq > since)):
        found.setdefault(batch_id, []).append(_of(entry, first))
    return found


def _booked(session: Session, batch: Batch) -> Iterator[Booked]:
    """Some at a time: a batch may have a million entries."""
    wanted = select(*COLUMNS).where(Redemption.batch_id == batch.id, CONFIRMED).execution_options(yield_per=FEW)
    return (_of(entry, batch.first_card_id) for entry in session.execute(wanted))


def _of(entry: Sequence[Any], first_card_id: int) -> Booked:
    return Booked(entry[0], entry[1] - first_card_id, entry[2], entry[3], entry[4])
