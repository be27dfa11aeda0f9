"""kill −9 of either end, or of both, at every named point and at random times of a short day, with real processes.

Run by hand: `python -m tests.campaigns.points --rounds 500 --seconds 600 --seed 1`. After each round both ends are
opened again, the day is gone on with, and everything is held against what people were told (working_day.py).
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

from app.config import Config
from sync import points
from sync.server import __main__ as program
from sync.server import checkpoint, redemption
from tests.campaigns import working_day
from tests.campaigns.kill import end_what_is_left
from tests.campaigns.real import FAILED, Endpoint, Process, desk, first_to_end, fresh, make_vault, verify_endpoint
from tests.campaigns.simulation.plants import PLANTS as OF_DESKTOPS
from tests.campaigns.simulation.plants import planted
from tests.drivers.schema import GOLDEN

FIRST = ("desk.migrate", "desk.migrated", "endpoint.migrate", "endpoint.migrated", "endpoint.secrets")
"""Passed where an old vault meets an endpoint that was never there."""
COPY = "endpoint.copied"
RANDOM = "at random"
EVERY = 40
"""Pieces of work between two checkpoints: so that a short day has some."""
OF_ENDPOINTS = {"no-dedupe": patch.object(redemption, "_ask_kept", lambda *_: dict).start}
PLANTS = (*OF_DESKTOPS, *OF_ENDPOINTS)


@dataclass(frozen=True, slots=True)
class Round:
    """`victim` is desk, endpoint or both; `point` may be RANDOM, `at` is then a part of the day, else how often."""

    victim: str
    point: str
    at: float

    @property
    def fault(self) -> str:
        return "" if self.point == RANDOM else f"{self.point}:{int(self.at)}:kill"


@dataclass
class Figures:
    """How often each victim died, and at which points."""

    rounds: int = 0
    died: Counter[str] = field(default_factory=Counter)
    at: Counter[str] = field(default_factory=Counter)


class Recorder:
    """Writes down each point that is passed, instead of failing there."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes.open("a", encoding="utf-8", buffering=1)

    def passed(self, point: str, full: type[Exception]) -> None:
        self._notes.write(point + "\n")


class Campaign:
    """Rounds over one folder; `plant` builds a mistake into the end it belongs to."""

    def __init__(self, folder: Path, plant: str = "") -> None:
        self._folder, self._plant = folder, plant
        self._log, self._told = folder / "log.txt", folder / "told.txt"
        self._template, self._old = folder / "template", folder / "old"
        self.passed: Counter[str] = Counter()
        """How often an undisturbed day passes each point."""
        self.whole_s = 0.0
        self.figures = Figures()
        make_vault(self._template, working_day.prepare, log=self._log)
        with zipfile.ZipFile(GOLDEN / "vault_0001.zip") as bundle:
            bundle.extractall(self._old)
        self._record()

    # --- rounds ---

    def draw(self, draw: random.Random) -> Iterator[Round]:
        """Each point, killed alone and with the other end, in a random order; then at random; for ever."""
        while True:
            some = [
                Round(victim, point, draw.randint(1, count))
                for point, count in self.passed.items()
                for victim in (point.partition(".")[0], "both")
            ]
            some += [Round(victim, RANDOM, draw.random()) for victim in ("desk", "endpoint", "both") for _ in range(5)]
            draw.shuffle(some)
            yield from some

    def play(self, round_: Round) -> None:
        """Raises AssertionError."""
        data = self._begin(round_)
        try:
            if round_.point in FIRST:
                self._first_day(data, round_.fault)
            elif round_.point == COPY:
                self._copying(data, round_.fault)
            else:
                self._day(data, round_)
                end_what_is_left(data)  # the desktop may have started another one in the place of a dead one
                self._judge(data, partial(working_day.recover, data, self._told))
        finally:
            end_what_is_left(data)
        self.figures.rounds += 1

    def _begin(self, round_: Round) -> Path:
        self._told.unlink(missing_ok=True)
        self._log.unlink(missing_ok=True)
        return fresh(self._old if round_.point in FIRST else self._template, self._folder / "data")

    def _day(self, data: Path, round_: Round) -> None:
        """One end dies at the point or at its time, and the other with it where both are meant."""
        in_desk = round_.point.startswith("desk.")
        endpoint = self._endpoint(data, "" if in_desk else round_.fault)
        desktop = self._desktop(data, round_.fault if in_desk else "")
        processes = {"desk": desktop, "endpoint": endpoint.process}
        if round_.point == RANDOM:
            first_to_end(*processes.values(), patience_s=round_.at * self.whole_s)
            doomed = processes if round_.victim == "both" else [round_.victim]
            for name in doomed:
                processes[name].end()
        elif first_to_end(*processes.values()) is None:
            raise AssertionError("nobody ends")
        elif round_.victim == "both":
            for process in processes.values():
                process.end() if process.wait(0) is None else None
        code, ended = desktop.wait(), endpoint.stop()
        assert code in (0, -signal.SIGKILL), f"the desktop failed: {self._said()}"
        assert ended in (0, -signal.SIGKILL), f"the endpoint failed: {self._said()}"
        for name, how in (("desk", code), ("endpoint", ended)):
            self.figures.died[name] += how == -signal.SIGKILL
        self.figures.at[round_.point] += -signal.SIGKILL in (code, ended)

    def _judge(self, data: Path, work: Callable[[], None]) -> None:
        endpoint = Endpoint(data, log=self._log, plant=self._build_in)
        judge = Process(work, log=self._log)
        code = judge.wait()
        assert endpoint.stop() == 0, f"the endpoint did not end: {self._said()}"
        assert code == 0, self._said()

    # --- the two scenes of their own ---

    def _first_day(self, data: Path, fault: str) -> None:
        """An old vault and a new endpoint: whichever dies in its first steps does them again."""

        def begin() -> None:
            with desk(data) as (services, _):
                services.cloud.start_embedded()
                services.cloud.sync()
                found = services.integrity.verify(deep=True).findings
                assert {finding.code for finding in found} <= {"outbox"}, found  # whoever made it asked no endpoint

        for said in (fault, ""):
            endpoint = Endpoint(data, log=self._log, fault=said)
            desktop = Process(begin, log=self._log, fault=said) if endpoint.url else None
            code = desktop.wait() if desktop else 0
            ended = endpoint.stop()
            assert (-signal.SIGKILL in (code, ended)) == bool(said), f"{code} and {ended}: {self._said()}"
        assert (code, ended) == (0, 0), self._said()
        self.figures.died[fault.partition(".")[0]] += 1
        self.figures.at[fault.partition(":")[0]] += 1
        self._checked(partial(verify_endpoint, data))

    def _copying(self, data: Path, fault: str) -> None:
        out = data / "copy.db"

        def copy() -> int:
            database = str(Config(data).endpoint / "endpoint.db")
            sys.argv = ["kaxia-endpoint", "backup", "--database", database, "--out", str(out)]
            return program.main()

        assert Process(copy, log=self._log, fault=fault).wait() == -signal.SIGKILL
        assert not out.exists(), "half of a copy has its name"
        assert Process(copy, log=self._log).wait() == 0, self._said()
        self.figures.died["endpoint"] += 1
        self.figures.at[COPY] += 1

    def _checked(self, work: Callable[[], None]) -> None:
        assert Process(work, log=self._log).wait() == 0, self._said()

    # --- the parts ---

    def _endpoint(self, data: Path, fault: str, recorder: Path | None = None) -> Endpoint:
        def plant() -> None:
            checkpoint.EVERY = EVERY
            self._build_in()
            if recorder is not None:
                points._armed = Recorder(recorder)  # type: ignore[assignment]

        return Endpoint(data, log=self._log, fault=fault, plant=plant)

    def _desktop(self, data: Path, fault: str, recorder: Path | None = None) -> Process:
        def work() -> None:
            if recorder is not None:
                points._armed = Recorder(recorder)  # type: ignore[assignment]
            with planted(self._plant if self._plant in OF_DESKTOPS else ""):
                working_day.work(data, self._told)

        return Process(work, log=self._log, fault=fault)

    def _build_in(self) -> None:
        if self._plant in OF_ENDPOINTS:
            OF_ENDPOINTS[self._plant]()

    def _record(self) -> None:
        data, notes = self._begin(Round("desk", RANDOM, 0)), self._folder / "passed.txt"
        endpoint = self._endpoint(data, "", notes)
        began = time.monotonic()
        code = self._desktop(data, "", notes).wait()
        self.whole_s = time.monotonic() - began
        assert (code, endpoint.stop()) == (0, 0), self._said()
        assert working_day.heard(self._told)[-1]["what"] == "synced", self._told.read_text("utf-8")
        self.passed = Counter(notes.read_text("utf-8").split())
        self.passed.update(dict.fromkeys((*FIRST, COPY), 1))
        missing = set(points.POINTS) - set(self.passed)
        assert self._plant or not missing, f"nobody passes {sorted(missing)}"

    def _said(self) -> str:
        return self._log.read_text("utf-8")[-3_000:] if self._log.exists() else ""


def campaign(*, rounds: int, seed: int, seconds: float, plant: str = "") -> Figures:
    """Raises AssertionError with the round in its text."""
    ends = time.monotonic() + seconds
    shared = Path("/dev/shm")
    with ExitStack() as stack:
        place = shared if shared.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaxia-points-", dir=place)))
        held = Campaign(folder, plant)
        for number, round_ in enumerate(held.draw(random.Random(seed))):
            if number == rounds or time.monotonic() > ends:
                break
            try:
                held.play(round_)
            except AssertionError as error:
                kept = Path(tempfile.mkdtemp(prefix="kaxia-points-kept-"))
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                raise AssertionError(f"round {number} of seed {seed}, {round_} (kept in {kept}): {error}") from error
    return held.figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="")
    asked = parser.parse_args()
    try:
        done = campaign(rounds=asked.rounds, seed=asked.seed, seconds=asked.seconds, plant=asked.plant)
    except AssertionError as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    fewest = min(done.at.get(point, 0) for point in points.POINTS)
    sys.stdout.write(
        f"seed {asked.seed}: {done.rounds} rounds, desk died {done.died['desk']}, endpoint {done.died['endpoint']}, "
        f"each point at least {fewest} times, 0 faults\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
