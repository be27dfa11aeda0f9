"""Does the time of a refusal tell whether a guess met something? 20,000 pairs, and a sign test must see nothing.

`python -m tests.campaigns.timing [--pairs 20000] [--seed 1] [--database postgres] [--door NAME …] [--plant NAME]`.
A real endpoint process over real HTTP on one kept connection. One round asks once what nobody knows and once each
kind that is there, in random order, one right after the other, each with a new op id and from another address; the
time of each of them less that of the unknown one is a pair. A pair counts from the first byte sent to the last byte
heard. At these doors:

- redeem: a card that is spent, frozen, expired, voided, or another merchant's, against a code nobody knows. The words
  tell the first four apart, as the protocol wants it; the time must not tell even these.
- pick-up: a pick-up code that is there, with the wrong tail of a phone; both get the same words.
- link: a link that is there, with the wrong token; both get the same words.
- counter: another merchant's card looked up by a signed request; both get the same words. A device's own cards are no
  refusals, whatever their state: they are shown at once and are not measured.

The judge is a two-sided sign test over all pairs of a kind, p < 0.001. Beside it stands the median difference in
microseconds, and between what bounds it lies with a certainty of 99.9 %: what is smaller could not be seen here.
"""

import argparse
import gc
import random
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sync.protocol import new_op_id
from tests.campaigns.guesses import DOORS, UNKNOWN, Door, Stock, stocked
from tests.campaigns.hasty import PLANTS, built_in
from tests.campaigns.signs import Signs, judge
from tests.drivers.endpoint import running
from tests.drivers.postgres import new_database, postgres

WARM = 100
"""At most so many rounds at the start do not count."""
SWEPT = 1_000
"""Rounds after which garbage is collected, not within one."""


class Line:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._line = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Nanoseconds from the first byte sent to the last one heard, and the answer."""
        began = time.perf_counter_ns()
        self._line.sendall(request)
        heard = self._line.recv(65_536)
        while _is_part(heard):
            more = self._line.recv(65_536)
            assert more, heard
            heard += more
        return time.perf_counter_ns() - began, heard

    def close(self) -> None:
        self._line.close()


def _is_part(heard: bytes) -> bool:
    """Whether more of an answer is to come."""
    end = heard.find(b"\r\n\r\n")
    if end < 0:
        return True
    at = heard.index(b"content-length: ", 0, end) + 16
    return len(heard) < end + 4 + int(heard[at : heard.index(b"\r", at)])


@dataclass(frozen=True, slots=True)
class Measured:
    """One kind at one door; microseconds."""

    door: str
    kind: str
    usual: float
    """The median of the unknown one."""
    signs: Signs

    def __str__(self) -> str:
        signs = self.signs
        return (
            f"{self.door:8} {self.kind:12} {signs.pairs:,} pairs, slower in {signs.above / signs.pairs:.2%}, "
            f"p = {signs.p:.2g}, median {signs.median:+.1f} us ({signs.low:+.1f} to {signs.high:+.1f}) "
            f"of {self.usual:,.0f} us{': DIFFERS' if signs.differs else ''}"
        )


def measure(line: Line, door: Door, rounds: int, dice: random.Random) -> list[Measured]:
    """Raises AssertionError when something is answered otherwise than it should."""
    took: dict[str, list[int]] = {kind: [] for kind in door.told}
    with _no_garbage():
        for number in range(-min(WARM, rounds // 10), rounds):
            asks = door.draw(dice)
            dice.shuffle(asks)
            answers = [line.ask(request) for _, request in asks]
            for (kind, _), (ns, answer) in zip(asks, answers, strict=True):
                status, word = door.told[kind]
                assert answer.startswith(b"HTTP/1.1 %d " % status), (kind, answer)
                assert word.encode() in answer, (kind, answer)
                if number >= 0:
                    took[kind].append(ns)
            if number % SWEPT == 0:
                gc.collect()
    return [_compared(door, kind, took[kind], took[UNKNOWN]) for kind in door.kinds]


@contextmanager
def _no_garbage() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _compared(door: Door, kind: str, known: Sequence[int], unknown: Sequence[int]) -> Measured:
    usual = sorted(unknown)[len(unknown) // 2] / 1000
    pairs = zip(known, unknown, strict=True)
    return Measured(door.name, kind, usual, judge([(there - not_there) / 1000 for there, not_there in pairs]))


def campaign(
    database: str, folder: Path, *, pairs: int, seed: int, doors: Sequence[str] = tuple(DOORS), plant: str = ""
) -> Iterator[Measured]:
    """`plant`: Python that the endpoint runs first."""
    with ExitStack() as stack:
        endpoint = running(database, folder / "secrets.json", "--trusted-proxies", "1", plant=plant, anew=True)
        url = stack.enter_context(endpoint)
        stock: Stock = stocked(url, database, pairs + WARM)
        line = Line(url)
        stack.callback(line.close)
        for name in doors:
            yield from measure(line, DOORS[name](stock), pairs, random.Random(f"{seed} {name}"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--door", choices=DOORS, action="append", help="only this one, or these")
    parser.add_argument("--plant", choices=PLANTS, default="")
    asked = parser.parse_args()
    seen = 0
    with tempfile.TemporaryDirectory(prefix="kaxia-timing-") as name, ExitStack() as stack:
        folder = Path(name)
        if asked.database == "postgres":
            (folder / "pg").mkdir()
            database = new_database(stack.enter_context(postgres(folder / "pg")), f"timing_{new_op_id()[:8]}")
        else:
            database = str(folder / "endpoint.db")
        doors, plant = asked.door or list(DOORS), built_in(asked.plant)
        for found in campaign(database, folder, pairs=asked.pairs, seed=asked.seed, doors=doors, plant=plant):
            sys.stdout.write(f"{found}\n")
            sys.stdout.flush()
            seen += found.signs.differs
    sys.stdout.write(f"seed {asked.seed} on {asked.database}: {seen} differ\n")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
