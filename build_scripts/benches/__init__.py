"""What the benches share: figures, clocks, memory, a fresh vault."""

import os
import resource
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
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured bar. `value` must not exceed `bar`, or with `least` not fall below it; no bar: told for context."""

    name: str
    value: float
    bar: float | None
    unit: str
    context: str
    least: bool = False

    @property
    def kept(self) -> bool:
        if self.bar is None:
            return True
        return self.value >= self.bar if self.least else self.value <= self.bar


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: cards in the vault, and rounds to take the median of."""

    cards: int
    rounds: int


Bench = Callable[[Size], list[Figure]]


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_mb() -> float:
    """Memory in use now; where the system does not say, the peak."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_BYTES / 2**20
    except OSError:
        return peak_mb()


def load() -> str:
    """How busy the machine is: a noisy neighbour spoils figures."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"


def fresh(folder: Path) -> tuple[OpenVault, Services, int]:
    """A new vault with one product."""
    config = Config(folder)
    vault, _ = Vaults(config, memory_kib=CHEAP_KIB).create(NewVault("商户", PASSPHRASE))
    services = build_services(config, vault)
    return vault, services, services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


def python(code: str, *arguments: str) -> list[str]:
    """Command line of a process of its own that runs `code` in this checkout."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}", *arguments]
