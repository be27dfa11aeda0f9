"""What phones were told, and whether one order of acts explains it all: the judge of the races.

Each card is judged by itself, as each is a register of its own: a history is right when every card's is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

UNHEARD = "unheard"
"""In place of a problem's key: whoever asked hung up, and the endpoint may have done it or not."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One attempt. `asked` and `answered` are moments of one clock; `told` is the answer's body, `key` its problem."""

    card: int
    op_id: str
    amount_minor: int | None
    asked: float
    answered: float
    told: dict[str, Any]
    key: str = ""


def by_card(history: Iterable[Heard]) -> dict[int, list[Heard]]:
    cards: dict[int, list[Heard]] = {}
    for heard in history:
        cards.setdefault(heard.card, []).append(heard)
    return cards


def merged(history: Iterable[Heard]) -> list[Heard]:
    """Each op once: asked when it was asked first, answered when it was answered first. The same op id must have been
    told the same."""
    ops: dict[str, Heard] = {}
    for heard in sorted(history, key=lambda one: one.answered):
        first = ops.setdefault(heard.op_id, heard)
        same = heard.key == UNHEARD or (first.told, first.key) == (heard.told, heard.key)
        assert same, f"two answers to op {heard.op_id}"
        if heard.asked < first.asked:
            ops[heard.op_id] = replace(first, asked=heard.asked)
    return list(ops.values())


def judge_once(history: Sequence[Heard]) -> int:
    """Cards that are redeemed as a whole; how many somebody was told of. Raises AssertionError."""
    redeemed = 0
    for card, heard in by_card(merged(history)).items():
        done = [one for one in heard if not one.key]
        assert len(done) <= 1, f"card {card} was redeemed {len(done)} times"
        redeemed += len(done)
        takers = done or [one for one in heard if one.key == UNHEARD]
        for refused in (one for one in heard if one.key not in ("", UNHEARD)):
            assert refused.key == "card-spent", f"card {card}: {refused.key}"
            assert any(one.asked < refused.answered for one in takers), f"card {card} was called spent too early"
    return redeemed


def judge_debits(history: Sequence[Heard], face_minor: int) -> int:
    """Cards that are debited in part: every answer must fit one falling row of balances; fen taken in all."""
    taken = 0
    for card, heard in by_card(merged(history)).items():
        done = sorted((one for one in heard if not one.key), key=lambda one: -int(one.told["remaining_minor"]))
        balance = face_minor
        for one in done:
            balance -= int(one.told["redeemed_minor"])
            assert balance == one.told["remaining_minor"], f"card {card}: the balances do not follow from each other"
        assert balance >= 0, f"card {card} lies below zero"
        _keep_time(card, done)
        for refused in (one for one in heard if one.key):
            _refused_rightly(card, refused, done, face_minor)
        taken += face_minor - balance
    return taken


def _keep_time(card: int, done: Sequence[Heard]) -> None:
    """Whoever was answered before another asked must stand before it."""
    latest = 0.0
    for one in done:
        assert one.answered > latest, f"card {card}: an op overtook one that was asked after its answer"
        latest = max(latest, one.asked)


def _refused_rightly(card: int, refused: Heard, done: Sequence[Heard], face_minor: int) -> None:
    """At some moment between asking and answer the balance was what it was called, and too low."""
    if refused.key == "card-spent":
        left = 0
    else:
        assert refused.key == "insufficient-balance", f"card {card}: {refused.key}"
        left = int(refused.told["remaining_minor"])
        assert refused.amount_minor is not None, f"card {card}: all it holds is never too much"
        assert refused.amount_minor > left, f"card {card}: refused though it held enough"
    balances = [face_minor, *(int(one.told["remaining_minor"]) for one in done)]
    assert left in balances, f"card {card} never held {left}"
    at = balances.index(left)
    begun = at == 0 or done[at - 1].asked < refused.answered
    over = at < len(done) and done[at].answered < refused.asked
    assert (begun, over) == (True, False), f"card {card} held {left} at another time"


def judge_freezes(
    history: Sequence[Heard], frozen: Sequence[tuple[float, float]], thawed: Sequence[tuple[float, float]] = ()
) -> None:
    """`frozen`: from the answer to a freeze until the thaw was asked for; whatever lies between is refused. `thawed`:
    from the answer to a thaw until the next freeze was asked for; whatever lies between is not refused for a freeze."""
    each = merged(history)
    if heard := _inside([one for one in each if not one.key], frozen):
        raise AssertionError(f"card {heard.card} was redeemed while its batch was frozen")
    if heard := _inside([one for one in each if one.key == "batch-frozen"], thawed):
        raise AssertionError(f"card {heard.card} was refused while its batch was thawed")


def _inside(history: Sequence[Heard], spans: Sequence[tuple[float, float]]) -> Heard | None:
    """One that was asked and answered within one of the spans, which do not overlap."""
    left = iter(sorted(spans))
    span = next(left, None)
    for heard in sorted(history, key=lambda one: one.asked):
        while span is not None and span[1] < heard.asked:
            span = next(left, None)
        if span is not None and span[0] < heard.asked and heard.answered < span[1]:
            return heard
    return None
