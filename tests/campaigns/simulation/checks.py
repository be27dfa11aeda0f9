"""The invariants, by books of our own, and by the verifiers of both ends."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from app.models.batch import Batch, Card
from app.models.lease import Conflict, Lease
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.models.setting import Setting
from sync.protocol import b64
from tests.campaigns.simulation.desktop import Desktop
from tests.campaigns.simulation.template import FACE, USES
from tests.campaigns.simulation.world import Violation

if TYPE_CHECKING:
    from tests.campaigns.simulation.history import History

GIVEN_UP = ("counter:", "take:", "lease:", "reclaim:", "conflict:")
"""Aggregates whose refused ops are told at once instead of standing in the list."""
DONE_ALREADY = ("stale-version", "batch-sealed")
"""Refusals of what only its own op can have done."""
CardKey = tuple[str, int]
CardState = tuple[str, int | None, int, bool]
"""Active, spent or voided; fen; uses; frozen."""


def check(history: History) -> None:
    """Raises Violation."""
    server = history.template.server
    ledger = server.look(
        "SELECT r.op_id, b.uid, r.card_no, r.kind, r.amount_minor, r.uses, r.place, b.money FROM redemption r "
        "JOIN batch b ON b.id = r.batch_id"
    )
    feed = server.look("SELECT seq, type, op_id, at, body, hash, receipt FROM feed ORDER BY seq")
    _sums(ledger)
    excused = _conflicts(history, feed) | history.told.lost
    _confirmed(history, ledger, excused)
    _wishes(history, ledger, excused)
    _order(feed)
    _chain(feed)
    _links(history)
    cards = _server_cards(history)
    outcomes = {row[0] for row in server.look("SELECT op_id FROM op")}
    for desktop in history.desktops:
        _outbox(desktop, {row[0] for row in ledger}, outcomes, history)
        _projection(history, desktop, cards, {row[0]: tuple(row[4:6]) for row in ledger})
        _place(desktop, feed)
        if (last := history.last[desktop.name]) is None or last.differences:
            raise Violation(f"I5: {desktop.name} differs from the endpoint: {last}")
    if history.clerk is not None:
        booked = {row[0] for row in ledger}
        _outbox(history.clerk.desktop, booked, outcomes, history)
        _place(history.clerk.desktop, feed)
        history.clerk.check(booked)
    if history.thorough:
        _verifiers(history)


def _verifiers(history: History) -> None:
    there = history.template.server.verdict()
    if not there.ok:
        raise Violation(f"endpoint: {[str(finding) for finding in there.findings]}")
    for desktop in history.desktops:
        verdict = desktop.services.integrity.verify()
        if not verdict.ok:
            raise Violation(f"{desktop.name}: {[str(finding) for finding in verdict.findings]}")


def _sums(ledger: list[Any]) -> None:
    """I1. What a card gave never goes beyond its face and what was put onto it, and that is the only way beyond."""
    sums: dict[CardKey, list[int]] = {}
    for op_id, uid, no, kind, amount, uses, _, money in ledger:
        one = sums.setdefault((uid, no), [0, 0, 0, money])
        one[0] += 0 if kind == "topped_up" else amount
        one[1] += uses
        one[2] += -amount if kind == "topped_up" else 0
        gives = kind in ("reversed", "topped_up")
        if max(amount, uses) > 0 if gives else min(amount, uses) < 0:
            raise Violation(f"I1: {op_id} is {kind} and moves {amount} fen, {uses} uses")
    for card, (amount, uses, put_on, money) in sums.items():
        if not (0 <= amount <= FACE + put_on and uses == 0 if money else 0 <= uses <= USES and amount == put_on == 0):
            raise Violation(f"I1: {card} gave {amount} fen and {uses} uses, {put_on} fen were put onto it")


@dataclass
class _Leases:
    """As the feed tells them. `late`: those that were taken from their devices, whose entries may come too late."""

    late: set[str] = field(default_factory=set)
    open: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    of: dict[str, set[str]] = field(default_factory=dict)
    """Device → what it ever had."""

    def hear(self, type_: str, told: dict[str, Any]) -> None:
        if type_ == "lease.taken@1":
            self.open[told["lease_id"]] = told["batch_id"], told["first_no"], told["end_no"]
            self.of.setdefault(told["device_id"], set()).add(told["lease_id"])
        elif type_ in ("lease.returned@1", "lease.reclaimed@1"):
            self.open.pop(told["lease_id"])
            self.late |= {told["lease_id"]} if type_ == "lease.reclaimed@1" else set()
        elif type_ == "device.revoked@1":
            self.late |= self.of.get(told["device_id"], set())

    def others(self, told: dict[str, Any]) -> list[str]:
        """Leases over the card of a conflict but its own."""
        return [
            lease
            for lease, (batch, first, end) in self.open.items()
            if lease != told["lease_id"] and batch == told["batch_id"] and first <= told["card_no"] < end
        ]


def _conflicts(history: History, feed: list[Any]) -> set[str]:
    """Ops that came too late for their cards: each has its reason in the feed, and stands in every desktop's list."""
    leases, found = _Leases(), set[str]()
    for seq, type_, op_id, _, body, *_ in feed:
        told = json.loads(body)
        leases.hear(type_, told)
        if type_ != "conflict.found@1":
            continue
        found.add(op_id)
        if history.wire.met["clone by hand"]:
            continue
        if told["lease_id"] not in leases.late:
            raise Violation(f"I8: event {seq} is a conflict under a lease that nobody had taken away")
        if told["reason"] == "card-leased" and not leases.others(told):
            raise Violation(f"I8: event {seq} is a conflict with nobody")
    kept = {row[0] for row in history.template.server.look("SELECT op_id FROM conflict")}
    for desktop in history.desktops:
        with desktop.database.read() as session:
            here = set(session.scalars(select(Conflict.id)))
            for lease in session.scalars(select(Lease.id).where(Lease.state == "returning")):
                raise Violation(f"I6: {desktop.name} gives lease {lease} back for ever")
        if not found == kept == here:
            raise Violation(f"I5: conflicts in the feed, at the endpoint and on {desktop.name}: {found} {kept} {here}")
    history.told.steps["conflicts"] += len(found)
    return found


def _confirmed(history: History, ledger: list[Any], excused: set[str]) -> None:
    """I2: what people were told is so, once; what they were told is not so is not."""
    told = history.told
    booked = {row[0]: (row[4], row[5]) for row in ledger}
    if len(booked) != len(ledger):
        raise Violation("I2: an op stands twice in the ledger")
    for op_id, taken in told.redeemed.items():
        if booked.get(op_id) != taken and (op_id in booked or op_id not in _undone_by(history, excused)):
            raise Violation(f"I2: {op_id} was confirmed as {taken} and is {booked.get(op_id)} in the ledger")
    if wrong := told.refused & booked.keys():
        raise Violation(f"I2: refused and yet in the ledger: {wrong}")


def _undone_by(history: History, excused: set[str]) -> set[str]:
    """With what undid an op that is not in the ledger: it is not there either."""
    return excused | {op_id for op_id, undone in history.told.undoes.items() if undone in excused}


def _wishes(history: History, ledger: list[Any], excused: set[str]) -> None:
    """I2: no wish at a counter came true twice, and a confirmed one did under the id it was confirmed with."""
    places: dict[str, list[str]] = {}
    for row in ledger:
        if row[6]:
            places.setdefault(row[6], []).append(row[0])
    for place, ops in places.items():
        if len(ops) > 1:
            raise Violation(f"I2: one wish at a counter came true {len(ops)} times: {place}")
    for place, op_id in history.told.wishes.items():
        if places.get(place) != [op_id] and (place in places or op_id not in excused):
            raise Violation(f"I2: the wish {place} was confirmed as {op_id} and is {places.get(place)}")


def _order(feed: list[Any]) -> None:
    """I3, I8 and I9. What was decided under a lease that was open at the freeze counts."""
    frozen: dict[str, set[str]] = {}
    sealed: set[str] = set()
    leases: dict[str, tuple[str, int, int]] = {}
    for seq, type_, _, _, body, *_ in feed:
        told = json.loads(body)
        batch, lease = told.get("batch_id", ""), told.get("lease_id")
        if type_ == "lease.taken@1":
            leases[lease] = batch, told["first_no"], told["end_no"]
        elif type_ in ("lease.returned@1", "lease.reclaimed@1"):
            leases.pop(lease)
        takes = type_ in ("redeemed@1", "refunded@1") and not told.get("returned")  # decided in an earlier epoch
        if takes and any(
            lease != held and batch == where and first <= told["card_no"] < end
            for held, (where, first, end) in leases.items()
        ):
            raise Violation(f"I8: event {seq}, {type_}, takes from a card that somebody else decides about")
        if type_ == "frozen@1":
            frozen[batch] = set(leases)
        elif type_ == "thawed@1":
            frozen.pop(batch, None)
        elif type_ == "sealed@1":
            sealed.add(batch)
        elif (
            type_ in ("redeemed@1", "topped_up@1")
            and batch in frozen
            and not told.get("returned")
            and not told.get("moved")  # decided elsewhere, before
            and (not lease or lease not in frozen[batch])
        ):
            raise Violation(f"I3: event {seq}, {type_}, in a frozen batch")
        elif type_ in ("redeemed@1", "topped_up@1", "refunded@1") and batch not in sealed:
            raise Violation(f"I9: event {seq}, {type_}, in a batch that is not sealed")


def _chain(feed: list[Any]) -> None:
    """I7."""
    before = b"\0" * 32
    for expected, (seq, type_, op_id, at, body, digest, receipt) in enumerate(feed, 1):
        row = b"\n".join(part.encode() for part in (type_, op_id, at, body))
        row += b"\n" + b64(bytes(receipt)).encode() if receipt else b""
        before = hashlib.sha256(b"kx.feed.v1\0" + before + expected.to_bytes(8, "big") + row).digest()
        if seq != expected or bytes(digest) != before:
            raise Violation(f"I7: the feed breaks at {seq}, expected {expected}")


def _links(history: History) -> None:
    told, server = history.told, history.template.server
    rows = server.look("SELECT id, opened_ms, claimed_ms, recalled_ms FROM link")
    for link, opened, claimed, recalled in rows:
        if not history.gone and recalled is not None and (opened is not None or claimed is not None):
            raise Violation(f"link {link} was opened and recalled")
        if link in told.opened and opened is None and not history.gone:
            raise Violation(f"link {link} was handed out and is not opened")
    events: set[tuple[str, str]] = set()
    for type_, body in server.look(
        "SELECT type, body FROM feed WHERE type IN ('link.stored@1', 'opened@1', 'claimed@1')"
    ):
        key = (type_, json.loads(body)["link_id"])
        if key in events:
            raise Violation(f"{key} was told twice")
        events.add(key)


def _server_cards(history: History) -> dict[str, tuple[bool, bool, dict[int, CardState]]]:
    """Of each sealed batch: frozen, voided, and its cards."""
    found: dict[str, tuple[bool, bool, dict[int, CardState]]] = {}
    rows = history.template.server.look(
        "SELECT b.uid, b.frozen, b.voided, c.no, c.state, c.balance_minor, c.uses_left, c.frozen FROM card c "
        "JOIN batch b ON b.id = c.batch_id WHERE b.sealed_ms IS NOT NULL"
    )
    for uid, frozen, voided, no, state, balance, uses, stopped in rows:
        cards = found.setdefault(uid, (bool(frozen), bool(voided), {}))[2]
        word = "voided" if voided and state != "spent" else state
        cards[no] = (word, balance, uses, bool(stopped) and word == "active")
    return found


def _outbox(desktop: Desktop, booked: set[str], outcomes: set[str], history: History) -> None:
    """I6: nothing waits but behind something refused that is shown; nothing was dropped but what was refused."""
    with desktop.database.read() as session:
        ops = list(session.scalars(select(OutboxOp)))
    held = {op.aggregate for op in ops if op.state == "rejected"}
    for op in ops:
        if op.state == "applied" and op.op_id not in outcomes | history.gone:
            raise Violation(f"I6: {desktop.name}: {op.type} counts as done and never came there")
        if op.state in ("waiting", "in_flight") and op.aggregate not in held:
            raise Violation(f"I6: {desktop.name}: {op.type} {op.state} for ever")
        if op.state == "rejected" and not (op.problem or {}).get("key"):
            raise Violation(f"I6: {desktop.name}: {op.type} was refused without a reason")
        if op.state == "rejected" and (op.problem or {})["key"] in DONE_ALREADY:
            raise Violation(f"I4: {desktop.name}: {op.type} was done already under another id: {op.problem}")
        told_anew = history.tells_anew and op.type.startswith(("batch.", "card."))
        if op.state == "withdrawn" and history.moves and op.aggregate.startswith("batch:"):
            continue  # what waited for the endpoint that was left: the next one hears of all it does not know
        if op.state == "withdrawn" and not op.aggregate.startswith(GIVEN_UP) and not told_anew:
            raise Violation(f"I6: {desktop.name}: {op.type} was dropped")
        if op.state == "withdrawn" and op.op_id in booked:
            raise Violation(f"I2: {desktop.name}: {op.type} was told refused and is in the ledger")
    if not history.tells_anew:  # then what stands is said anew
        _in_order(desktop, ops)


def _in_order(desktop: Desktop, ops: list[OutboxOp]) -> None:
    """What a person said of one batch came there in this order: the last word is the last."""
    reached: dict[str, int] = {}
    for op in sorted(ops, key=lambda op: op.id):
        if op.state != "applied" or op.seq is None or not op.type.startswith(("batch.", "card.")):
            continue
        if op.seq < reached.get(op.aggregate, 0):
            raise Violation(f"order: {desktop.name}: {op.type} came there before what was said before it")
        reached[op.aggregate] = op.seq


def _projection(
    history: History,
    desktop: Desktop,
    there: dict[str, tuple[bool, bool, dict[int, CardState]]],
    ledger: dict[str, Any],
) -> None:
    """I5. What is held back behind a refused op is not compared: the desktop shows it as open."""
    with desktop.database.read() as session:
        batches = {str(UUID(bytes=batch.uid)): batch for batch in session.scalars(select(Batch))}
        lives = {card.id: card for card in session.scalars(select(Card))}
        entries = {entry.id: (entry.amount_minor, entry.uses) for entry in session.scalars(select(Redemption))}
        refused = select(OutboxOp.aggregate).where(OutboxOp.state == "rejected")
        held = set(session.scalars(refused))
    if entries != ledger:
        odd = set(entries.items()) ^ set(ledger.items())
        raise Violation(f"I5: {desktop.name} has another ledger: {odd}")
    for uid, (frozen, voided, cards) in there.items():
        if (batch := batches.get(uid)) is None:
            raise Violation(f"I5: {desktop.name} does not have batch {uid}")
        if f"batch:{batch.id}" in held:
            history.told.steps["held back"] += 1
            continue
        if (batch.frozen_at is not None, batch.state == "voided") != (frozen, voided):
            raise Violation(
                f"I5: {desktop.name}: batch {batch.serial} is {batch.state}, frozen {batch.frozen_at}; at the endpoint "
                f"frozen {frozen}, voided {voided}"
            )
        here = {no: _state(batch, lives.get(batch.first_card_id + no)) for no in cards}
        if here != cards:
            odd_cards = {no: (here[no], cards[no]) for no in cards if here[no] != cards[no]}
            raise Violation(f"I5: {desktop.name}: {batch.serial}, here and at the endpoint: {odd_cards}")


def _state(batch: Batch, card: Card | None) -> CardState:
    if card is None:
        return "voided" if batch.state == "voided" else "active", batch.face_minor, batch.uses, False
    word = card.state if card.state in ("spent", "voided") else "active"
    return word, card.balance_minor, card.uses_left, card.frozen_at is not None and word == "active"


def _place(desktop: Desktop, feed: list[Any]) -> None:
    """I7: everybody stands at the end of one and the same feed."""
    with desktop.database.read() as session:
        kept = {row.key: row.value for row in session.scalars(select(Setting).where(Setting.key.startswith("cloud.")))}
    last = feed[-1]
    if int(kept["cloud.cursor"].rpartition(".")[2]) != last[0] or kept["cloud.feed_hash"] != b64(bytes(last[5])):
        raise Violation(f"I7: {desktop.name} stands at {kept['cloud.cursor']} of another feed than {last[0]}")
