"""Real processes of both ends that begin in a moment: forked from one that has loaded everything already.

Whoever forks must have no threads and no open vault. A campaign with thousands of rounds would else spend its time on
loading the program. What stands in the environment counts for them; a fault is given to one alone.
"""

import os
import select
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from app.bootstrap import build_services
from app.config import Config
from app.services import Services
from app.services.vault.vaults import NewVault, OpenVault, Vaults
from sync import client, points
from sync.server import __main__ as program
from sync.server import app, hot  # noqa: F401  # so that nobody who is forked has to load them
from tests.drivers.server_zygote import LAZY

for lazy in (*LAZY, "app.bootstrap.building", "zxcvbn"):
    with suppress(ImportError):
        import_module(lazy)
PASSPHRASE = "correct horse battery staple 卡匣"
CHEAP_KIB = 64
PATIENCE_S = 90.0
FAILED = 70


class Process:
    """A forked process that does `work` and ends. `said` is what it prints; its faults go to `log`."""

    def __init__(self, work: Callable[[], int | None], *, log: Path, fault: str = "") -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            _live(work, writing, log, fault)
        os.close(writing)
        self.said = os.fdopen(reading, encoding="utf-8")
        self.handle = os.pidfd_open(self.pid)
        self.code: int | None = None
        """Negative: the signal that ended it."""

    def wait(self, patience_s: float = PATIENCE_S) -> int | None:
        """How it ended; None when it has not after so long."""
        if self.code is None and select.select([self.handle], [], [], patience_s)[0]:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.handle)
        return self.code

    def end(self, how: int = signal.SIGKILL) -> int:
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, how)
        code = self.wait()
        assert code is not None, "it does not end"
        self.said.close()
        return code


def first_to_end(*processes: Process, patience_s: float = PATIENCE_S) -> Process | None:
    """Whichever ends first; None when none has after so long."""
    ready = select.select([process.handle for process in processes], [], [], patience_s)[0]
    return next((process for process in processes if process.handle in ready), None)


def _live(work: Callable[[], int | None], writing: int, log: Path, fault: str) -> None:
    code: object = FAILED
    try:
        os.dup2(writing, 1)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8")
        points._armed = points.read(fault)
        code = work() or 0
    except SystemExit as ending:
        code = ending.code
    except BaseException:  # noqa: BLE001 - there is nobody above
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else FAILED)


class Endpoint:
    """The embedded endpoint of a data folder, which the desktop finds running."""

    def __init__(self, data: Path, *, log: Path, fault: str = "", plant: Callable[[], None] = lambda: None) -> None:
        database = Config(data).endpoint / "endpoint.db"
        arguments = ["kaxia-endpoint", "serve", "--database", str(database), "--port", "0"]

        def serve() -> int:
            plant()
            sys.argv = arguments
            return program.main()

        self.process = Process(serve, log=log, fault=fault)
        line = self.process.said.readline()
        self.url = line.removeprefix("listening on ").strip()

    def stop(self) -> int:
        return self.process.end(signal.SIGTERM)


@contextmanager
def desk(data: Path) -> Iterator[tuple[Services, OpenVault]]:
    """An open vault and its services; not in the process that forks."""
    client.RETRY_FIRST_S = client.RETRY_LONGEST_S = 0.01
    vault = Vaults(Config(data), memory_kib=CHEAP_KIB).open(PASSPHRASE)
    try:
        yield build_services(Config(data), vault), vault
    finally:
        vault.close()


def verify_endpoint(data: Path) -> None:
    """As `sync.server verify --deep` does, in this process. Raises AssertionError with what it found."""
    sys.argv = ["kaxia-endpoint", "verify", "--deep", "--database", str(Config(data).endpoint / "endpoint.db")]
    assert program.main() == 0, "the endpoint's books do not agree"


def make_vault(data: Path, prepare: Callable[[Services], None], *, log: Path) -> None:
    """A vault paired with an endpoint, both at rest; in processes of their own."""

    def make() -> None:
        vault, _ = Vaults(Config(data), memory_kib=CHEAP_KIB).create(NewVault("某某商户", PASSPHRASE))
        services = build_services(Config(data), vault)
        services.cloud.start_embedded()
        prepare(services)
        vault.close()

    Config(data).endpoint.mkdir(parents=True)
    endpoint = Endpoint(data, log=log)
    made = Process(make, log=log).wait()
    assert endpoint.stop() == 0, log.read_text("utf-8")
    assert made == 0, log.read_text("utf-8")


def fresh(template: Path, folder: Path) -> Path:
    """A copy of a data folder at rest."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    return folder
