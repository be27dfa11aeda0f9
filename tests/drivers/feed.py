"""Histories of the endpoint as its feed would tell them: drawn at random, and possible."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from sync.protocol import Event, EventsPage, to_wire

BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
AWAY = "00000000-0000-7000-8000-000000000000"
"""A batch another desktop made."""


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """A batch as the endpoint knows it. Without a face it counts uses."""

    uid: str
    count: int
    face_minor: int | None = None
    uses: int = 1
    links: Sequence[str] = ()


@dataclass(slots=True)
class History:
    """`drawn` gives events one after the other; every card's entries stay within what it holds."""

    dice: Random
    batches: Sequence[FeedBatch]
    events: list[Event] = field(default_factory=list)
    _left: dict[tuple[str, int], int] = field(default_factory=dict)
    _undoable: list[tuple[FeedBatch, int, str, int]] = field(default_factory=list)

    def drawn(self, count: int) -> list[Event]:
        acts = (self.redeem, self.reverse, self.pay, self.card, self.batch, self.link, self.strange, self.again)
        while len(self.events) < count:
            (act,) = self.dice.choices(acts, (60, 15, 12, 8, 1, 20, 2, 4))
            act()
        return self.events

    def redeem(self) -> None:
        batch, no = self._card()
        left = self._left.setdefault((batch.uid, no), batch.face_minor or batch.uses)
        if left:
            taken = self.dice.choice((left, self.dice.randint(1, left)))
            self._undoable.append((batch, no, self._id(), taken))
            self._entry("redeemed@1", batch, no, taken, entry=self.dice.choice(("code", "link", "counter")))

    def reverse(self) -> None:
        if self._undoable:
            at = self.dice.randrange(len(self._undoable))
            batch, no, op_id, taken = self._undoable.pop(at)
            self._entry("reversed@1", batch, no, -taken, reverses=op_id, reason="刷错了")

    def pay(self) -> None:
        """Put money onto a card, or pay out a part of what is left of it."""
        batch, no = self._card()
        left = self._left.setdefault((batch.uid, no), batch.face_minor or batch.uses)
        if batch.face_minor is not None and self.dice.random() < 0.5:
            self._entry("topped_up@1", batch, no, -self.dice.randint(1, 9_000), reason="充值")
        elif left:
            self._entry("refunded@1", batch, no, self.dice.choice((left, self.dice.randint(1, left))), reason="退卡")

    def card(self) -> None:
        batch, no = self._card()
        type_ = self.dice.choice(("card.frozen@1", "card.thawed@1", "card.voided@1"))
        self.tell(type_, batch_id=batch.uid, card_no=no)

    def batch(self) -> None:
        types = ("sealed@1", "frozen@1", "thawed@1", "frozen@1", "thawed@1", "batch.voided@1")
        self.tell(self.dice.choice(types), batch_id=self.dice.choice(self.batches).uid)

    def link(self) -> None:
        batch = self.dice.choice([batch for batch in self.batches if batch.links])
        no = self.dice.randrange(len(batch.links))
        type_ = self.dice.choice(("link.stored@1", "opened@1", "claimed@1", "link.recalled@1"))
        self.tell(type_, batch_id=batch.uid, link_id=batch.links[no], card_no=no)

    def strange(self) -> None:
        """Not of this version, of another desktop, or about nothing at all."""
        told: tuple[tuple[str, Any], ...] = (
            ("melted@7", [1, 2]),
            ("melted@7", {"batch_id": self.batches[0].uid}),
            ("redeemed@1", {"batch_id": AWAY, "card_no": 1}),
            ("opened@1", {"batch_id": ""}),
            ("merchant.updated@1", {"name": "店"}),
        )
        type_, body = self.dice.choice(told)
        self._append(type_, self._id(), body)

    def again(self) -> None:
        """A fact may be told twice."""
        if self.events:
            old = self.dice.choice(self.events)
            self.events.append(msgspec.structs.replace(old, seq=len(self.events) + 1))

    def _entry(self, type_: str, batch: FeedBatch, no: int, taken: int, **more: str) -> None:
        left = self._left[batch.uid, no] = self._left[batch.uid, no] - taken
        of_money = batch.face_minor is not None
        amounts = {
            "amount_minor": taken if of_money else 0,
            "uses": 0 if of_money else taken,
            "remaining_minor": left if of_money else None,
            "remaining_uses": None if of_money else left,
        }
        self.tell(type_, batch_id=batch.uid, card_no=no, place=self.dice.choice(("", "前台")), **amounts, **more)

    def _card(self) -> tuple[FeedBatch, int]:
        batch = self.dice.choice(self.batches)
        return batch, self.dice.randrange(batch.count)

    def tell(self, type_: str, **body: Any) -> None:
        self._append(type_, self._id(), body)

    def _append(self, type_: str, op_id: str, body: Any) -> None:
        seq = len(self.events) + 1
        at = to_wire(BEGIN + timedelta(minutes=7 * seq))
        self.events.append(Event(seq, type_, op_id, at, msgspec.Raw(msgspec.json.encode(body)), ""))

    def _id(self) -> str:
        return f"op{len(self.events) + 1}"


def pages(events: Sequence[Event], size: int) -> list[EventsPage]:
    """The feed in pages, without its chain."""
    return [
        EventsPage("e1", list(events[at : at + size]), f"e1.{at}", at + size < len(events), len(events))
        for at in range(0, len(events), size)
    ]
