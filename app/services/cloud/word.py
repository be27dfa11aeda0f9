"""The endpoint's word on its feed, as far as it was heard: one that was put back from a backup is found out by it."""

import msgspec
from sqlalchemy.orm import Session

from app.services.settings import store, stored
from sync.protocol import Checkpoint, unb64
from sync.receipts import is_genuine


def kept(session: Session) -> Checkpoint | None:
    known = stored(session, "cloud.checkpoint")
    return msgspec.convert(known, Checkpoint) if known else None


def is_its_own(session: Session, told: Checkpoint) -> bool:
    """Whether the endpoint of this vault signed it."""
    key = str(stored(session, "cloud.public_key"))
    return bool(key) and is_genuine(told, str(stored(session, "merchant.id")), unb64(key))


def keep(session: Session, told: Checkpoint | None) -> None:
    """For the next greeting, with what the word stands for, in one transaction. What goes furthest counts."""
    known = kept(session)
    if told is None or (known is not None and known.epoch == told.epoch and known.seq >= told.seq):
        return
    if is_its_own(session, told):
        store(session, "cloud.checkpoint", msgspec.to_builtins(told))
