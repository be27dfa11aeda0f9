"""Mistakes of protocols to build into the real code, so that the simulation proves it would find them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models.base import now
from app.models.lease import Lease
from app.models.outbox import OutboxOp
from app.services import backups
from app.services.cloud import CloudService, events, pushing, restored
from app.services.cloud.pushing import Pusher
from app.services.cloud.working_set import Told
from app.services.leases import deciding
from app.services.outbox import enqueue
from app.services.redemptions import RedemptionService
from app.services.settings import store, stored
from app.topics import Topic
from sync.client import Unreachable
from sync.protocol import EventsPage, new_op_id
from sync.rules import Wanted, judge
from sync.server import balances, endpoint, issue, leases, links, redemption
from sync.server.redemption import Ask, Lot
from sync.server.transaction import Asked, Row, Transaction
from tests.campaigns.simulation import history
from tests.campaigns.simulation.server import InlineStore

LIFE_MS = 900_000
"""How long an endpoint that forgets remembers."""
Patches = Iterator[tuple[Any, str, Any]]


def ids_expire() -> Patches:
    """Op ids are kept for a while only."""
    ask_kept = redemption._ask_kept

    def forgetful(transaction: Transaction, asks: list[Ask]) -> Asked[dict[tuple[str, str], tuple[bytes, str]]]:
        known = ask_kept(transaction, asks)()
        for ask in asks:
            row = transaction.one("SELECT at_ms FROM op WHERE op_id = ?", ask.op_id)
            if row is not None and row[0] < ask.at_ms - LIFE_MS:
                known.pop((ask.merchant_id, ask.op_id), None)
        return lambda: known

    def overwriting(transaction: Transaction, rows: list[Row]) -> None:
        sql = "INSERT INTO op (merchant_id, op_id, fingerprint, outcome, at_ms) VALUES (?, ?, ?, ?, ?)"
        transaction.many(f"{sql} ON CONFLICT DO NOTHING", rows)

    yield redemption, "_ask_kept", forgetful
    yield redemption, "keep_all", overwriting


def new_id_on_retry() -> Patches:
    """A wish at the counter whose answer was lost is asked again under another id."""

    def put_down(self: RedemptionService, type_: str, body: dict[str, Any]) -> tuple[str, dict[str, Any], bool]:
        about = next(name for name in ("d", "redemption_id", "batch_id") if name in body)
        with self._database.write(Topic.OUTBOX) as session:
            return enqueue(session, type_, aggregate=f"counter:{body[about][:16]}", body=body), body, True

    yield RedemptionService, "_put_down", put_down


def new_id_after_crash() -> Patches:
    """What was in flight is sent again under another id."""
    push = Pusher.push

    def again(self: Pusher, *arguments: Any, **named: Any) -> None:
        with self._database.write(Topic.OUTBOX) as session:
            for op in session.scalars(select(OutboxOp).where(OutboxOp.state == "in_flight")):
                op.op_id, op.state = new_op_id(), "waiting"
        push(self, *arguments, **named)

    yield Pusher, "push", again


def dropped_on_timeout() -> Patches:
    """No answer counts as done."""
    ask = Pusher._ask

    def asking(self: Pusher, lot: list[OutboxOp], step: Callable[[], None]) -> Any:
        try:
            return ask(self, lot, step)
        except Unreachable:
            with self._database.write(Topic.OUTBOX) as session:
                ids = [op.id for op in lot]
                done = {"state": "applied", "answered_at": now(), "in_flight_since": None}
                session.execute(update(OutboxOp).where(OutboxOp.id.in_(ids)).values(**done))
            raise

    yield Pusher, "_ask", asking


def own_events_hidden() -> Patches:
    """A desktop does not hear again what it has sent itself."""
    apply = events.apply

    def others_only(session: Session, page: EventsPage) -> None:
        own = set(session.scalars(select(OutboxOp.op_id)))
        others = [event for event in page.events if event.op_id not in own]
        apply(session, msgspec.structs.replace(page, events=others))

    yield events, "apply", others_only


def cursor_first() -> Patches:
    """The place in the feed is stored before what happened there."""

    def taking(self: CloudService, page: EventsPage, after: str, url: str) -> None:
        with self._database.write(Topic.CLOUD) as session:
            if str(stored(session, "cloud.cursor")) != after:
                return
            store(session, "cloud.cursor", page.next)
            store(session, "cloud.feed_hash", page.events[-1].hash)
        with self._database.write(Topic.CLOUD) as session:
            events.apply(session, page)

    yield CloudService, "_take_in", taking


def same_incarnation() -> Patches:
    """A restored desktop goes on as if it were the old one."""

    def storing(session: Session, key: str, value: Any) -> None:
        if key != "vault.incarnation":
            store(session, key, value)

    yield backups, "store", storing


def rules_first() -> Patches:
    """What the rules say now comes before what was said of this op."""
    redeem = Lot.redeem

    def judging(self: Lot, ask: Ask) -> dict[str, Any]:
        card = self._cards().get(ask.verifier)
        if card is not None and card.batch.merchant_id == ask.merchant_id:
            wanted = Wanted(ask.amount_minor, ask.uses)
            reason = judge(card.facts(), wanted, redemption._time(ask.at_ms))
            if reason is not None:
                if not self.knows(ask):
                    return redeem(self, ask)
                return {"refused": reason, "more": {}}
        return redeem(self, ask)

    yield Lot, "redeem", judging


def outcome_apart() -> Patches:
    """The answer is stored in a transaction of its own, behind the one of its effect."""
    waiting: list[Row] = []
    keep = redemption.keep_all

    def later(transaction: Transaction, rows: list[Row]) -> None:
        waiting.extend(rows)

    die = InlineStore.die

    def forgetting(store: InlineStore) -> None:
        waiting.clear()
        die(store)

    def behind(store: InlineStore) -> None:
        rows, waiting[:] = list(waiting), []
        if rows:
            store.write_now(lambda transaction: keep(transaction, rows))

    yield redemption, "keep_all", later
    yield InlineStore, "behind", staticmethod(behind)
    yield InlineStore, "die", forgetting


def unsealed() -> Patches:
    """What is uploaded can be redeemed at once."""
    facts = redemption._Card.facts

    def open_to_all(self: Any) -> Any:
        return msgspec.structs.replace(facts(self), sealed=True)

    yield redemption._Card, "facts", open_to_all


def freeze_overtakes() -> Patches:
    """Freezes jump the queue, whatever of the same batch waits before them."""
    in_order = pushing.Pusher._freezes_first

    def all_freezes(self: pushing.Pusher, waiting: Any) -> list[OutboxOp]:
        return sorted(in_order(self, waiting), key=lambda op: op.lane != "freeze")

    yield pushing.Pusher, "_freezes_first", all_freezes


def lease_kept() -> Patches:
    """A lease counts for whoever has the vault, restored or not."""

    def anybodys(session: Session, at: datetime) -> list[Lease]:
        current = Lease.state == "open", Lease.until > at
        return list(session.scalars(select(Lease).where(*current)))

    yield deciding, "own_leases", anybodys


def lease_ends_by_itself() -> Patches:
    """A lease that has run out is taken as given back."""
    spans = redemption.ask_spans

    def expiring(transaction: Transaction, batch_ids: Sequence[int]) -> Asked[dict[int, list[tuple[int, int]]]]:
        ended = "UPDATE lease SET state = 'reclaimed' WHERE state = 'open' AND until_ms < ?"
        transaction.run(ended, endpoint.now_ms())
        return spans(transaction, batch_ids)

    yield redemption, "ask_spans", expiring
    yield leases, "open_spans", lambda transaction, batch_ids: expiring(transaction, batch_ids)()


def lease_unheeded() -> Patches:
    """The endpoint redeems what it has given away."""
    yield redemption._Card, "held_by_a_device", lambda _: None


def answers_at_once() -> Patches:
    """An endpoint that was put back redeems before it was given back what it missed."""

    def nobody(transaction: Transaction, merchants: Collection[str]) -> set[str]:
        return set()

    yield redemption, "ask_recovering", lambda *_: set
    for where in (issue, links):
        yield where, "recovering", nobody
    yield history, "PUTS_BACK", 1


def word_not_kept() -> Patches:
    """A desktop does not keep the receipts that it hears, and says nothing of those entries in another way."""
    yield Told, "word", None
    yield restored, "_lacking", lambda *_, **__: []
    yield history, "PUTS_BACK", 1


def paid_while_leased() -> Patches:
    """The endpoint pays out what a counter decides about alone."""
    yield balances, "_is_leased", lambda *_: False


def against_itself() -> Patches:
    """The lease of a device that was revoked stands against what its own desktop gave out under it."""
    yield leases, "_is_nobodys", lambda *_: False


PLANTS: dict[str, Callable[[], Patches]] = {
    "ids-expire": ids_expire,
    "new-id-on-retry": new_id_on_retry,
    "new-id-after-crash": new_id_after_crash,
    "dropped-on-timeout": dropped_on_timeout,
    "own-events-hidden": own_events_hidden,
    "cursor-first": cursor_first,
    "same-incarnation": same_incarnation,
    "rules-first": rules_first,
    "outcome-apart": outcome_apart,
    "unsealed": unsealed,
    "answers-at-once": answers_at_once,
    "word-not-kept": word_not_kept,
    "freeze-overtakes": freeze_overtakes,
    "lease-kept": lease_kept,
    "lease-ends-by-itself": lease_ends_by_itself,
    "lease-unheeded": lease_unheeded,
    "paid-while-leased": paid_while_leased,
    "against-itself": against_itself,
}


@contextmanager
def planted(name: str, among: Mapping[str, Callable[[], Patches]] | None = None) -> Iterator[None]:
    with ExitStack() as stack:
        for where, attribute, value in (among or PLANTS)[name]() if name else ():
            stack.enter_context(patch.object(where, attribute, value))
        yield
