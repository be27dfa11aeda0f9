"""Sums of every published batch against the endpoint's; a difference is shown, never written over."""

from uuid import UUID

from sqlalchemy import func, select

from app.models.batch import Batch
from app.models.database import Database
from app.models.redemption import Redemption
from app.services.settings import store, stored
from app.topics import Topic
from sync.client import SyncClient
from sync.protocol import CLAIMS, BatchClaim, ReconcileRequest


def compare(database: Database, client: SyncClient, *, at_seq: int) -> tuple[str, ...]:
    """Serials of the batches that differ. What is known of them stays when the feed has moved on and nothing can be
    compared. Raises Unreachable, Refused."""
    claims = _claims(database)
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
    return serials


def _claims(database: Database) -> list[BatchClaim]:
    sums = select(Redemption.batch_id, func.sum(Redemption.amount_minor), func.sum(Redemption.uses))
    sums = sums.where(Redemption.seq > 0)  # what was decided here under a lease is still on its way
    with database.read() as session:
        taken = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(sums.group_by(Redemption.batch_id))}
        return [
            BatchClaim(str(UUID(bytes=batch.uid)), batch.quantity, *taken.get(batch.id, (0, 0)))
            for batch in session.scalars(select(Batch).where(Batch.sealed_at.is_not(None)))
        ]
