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
from uuid import UUID

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
from app.services.exports import ExportOrder  # noqa: E402
from app.services.secret import Secret  # noqa: E402
from app.services.vault.vaults import NewVault, OpenVault, Vaults  # noqa: E402
from build_scripts.http_load import load, nothing_done, redeem_bodies  # noqa: E402

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


def bench_files(cards: int, rounds: int) -> list[Figure]:
    """Export of all cards as CSV, and a roster of 100,000 rows read and checked."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        batch = services.batches.generate(BatchSpec(product, cards))
        exports = []
        for number in range(rounds):
            order = ExportOrder(batch, "csv", Path(name) / f"{number}.csv", False, "", Secret(""), None)
            exports.append(seconds(lambda: services.exports.export(order)))  # noqa: B023
        roster = Path(name) / "roster.csv"
        lines = [f"员工{number},138{number:08d},E{number:06d},市场部" for number in range(100_000)]
        roster.write_text("姓名,手机,工号,部门\n" + "\n".join(lines), "gb18030")
        read = [seconds(lambda: services.people.check(services.people.stage(roster))) for _ in range(rounds)]
        vault.close()
    return [
        Figure("export as CSV", statistics.median(exports), 1.0, "s", f"{cards:,} cards"),
        Figure("roster read and checked", statistics.median(read), 5.0, "s", "100,000 rows, GB18030"),
    ]


def bench_redeem(cards: int, rounds: int) -> list[Figure]:
    """Redemptions over HTTP on the embedded endpoint, against an ASGI app on uvicorn that does nothing."""
    with tempfile.TemporaryDirectory() as name:
        vault, services, product = fresh(Path(name) / "vault")
        count = 12_000 * rounds
        services.batches.generate(BatchSpec(product, count))
        services.cloud.start_embedded()
        services.cloud.sync()
        url, merchant = services.cloud.status().url, services.settings.merchant().id
        bodies = redeem_bodies(vault, UUID(merchant))
        ours, floors, slowest = [], [], 0.0
        with nothing_done() as floor_url:
            for number in range(rounds):
                lot = bodies[number * 12_000 : (number + 1) * 12_000]
                floors.append(load(floor_url, lot)[0])
                rate, worst = load(url, lot)
                ours.append(rate)
                slowest = max(slowest, worst)
        services.cloud.sync()
        agrees = services.cloud.status().differences == ()
        services.cloud.stop_embedded()
        vault.close()
    ratio = statistics.median(ours) / statistics.median(floors)
    context = f"{statistics.median(ours):,.0f}/s against {statistics.median(floors):,.0f}/s, agrees: {agrees}"
    return [
        Figure("redemptions, missing share", 1 - ratio, 0.8, "of a do-nothing app", context),
        Figure("redemption, p99", slowest * 1000, 50, "ms", "64 connections"),
    ]


BENCHES: dict[str, Callable[[int, int], list[Figure]]] = {
    "generate": bench_generate,
    "lookup": bench_lookup,
    "files": bench_files,
    "redeem": bench_redeem,
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
