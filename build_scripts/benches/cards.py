"""Making, finding and giving cards in the vault."""

import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from app.models.database import PRAGMAS
from app.models.people import Person
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.stock import take
from app.topics import Topic
from build_scripts.benches import Figure, Size, fresh, peak_mb, percentile, seconds

PEOPLE, EACH = 5_000, 20


def generate(size: Size) -> list[Figure]:
    """Against the floor of ready-made rows of equal size into the same kind of file."""
    ours: list[float] = []
    floors: list[float] = []
    memory = 0.0
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name:
            vault, services, product = fresh(Path(name) / "vault")
            before = peak_mb()
            ours.append(seconds(lambda: services.batches.generate(BatchSpec(product, size.cards))))  # noqa: B023
            memory = memory or peak_mb() - before
            vault.close()
            floors.append(_floor(Path(name), size.cards))
    ratio = statistics.median(own / floor for own, floor in zip(ours, floors, strict=True))
    context = f"{statistics.median(ours):.2f} s against {statistics.median(floors):.2f} s for {size.cards:,}"
    return [
        Figure("generate", ratio, 0.6, "× bare executemany", context),
        Figure("generate, memory", memory, 100, "MB", "growth of the peak, first round"),
    ]


def _floor(folder: Path, cards: int) -> float:
    """`executemany` with a unique index, one transaction."""
    rows = [(number, os.urandom(16), os.urandom(36)) for number in range(cards)]
    connection = sqlcipher.connect(str(folder / f"floor-{time.time_ns()}.db"), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{'ab' * 32}'\"")
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE card (id INTEGER PRIMARY KEY, blind BLOB, sealed BLOB)")
    connection.execute("CREATE UNIQUE INDEX ix ON card (blind)")

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO card VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")

    took = seconds(insert)
    connection.close()
    return took


def look_up(size: Size) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        services.batches.generate(BatchSpec(product, size.cards))
        ids = services.cards.ids(CardFilter())
        known = [services.cards.reveal(card, reason="bench").reveal() for card in random.sample(list(ids), 200)]
        times = [seconds(lambda: services.cards.find_by_code(code)) for _ in range(size.rounds) for code in known]  # noqa: B023
        pages = [seconds(lambda: services.cards.rows(services.cards.ids(CardFilter())[:200])) for _ in range(5)]
        vault.close()
    context = f"median {statistics.median(times) * 1e6:.0f} µs"
    return [
        Figure("lookup by code, p99", percentile(times, 99) * 1000, 1.0, "ms", context),
        Figure(
            "list, first page", statistics.median(pages) * 1000, 100, "ms", f"{size.cards:,} cards: ids and 200 rows"
        ),
    ]


def assign(size: Size) -> list[Figure]:
    """100,000 cards to 5,000 people: taken from stock by the call that every distribution makes."""
    took: list[float] = []
    for _ in range(size.rounds):
        with tempfile.TemporaryDirectory() as name:
            vault, services, product = fresh(Path(name) / "vault")
            services.batches.generate(BatchSpec(product, PEOPLE * EACH))
            with vault.database.write(Topic.PEOPLE) as session:
                session.add_all(Person(name=f"员工{number}", search="", pinyin_key="") for number in range(PEOPLE))
                session.flush()
                people = [person.id for person in session.query(Person)] * EACH

            def give() -> None:
                with vault.database.write(Topic.CARDS) as session:  # noqa: B023
                    take(session, product, people)  # noqa: B023

            took.append(seconds(give))
            vault.close()
    context = f"{PEOPLE * EACH:,} cards to {PEOPLE:,} people, with the commit"
    return [Figure("assign", statistics.median(took), 0.5, "s", context)]
