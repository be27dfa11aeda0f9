"""In which order a ledger is told to an endpoint that decides by what is on a card.

By time, as a rule. But the entries of a card may come from endpoints whose clocks differ: a use can then stand before
the top-up that it needs. In some order they were all paid, and one like that is looked for where the times give none.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.batch import Batch
from app.models.catalog import Product
from app.models.many import among
from app.models.redemption import Redemption
from app.services.batches import is_partial
from app.services.cards.codes import batch_of, batches_of

LOT = 2_000
GIVING = ("topped_up", "reversed")


@dataclass(frozen=True, slots=True)
class Entry:
    """`takes` is fen or uses; less than nothing for what is put onto a card or given back. `undoes` names another."""

    id: str
    kind: str
    takes: int
    undoes: str | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What is on a card before; whether it can be used in parts."""

    left: int
    partial: bool


def in_an_order_that_pays(session: Session, entries: Sequence[str]) -> list[str]:
    """`entries` of the ledger by their ids, in the order of time; what else there is of their cards is known there.
    Only entries of one card change places with each other."""
    wanted, told = set(entries), list(entries)
    places = {op_id: at for at, op_id in enumerate(told)}
    for lot in _lots(sorted(_cards_that_were_given_to(session, wanted))):
        batches = batches_of(session, lot)
        for card_id, mine in _entries_of(session, lot).items():
            batch = batch_of(card_id, batches)
            moved = sorted((one for one in mine if one.id in wanted), key=lambda one: places[one.id])
            if batch is None or len(moved) < 2:
                continue
            known = sum(one.takes for one in mine if one.id not in wanted)
            slots = [places[one.id] for one in moved]
            for at, one in zip(slots, _ordered(moved, _holding(session, batch, known)), strict=True):
                told[at] = one.id
    return told


def _cards_that_were_given_to(session: Session, entries: Collection[str]) -> set[int]:
    """Of the others any order will do: together they took no more than there was."""
    given = session.execute(select(Redemption.id, Redemption.card_id).where(Redemption.kind.in_(GIVING)))
    return {card_id for op_id, card_id in given if op_id in entries}


def _entries_of(session: Session, cards: Sequence[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = defaultdict(list)
    columns = select(Redemption.card_id, Redemption.id, Redemption.kind, Redemption.amount_minor, Redemption.uses)
    wanted = columns.add_columns(Redemption.reverses).where(among(Redemption.card_id, cards))
    for card_id, op_id, kind, amount, uses, undoes in session.execute(wanted):
        found[card_id].append(Entry(op_id, kind, amount or uses, undoes))
    return found


def _holding(session: Session, batch: Batch, known: int) -> Holding:
    if batch.face_minor is None:
        return Holding(batch.uses - known, partial=True)
    product = session.get_one(Product, batch.product_id)
    return Holding(batch.face_minor - known, is_partial(session, batch, product))


def _ordered(entries: Sequence[Entry], holding: Holding) -> Sequence[Entry]:
    """As they came if that pays; else uses as early as they can be; else whatever is given first, then what was undone
    with what undid it, then the rest: of cards that are used in parts all of that can be paid."""
    ways = (entries, list(_uses_first(entries, holding)), list(_gifts_first(entries)))
    return next((way for way in ways if _pays(way, holding)), entries)


def _pays(entries: Sequence[Entry], holding: Holding) -> bool:
    left, to_come = holding.left, {one.id for one in entries}
    for one in entries:
        if not _can_come(one, left, to_come, partial=holding.partial):
            return False
        left -= one.takes
        to_come.discard(one.id)
    return True


def _can_come(one: Entry, left: int, to_come: Collection[str], *, partial: bool) -> bool:
    if one.kind == "reversed":
        return one.undoes not in to_come
    if one.takes < 0:
        return True
    return one.takes == left if one.kind == "redeemed" and not partial else one.takes <= left


def _uses_first(entries: Sequence[Entry], holding: Holding) -> Iterator[Entry]:
    """Each time the first that can be paid, and something that gives only when there is none."""
    left, rest = holding.left, list(entries)
    while rest:
        to_come = {one.id for one in rest}
        able = [one for one in rest if _can_come(one, left, to_come, partial=holding.partial)]
        one = next((one for one in able if one.takes >= 0), able[0] if able else rest[0])
        rest.remove(one)
        left -= one.takes
        yield one


def _gifts_first(entries: Sequence[Entry]) -> Iterator[Entry]:
    undone = {one.undoes: one for one in entries if one.undoes is not None}
    here = {one.id for one in entries}
    yield from (one for one in entries if one.takes < 0 and one.undoes not in here)
    for one in entries:
        if one.id in undone:
            yield from (one, undone[one.id])
    yield from (one for one in entries if one.takes >= 0 and one.id not in undone)


def _lots(cards: Sequence[int]) -> Iterator[Sequence[int]]:
    return (cards[start : start + LOT] for start in range(0, len(cards), LOT))
