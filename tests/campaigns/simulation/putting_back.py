"""The endpoint's database is put back from a copy: what is lost by it for ever, and how the endpoint hears of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.models.setting import Setting
from app.services import Services
from app.services.cloud.restored import COUNTER
from sync.server import epochs, feed
from tests.campaigns.simulation.desktop import Desktop
from tests.campaigns.simulation.people import Told
from tests.campaigns.simulation.wire import Wire

if TYPE_CHECKING:
    from tests.campaigns.simulation.history import History


def copy_endpoint(history: History) -> None:
    """While it serves."""
    target = history.folder / f"endpoint{len(history.endpoint_copies)}.db"
    history.template.server.copy(target)
    history.endpoint_copies.append(target)


def put_endpoint_back(history: History) -> None:
    """Somebody says so; or nobody does, and it learns it by its own word that a desktop has kept."""
    if not history.endpoint_copies:
        return
    server, copy = history.template.server, history.draw.choice(history.endpoint_copies)
    before = known_ops(history)
    server.stop()
    for end in ("-wal", "-shm"):
        Path(f"{server.file}{end}").unlink(missing_ok=True)
    server.serve(server.file, copied_from=copy)
    history.wire.met["endpoint put back"] += 1
    history.gone |= before - known_ops(history)
    history.wire.outcomes.lost |= history.gone
    forget(history.told, history.wire, history.desktops, known_ops(history), history.gone)
    witness = next((one for one in history.desktops if _is_ahead(history, one)), None)
    if witness is None or history.draw.random() < 0.5:
        now_ms = history.template.clock.tick()
        server.store.write_now(lambda transaction: epochs.begin_anew(transaction, now_ms, cause="operator"))
        return
    rate, history.wire.rate = history.wire.rate, 0
    witness.fuse.put_out()
    witness.act(lambda services: services.cloud.sync())
    history.wire.rate = rate
    history.wire.met["endpoint learnt by itself that it was put back"] += 1


def known_ops(history: History) -> set[str]:
    return {row[0] for row in history.template.server.look("SELECT op_id FROM op")}


def forget(told: Told, wire: Wire, desktops: list[Desktop], there: set[str], gone: set[str]) -> None:
    """What nobody has any more, neither the endpoint nor a desktop: no protocol brings it back. A refusal leaves no
    event, so its op may be decided anew."""
    held = {entry for desktop in desktops for entry in _held(desktop)}
    for op_id in gone - there - held:
        told.redeemed.pop(op_id, None)
        told.refused.discard(op_id)
        wire.outcomes.told.pop(op_id, None)
    for op_id in gone - _in_ledgers(desktops):  # what the endpoint forgot and nobody heard is decided anew
        wire.outcomes.told.pop(op_id, None)
    told.wishes = {place: op_id for place, op_id in told.wishes.items() if op_id not in gone - there - held}
    for op_id in gone & held:
        if op_id not in told.redeemed and wire.outcomes.told.get(op_id, [""])[0] == "refused":
            wire.outcomes.told.pop(op_id)


def lift_if_nobody_comes(history: History) -> None:
    """A device that lost its place to another's copy is never heard again: an owner waits no longer."""
    if history.template.server.look("SELECT 1 FROM merchant WHERE recovering_ms IS NOT NULL"):
        history.desktops[0].act(_lift)
        history.wire.met["recovery lifted by hand"] += 1


def _lift(services: Services) -> None:
    services.cloud.lift_recovery("nobody comes")


def _in_ledgers(desktops: list[Desktop]) -> set[str]:
    """Entries that came with the feed, so that they go back as they were."""
    found: set[str] = set()
    for desktop in desktops:
        with desktop.database.read() as session:
            found |= set(session.scalars(select(Redemption.id).where(Redemption.receipt.is_not(None))))
    return found


def _held(desktop: Desktop) -> set[str]:
    """Ids of the ledger and of what was answered at its counter."""
    with desktop.database.read() as session:
        answered = select(OutboxOp.op_id).where(
            OutboxOp.type.in_(COUNTER), OutboxOp.state.in_(("applied", "waiting", "in_flight"))
        )
        return set(session.scalars(select(Redemption.id))) | set(session.scalars(answered))


def _is_ahead(history: History, desktop: Desktop) -> bool:
    """Whether it has the endpoint's word on something that the endpoint does not know any more."""
    with desktop.database.read() as session:
        kept = session.get(Setting, "cloud.checkpoint")
    if kept is None or not kept.value:
        return False
    store, merchant = history.template.server.store, history.template.merchant_id
    epoch, head = store.read_now(lambda t: (feed.epoch(t), feed.head(t, merchant)))
    return bool(kept.value["epoch"] == epoch and kept.value["seq"] > head)
