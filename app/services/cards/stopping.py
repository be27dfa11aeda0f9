"""Freezing many cards, and letting them go again: lot by lot inside SQLite, a large batch as one thing."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.errors import JobCancelled
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.database import Database
from app.services.audit import AuditLog
from app.services.batches import found, stop_batch, untouched_state
from app.services.line import has_no_line
from app.services.outbox import enqueue_many
from app.services.progress import Progress
from app.services.stock import life_of
from app.topics import Topic

LOT = 5_000
"""Cards in one transaction: a third of a second."""
LARGE = 1_000
"""A whole batch of more cards than that is frozen as a batch: one op instead of a million."""
STOPPABLE = ("in_stock", "assigned", "active")
TOPICS = (Topic.CARDS, Topic.BATCHES, Topic.OUTBOX, Topic.AUDIT)
Ids = NDArray[np.int64]


@dataclass(slots=True)
class Stopped:
    """What one act changed, so that it can be taken back: `cards` by themselves, `batches` as a whole.

    `count` is all cards that changed; `held` stay frozen together with their batch. `waiting`: the endpoint has some of
    them, and there is no line to tell it.
    """

    cards: "array[int]" = field(default_factory=lambda: array("q"))
    batches: list[int] = field(default_factory=list)
    count: int = 0
    held: int = 0
    waiting: bool = False


class Stopping:
    """One act over any number of cards. `frozen` says which way."""

    def __init__(self, database: Database, audit: AuditLog, *, frozen: bool) -> None:
        self._database, self._audit, self._frozen = database, audit, frozen

    def stop(self, ids: Sequence[int], progress: Progress) -> Stopped:
        """Spent, voided and unknown cards are left as they are. A cancel takes back what was done so far."""
        wanted = np.unique(np.asarray(ids, np.int64))
        done, seen, sealed = Stopped(), 0, False
        try:
            for batch, chosen in self._by_batch(wanted):
                sealed = sealed or batch.sealed_at is not None
                for looked_at in self._stop_chosen(batch, chosen, done):
                    progress(seen + looked_at, len(wanted))
                seen += len(chosen)
        except JobCancelled:
            self.take_back(done)
            raise
        with self._database.read() as session:
            done.waiting = sealed and done.count > 0 and has_no_line(session)
        return done

    def take_back(self, done: Stopped) -> None:
        """Exactly what was changed is as it was before."""
        back = Stopping(self._database, self._audit, frozen=not self._frozen)
        for batch, chosen in self._by_batch(np.asarray(done.cards, np.int64)):  # first: a frozen batch hides its cards
            for start in range(0, len(chosen), LOT):
                back._stop_lot(batch.id, chosen[start : start + LOT], Stopped())
        for batch_id in done.batches:
            with self._database.write(*TOPICS) as session:
                stop_batch(session, self._audit, found(session, batch_id), frozen=back._frozen)

    def _by_batch(self, wanted: Ids) -> Iterator[tuple[Batch, Ids]]:
        """Usable batches with the chosen ones of their cards."""
        with self._database.read() as session:
            batches = list(session.scalars(select(Batch).where(Batch.state.in_(("ready", "published")))))
            session.expunge_all()
        for batch in batches:
            low, high = np.searchsorted(wanted, (batch.first_card_id, batch.first_card_id + batch.quantity))
            if low < high:
                yield batch, wanted[low:high]

    def _stop_chosen(self, batch: Batch, chosen: Ids, done: Stopped) -> Iterator[int]:
        """Of one batch, as a whole where that says the same. Yields how many cards it has looked at."""
        whole = len(chosen) == batch.quantity and (len(chosen) > LARGE or not self._frozen)
        if whole and (batch.frozen_at is not None) != self._frozen:
            self._stop_whole(batch, done)
        if not self._frozen or (not whole and batch.frozen_at is None):
            for start in range(0, len(chosen), LOT):
                self._stop_lot(batch.id, chosen[start : start + LOT], done)
                yield min(start + LOT, len(chosen))
        yield len(chosen)

    def _stop_whole(self, batch: Batch, done: Stopped) -> None:
        with self._database.write(*TOPICS) as session:
            fresh = found(session, batch.id)
            if not stop_batch(session, self._audit, fresh, frozen=self._frozen):
                return
            over = select(Card.id).where(Card.batch_id == batch.id, Card.state.not_in(STOPPABLE))
            done.count += batch.quantity - len(list(session.scalars(over)))
        done.batches.append(batch.id)

    def _stop_lot(self, batch_id: int, chosen: Ids, done: Stopped) -> None:
        """Cards of one batch: those without a row get one, in the state they have."""
        with self._database.write(*TOPICS) as session:
            batch = found(session, batch_id)
            begun = _begun(session, batch, chosen)
            if self._frozen:
                fresh = [int(one) for one in chosen if int(one) not in begun]
                changed = [one for one, (state, at) in begun.items() if at is None and state in STOPPABLE]
                if batch.frozen_at is not None or untouched_state(batch) not in STOPPABLE:
                    fresh, changed = [], []
            else:
                fresh, changed = [], [one for one, (_, at) in begun.items() if at is not None]
                if batch.frozen_at is not None:
                    done.held += len(chosen)
            self._write(session, batch, fresh, changed)
        ids = sorted(fresh + changed)
        done.cards.extend(ids)
        if batch.id not in done.batches and batch.frozen_at is None:
            done.count += len(ids)

    def _write(self, session: Session, batch: Batch, fresh: list[int], changed: list[int]) -> None:
        ids = sorted(fresh + changed)
        if not ids:
            return
        at = now() if self._frozen else None
        if fresh:
            state = untouched_state(batch)
            session.execute(insert(Card), [life_of(batch, one, state=state, frozen_at=at) for one in fresh])
        if changed:
            session.execute(update(Card).where(Card.id.in_(changed)).values(frozen_at=at, changed_at=now()))
        numbers = [one - batch.first_card_id for one in ids]
        uid = str(UUID(bytes=batch.uid))
        enqueue_many(
            session,
            "card.freeze@1" if self._frozen else "card.thaw@1",
            aggregate=f"batch:{batch.id}",
            bodies=[{"batch_id": uid, "card_no": number} for number in numbers],
            lane="freeze" if self._frozen else "ops",
        )
        self._audit.record(
            session,
            "card.frozen" if self._frozen else "card.thawed",
            subject=batch.serial,
            cards=len(ids),
            numbers=spans(numbers),
        )


def spans(numbers: Sequence[int]) -> str:
    """Positions as a person reads them, from 1: [0, 1, 2, 7] → `1-3, 8`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first + 1}" if first == last else f"{first + 1}-{last + 1}" for first, last in parts)


def _begun(session: Session, batch: Batch, chosen: Ids) -> dict[int, tuple[str, object]]:
    """Card id → (state, frozen since) of those among the chosen that have a row."""
    low, high = int(chosen[0]), int(chosen[-1])
    rows = select(Card.id, Card.state, Card.frozen_at).where(Card.batch_id == batch.id, Card.id.between(low, high))
    ids = set(chosen.tolist())
    return {one: (state, at) for one, state, at in session.execute(rows) if one in ids}
