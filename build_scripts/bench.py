"""Speed, as ratios against a floor measured in the same run: `python build_scripts/bench.py [NAME …]`.

Machines differ and are noisy, so each bar compares with the plainest thing that could do the same work here and now;
alternating runs, medians. Absolute figures are printed for context only.
"""

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from sqlcipher3 import dbapi2 as sqlcipher  # noqa: E402

from app.bootstrap import build_services  # noqa: E402
from app.config import Config  # noqa: E402
from app.models.database import PRAGMAS  # noqa: E402
from app.services import Services  # noqa: E402
from app.services.batches import BatchSpec  # noqa: E402
from app.services.cards import CardFilter  # noqa: E402
from app.services.catalog import ProductSpec  # noqa: E402
from app.services.vault.vaults import NewVault, OpenVault, Vaults  # noqa: E402

PASSPHRASE = "correct horse battery staple 卡匣"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured bar. `value` must not exceed `bar` (a ratio, seconds, milliseconds or megabytes: see `unit`)."""

    name: str
    value: float
    bar: float
    unit: str
    context: str

    @property
    def kept(self) -> bool:
        return self.value <= self.bar


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fresh(folder: Path) -> tuple[OpenVault, Services, int]:
    """A new vault with one product."""
    config = Config(folder)
    vault, _ = Vaults(config, memory_kib=64).create(NewVault("商户", PASSPHRASE))
    services = build_services(config, vault)
    return vault, services, services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


def floor_insert(folder: Path, cards: int) -> float:
    """The floor of making cards: ready-made rows of equal size by `executemany`, unique index, one transaction,
    into the same kind of encrypted file."""
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


def bench_generate(cards: int, rounds: int) -> list[Figure]:
    ours: list[float] = []
    floors: list[float] = []
    memory = 0.0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            vault, services, product = fresh(Path(name) / "vault")
            before = peak_mb()
            ours.append(seconds(lambda: services.batches.generate(BatchSpec(product, cards))))  # noqa: B023
            memory = max(memory, peak_mb() - before) if not floors else memory
            vault.close()
            floors.append(floor_insert(Path(name), cards))
    ratio = statistics.median(own / floor for own, floor in zip(ours, floors, strict=True))
    context = f"{statistics.median(ours):.2f} s against {statistics.median(floors):.2f} s for {cards:,}"
    return [
        Figure("generate", ratio, 0.6, "× bare executemany", context),
        Figure("generate memory", memory, 100, "MB", "growth of the peak, first round"),
    ]


def bench_lookup(cards: int, rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        services.batches.generate(BatchSpec(product, cards))
        ids = services.cards.ids(CardFilter())
        known = [services.cards.reveal(card, reason="bench").reveal() for card in random.sample(list(ids), 200)]
        times = [seconds(lambda: services.cards.find_by_code(code)) for _ in range(rounds) for code in known]  # noqa: B023
        first_page = statistics.median(
            seconds(lambda: services.cards.rows(services.cards.ids(CardFilter())[:200])) for _ in range(5)
        )
        vault.close()
    p99 = statistics.quantiles(times, n=100)[98] * 1000
    return [
        Figure("lookup by code p99", p99, 1.0, "ms", f"median {statistics.median(times) * 1e6:.0f} µs"),
        Figure("list of a million, first page", first_page * 1000, 100, "ms", f"{cards:,} cards, ids and 200 rows"),
    ]


BENCHES: dict[str, Callable[[int, int], list[Figure]]] = {
    "generate": bench_generate,
    "lookup": bench_lookup,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES])
    parser.add_argument("--cards", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    missed = 0
    for name in asked.names or BENCHES:
        for figure in BENCHES[name](asked.cards, asked.rounds):
            mark = "ok  " if figure.kept else "MISS"
            missed += not figure.kept
            print(f"{mark} {figure.name:32} {figure.value:8.2f} {figure.unit:20} bar {figure.bar:g}   {figure.context}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
