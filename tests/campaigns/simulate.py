"""Random histories of the real protocol code in one process: bad lines, crashes, copies put back, retries.

Run by hand: `python -m tests.campaigns.simulate --histories 10000 --seed 1`; `--plant NAME` with a mistake built in;
`--first N --histories 1`
for one history alone; `--two-endpoints`: one vault that moves between two. CI runs a few (test_simulate.py).
"""

import argparse
import gc
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.campaigns.simulation import moving_plants
from tests.campaigns.simulation.history import History, run
from tests.campaigns.simulation.plants import PLANTS, planted
from tests.campaigns.simulation.template import template
from tests.campaigns.simulation.two_endpoints import TwoEndpoints

SHM = Path("/dev/shm")
EACH = 1_000_000
SWEEP = 25
ALL_PLANTS = PLANTS | moving_plants.PLANTS


def campaign(
    *,
    histories: int,
    seed: int,
    first: int = 0,
    minutes: float = 0,
    keep_going: bool = False,
    plant: str = "",
    of: type[History] = History,
) -> tuple[Counter[str], list[str]]:
    """What happened in all, and the violations that were found; it ends with the first one unless it is to go on.

    `minutes` ends it earlier; each history stays the same.
    """
    happened: Counter[str] = Counter()
    found: list[str] = []
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as place,
        template(Path(place)) as made,
        planted(plant, ALL_PLANTS),
    ):
        gc.freeze()
        gc.disable()  # it would look through the program again and again
        for number in range(first, first + histories):
            if number % SWEEP == 0:
                gc.collect()
            if minutes and time.perf_counter() - began > minutes * 60:
                break
            try:
                happened += run(made, seed * EACH + number, Path(place) / "history", of=of)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                found.append(f"history {number}: {type(error).__name__}: {error} {getattr(error, '__notes__', '')}")
                if not keep_going:
                    happened["histories"] += 1
                    break
                print(found[-1], flush=True)
            happened["histories"] += 1
        gc.enable()
        happened["requests"] += made.server.requests
        happened["durable steps of the endpoint"] += made.server.fuse.steps // 2
    happened["seconds"] = round(time.perf_counter() - began)
    happened["seconds of processor"] = round(time.process_time())
    return happened, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--plant", choices=ALL_PLANTS, default="")
    parser.add_argument("--two-endpoints", action="store_true", help="one vault that moves between two endpoints")
    asked = parser.parse_args()
    happened, found = campaign(
        histories=asked.histories,
        seed=asked.seed,
        first=asked.first,
        minutes=asked.minutes,
        keep_going=asked.keep_going,
        plant=asked.plant,
        of=TwoEndpoints if asked.two_endpoints else History,
    )
    for name, times in sorted(happened.items()):
        print(f"{name}: {times:,}")
    print(*found, sep="\n")
    print(f"{len(found)} violations, seed {asked.seed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
