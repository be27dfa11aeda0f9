"""The line between a real desktop and a real endpoint, cut at every byte of a recorded sync, and other mishaps of it.

Run by hand: `python -m tests.campaigns.cuts --seconds 600 --seed 1` (`--first A --rounds N`: a part of all; `--plant`).
Whatever happened to the line, both ends then stand as after a run that nothing happened to.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointRefused, EndpointUnreachable, RedemptionRefused, RedemptionUncertain
from app.models.batch import Batch
from app.models.outbox import OutboxOp
from app.models.redemption import Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.settings import store
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.campaigns.points import OF_ENDPOINTS, PLANTS
from tests.campaigns.proxy import KINDS, Plan, Proxy
from tests.campaigns.real import FAILED, Endpoint, Process, desk, fresh, make_vault, verify_endpoint
from tests.campaigns.simulation.plants import PLANTS as OF_DESKTOPS
from tests.campaigns.simulation.plants import planted

CARDS, AMOUNT = 6, 5_000
STINT = 40
"""Rounds over one copy of both ends: each leaves a batch behind."""
STUBBORN = 4
"""More than the tries of one call: it then gives up, and the next sync must mend it."""
AWAY = (EndpointRefused, EndpointUnreachable, RedemptionUncertain)


@dataclass
class Figures:
    rounds: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


class Table:
    """One copy of both ends with a line between them, in a process of its own."""

    def __init__(self, services: Services, vault: OpenVault, data: Path, proxy: Proxy) -> None:
        self._services, self._vault, self._proxy = services, vault, proxy
        self.seen: list[tuple[int, int]] = []
        self._database = Config(data).endpoint / "endpoint.db"
        with vault.database.write(Topic.CLOUD) as session:
            store(session, "cloud.mode", "cloud")
            store(session, "cloud.url", proxy.url)

    def play(self, plan: Plan | None) -> dict[str, object]:
        """One session under the plan, then what is missing without it; how both ends stand."""
        batch = self._services.batches.generate(BatchSpec(1, CARDS))
        cards = self._services.cards.ids(CardFilter(batch_id=batch), descending=False)
        codes = [self._services.cards.reveal(card, reason="x").reveal() for card in cards[:1]]
        self._proxy.lay(plan)
        self._session(cards, codes[0])
        assert plan is None or self._proxy.done, f"the line had no message {plan.number}"
        self.seen = self._proxy.seen
        self._proxy.lay(None)
        if plan is not None:
            self._session(cards, codes[0])
        return self._stand(batch, cards)

    def _session(self, cards: Sequence[int], code: str) -> None:
        """Publish, redeem, freeze, void, sync; what was done is not done again."""
        services = self._services
        with suppress(*AWAY):
            services.cloud.sync()
        with suppress(*AWAY, RedemptionRefused):
            if not self._booked(cards[0]):
                services.redemptions.redeem(code, AMOUNT)
        frozen, voided = services.cards.rows(cards[1:3])
        if not frozen.frozen:
            services.cards.freeze(frozen.id)
        if voided.state != "voided":
            services.cards.void(voided.id, reason="x")
        with suppress(*AWAY):
            services.cloud.sync()

    def _booked(self, card: int) -> list[int]:
        with self._vault.database.read() as session:
            return list(session.scalars(select(Redemption.amount_minor).where(Redemption.card_id == card)))

    def _stand(self, batch: int, cards: Sequence[int]) -> dict[str, object]:
        row = self._services.batches.batch(batch)
        states = [(card.state, card.frozen, card.balance_minor) for card in self._services.cards.rows(cards)]
        with self._vault.database.read() as session:
            states_of_ops = ("waiting", "in_flight", "rejected")
            waiting = session.scalar(select(func.count()).where(OutboxOp.state.in_(states_of_ops)))
        uid = self._uid(batch)
        with_ends = sqlite.connect(str(self._database))
        try:
            theirs = with_ends.execute(
                "SELECT card.no, card.state, card.frozen, card.balance_minor, card.entries FROM card "
                "JOIN batch ON batch.id = card.batch_id WHERE batch.uid = ? ORDER BY card.no",
                (uid,),
            ).fetchall()
            feed = with_ends.execute("SELECT type, body FROM feed").fetchall()
        finally:
            with_ends.close()
        told = Counter(type_ for type_, body in feed if json.loads(body).get("batch_id") == uid)
        stands = {
            "batch": (row.state, row.made),
            "cards": states,
            "booked": self._booked(cards[0]),
            "open": waiting,
            "theirs": theirs,
            "told": told,
        }
        return dict(json.loads(json.dumps(stands, sort_keys=True)))

    def _uid(self, batch: int) -> str:
        with self._vault.database.read() as session:
            return str(UUID(bytes=session.get_one(Batch, batch).uid))


def prepare(services: Services) -> None:
    services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    services.cloud.sync()


def plans(seen: Sequence[tuple[int, int]], draw: random.Random) -> list[Plan]:
    """Every byte of every message both ways, and the other mishaps at every message."""
    found = [
        Plan(kind, number, at, draw.choice((1, STUBBORN)))
        for number, lengths in enumerate(seen)
        for kind, length in zip(("up", "down"), lengths, strict=True)
        for at in range(length)
    ]
    found += [
        Plan(kind, number, 0, times) for number in range(len(seen)) for kind in KINDS[2:] for times in (1, STUBBORN)
    ]
    draw.shuffle(found)
    return found


class Campaign:
    """`plant` builds a mistake into one of the ends."""

    def __init__(self, folder: Path, plant: str = "") -> None:
        self._folder, self._plant, self._log = folder, plant, folder / "log.txt"
        make_vault(folder / "template", prepare, log=self._log)
        self.figures = Figures()
        self.clean, self.seen = self._recorded()

    def stint(self, some: Sequence[Plan]) -> None:
        """Rounds over one copy of both ends. Raises AssertionError."""

        def work(table: Table) -> None:
            for plan in some:
                stands = table.play(plan)
                assert stands == self.clean, f"{plan}: {_different(stands, self.clean)}"

        self._at_a_table(work)
        self.figures.rounds += len(some)
        self.figures.kinds.update(plan.kind for plan in some)

    def _recorded(self) -> tuple[dict[str, object], list[tuple[int, int]]]:
        """How both ends stand when nothing happens, and how long each message was."""
        notes = self._folder / "recorded.txt"

        def work(table: Table) -> None:
            stands = table.play(None)
            notes.write_text(json.dumps([stands, table.seen]), "utf-8")

        self._at_a_table(work, planted_too=False)
        clean, seen = json.loads(notes.read_text("utf-8"))
        return clean, seen

    def _at_a_table(self, work: Callable[[Table], None], *, planted_too: bool = True) -> None:
        data = fresh(self._folder / "template", self._folder / "data")
        plant = self._plant if planted_too else ""
        endpoint = Endpoint(data, log=self._log, plant=OF_ENDPOINTS.get(plant, lambda: None))

        def sit() -> None:
            with desk(data) as (services, vault), planted(plant if plant in OF_DESKTOPS else ""):
                work(Table(services, vault, data, Proxy(endpoint.url)))
                found = services.integrity.verify(deep=True).findings
                assert not found, [str(finding) for finding in found]
            verify_endpoint(data)

        code = Process(sit, log=self._log).wait(3_600)
        assert endpoint.stop() == 0, self._log.read_text("utf-8")[-3_000:]
        assert code == 0, self._log.read_text("utf-8")[-3_000:]


def _different(stands: dict[str, object], clean: dict[str, object]) -> str:
    return "; ".join(f"{name}: {stands[name]}, not {clean[name]}" for name in clean if stands[name] != clean[name])


def campaign(*, first: int, rounds: int, seed: int, seconds: float, plant: str = "") -> tuple[Figures, int]:
    """Figures, and how many rounds there are in all. Raises AssertionError."""
    ends = time.monotonic() + seconds
    shared = Path("/dev/shm")
    with ExitStack() as stack:
        place = shared if shared.is_dir() else None
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="kaxia-cuts-", dir=place))
        held = Campaign(Path(name), plant)
        every = plans(held.seen, random.Random(seed))
        wanted = every[first : first + rounds]
        for start in range(0, len(wanted), STINT):
            if time.monotonic() > ends:
                break
            held.stint(wanted[start : start + STINT])
    return held.figures, len(every)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=36_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="")
    asked = parser.parse_args()
    try:
        done, every = campaign(
            first=asked.first, rounds=asked.rounds, seed=asked.seed, seconds=asked.seconds, plant=asked.plant
        )
    except AssertionError as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    kinds = ", ".join(f"{kind}: {count}" for kind, count in sorted(done.kinds.items()))
    sys.stdout.write(f"seed {asked.seed}: {done.rounds:,} of {every:,} rounds ({kinds}), 0 faults\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
