"""The counter's list of last uses, those of cards among them that this vault does not have.

A clerk's counter redeems the owner's cards. Of those there is no ledger here, only the op and, once it was heard, its
event as it came.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.database import Database
from app.models.outbox import OutboxOp, RawEvent
from app.models.redemption import Redemption
from app.services.cards import CardService
from app.services.cloud.working_set import UNCONFIRMED
from app.services.recount import USE
from app.services.redemptions.ages import Ages
from app.services.redemptions.rows import Use

UNDO_WITHIN = timedelta(minutes=2)
NEWEST = (Redemption.at.desc(), Redemption.seq.desc())
OPS = ("redeem@1", "reverse@1")
LOOKED_AT = 50
"""Of our own last ops: what lies further back is looked for in no list of last uses."""


@dataclass
class LastUses:
    """`products` is what cards of other vaults were called as they were redeemed here, by redemption."""

    database: Database
    cards: CardService
    ages: Ages
    products: dict[str, str] = field(default_factory=dict)

    def last(self, limit: int) -> list[Use]:
        """Newest first."""
        with self.database.read() as session:
            newest = select(Redemption).where(Redemption.kind.in_(USE)).order_by(*NEWEST)
            entries = list(session.scalars(newest.limit(limit)))
            ids = [entry.id for entry in entries]
            undone = set(session.scalars(select(Redemption.reverses).where(Redemption.reverses.in_(ids))))
            told = _told_of(session)
        undone |= {str(one.body["reverses"]) for one in told if one.type == "reversed@1"}
        found = [*self._own(entries, undone), *(self._foreign(one, undone) for one in told)]
        return sorted(found, key=lambda use: use.at, reverse=True)[:limit]

    def _own(self, entries: Sequence[Redemption], undone: set[Any]) -> list[Use]:
        cards = {card.id: card for card in self.cards.rows(list({entry.card_id for entry in entries}))}
        return [
            Use(
                entry.id,
                cards[entry.card_id].serial,
                cards[entry.card_id].product,
                cards[entry.card_id].holder,
                entry.kind,
                amount_minor=entry.amount_minor,
                uses=entry.uses,
                at=entry.at,
                place=entry.place or "",
                undoable=entry.kind == "redeemed" and entry.id not in undone and self._is_young(entry.id, entry.at),
                unsent=entry.seq == UNCONFIRMED,
            )
            for entry in entries
        ]

    def _foreign(self, told: RawEvent, undone: set[Any]) -> Use:
        body, op_id = told.body, str(told.op_id)
        is_use = told.type == "redeemed@1"
        return Use(
            op_id,
            serial="",
            product=self.products.get(op_id if is_use else str(body["reverses"]), ""),
            holder="",
            kind=told.type.removesuffix("@1"),
            amount_minor=int(body["amount_minor"]),
            uses=int(body["uses"]),
            at=told.at,
            place=str(body.get("place") or ""),
            undoable=is_use and op_id not in undone and self._is_young(op_id, told.at),
        )

    def _is_young(self, redemption_id: str, at: datetime) -> bool:
        return self.ages.of(redemption_id, at) < UNDO_WITHIN


def is_foreign(session: Session, redemption_id: str) -> bool:
    """Whether this computer redeemed it from a card that the vault does not have."""
    asked = OutboxOp.op_id == redemption_id, OutboxOp.type == "redeem@1", OutboxOp.state == "applied"
    return session.scalar(select(OutboxOp.id).where(*asked)) is not None


def _told_of(session: Session) -> list[RawEvent]:
    """Events of what was asked here and is in no ledger of this vault."""
    booked = select(Redemption.id).where(Redemption.id == OutboxOp.op_id).exists()
    own = select(OutboxOp.id).where(OutboxOp.type.in_(OPS)).order_by(OutboxOp.id.desc()).limit(LOOKED_AT)
    wanted = select(OutboxOp.op_id, OutboxOp.seq).where(OutboxOp.id.in_(own), OutboxOp.state == "applied", ~booked)
    places = {op_id: seq for op_id, seq in session.execute(wanted) if seq is not None}
    found = session.scalars(select(RawEvent).where(RawEvent.seq.in_(places.values())))
    told = {one.op_id: one for one in found if one.op_id in places}  # once, whatever epochs it was heard in
    return list(told.values())


__all__ = ["LastUses", "is_foreign"]
