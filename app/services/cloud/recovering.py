"""Batches that come back from the endpoint: made after the backup that this vault was restored from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.batch import Batch, CodeBlock
from app.models.catalog import Product
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.batches import next_place
from app.services.batches.generation import STORE_KEYS, drop
from app.services.cloud.blobs import Blobs, Piece, blob_id, is_whole, values_of
from app.services.figures import DIRECT, FigureEntry, add_many
from app.services.sealing import BLOCK, BlindIndex, Sealer
from app.topics import Topic
from sync.client import Refused, SyncClient
from sync.protocol import EventsPage

GONE = frozenset({"not-found", "forbidden"})
"""Sealed by an earlier version, or by a desktop whose vault is another one."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Asks the endpoint for what the feed tells of and the vault does not have."""

    database: Database
    audit: AuditLog
    blobs: Blobs
    sealer: Sealer
    blind: BlindIndex

    def bring_back(self, client: SyncClient, page: EventsPage) -> int:
        """Put in the batches that a page of the feed tells the sealing of, before the page is taken in; how many.

        Who holds which of their cards is not known any more, so all count as given out: none is given a second time.
        """
        sealed = {_uid(event.body): event.at for event in page.events if event.type == "sealed@1"}
        if not sealed:
            return 0
        with self.database.read() as session:
            # one that a crash left half made here, and that was finished where its vault was copied from, comes whole
            wanted = select(Batch.uid).where(Batch.uid.in_([uid.bytes for uid in sealed]), Batch.state != "generating")
            known = set(session.scalars(wanted))
        back = 0
        for uid, at in sealed.items():
            if uid.bytes not in known and (pieces := self._left(client, uid)):
                back += self._put_in(uid, pieces, datetime.fromisoformat(at))
        return back

    def _left(self, client: SyncClient, uid: UUID) -> list[Piece]:
        """All pieces of a batch, or none."""
        pieces: list[Piece] = []
        while not pieces or not is_whole(pieces, pieces[0].batch["quantity"]):
            try:
                content = client.get_blob(blob_id(uid, len(pieces)))
            except Refused as refused:
                if refused.key in GONE:
                    return []
                raise
            piece = self.blobs.opened(uid, len(pieces), content)
            if piece is None or not piece.blocks:
                return []
            pieces.append(piece)
        return pieces

    def _put_in(self, uid: UUID, pieces: Sequence[Piece], sealed_at: datetime) -> int:
        topics = (Topic.BATCHES, Topic.CARDS, Topic.CATALOG, Topic.REDEMPTIONS, Topic.AUDIT)
        with self.database.write(*topics) as session:
            half = session.scalars(select(Batch).where(Batch.uid == uid.bytes)).one_or_none()
            if half is not None and half.state != "generating":
                return 0
            if half is not None:
                drop(session, half)
            product = _product(session, pieces[0].product)
            batch = Batch(**_values(session, product, pieces[0].batch, sealed_at))
            session.add(batch)
            session.flush()
            self._store(session, batch, pieces)
            minor = batch.quantity * (batch.face_minor or 0)
            issued = FigureEntry("issued", sealed_at, product.id, DIRECT, count=batch.quantity, amount_minor=minor)
            add_many(session, [issued])
            self.audit.record(session, "batch.returned", subject=batch.serial, cards=batch.quantity)
        return 1

    def _store(self, session: Session, batch: Batch, pieces: Sequence[Piece]) -> None:
        """The blocks as they were, and the index that finds their codes."""
        seal = self.sealer.opened(batch.uid, batch.data_key)
        for no, count, sealed in (block for piece in pieces for block in piece.blocks):
            session.add(CodeBlock(batch_id=batch.id, no=no, count=count, sealed=sealed))
            blinds = self.blind.many(seal.open(no, count, sealed), batch.code_length)
            first = batch.first_card_id + no * BLOCK
            session.execute(STORE_KEYS, {"blinds": blinds, "first": first, "count": count})


def _uid(body: msgspec.Raw) -> UUID:
    return UUID(msgspec.json.decode(body)["batch_id"])


def _product(session: Session, columns: dict[str, Any]) -> Product:
    """The one that was meant when it is still here, whatever was changed of it since; else made anew."""
    values = values_of(columns, Product)
    known = session.get(Product, values["id"])
    if known is not None and known.created_at == values["created_at"]:
        return known
    again = select(Product).where(Product.created_at == values["created_at"], Product.name == values["name"])
    found = session.scalars(again).first()
    if found is None:
        del values["id"]
        found = Product(**values)
        session.add(found)
        session.flush()
    return found


def _values(session: Session, product: Product, columns: dict[str, Any], sealed_at: datetime) -> dict[str, Any]:
    """Its own place and serial in this vault: the old serial, unless another batch has got it meanwhile."""
    place = next_place(session)
    values = place | values_of(columns, Batch) | {"product_id": product.id}
    if session.scalar(select(Batch.id).where(Batch.serial == values["serial"])) is not None:
        values["serial"] = place["serial"]
    given = {"made": values["quantity"], "taken": values["quantity"], "released_at": sealed_at, "sealed_at": sealed_at}
    return values | given | {"state": "published"}
