"""The embedded endpoint: the same server as in the cloud, as a process of its own on this machine.

It is detached, so that the next start of the program finds it again; the lock file says whether it lives, the pid
file beside it which process it is.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from filelock import FileLock, Timeout

from app.config import Config
from app.errors import EndpointNotStarted
from app.services.cloud.addresses import LOOPBACK
from app.services.programs import QUIET, ROOT, environment, own_command

START_S = 30.0
STOP_S = 10.0
POLL_S = 0.05
TAKEN = 75
"""How the process says that another one has the database (EX_TEMPFAIL of sysexits.h)."""
LOG_LIMIT = 4 << 20


class EmbeddedEndpoint:
    """Starts, finds and stops the process. `command` is how this build runs `sync.server`."""

    def __init__(self, config: Config, command: tuple[str, ...] = ()) -> None:
        self._folder = config.endpoint
        self._command = command or own_command("kaxia-endpoint", "sync.server")
        self._process: subprocess.Popen[bytes] | None = None
        """Only when this very program started it."""

    @property
    def database(self) -> Path:
        return self._folder / "endpoint.db"

    def is_running(self) -> bool:
        """Whether a process holds the database."""
        if not self.database.exists():
            return False
        lock = FileLock(f"{self.database}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    def url(self) -> str | None:
        """Where the running process answers."""
        if not self.is_running():
            return None
        try:
            kept = json.loads(Path(f"{self.database}.run.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return str(kept["url"])

    def pairing_code(self, merchant_id: str, name: str) -> str:
        """A code for this vault's merchant, straight from the database. Raises EndpointNotStarted."""
        named = f"--name={name or 'Kaxia'}"  # in one piece: one that begins with a hyphen would be an option
        done = self._run("merchant", "add", named, "--merchant-id", merchant_id, "--json")
        return str(json.loads(done)["pairing_code"])

    def start(self, port: int = 0, host: str = LOOPBACK) -> str:
        """Its address. A port of 0, or one that is taken, becomes a free one. Raises EndpointNotStarted."""
        try:
            return self._started(port, host)
        except OSError as error:  # its folder cannot be written, no file handle is left
            raise EndpointNotStarted(f"{error.filename or self._folder}: {error.strerror or error}") from error

    def _started(self, port: int, host: str) -> str:
        deadline = time.monotonic() + START_S
        said_before = self._log.stat().st_size if self._log.exists() else 0
        process: subprocess.Popen[bytes] | None = None
        while time.monotonic() < deadline:
            if (url := self.url()) is not None and _answers(url):
                return url
            ended = process is not None and process.poll() is not None
            if not self.is_running():  # a lock that was held may have been that of one that was about to end
                if ended and process is not None and process.returncode != TAKEN:
                    break
                if process is None or ended:
                    process = self._spawned(host, port)
            time.sleep(POLL_S)
        raise EndpointNotStarted(self._last_words(said_before))

    @property
    def _log(self) -> Path:
        return self._folder / "endpoint.log"

    def _last_words(self, since: int) -> str:
        """What the process said last, or where its log is."""
        try:
            log = self._log.read_bytes()
            said = log[since if since <= len(log) else 0 :].decode("utf-8", "replace").strip()  # or it was begun anew
        except OSError:
            said = ""
        return said.rpartition("\n")[2][:300] or str(self._log)

    def _spawned(self, host: str, port: int) -> "subprocess.Popen[bytes]":
        self._reap()
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".log.1"))
        arguments = ("serve", "--database", str(self.database), "--host", host, "--port", str(_free(host, port)))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=environment(),
                start_new_session=os.name == "posix",
                creationflags=QUIET,
            )
        return self._process

    def stop(self) -> None:
        """End the process; what it was writing is written. One that is just starting is ended when it answers."""
        deadline = time.monotonic() + STOP_S
        is_told = False
        while self.is_running() and time.monotonic() < deadline:
            if not is_told:
                is_told = self._tell_to_end()
            time.sleep(POLL_S)
        self._reap()

    def _reap(self) -> None:
        """Our own child leaves no zombie."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
            self._process = None

    def _tell_to_end(self) -> bool:
        """Whether it answered, so that the number that was written down is its own and not somebody else's by now."""
        try:
            told = json.loads(Path(f"{self.database}.run.json").read_text("utf-8"))
            pid, url = int(told["pid"]), str(told["url"])
        except (OSError, ValueError, KeyError):
            return False
        if not _answers(url):
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
        return True

    def _run(self, *arguments: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*self._command, *arguments, "--database", str(self.database)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=environment(),
            check=False,
            timeout=60,
            creationflags=QUIET,
        )
        if done.returncode != 0:
            raise EndpointNotStarted(done.stderr.strip()[-300:] or str(self._folder))
        return done.stdout


def _free(host: str, port: int) -> int:
    """`port` if nobody listens there, else 0: the process itself takes one, so that nobody else gets it meanwhile."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return 0
    return port


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.socket() as trial:
        trial.settimeout(1)
        return trial.connect_ex((host, int(port))) == 0
