"""Load over HTTP for the bench: 64 kept connections, raw sockets, one process; and the floor it is compared with."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from app.models.batch import Batch
from app.services.cards.codes import CodeReader
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from sync.codes import digests
from sync.protocol import b64, new_op_id

CONNECTIONS = 64
NOTHING = """
import socket, sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
listening = socket.socket()
listening.bind(("127.0.0.1", 0))
listening.listen(1024)
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")).run(sockets=[listening])
"""


@contextmanager
def nothing_done() -> Iterator[str]:
    """URL of an application that reads the body and answers, and that is all."""
    child = subprocess.Popen([sys.executable, "-c", NOTHING], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def redeem_bodies(vault: OpenVault, merchant_id: UUID) -> list[bytes]:
    """One request for each card of the vault's only batch."""
    with vault.database.read() as session:
        batch = session.scalars(select(Batch)).one()
    bodies = []
    for block in CodeReader(vault.database, Sealer(vault.keys)).blocks(batch):
        for d in digests(merchant_id, block.codes()):
            body = {"op_id": new_op_id(), "merchant_id": str(merchant_id), "d": b64(d), "amount_minor": 100}
            bodies.append(json.dumps(body).encode())
    return bodies


def load(url: str, bodies: list[bytes]) -> tuple[float, float]:
    """Answers a second, and the 99th percentile of the waits in seconds."""
    return asyncio.run(_load(url, bodies))


async def _load(url: str, bodies: list[bytes]) -> tuple[float, float]:
    waiting = iter(bodies)
    waits: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_one(url, waiting, waits) for _ in range(CONNECTIONS)))
    took = time.perf_counter() - began
    return len(waits) / took, statistics.quantiles(waits, n=100)[98]


async def _one(url: str, waiting: Iterator[bytes], waits: list[float]) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST /h5/v1/redeem HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
    for body in waiting:
        began = time.perf_counter()
        writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer[:80]
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        waits.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
