"""What the benches share: figures, clocks, memory, a fresh vault."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.catalog import ProductSpec
from app.services.vault.vaults import NewVault, OpenVault, Vaults

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "correct horse battery staple 卡匣"
CHEAP_KIB = 64
"""Memory of the key derivation: it is not what is measured here."""
FULL = 1_000_000
PROCESS = Path("/proc/self")
RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured line. What is judged is the ratio to the floor, or without a floor what was measured.

    It must not exceed `bar`, or with `least` not fall below it; no bar: told for context. `wanted` is the better mark.
    """

    name: str
    measured: float
    unit: str
    bar: float | None
    context: str = ""
    floor: float | None = None
    ratio: float | None = None
    least: bool = False
    wanted: float | None = None

    @property
    def judged(self) -> float:
        return self.measured if self.ratio is None else self.ratio

    @property
    def kept(self) -> bool:
        return self.bar is None or (self.judged >= self.bar if self.least else self.judged <= self.bar)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: cards in the vault, and rounds to take the median of."""

    cards: int = FULL
    rounds: int = 3

    def part(self, count: int) -> int:
        """What is `count` beside a million cards; never less than a handful."""
        return max(10, count * self.cards // FULL)


Bench = Callable[[Size], list[Figure]]


def against(
    name: str,
    pairs: Sequence[tuple[float, float]],
    bar: float | None,
    *,
    unit: str = "s",
    context: str = "",
    least: bool = False,
    wanted: float | None = None,
) -> Figure:
    """Rounds of (ours, floor), each pair taken side by side: the median of their ratios is judged."""
    ours, floors = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(own / floor for own, floor in pairs)
    return Figure(name, ours, unit, bar, context, floor=floors, ratio=ratio, least=least, wanted=wanted)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def reset_peak() -> float:
    """Begin a measure of memory; what is in use now, in MB."""
    (PROCESS / "clear_refs").write_text(RESET_PEAK, "ascii")
    return _status_mb("VmRSS:")


def peak_mb() -> float:
    """The most that was in use since `reset_peak`."""
    return _status_mb("VmHWM:")


def _status_mb(field: str) -> float:
    lines = (PROCESS / "status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def load() -> float:
    """How busy the machine is: a noisy neighbour spoils figures."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0


def fresh(folder: Path) -> tuple[OpenVault, Services, int]:
    """A new vault with one product."""
    config = Config(folder)
    vault, _ = Vaults(config, memory_kib=CHEAP_KIB).create(NewVault("商户", PASSPHRASE))
    services = build_services(config, vault)
    return vault, services, services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


def python(code: str, *arguments: str) -> list[str]:
    """Command line of a process of its own that runs `code` in this checkout."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}", *arguments]
