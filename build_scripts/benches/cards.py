"""Making, finding and giving cards in the vault."""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlcipher3 import dbapi2 as sqlcipher

from app.errors import JobCancelled
from app.models.base import now
from app.models.database import PRAGMAS
from app.models.people import Person
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.stock import take
from app.topics import Topic
from build_scripts.benches import Figure, Size, against, fresh, peak_mb, percentile, reset_peak, seconds

PEOPLE, EACH = 5_000, 20
BEFORE = 10
"""Millions that are there already, for a million cards more."""
LOOKED_UP = 1_000
BLIND, SEALED = 16, 36


def generate(size: Size) -> list[Figure]:
    """Against ready-made rows of equal size into the same kind of file."""
    pairs: list[tuple[float, float]] = []
    memory = 0.0
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name:
            vault, services, product = fresh(Path(name) / "vault")
            before = reset_peak()
            ours = seconds(lambda: services.batches.generate(BatchSpec(product, size.cards)))  # noqa: B023
            memory = memory or peak_mb() - before
            vault.close()
            with _floor_file(Path(name)) as floor:
                pairs.append((ours, _inserted(floor, 0, size.cards)))
    return [
        against("generate", pairs, 0.6, context=f"{size.cards:,} cards; bare executemany", wanted=0.35),
        Figure("generate, memory", memory, "MB", 100, "growth of the peak, first round"),
    ]


def onto(size: Size) -> list[Figure]:
    """The same onto a file that holds ten times as many; once, since it takes minutes."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        for _ in range(BEFORE):
            services.batches.generate(BatchSpec(product, size.cards))
        ours = seconds(lambda: services.batches.generate(BatchSpec(product, size.cards)))
        vault.close()
        with _floor_file(Path(name)) as floor:
            _filled(floor, BEFORE * size.cards)
            bare = _inserted(floor, BEFORE * size.cards, size.cards)
    context = f"{size.cards:,} cards onto {BEFORE * size.cards:,}; bare executemany"
    return [against("generate onto ten times as many", [(ours, bare)], 0.5, context=context)]


def cancel(size: Size) -> list[Figure]:
    """From the wish to stop to the end of the call, at random moments; the batch is left to be continued."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        whole = seconds(lambda: services.batches.generate(BatchSpec(product, size.cards)))
        spec = BatchSpec(product, size.cards)
        waits = [_cancelled(services, spec, after=whole * part) for part in (0.1, 0.3, 0.5, 0.7, 0.9)]
        vault.close()
    context = f"longest of {len(waits)} moments of making {size.cards:,}"
    return [Figure("generate, cancel", max(waits), "s", 0.5, context)]


def _cancelled(services: Any, spec: BatchSpec, *, after: float) -> float:
    began = time.perf_counter()

    def stop_late(done: int, total: int) -> None:
        if time.perf_counter() - began > after:
            raise JobCancelled

    last = began
    try:
        services.batches.generate(spec, stop_late)
    except JobCancelled:
        last = time.perf_counter()
    return max(0.0, last - began - after)


@contextmanager
def _floor_file(folder: Path) -> Iterator[Any]:
    """An encrypted file with the vault's own settings and one table with a unique index."""
    connection = sqlcipher.connect(str(folder / "floor.db"), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{'ab' * 32}'\"")
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE card (id INTEGER PRIMARY KEY, blind BLOB, sealed BLOB)")
    connection.execute("CREATE UNIQUE INDEX ix ON card (blind)")
    yield connection
    connection.close()


def _inserted(connection: Any, first: int, cards: int) -> float:
    """`executemany` of ready-made rows, one transaction."""
    rows = [(first + number, os.urandom(BLIND), os.urandom(SEALED)) for number in range(cards)]

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO card VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")

    return seconds(insert)


def _filled(connection: Any, cards: int) -> None:
    """What is there already: sorted, so that it goes quickly; the tree is the same."""
    blinds = np.sort(np.frombuffer(os.urandom(cards * BLIND), f"S{BLIND}")).tobytes()
    connection.execute("BEGIN IMMEDIATE")
    rows = ((n, blinds[n * BLIND : (n + 1) * BLIND], os.urandom(SEALED)) for n in range(cards))
    connection.executemany("INSERT OR IGNORE INTO card VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")


def look_up(size: Size) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        services.batches.generate(BatchSpec(product, size.cards))
        ids = services.cards.ids(CardFilter())
        some = random.sample(list(ids), min(LOOKED_UP, len(ids)))
        known = [services.cards.reveal(card, reason="bench").reveal() for card in some]
        times = [seconds(lambda: services.cards.find_by_code(code)) for _ in range(size.rounds) for code in known]  # noqa: B023
        pages = [seconds(lambda: services.cards.rows(services.cards.ids(CardFilter())[:200])) for _ in range(7)]
        vault.close()
    context = f"{size.cards:,} cards; median {statistics.median(times) * 1e6:.0f} µs"
    listed = f"{size.cards:,} cards: ids and 200 rows"
    return [
        Figure("lookup by code, p99", percentile(times, 99) * 1000, "ms", 1, context),
        Figure("list, first page", statistics.median(pages) * 1000, "ms", 100, listed),
    ]


def assign(size: Size) -> list[Figure]:
    """Twenty cards each: taken from stock by the call that every distribution makes."""
    people_count = size.part(PEOPLE)
    took: list[float] = []
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name:
            vault, services, product = fresh(Path(name) / "vault")
            services.batches.generate(BatchSpec(product, people_count * EACH))
            at = now()
            with vault.database.write(Topic.PEOPLE) as session:
                names = (f"员工{number}" for number in range(people_count))
                session.add_all(
                    Person(name=one, search="", pinyin_key="", created_at=at, changed_at=at) for one in names
                )
                session.flush()
                people = [person.id for person in session.query(Person)] * EACH

            def give() -> None:
                with vault.database.write(Topic.CARDS) as session:  # noqa: B023
                    take(session, product, people)  # noqa: B023

            took.append(seconds(give))
            vault.close()
    context = f"{people_count * EACH:,} cards to {people_count:,} people, with the commit"
    return [Figure("assign", statistics.median(took), "s", 0.5, context)]
