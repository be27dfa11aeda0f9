"""Power cuts made up: a short day is recorded write by write, and the disk is put together as a cut could leave it.

Run by hand: `python -m tests.campaigns.power --images 10000 --seed 1`. Both ends are opened over each image by the real
program, everything is verified, and whatever people were told before the cut must be there. `--plant` records a program
that flushes less: that must be seen.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.config import Config
from app.errors import AppError
from app.models import database as vault_file
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services import Services
from app.services.vault.vaults import OpenVault
from sync.server import checkpoint, dialects
from sync.server.database import Store
from sync.server.verifying import verify
from tests.campaigns import shim, working_day
from tests.campaigns.platter import HOW, Event, Platter, read_notes
from tests.campaigns.real import FAILED, Endpoint, Process, desk, fresh, make_vault

EVERY = 40
LOT = 100
"""Images that one process looks at."""
WHOLE = 25
"""Of so many images one is also gone on with to the end of the day."""


def _normal(module: Any) -> None:
    module.PRAGMAS = tuple(pragma.replace("synchronous=FULL", "synchronous=NORMAL") for pragma in module.PRAGMAS)


PLANTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "normal-desk": partial(_normal, vault_file),
    "normal-endpoint": partial(_normal, dialects),
}


@dataclass
class Figures:
    images: int = 0
    events: int = 0
    marks: int = 0
    whole: int = 0
    how: Counter[str] = field(default_factory=Counter)


class Campaign:
    def __init__(self, folder: Path, plant: str = "") -> None:
        self._folder, self._plant, self._log = folder, PLANTS[plant], folder / "log.txt"
        self._template, self._data = folder / "template", folder / "data"
        make_vault(self._template, working_day.prepare, log=self._log)
        self._events = self._recorded()
        self.figures = Figures(events=len(self._events))
        self.figures.marks = sum(event.kind == "m" for event in self._events)

    def play(self, lot: Sequence[tuple[int, str, int]]) -> None:
        """Images: place in the notes, how, seed; in the order of their places. Raises AssertionError."""
        code = Process(partial(self._look_at, sorted(lot)), log=self._log).wait(3_600)
        assert code == 0, self._log.read_text("utf-8")[-3_000:]
        self.figures.images += len(lot)
        self.figures.how.update(how for _, how, _ in lot)

    def draw(self, draw: random.Random, count: int) -> list[tuple[int, str, int]]:
        return [(draw.randint(0, len(self._events)), draw.choice(HOW), draw.randrange(2**32)) for _ in range(count)]

    def go_on(self, image: tuple[int, str, int]) -> None:
        """The whole day is done over one image, with both ends."""
        platter = self._at(image[0])
        self._put(platter.after_a_cut(image[1], random.Random(image[2])))
        told = self._folder / "told.txt"
        told.write_text("".join(mark + "\n" for mark in platter.marks), "utf-8")
        endpoint = Endpoint(self._data, log=self._log)
        code = Process(partial(working_day.recover, self._data, told), log=self._log).wait()
        assert endpoint.stop() == 0, self._log.read_text("utf-8")[-3_000:]
        assert code == 0, f"{image}: {self._log.read_text('utf-8')[-3_000:]}"
        self.figures.whole += 1

    def _recorded(self) -> list[Event]:
        notes, told = self._folder / "notes", self._folder / "told.txt"
        fresh(self._template, self._data)

        def serve() -> None:
            self._plant()
            checkpoint.EVERY = EVERY
            shim.note(self._data, notes)

        def work() -> None:
            self._plant()
            shim.note(self._data, notes)
            working_day.work(self._data, told, also=shim.mark)

        endpoint = Endpoint(self._data, log=self._log, plant=serve)
        code = Process(work, log=self._log).wait()
        assert (code, endpoint.stop()) == (0, 0), self._log.read_text("utf-8")[-3_000:]
        return list(read_notes(notes))

    def _at(self, place: int) -> Platter:
        platter = self._fresh_platter()
        for event in self._events[:place]:
            platter.happen(event)
        return platter

    def _fresh_platter(self) -> Platter:
        """As the day found the disk, under the names of the notes."""
        return Platter(fresh(self._template, self._data))

    def _look_at(self, lot: Sequence[tuple[int, str, int]]) -> None:
        platter, happened = self._fresh_platter(), 0
        for place, how, seed in lot:
            for event in self._events[happened:place]:
                platter.happen(event)
            happened = place
            self._put(platter.after_a_cut(how, random.Random(seed)))
            try:
                _judge(self._data, [json.loads(mark) for mark in platter.marks])
            except (AssertionError, AppError) as error:
                raise AssertionError(f"place {place}, {how}, seed {seed}: {error}") from error

    def _put(self, image: dict[str, bytes]) -> None:
        shutil.rmtree(self._data)
        for name, content in image.items():
            if Path(name).name.endswith("-shm"):
                continue  # lives in memory, and is made anew
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)
            Path(name).chmod(0o600)


def _judge(data: Path, notes: list[dict[str, Any]]) -> None:
    """Both ends open, are whole, and know what was told."""
    with desk(data) as (services, vault):
        verdict = services.integrity.verify(deep=True)
        assert verdict.ok, [str(finding) for finding in verdict.findings]
        _knows(services, vault, notes)
    store = Store(str(Config(data).endpoint / "endpoint.db"))
    try:
        found = store.read_now(lambda transaction: verify(transaction, deep=True))
        assert found.ok, [str(finding) for finding in found.findings]
        (redeemed,) = store.read_now(lambda transaction: transaction.one("SELECT count(*) FROM redemption")) or (0,)
        (sealed,) = store.read_now(
            lambda transaction: transaction.one("SELECT count(*) FROM batch WHERE sealed_ms IS NOT NULL")
        ) or (0,)
    finally:
        store.stop()
    told = Counter(note["what"] for note in notes)
    assert redeemed >= told["redeemed"], f"the endpoint lost a redemption: {redeemed} of {told['redeemed']}"
    assert sealed >= 1 + told["published"], "the endpoint lost a seal"


def _knows(services: Services, vault: OpenVault, notes: list[dict[str, Any]]) -> None:
    with vault.database.read() as session:
        booked = set(session.scalars(select(Redemption.card_id)))
        undone = set(session.scalars(select(Redemption.card_id).where(Redemption.kind == "reversed")))
        asked = len(list(session.scalars(select(OutboxOp.id).where(OutboxOp.type == "redeem@1"))))
    rows = {row.id: row for row in services.cards.rows([note["card"] for note in notes if "card" in note])}
    leases = {row.id: row.state for row in services.leases.leases(ended=True)}
    batch = next((row for row in services.batches.batches() if row.id != 1), None)
    kept = {str(row.path) for row in services.backups.backups()}
    holds: dict[str, Callable[[dict[str, Any]], bool]] = {
        "made": lambda note: batch is not None and batch.made == working_day.MADE,
        "published": lambda note: batch is not None and batch.state == "published",
        "redeemed": lambda note: note["card"] in booked and asked > 0,
        "leased": lambda note: note["lease"] in leases,
        "decided": lambda note: note["card"] in booked,
        "taken back": lambda note: note["card"] in undone,
        "given back": lambda note: leases.get(note["lease"]) in ("returning", "returned"),
        "frozen": lambda note: rows[note["card"]].frozen,
        "voided": lambda note: rows[note["card"]].state == "voided",
        "backup": lambda note: note["path"] in kept and services.backups.verify(Path(note["path"])).ok,
        "synced": lambda note: services.cloud.status().pending == 0,
    }
    lost = [note for note in notes if not holds[note["what"]](note)]
    assert not lost, f"the vault lost what was told: {lost}"


def campaign(*, images: int, seed: int, seconds: float, plant: str = "") -> Figures:
    """Raises AssertionError."""
    ends, draw = time.monotonic() + seconds, random.Random(seed)
    shared = Path("/dev/shm")
    with ExitStack() as stack:
        place = shared if shared.is_dir() else None
        held = Campaign(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaxia-power-", dir=place))), plant)
        while held.figures.images < images and time.monotonic() < ends:
            lot = held.draw(draw, min(LOT, images - held.figures.images))
            held.play(lot)
            for image in lot[::WHOLE]:
                held.go_on(image)
    return held.figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=36_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="")
    asked = parser.parse_args()
    try:
        done = campaign(images=asked.images, seed=asked.seed, seconds=asked.seconds, plant=asked.plant)
    except AssertionError as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    how = ", ".join(f"{name}: {count:,}" for name, count in sorted(done.how.items()))
    sys.stdout.write(
        f"seed {asked.seed}: {done.images:,} images ({how}) of {done.events:,} events with {done.marks} promises, "
        f"{done.whole} gone on with, 0 faults\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(shim.under_shim("tests.campaigns.power", main))
