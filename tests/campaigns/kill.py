"""kill −9 at random moments of a long job, then open the vault again: nothing lost, doubled or half-done.

Run by hand: `python -m tests.campaigns.kill JOB --rounds 50 --seed 1`. CI runs a round of most (test_kill.py).
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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from app.bootstrap import build_services
from app.config import Config
from app.errors import AppError
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
DRAWS = 4
"""A round whose job ended before its kill proves little and is drawn again; so many draws for each round at most."""


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work to interrupt. `prepare` fills a fresh vault; `work` is the child's Python text;
    `check` opens what the killed child left and asserts."""

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


def campaign(name: str, job: Job, *, rounds: int, seed: int) -> Outcome:
    """Kill `job` at `rounds` random moments. Raises AssertionError with the seed's round in its text."""
    draw = random.Random(seed)
    cut = finished = 0
    with tempfile.TemporaryDirectory() as place:
        template = Path(place) / "template"
        _prepare(job, template)
        whole_s = _round(job, template, None)
        assert whole_s is not None, "nobody kills it"
        while cut < rounds and cut + finished < rounds * DRAWS:
            with _named(f"{name}, seed {seed}, round {cut + finished}"):
                took_s = _round(job, template, draw.uniform(0, whole_s))
            if took_s is None:
                cut += 1
            else:
                finished, whole_s = finished + 1, min(whole_s, took_s)
    return Outcome(cut, finished)


def _prepare(job: Job, folder: Path) -> None:
    config = Config(folder)
    vault, _ = Vaults(config, memory_kib=CHEAP_KIB).create(NewVault("某某商户", PASSPHRASE))
    job.prepare(build_services(config, vault))
    vault.close()


def _round(job: Job, template: Path, kill_after_s: float | None) -> float | None:
    """Work in a copy of the template; seconds it worked, None when it was killed first. What is left is checked, but
    for the one run that only tells how long the job takes."""
    folder = template.with_name("round")
    shutil.copytree(template, folder)
    try:
        with job.scene(folder):
            took_s = _run(job, folder, kill_after_s)
            if kill_after_s is not None:
                _check(job, folder)
    finally:
        end_what_is_left(folder)
        shutil.rmtree(folder)
    return took_s


def _run(job: Job, folder: Path, kill_after_s: float | None) -> float | None:
    program = PRELUDE.format(passphrase=PASSPHRASE) + job.before + READY + job.work
    child = subprocess.Popen([sys.executable, "-c", program, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == b"ready"
    began = time.monotonic()
    try:
        child.wait(LONGEST_S if kill_after_s is None else kill_after_s)
        assert child.returncode == 0, "it failed by itself"
        return time.monotonic() - began
    except subprocess.TimeoutExpired:
        assert kill_after_s is not None, "it does not end"
        _kill(job, child, folder)
        return None
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
    assert child.returncode == 0, "the desktop failed because its endpoint did"


def _check(job: Job, folder: Path) -> None:
    vault = Vaults(Config(folder)).open(PASSPHRASE)
    try:
        services = build_services(Config(folder), vault)
        assert_sound(services)
        job.check(services, vault)
        assert_sound(services, deep=True)
    finally:
        vault.close()


def assert_sound(services: Services, *, deep: bool = False) -> None:
    """The file is whole, the audit chain holds and the books fold; `deep`: every sealed code opens too."""
    verdict = services.integrity.verify(deep=deep)
    assert verdict.ok, [str(finding) for finding in verdict.findings]


def end_what_is_left(folder: Path) -> None:
    """An endpoint that a killed desktop had just started outlives every stop that came before it was ready."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"sync.server" in words and any(word.startswith(os.fsencode(folder) + b"/") for word in words):
                os.kill(int(entry.name), signal.SIGKILL)


@contextmanager
def _named(round_: str) -> Iterator[None]:
    try:
        yield
    except (AssertionError, AppError) as error:
        raise AssertionError(f"{round_}: {error}") from error


def main() -> int:
    from tests.campaigns.jobs import LONG, jobs

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=jobs(LONG))
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    outcome = campaign(asked.job, jobs(LONG)[asked.job], rounds=asked.rounds, seed=asked.seed)
    print(f"{asked.job}: {outcome.cut} cut, {outcome.finished} finished first, 0 faults, seed {asked.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
