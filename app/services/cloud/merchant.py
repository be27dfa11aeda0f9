"""The merchant's name and phone, as the vault and its endpoint know them: who changed them last is believed."""

from unicodedata import normalize

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.database import Database
from app.models.outbox import OutboxOp
from app.services.audit import AuditLog
from app.services.cloud import queue
from app.services.outbox import enqueue
from app.services.settings import store, stored
from app.services.texts import LONGEST
from app.topics import Topic
from sync.protocol import Hello, MerchantCard

UPDATE = "merchant.update@1"
KEPT_BEFORE = 40
"""Signs of a phone."""
MAY_TELL = frozenset({"owner", "manager"})
OPEN = ("waiting", "in_flight")


def is_bound(session: Session) -> bool:
    """Whether the vault has cards: their codes are found under its merchant's id and no other."""
    return session.scalar(select(Batch.id).limit(1)) is not None


def take_over(session: Session, audit: AuditLog, card: MerchantCard) -> None:
    """Become a desk of that merchant."""
    before = str(stored(session, "merchant.name"))
    store(session, "merchant.id", card.id)
    _take(session, card)
    audit.record(session, "merchant.taken-over", subject=card.name, before=before, after=card.name)


def agree(database: Database, audit: AuditLog, hello: Hello) -> None:
    """Tell the endpoint what was changed here since both said the same; else believe what was changed there. The phone
    page shows what the endpoint knows."""
    with database.read() as session:
        if _in_step(session, hello):
            return
    with database.write(Topic.OUTBOX, Topic.SETTINGS, Topic.AUDIT, Topic.CLOUD) as session:
        _agree(session, audit, hello)


def _agree(session: Session, audit: AuditLog, hello: Hello) -> None:
    theirs, ours = (hello.merchant.name, hello.merchant.phone), _ours(session)
    if stored(session, "cloud.role") != hello.device.role:
        store(session, "cloud.role", hello.device.role)
        queue.ask_again(session)
    if _are_the_same(ours, theirs):
        store(session, "cloud.agreed", list(ours))
        return
    agreed = tuple(stored(session, "cloud.agreed"))
    if hello.device.role in MAY_TELL and agreed != ours:
        waiting = select(OutboxOp.id).where(OutboxOp.type == UPDATE, OutboxOp.state.in_(OPEN))
        if session.scalar(waiting) is None:
            enqueue(session, UPDATE, aggregate="merchant", body={"name": ours[0], "phone": ours[1]})
        return
    _take(session, hello.merchant)
    audit.record(session, "setting.changed", subject="merchant.name", before=ours[0], after=theirs[0])


def _in_step(session: Session, hello: Hello) -> bool:
    """Whether there is nothing to change: most syncs, and they need no write."""
    ours, theirs = _ours(session), (hello.merchant.name, hello.merchant.phone)
    return (
        _are_the_same(ours, theirs)
        and ours == tuple(stored(session, "cloud.agreed"))
        and stored(session, "cloud.role") == hello.device.role
    )


def _are_the_same(ours: tuple[str, str], theirs: tuple[str, str]) -> bool:
    """An endpoint of before keeps less of a long phone: what it cannot keep is not said again at every sync."""
    return theirs in (ours, (ours[0], ours[1][:KEPT_BEFORE]))


def _take(session: Session, card: MerchantCard) -> None:
    store(session, "merchant.name", card.name)
    store(session, "merchant.phone", card.phone)
    store(session, "cloud.agreed", [card.name, card.phone])


def _ours(session: Session) -> tuple[str, str]:
    """As an endpoint keeps them, whatever an earlier version took for a phone."""
    name, phone = (normalize("NFC", str(stored(session, f"merchant.{part}"))) for part in ("name", "phone"))
    return name, phone[:LONGEST]
