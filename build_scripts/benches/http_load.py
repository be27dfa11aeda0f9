"""Load over HTTP: kept connections, raw sockets, one process; and the floors it is compared with."""

import os
import selectors
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from build_scripts.benches import percentile, python

CONNECTIONS = 64
NOTHING = """
import socket, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
async def nothing(request):
    return Response()
app = Starlette(routes=[Route("/h5/v1/redeem", nothing, methods=["POST"])])
"""
BARE = """
import socket, uvicorn
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
"""
SERVE = """
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen(1024)
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")).run(sockets=[listening])
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """One run: answers a second, how long each was waited for, and the generator's share of a core."""

    rate: float
    waits: Sequence[float]
    share: float

    def wait_ms(self, percent: int) -> float:
        return percentile(self.waits, percent) * 1000


@contextmanager
def doing(application: str) -> Iterator[str]:
    """URL of an application that does nothing: NOTHING is a route of Starlette, BARE has no framework at all."""
    child = subprocess.Popen(python(application + SERVE), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


@contextmanager
def own_core() -> Iterator[None]:
    """The generator keeps to one core, so that it cannot chase a server's threads around; servers use all."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


def load(url: str, bodies: Sequence[bytes]) -> Answered:
    """Every body once, over as many connections as there are."""
    requests = iter(_requests(url, bodies))
    waits: list[float] = []
    poll = selectors.DefaultSelector()
    busy = time.process_time()
    began = time.perf_counter()
    for _ in range(min(CONNECTIONS, len(bodies))):
        poll.register(_opened(url), selectors.EVENT_READ, _Line(requests, waits))
    for key in list(poll.get_map().values()):
        key.data.ask(key.fileobj)
    while poll.get_map():
        for key, _ in poll.select():
            if not key.data.hear(key.fileobj):
                poll.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]  # a socket of ours
    took = time.perf_counter() - began
    return Answered(len(waits) / took, waits, (time.process_time() - busy) / took)


class _Line:
    """One connection: asks, waits for the whole answer, asks the next."""

    __slots__ = ("_asked", "_heard", "_requests", "_waits")

    def __init__(self, requests: Iterator[bytes], waits: list[float]) -> None:
        self._requests, self._waits = requests, waits
        self._heard, self._asked = b"", 0.0

    def ask(self, line: socket.socket) -> bool:
        request = next(self._requests, None)
        if request is None:
            return False
        self._asked = time.perf_counter()
        line.send(request)
        return True

    def hear(self, line: socket.socket) -> bool:
        """Whether there is more to come."""
        heard = self._heard + line.recv(65536)
        end = heard.find(b"\r\n\r\n")
        length = heard.find(b"content-length: ", 0, end)
        if end < 0 or len(heard) < end + 4 + int(heard[length + 16 : heard.index(b"\r", length)]):
            self._heard = heard
            return True
        assert heard.startswith(b"HTTP/1.1 200"), heard[:400]
        self._heard = b""
        self._waits.append(time.perf_counter() - self._asked)
        return self.ask(line)


def _opened(url: str) -> socket.socket:
    parts = urlsplit(url)
    line = socket.create_connection((parts.hostname or "", parts.port or 80))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _requests(url: str, bodies: Sequence[bytes]) -> list[bytes]:
    head = f"POST /h5/v1/redeem HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Type: application/json\r\n"
    return [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
