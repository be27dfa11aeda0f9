"""Many phones at once, over real HTTP, on SQLite and on PostgreSQL: nothing is redeemed twice, whoever repeats what.

`python -m tests.campaigns.race JOB [--database sqlite|postgres] [--scale 1.0] [--seed 1] [--plant NAME]`. On PostgreSQL
two endpoint processes share the database. Phones repeat op ids, also at the same moment, and hang up before the
answer. At the end the database is verified, and one order of acts must explain all that anybody was told.
"""

import argparse
import http.client
import json
import math
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sync.protocol import b64, new_op_id
from sync.server.database import Store
from sync.server.verifying import verify
from tests.campaigns.history import UNHEARD, Heard, judge_debits, judge_freezes, judge_once
from tests.drivers.endpoint import Desktop, MadeBatch, new_merchant, paired, running
from tests.drivers.postgres import new_database, postgres

PHONES = 64
REPEATED, HUNG_UP = 0.3, 0.01
"""Of all attempts: with an op id that was used before; without waiting for the answer."""
FACE = 10_000
PLANTS = {
    "no-guards": (
        "import sync.server.redemption as r; guards = r.ON_SQLITE.index(\" AND state = 'active' AND frozen\")\n"
        "r.ON_SQLITE = r.ON_SQLITE[:guards]\n"
        "r.judge = lambda *_: None"
    ),
    "no-dedupe": "import sync.server.redemption as r; assert r._ask_kept; r._ask_kept = lambda *_: dict",
    "stale-batches": (
        "import sync.server.redemption as r; true, kept = r._Batch, {}\n"
        "def stale(leased, merchant, uid, *more):\n"
        "    now = true(leased, merchant, uid, *more)\n"
        "    lots, known = kept.get(uid, (0, now))\n"
        "    kept[uid] = (lots + 1, known) if known != now and lots < 3_000 else (0, now)\n"
        "    return kept[uid][1]\n"
        "r._Batch = stale"
    ),
}
"""Mistakes an endpoint could make; each must be found."""


@dataclass(slots=True)
class Crowd:
    """Phones that redeem cards of one batch until `attempts` are made."""

    urls: Sequence[str]
    merchant_id: UUID
    batch: MadeBatch
    attempts: int
    seed: int
    amount: Callable[[random.Random], int | None]
    history: list[Heard] = field(default_factory=list)
    hanging_up: float = HUNG_UP
    hung_up: int = 0
    _asked: list[tuple[int, str, int | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        failed: list[BaseException] = []

        def phone(number: int) -> None:
            try:
                self._phone(number)
            except BaseException as error:  # noqa: BLE001 - told to whoever started the crowd
                failed.append(error)

        threads = [threading.Thread(target=phone, args=(number,)) for number in range(PHONES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def stop(self) -> None:
        with self._lock:  # a phone that is just counting down would write its number over the nought
            self.attempts = 0

    def await_one_asked(self, since: float, *, loading: threading.Thread) -> None:
        """Until somebody has heard what was asked after that moment, however slow this machine is."""
        pause = threading.Event()
        while loading.is_alive() and not any(heard.asked > since for heard in self.history[-PHONES:]):
            pause.wait(0.001)

    def redeem_all(self, amount_minor: int | None) -> None:
        """Every card once more, one after the other."""
        line = _Line(self.urls[0])
        for card in range(len(self.batch.records)):
            self._ask(line, card, str(uuid4()), amount_minor, hang_up=False)
        line.close()

    def _phone(self, number: int) -> None:
        dice = random.Random(f"{self.seed} {number}")
        line = _Line(self.urls[number % len(self.urls)])
        while True:
            with self._lock:
                if self.attempts == 0:
                    break
                self.attempts -= 1
                again = bool(self._asked) and dice.random() < REPEATED
                if again:
                    card, op_id, amount = self._asked[-1 - dice.randrange(min(len(self._asked), 4 * PHONES))]
                else:
                    card, op_id, amount = dice.randrange(len(self.batch.records)), str(uuid4()), self.amount(dice)
                    self._asked.append((card, op_id, amount))
            self._ask(line, card, op_id, amount, hang_up=dice.random() < self.hanging_up)
        line.close()

    def _ask(self, line: "_Line", card: int, op_id: str, amount: int | None, *, hang_up: bool) -> None:
        d = b64(self.batch.records[card])
        body = {"op_id": op_id, "merchant_id": str(self.merchant_id), "d": d, "amount_minor": amount}
        asked = time.monotonic()
        answer = line.post("/h5/v1/redeem", json.dumps(body).encode(), hang_up=hang_up)
        if answer is None:
            self.hung_up += 1
            self.history.append(Heard(card, op_id, amount, asked, math.inf, {}, UNHEARD))
            return
        status, told = answer
        assert status in (200, 409), (status, told)
        key = "" if status == 200 else str(told["type"]).rpartition("/")[2]
        for passing in ("trace", "title"):
            told.pop(passing, None)
        self.history.append(Heard(card, op_id, amount, asked, time.monotonic(), told, key))


class _Line:
    """A kept connection."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url).netloc
        self._line = http.client.HTTPConnection(self._place, timeout=30)

    def post(self, path: str, body: bytes, *, hang_up: bool) -> tuple[int, dict[str, object]] | None:
        self._line.request("POST", path, body, {"Content-Type": "application/json"})
        if hang_up:
            self.close()
            return None
        answer = self._line.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._line.close()


@dataclass(frozen=True, slots=True)
class Figures:
    attempts: int
    answers: int
    hung_up: int
    seconds: float
    result: str


def once(desktop: Desktop, urls: Sequence[str], *, scale: float, seed: int) -> tuple[Crowd, str]:
    """1,000 cards that go as a whole, 200,000 attempts: exactly 1,000 successes."""
    cards = max(10, round(1_000 * scale))
    batch = desktop.batch(cards, face_minor=FACE, partial=False)
    crowd = Crowd(urls, desktop.merchant_id, batch, round(200_000 * scale), seed, lambda _: None)
    crowd.run()
    crowd.redeem_all(None)
    redeemed = judge_once(crowd.history)  # and every card is spent: by one who was told, or by one who hung up
    return crowd, f"{redeemed} of {cards} cards, the other {cards - redeemed} by phones that hung up"


def debits(desktop: Desktop, urls: Sequence[str], *, scale: float, seed: int) -> tuple[Crowd, str]:
    """200 cards, 100,000 debits of random amounts: the sum is the face, to the fen."""
    cards = max(5, round(200 * scale))
    batch = desktop.batch(cards, face_minor=FACE)
    crowd = Crowd(urls, desktop.merchant_id, batch, round(100_000 * scale), seed, lambda dice: dice.randint(1, 700))
    crowd.hanging_up = 0.0  # every fen must be answered for
    crowd.run()
    crowd.redeem_all(None)
    taken = judge_debits(crowd.history, FACE)
    assert taken == cards * FACE, f"{taken} fen of {cards * FACE}"
    return crowd, f"{taken} fen of {cards * FACE}"


def freezes(desktop: Desktop, urls: Sequence[str], *, scale: float, seed: int) -> tuple[Crowd, str]:
    """2,000 times frozen and thawed under load: nothing is redeemed in between, though somebody tries each time."""
    cards, times = max(20, round(200 * scale)), max(10, round(2_000 * scale))
    batch = desktop.batch(cards, face_minor=10**9)
    crowd = Crowd(urls, desktop.merchant_id, batch, 10**9, seed, lambda dice: dice.randint(1, 5))
    crowd.hanging_up = 0.0  # or it could have been redeemed before the freeze, unheard
    loading = threading.Thread(target=crowd.run)
    loading.start()
    spans, thawed, dice = [], [], random.Random(seed)
    since = time.monotonic()
    for _ in range(times):
        thawed.append((since, time.monotonic()))
        desktop.push("batch.freeze@1", {"batch_id": batch.uid})
        begin = time.monotonic()
        threading.Event().wait(dice.random() * 0.01)
        crowd.await_one_asked(begin, loading=loading)
        end = time.monotonic()
        desktop.push("batch.thaw@1", {"batch_id": batch.uid})
        since = time.monotonic()
        spans.append((begin, end))
        threading.Event().wait(dice.random() * 0.01)
        crowd.await_one_asked(since, loading=loading)
    crowd.stop()
    loading.join()
    refused = [heard for heard in crowd.history if heard.key]
    assert {heard.key for heard in refused} == {"batch-frozen"}
    judge_freezes(crowd.history, spans, thawed)
    return crowd, f"{times} freezes, {len(crowd.history) - len(refused)} redeemed, {len(refused)} refused"


JOBS = {"once": once, "debits": debits, "freezes": freezes}


def race(name: str, database: str, folder: Path, *, scale: float, seed: int, plant: str = "") -> Figures:
    """One job on one database. Raises AssertionError with what was seen."""
    secrets = folder / "secrets.json"
    with ExitStack() as stack:
        servers = 2 if database.startswith("postgresql") else 1
        urls = [stack.enter_context(running(database, secrets, plant=PLANTS.get(plant, ""))) for _ in range(servers)]
        desktop = paired(urls[0], new_merchant(database))
        stack.callback(desktop.client.close)
        began = time.monotonic()
        crowd, result = JOBS[name](desktop, urls, scale=scale, seed=seed)
        took = time.monotonic() - began
    store = Store(database)
    verdict = store.read_now(lambda transaction: verify(transaction, deep=True))
    store.stop()
    assert verdict.ok, [str(finding) for finding in verdict.findings]
    attempts = len(crowd.history)
    return Figures(attempts, attempts - crowd.hung_up, crowd.hung_up, took, result)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kaxia-race-") as name, ExitStack() as stack:
        folder = Path(name)
        if asked.database == "postgres":
            (folder / "pg").mkdir()
            database = new_database(stack.enter_context(postgres(folder / "pg")), f"race_{new_op_id()[:8]}")
        else:
            database = str(folder / "endpoint.db")
        done = race(asked.job, database, folder, scale=asked.scale, seed=asked.seed, plant=asked.plant)
    sys.stdout.write(
        f"{asked.job} on {asked.database}, seed {asked.seed}: {done.attempts:,} attempts, {done.answers:,} answered, "
        f"{done.hung_up:,} hung up, {done.attempts / done.seconds:,.0f}/s; {done.result}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
