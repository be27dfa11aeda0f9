"""A disk that is full at the n-th write, a folder that cannot be written, no file handles left: on either end.

Run by hand: `python -m tests.campaigns.disk --seconds 600 --seed 1`. The writes really fail, below SQLite (shim.py).
Checked: a refusal that a person can be told, no traceback, nothing lost of what was told, and with room again the day
is gone on with to its end (working_day.py).
"""

import argparse
import errno
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

from app.errors import AppError
from app.services.cloud import pushing
from sync import protocol
from sync.server import uploads
from sync.server.database import Store
from tests.campaigns import shim, working_day
from tests.campaigns.kill import end_what_is_left
from tests.campaigns.real import FAILED, Endpoint, Process, fresh, make_vault
from tests.drivers.endpoint import FAULT

NEVER = 2**39
ENDS = ("desk", "endpoint")
SMALLER = (
    (working_day, "MADE", 1_100),
    (uploads, "CHUNK_RECORDS", 500),
    (pushing, "CHUNK", 500 * protocol.RECORD),
)
"""The same steps with fewer cards: fewer writes of one kind, and more rounds in the same time."""
HANDLES = (8, 10, 12, 14, 17, 20, 24, 30)
"""How many files a process may have open; the desk opens some five, the endpoint ten, before either is ready."""


@dataclass(frozen=True, slots=True)
class Round:
    """`kind` is full, once, readonly or handles; `n` counts writes, or the handles there are."""

    end: str
    kind: str
    n: int


@dataclass
class Figures:
    rounds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """How people were told."""
    writes: dict[str, int] = field(default_factory=dict)


def _early_answers() -> None:
    """Planted: a commit that the disk refused is answered as if it had been stored."""
    from sync.server import writer

    writer.Writer._lose = lambda self, group, error: self._roll_back() or writer.Transaction(None, self._dialect)  # type: ignore[method-assign,assignment,func-returns-value]


def _quiet_database() -> None:
    """Planted: the vault swallows what the disk says at a commit."""
    from sqlalchemy.exc import DatabaseError
    from sqlalchemy.orm import Session

    commit = Session.commit

    def quiet(session: Session) -> None:
        try:
            commit(session)
        except DatabaseError:
            session.rollback()

    Session.commit = quiet  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {"": lambda: None, "early-answers": _early_answers, "quiet": _quiet_database}


class Campaign:
    def __init__(self, folder: Path, plant: str = "") -> None:
        self._folder, self._plant = folder, PLANTS[plant]
        self._log, self._told = folder / "log.txt", folder / "told.txt"
        self._template, self._data = folder / "template", folder / "data"
        self.figures = Figures()
        make_vault(self._template, working_day.prepare, log=self._log)
        for end in ENDS:
            self.play(Round(end, "full", NEVER))

    def rounds(self, draw: random.Random) -> list[Round]:
        """Every write of either end, full from there on and failing once; the rest; in a random order."""
        found = [
            Round(end, kind, n)
            for end, writes in self.figures.writes.items()
            for kind in ("full", "once")
            for n in range(1, writes + 1)
        ]
        draw.shuffle(found)
        others = [Round(end, "readonly", 0) for end in ENDS] + [Round("desk", "handles", n) for n in HANDLES]
        return found[:2] + others + found[2:]

    def play(self, round_: Round) -> None:
        """Raises AssertionError."""
        fresh(self._template, self._data)
        for left in (self._told, self._log):
            left.unlink(missing_ok=True)
        try:
            self._day(round_)
            end_what_is_left(self._data)
            if round_.n != NEVER:
                self._judge()
        finally:
            end_what_is_left(self._data)
        self.figures.rounds[f"{round_.end} {round_.kind}"] += 1

    def _day(self, round_: Round) -> None:
        arm = partial(_arm, round_, self._data)
        in_desk = round_.end == "desk"

        def serve() -> None:
            self._plant()
            if not in_desk:
                arm()
                self._count_at_the_end()

        def work() -> None:
            self._plant()
            if in_desk:
                arm()
            try:
                working_day.work(self._data, self._told)
            except AppError as refused:  # it could not even be opened, or closed
                sys.stdout.write(f"told {type(refused).__name__}\n")
            except OSError as error:  # whatever else has no handle: the command line and the window say so
                if error.errno != errno.EMFILE:
                    raise
                sys.stdout.write("told ProgramFault\n")
            sys.stdout.write(f"writes {shim.seen()}\n")

        endpoint = Endpoint(self._data, log=self._log, plant=serve)
        if not endpoint.url:  # the desktop would start another one, which finds a disk and chunks of another size
            assert endpoint.stop() == 1, "an endpoint that does not start says so"
            assert not FAULT.search(self._log.read_text("utf-8")), "no sentence"
            self._told.touch()
            self.figures.refused["the endpoint did not start"] += 1
            return
        desktop = Process(work, log=self._log)
        code, said = desktop.wait(), desktop.said.read()
        ended = endpoint.stop()
        logged = self._log.read_text("utf-8") if self._log.exists() else ""
        assert code == 0, f"the desktop failed: {logged[-3_000:]}"
        assert ended in (0, 1), f"the endpoint failed: {ended} {logged[-3_000:]}"
        assert not FAULT.search(logged), f"no sentence: {logged[-3_000:]}"
        self._figure(round_, said)

    def _count_at_the_end(self) -> None:
        """What an endpoint wrote is known when its store is closed."""
        stop = Store.stop

        def stopped(store: Store) -> None:
            stop(store)
            (self._folder / "writes.txt").write_text(str(shim.seen()), "utf-8")

        Store.stop = stopped  # type: ignore[method-assign]

    def _figure(self, round_: Round, said: str) -> None:
        notes = working_day.heard(self._told)
        self.figures.refused.update(note["why"] for note in notes if "why" in note)
        words = said.split()
        self.figures.refused.update(why for what, why in zip(words[::2], words[1::2], strict=True) if what == "told")
        if round_.n == NEVER:
            assert notes[-1]["what"] == "synced", notes
            counted = words[-1] if round_.end == "desk" else (self._folder / "writes.txt").read_text("utf-8")
            self.figures.writes[round_.end] = int(counted)

    def _judge(self) -> None:
        """There is room again."""
        endpoint = Endpoint(self._data, log=self._log)
        judge = Process(partial(working_day.recover, self._data, self._told), log=self._log)
        code = judge.wait()
        assert endpoint.stop() == 0, self._log.read_text("utf-8")[-3_000:]
        assert code == 0, self._log.read_text("utf-8")[-3_000:]


def _arm(round_: Round, data: Path) -> None:
    if round_.kind == "readonly":
        shim.make_readonly(data)
    elif round_.kind == "handles":
        resource.setrlimit(resource.RLIMIT_NOFILE, (round_.n, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    else:
        shim.arm(data, round_.n, 1 if round_.kind == "once" else shim.FOR_EVER)


def campaign(
    *, rounds: int, seed: int, seconds: float, first: int = 0, plant: str = "", kinds: str = ""
) -> tuple[Figures, int]:
    """Figures, and how many rounds there are in all. Raises AssertionError."""
    ends = time.monotonic() + seconds
    shared = Path("/dev/shm")
    with ExitStack() as stack:
        for where, name, value in SMALLER:
            stack.enter_context(patch.object(where, name, value))
        place = shared if shared.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaxia-disk-", dir=place)))
        held = Campaign(folder, plant)
        every = [one for one in held.rounds(random.Random(seed)) if kinds in ("", one.kind, one.end)]
        for number, round_ in enumerate(every[first : first + rounds], first):
            if time.monotonic() > ends:
                break
            try:
                held.play(round_)
            except AssertionError as error:
                kept = Path(tempfile.mkdtemp(prefix="kaxia-disk-kept-"))
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                raise AssertionError(f"round {number} of seed {seed}, {round_} (kept in {kept}): {error}") from error
    return held.figures, len(every)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=36_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="")
    parser.add_argument("--kinds", default="", help="one kind or one end only")
    asked = parser.parse_args()
    try:
        done, every = campaign(
            rounds=asked.rounds,
            seed=asked.seed,
            seconds=asked.seconds,
            first=asked.first,
            plant=asked.plant,
            kinds=asked.kinds,
        )
    except AssertionError as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    counts = ", ".join(f"{kind}: {count}" for kind, count in sorted(done.rounds.items()))
    told = ", ".join(f"{why} {count}" for why, count in sorted(done.refused.items()))
    sys.stdout.write(f"seed {asked.seed}: {sum(done.rounds.values())} of {every:,} rounds ({counts}); told: {told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(shim.under_shim("tests.campaigns.disk", main))
