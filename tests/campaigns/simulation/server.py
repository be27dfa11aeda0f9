"""The real endpoint, in this process: its application called as ASGI, its store without threads, its crashes."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from warnings import catch_warnings, simplefilter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.server import access, feed
from sync.server.access import Pairing
from sync.server.app import application
from sync.server.database import Store
from sync.server.dialects import SQLITE
from sync.server.endpoint import Endpoint
from sync.server.group import Job, LotWork, Waiter
from sync.server.secret_files import ServerSecrets
from sync.server.transaction import Transaction
from sync.server.verifying import Verdict, verify
from sync.server.writer import Heard, Writer
from tests.campaigns.simulation.world import Crash, EndpointCrash, Fuse

T = TypeVar("T")
SECRETS = ServerSecrets(b"p" * 32, Ed25519PrivateKey.from_private_bytes(b"s" * 32))
BASE = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Fused:
    """A connection whose commits a process can die at. `behind` is told of each that was made."""

    def __init__(self, connection: Any, fuse: Fuse) -> None:
        self._connection = connection
        self._fuse = fuse

    def execute(self, sql: str, *values: Any) -> Any:
        if sql != "COMMIT":
            return self._connection.execute(sql, *values)
        self._fuse.moment()
        done = self._connection.execute(sql)
        self._fuse.moment()
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Quiet(Writer):
    """The real writer whose thread has nothing to do: its groups are written by whoever asks."""

    def _write_for_ever(self) -> None:
        return


class InlineStore(Store):
    """The real store, its statements and its groups, on one thread."""

    behind: Callable[["InlineStore"], None] = staticmethod(lambda store: None)
    """Is done after each group: a place for a planted mistake."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self._fuse = fuse
        self._group: list[Job] = []

    def start(self, heard: Heard = lambda merchants: None, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._writers = [Quiet(self._connect, self._jobs, self._dialect, heard=heard)]

    async def write(self, work: Callable[[Transaction], T], merchant: str = "") -> T:
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._join(Job(work, merchant, waiter=waiter))
        return await waiter

    def join_lot(self, work: LotWork, item: Any, merchant: str, *, waiter: Waiter) -> None:
        self._join(Job(work, merchant, item=item, waiter=waiter))

    def write_now(self, work: Callable[[Transaction], T], merchant: str = "") -> T:
        job = Job(work, merchant)
        self._write([job])
        if job.error is not None:
            raise job.error
        done: T = job.result
        return done

    async def read(self, look: Callable[[Transaction], T]) -> T:
        return self.read_now(look)

    def die(self) -> None:
        """What was not committed is lost."""
        for writer in self._writers:
            if writer._connection is not None:
                writer._connection.close()
                writer._connection = None
        self.stop()

    def _join(self, job: Job) -> None:
        self._group.append(job)
        if len(self._group) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Everybody who asked by now, in one group."""
        group, self._group = self._group, []
        try:
            self._write(group)
        except Crash as crash:
            for job in group:
                job.error = crash
        for job in group:
            assert job.waiter is not None, "asked on the loop"
            if job.error is not None:
                job.waiter.set_exception(job.error)
            else:
                job.waiter.set_result(job.result)

    def _write(self, group: list[Job]) -> None:
        self._writers[0]._write(group)
        self.behind(self)

    def _connect(self) -> Any:
        return Fused(super()._connect(), self._fuse)


@dataclass
class Server:
    """The endpoint over one file. The application is made once and gets each history's store."""

    endpoint: Endpoint = field(default_factory=lambda: Endpoint(Store(":memory:"), SECRETS))
    fuse: Fuse = field(default_factory=lambda: Fuse(EndpointCrash))
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    requests: int = 0

    def __post_init__(self) -> None:
        with catch_warnings():
            simplefilter("ignore", DeprecationWarning)  # Litestar's own, of the next major version
            self._front = application(self.endpoint)
        self._front._logs = False
        self.endpoint.floor.stop()  # it holds nobody up any more: nobody here looks at the clock
        self._file: Path | None = None

    def make(self, file: Path) -> None:
        """A new database."""
        Store(str(file)).migrate()
        self.serve(file)
        self.store.write_now(lambda transaction: feed.begin(transaction, SECRETS.pepper_id, SECRETS.public_key))

    def serve(self, file: Path, *, copied_from: Path | None = None) -> None:
        if copied_from is not None:
            shutil.copyfile(copied_from, file)
        self._file = file
        self.fuse.put_out()
        self.endpoint.store = InlineStore(str(file), self.fuse)
        self.endpoint.store.start()

    @property
    def store(self) -> InlineStore:
        store = self.endpoint.store
        assert isinstance(store, InlineStore), "it serves"
        return store

    def stop(self) -> None:
        self.store.die()

    def restart(self) -> None:
        """After a crash."""
        self.store.die()
        self.serve(self.file)

    @property
    def file(self) -> Path:
        assert self._file is not None, "it served"
        return self._file

    def copy(self, target: Path) -> None:
        with closing(SQLITE.connect(str(self.file))) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))

    def merchant(self, identity: str, name: str, at_ms: int) -> Pairing:
        return self.store.write_now(
            lambda t: access.add_merchant(t, name=name, merchant_id=identity, at_ms=at_ms), identity
        )

    def verdict(self) -> Verdict:
        return self.store.read_now(lambda t: verify(t, deep=True, secrets=SECRETS))

    def look(self, sql: str, *values: Any) -> list[Any]:
        return self.store.read_now(lambda t: t.all(sql, *values))

    def ask(self, *messages: Message) -> list[Answer]:
        """All at the same time. Raises EndpointCrash."""
        self.requests += len(messages)
        return self.loop.run_until_complete(self._all(messages))

    async def _all(self, messages: tuple[Message, ...]) -> list[Answer]:
        if len(messages) == 1:
            return [await self._one(messages[0])]
        done = await asyncio.gather(*(self._one(message) for message in messages), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException):
                raise one
        return [one for one in done if isinstance(one, Answer)]

    async def _one(self, message: Message) -> Answer:
        parts = urlsplit(message.url)
        headers = [
            (name.lower().encode("latin-1"), str(said).encode("latin-1")) for name, said in message.headers.items()
        ]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": message.method,
            "scheme": "http", "path": parts.path, "raw_path": parts.path.encode(), "root_path": "",
            "query_string": parts.query.encode(), "headers": [(b"host", parts.netloc.encode()), *headers],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "state": {},
        }  # fmt: skip
        said: list[Any] = []
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": message.body, "more_body": False}

        async def send(part: Any) -> None:
            said.append(part)

        await self._front(scope, receive, send)
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in said[0]["headers"]}
        return Answer(said[0]["status"], told, b"".join(part.get("body", b"") for part in said[1:]))
