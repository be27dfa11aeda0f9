"""kill −9 at random moments of a long job, then open the vault again: nothing lost, doubled or half-done.

Run by hand: `python -m tests.campaigns.kill JOB --rounds 50 --seed 1`. CI runs a few rounds of each (test_kill.py).
A job is a child process of its own that announces `ready` and then works; the harness kills it after a delay drawn
between nothing and the time an undisturbed run takes.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.vault.vaults import NewVault, OpenVault, Vaults

ROOT = Path(__file__).resolve().parent.parent.parent
PASSPHRASE = "correct horse battery staple 卡匣"
CHEAP_KIB = 64
PRELUDE = """
import sys
from pathlib import Path
from app.bootstrap import build_services
from app.config import Config
from app.services.vault.vaults import Vaults
config = Config(Path(sys.argv[1]))
vault = Vaults(config).open({passphrase!r})
services = build_services(config, vault)
"""
READY = 'print("ready", flush=True)\n'
LONGEST_S = 120


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work to interrupt. `prepare` fills a fresh vault; `work` is the child's Python text;
    `check` opens what the killed child left and asserts."""

    name: str
    prepare: Callable[[Services], None]
    work: str
    check: Callable[[Services, OpenVault], None]
    before: str = ""
    """What the child does before it announces `ready`."""
    scene: Callable[[Path], AbstractContextManager[object]] = nullcontext
    """What stands around the work and the check of one data folder; it may assert at its end."""
    kills_endpoint: bool = False
    """Kill the embedded endpoint instead of the child, which must then end well by itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rounds were cut while working, and how many had finished already."""

    cut: int
    finished: int


def campaign(job: Job, *, rounds: int, seed: int) -> Outcome:
    """Kill `job` at `rounds` random moments. Raises AssertionError with the seed's round in its text."""
    draw = random.Random(seed)
    cut = finished = 0
    with tempfile.TemporaryDirectory() as name:
        template = Path(name) / "template"
        _prepare(job, template)
        whole = _copy(template, Path(name) / "whole")
        with job.scene(whole):
            whole_s = _run(job, whole, None)
        for number in range(rounds):
            folder = _copy(template, Path(name) / f"round-{number}")
            with job.scene(folder):
                took_s = _run(job, folder, draw.uniform(0, whole_s * 1.05))
                _check(job, folder, f"{job.name}, seed {seed}, round {number}")
            finished, cut = (finished + 1, cut) if took_s >= 0 else (finished, cut + 1)
            shutil.rmtree(folder)
    return Outcome(cut, finished)


def _prepare(job: Job, folder: Path) -> None:
    config = Config(folder)
    vault, _ = Vaults(config, memory_kib=CHEAP_KIB).create(NewVault("某某商户", PASSPHRASE))
    job.prepare(build_services(config, vault))
    vault.close()


def _copy(template: Path, folder: Path) -> Path:
    shutil.copytree(template, folder)
    return folder


def _run(job: Job, folder: Path, kill_after_s: float | None) -> float:
    """Run the child; seconds it worked, or −1 when it was killed before it ended."""
    program = PRELUDE.format(passphrase=PASSPHRASE) + job.before + READY + job.work
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"ready"
    began = time.monotonic()
    try:
        child.wait(LONGEST_S if kill_after_s is None else kill_after_s)
        assert child.returncode == 0, f"{job.name} failed by itself"
        return time.monotonic() - began
    except subprocess.TimeoutExpired:
        assert kill_after_s is not None, f"{job.name} does not end"
        _kill(job, child, folder)
        return -1
    finally:
        child.stdout.close()


def _kill(job: Job, child: subprocess.Popen[bytes], folder: Path) -> None:
    if not job.kills_endpoint:
        child.send_signal(signal.SIGKILL)
        child.wait()
        return
    running = json.loads((Config(folder).endpoint / "endpoint.db.run.json").read_text("utf-8"))
    os.kill(int(running["pid"]), signal.SIGKILL)
    child.wait(LONGEST_S)
    assert child.returncode == 0, f"{job.name}: the desktop failed because its endpoint did"


def _check(job: Job, folder: Path, where: str) -> None:
    config = Config(folder)
    vault = Vaults(config).open(PASSPHRASE)
    try:
        services = build_services(config, vault)
        assert_sound(services)
        job.check(services, vault)
        assert_sound(services, deep=True)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
    finally:
        vault.close()


def assert_sound(services: Services, *, deep: bool = False) -> None:
    """The file is whole, the audit chain holds and the books fold; `deep`: every sealed code opens too."""
    verdict = services.integrity.verify(deep=deep)
    assert verdict.ok, [str(finding) for finding in verdict.findings]


def main() -> int:
    from tests.campaigns.jobs import JOBS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    outcome = campaign(JOBS[asked.job], rounds=asked.rounds, seed=asked.seed)
    print(f"{asked.job}: {outcome.cut} cut, {outcome.finished} finished first, 0 faults, seed {asked.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
