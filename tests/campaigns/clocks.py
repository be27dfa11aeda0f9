"""Clocks that are wrong by anything from −10 to +10 years, and jump: of the desktop, of the endpoint, of both.

Run by hand: `python -m tests.campaigns.clocks --rounds 1000 --seed 1`. After each jump the next sync must get through
with its second request at the latest, and a card is refused as too old or too young by the endpoint's clock alone.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import msgspec
import requests

from app.errors import RedemptionRefused
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.redemptions import RedemptionService
from sync import client, clock
from sync.codes import canonical, digest
from sync.protocol import b64, new_op_id
from sync.server import front
from tests.campaigns.real import FAILED, Endpoint, Process, desk, fresh, make_vault, verify_endpoint

YEAR_S = 31_557_600
END_OF_31_BITS = datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)
SUMMER_BEGINS, SUMMER_ENDS = datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)
ZONE = "Europe/Berlin"
"""Where clocks are changed in spring and autumn; the merchant's own zone has no summer time."""
CLOSE_S = 30
"""So close to an expiry a round may come, and not closer: clocks go on while it lasts."""
WHERE = ("phone", "counter")


@dataclass(frozen=True, slots=True)
class Span:
    """When the cards of a batch count."""

    begins: datetime | None
    ends: datetime | None

    def verdict(self, at: datetime) -> str:
        if self.ends is not None and at > self.ends:
            return "card-expired"
        return "card-not-yet" if self.begins is not None and at < self.begins else ""


def spans(today: datetime) -> list[Span]:
    day = timedelta(days=1)
    return [
        Span(None, None),
        Span(None, today + day),
        Span(today - day, SUMMER_ENDS),
        Span(today + 365 * day, END_OF_31_BITS),
        Span(None, today + 3_500 * day),
    ]


@dataclass
class Figures:
    jumps: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    second: int = 0
    """Syncs that got through with their second request."""


def _no_correction() -> None:
    """Planted: the desktop does not learn the time from a refusal."""
    client.from_wire = lambda text: clock.now()


def _desk_decides() -> None:
    """Planted: the counter refuses what is too old by its own clock."""
    look = RedemptionService.look

    def looking(self: RedemptionService, typed: str):  # type: ignore[no-untyped-def]
        verdict = look(self, typed)
        if verdict.valid_until is not None and verdict.valid_until < clock.now():
            raise RedemptionRefused("card-expired")
        return verdict

    RedemptionService.look = looking  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "no-correction": _no_correction,
    "desk-decides": _desk_decides,
}


class Sends:
    """Counts the requests of a client and how many of them were refused for the clock."""

    def __init__(self) -> None:
        self.refused = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        send = client.SyncClient._send

        def sending(own: client.SyncClient, *given: object, **named: object) -> requests.Response:
            try:
                return send(own, *given, **named)  # type: ignore[arg-type]
            except client.Refused as refused:
                self.refused += refused.key == "clock-skew"
                raise

        self.refused = 0
        with patch.object(client.SyncClient, "_send", sending):
            yield


class Table:
    """Both ends at one table, in the desktop's process; the endpoint reads how wrong it is from `wrong`."""

    def __init__(self, services: Services, url: str, wrong: Path, draw: random.Random) -> None:
        self._services, self._url, self._wrong, self._draw = services, url, wrong, draw
        self._spans = spans(datetime.now(UTC))
        self.figures = Figures()
        self._codes = [self._batch(span) for span in self._spans]
        services.cloud.sync()

    def play(self) -> None:
        """One jump and what must hold after it. Raises AssertionError."""
        desk_ms, endpoint_ms = self._jump()
        clock._offset_ms = desk_ms
        beside = self._wrong.with_suffix(".new")
        beside.write_text(str(endpoint_ms), "utf-8")
        beside.replace(self._wrong)
        told = f"desktop {desk_ms} ms, endpoint {endpoint_ms} ms"
        sends = Sends()
        with sends.counted():
            done = self._services.cloud.sync()
        assert sends.refused <= 1, f"{told}: refused {sends.refused} times"
        assert (done.rejected, done.pending, done.differences) == (0, 0, ()), f"{told}: {done}"
        self.figures.second += sends.refused
        at = datetime.now(UTC) + timedelta(milliseconds=endpoint_ms)
        for span, codes in zip(self._spans, self._codes, strict=True):
            for where in WHERE:
                said, should = self._redeem(where, self._draw.choice(codes)), span.verdict(at)
                assert said == should, f"{told}: {span} at {at}, at the {where}: {said or 'redeemed'}, not {should}"
                self.figures.asked[said or "redeemed"] = self.figures.asked.get(said or "redeemed", 0) + 1
        self.figures.jumps += 1

    def _jump(self) -> tuple[int, int]:
        """How wrong both are now: by little, by years, close to an expiry, to 2038 or to a change of the hour."""
        ends = [span.ends for span in self._spans if span.ends] + [SUMMER_BEGINS, END_OF_31_BITS]
        beside = self._draw.choice(ends) - datetime.now(UTC)
        close = int(beside.total_seconds()) + self._draw.choice((-3_600, -CLOSE_S, CLOSE_S, 3_600))
        choices = (
            0,
            self._draw.randint(-600, 600),
            self._draw.randint(-86_400, 86_400),
            self._draw.randint(-10 * YEAR_S, 10 * YEAR_S),
            close,
        )
        return self._draw.choice(choices) * 1_000, self._draw.choice(choices) * 1_000

    def _batch(self, span: Span) -> list[str]:
        spec = BatchSpec(1, 20, valid_from=span.begins, valid_until=span.ends)
        batch = self._services.batches.generate(spec)
        cards = self._services.cards.ids(CardFilter(batch_id=batch))
        return [self._services.cards.reveal(card, reason="x").reveal() for card in cards]

    def _redeem(self, where: str, code: str) -> str:
        """Why not; empty when it was redeemed."""
        if where == "counter":
            try:
                self._services.redemptions.redeem(code, 1)
            except RedemptionRefused as refused:
                return refused.reason
            return ""
        merchant = self._services.settings.merchant().id
        body = {"op_id": new_op_id(), "merchant_id": merchant, "amount_minor": 1}
        body["d"] = b64(digest(UUID(merchant), canonical(code)))
        answer = requests.post(f"{self._url}/h5/v1/redeem", json=body, timeout=30)
        return "" if answer.status_code == 200 else str(answer.json()["type"]).rpartition("/")[2]


def prepare(services: Services) -> None:
    services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=1_000_000))
    services.cloud.sync()


def campaign(*, rounds: int, seed: int, seconds: float, plant: str = "") -> Figures:
    """Raises AssertionError."""
    shared = Path("/dev/shm")
    with ExitStack() as stack:
        place = shared if shared.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaxia-clocks-", dir=place)))
        log, wrong, said = folder / "log.txt", folder / "wrong", folder / "said"
        make_vault(folder / "template", prepare, log=log)
        data = fresh(folder / "template", folder / "data")
        wrong.write_text("0", "utf-8")

        def serve() -> None:
            front.TIDY_EVERY_S = 0.0  # old nonces go with every request
            right = clock.now_ms
            clock.now_ms = lambda: right() + int(wrong.read_text("utf-8"))

        def work() -> None:
            os.environ["TZ"] = ZONE
            time.tzset()
            PLANTS[plant]()
            ends = time.monotonic() + seconds
            with desk(data) as (services, _):
                services.cloud.start_embedded()
                table = Table(services, endpoint.url, wrong, random.Random(seed))
                while table.figures.jumps < rounds and time.monotonic() < ends:
                    table.play()
                clock._offset_ms = 0
                found = services.integrity.verify(deep=True).findings
                assert not found, [str(finding) for finding in found]
            said.write_bytes(msgspec.json.encode(table.figures))
            verify_endpoint(data)

        endpoint = Endpoint(data, log=log, plant=serve)
        code = Process(work, log=log).wait(36_000)
        assert endpoint.stop() == 0, log.read_text("utf-8")[-3_000:]
        assert code == 0, log.read_text("utf-8")[-3_000:]
        return msgspec.json.decode(said.read_bytes(), type=Figures)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=36_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="")
    asked = parser.parse_args()
    try:
        done = campaign(rounds=asked.rounds, seed=asked.seed, seconds=asked.seconds, plant=asked.plant)
    except AssertionError as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    asked_of = ", ".join(f"{what}: {count:,}" for what, count in sorted(done.asked.items()))
    sys.stdout.write(
        f"seed {asked.seed}: {done.jumps:,} jumps, {done.second:,} got through with the second request, "
        f"the others with the first; {asked_of}; 0 faults\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
