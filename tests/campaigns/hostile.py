"""Malformed and hostile requests: each is answered with a problem in words, nothing breaks, nobody gets a traceback.

`python -m tests.campaigns.hostile [--requests 200000] [--seed 1]`: nine tenths in one process through the endpoint's
own front, signed so that they come as far as anything does; the rest as raw bytes over sockets to a real process.
Every request begins as a sensible one and is then spoilt in one to three ways. At the end the books must agree.
"""

import argparse
import asyncio
import json
import logging
import random
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import structlog

from sync.protocol import b64, new_op_id, to_wire
from sync.server import feed
from sync.server.app import application
from sync.server.database import Store
from sync.server.endpoint import Endpoint
from sync.server.front import Front
from sync.server.secret_files import load_or_make
from sync.server.verifying import verify
from tests.campaigns.signatures import HOST, Asked, Signer, enrolled
from tests.campaigns.spoiling import DOCUMENTS, spoilt_bytes, spoilt_target
from tests.drivers.endpoint import running

SOCKETS = 10
"""One request in so many goes over a socket."""
PATIENCE_S, SOON_S = 20.0, 0.05
HEALTHY = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    kind: str
    body: bytes


@dataclass(slots=True)
class World:
    """An endpoint in this process with one sealed batch, and a desktop that may do everything."""

    front: Front
    own: Signer
    dice: random.Random
    merchant_id: str
    batch_id: str
    d: list[str]
    found: Counter[str] = field(default_factory=Counter)

    async def ask(self, asked: Asked) -> Said:
        headers = [(b"host", HOST.encode()), (b"content-type", b"application/json")]
        headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in asked.headers]
        scope = {
            "type": "http",
            "method": asked.method,
            "path": asked.path,
            "raw_path": asked.path.encode(errors="replace"),
            "query_string": asked.query.encode(errors="replace"),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "scheme": "https",
            "server": (HOST, 443),
            "http_version": "1.1",
            "root_path": "",
        }
        start: dict[str, Any] = {}
        parts: list[bytes] = []
        bodies = [asked.body] if self.dice.random() < 0.9 else [asked.body[:7], asked.body[7:]]

        async def receive() -> MutableMapping[str, Any]:
            if not bodies:
                return {"type": "http.disconnect"}
            part = bodies.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(bodies)}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await asyncio.wait_for(self.front(scope, receive, send), PATIENCE_S)
        kind = next((value.decode() for name, value in start["headers"] if name.lower() == b"content-type"), "")
        return Said(int(start["status"]), kind, b"".join(parts))

    def sensible(self) -> tuple[str, str, Any]:
        """Method, path with query, body: what an honest client sends."""
        draw, d = self.dice, self.dice.choice(self.d)
        links, op = b64(draw.randbytes(16)), {"op_id": new_op_id(), "occurred_at": "2026-11-30T00:00:00Z"}
        later = to_wire(datetime.now(UTC) + timedelta(hours=1))
        card = {"batch_id": self.batch_id, "card_no": draw.randrange(3)}
        ops = [
            {"type": "batch.create@1", "body": {"batch_id": str(uuid4()), "name": "卡", "count": 5, "face": FACE}},
            {"type": "card.freeze@1", "body": card},
            {"type": "merchant.update@1", "body": {"name": "某某", "phone": "1", "slug": "shop-a"}},
            {"type": "redeem@1", "body": {"d": d, "amount_minor": 1, "uses": None, "place": "x"}},
            {"type": "reverse@1", "body": {"redemption_id": new_op_id(), "reason": "x"}},
            {"type": "card.topup@1", "body": card | {"amount_minor": 1, "reason": "x", "place": "x"}},
            {"type": "card.refund@1", "body": card | {"amount_minor": 1, "uses": None, "reason": "x", "place": "x"}},
            {"type": "lease.take@1", "body": {"batch_id": self.batch_id, "first_no": 0, "count": 1, "until": later}},
            {"type": "redeem.leased@1", "body": {"d": d, "lease_id": new_op_id(), "incarnation": "x", "at": later}},
            {"type": "conflict.settle@1", "body": {"conflict_id": new_op_id(), "way": "loss", "note": ""}},
        ]
        claim = {"batch_id": self.batch_id, "count": 3, "redeemed_minor": 0, "redeemed_uses": 0, "root": "A" * 43}
        link = {**card, "op_id": new_op_id(), "auth_digest": "A" * 43, "ciphertext": "x", "expires_at": later}
        gate = {"gate": {"kind": "phone_tail", "digest": "A" * 43}, "pickup": {"lookup": "A" * 43, "ciphertext": "x"}}
        asks: list[tuple[str, str, Any]] = [
            ("POST", "/sync/v1/ops", {"ops": [op | one for one in draw.sample(ops, draw.randint(1, 3))]}),
            ("GET", f"/sync/v1/events?after=&limit={draw.randint(1, 9)}&wait=0", None),
            ("GET", "/sync/v1/hello", None),
            ("GET", f"/sync/v1/batches/{self.batch_id}/upload", None),
            ("PUT", f"/sync/v1/batches/{self.batch_id}/chunks/{draw.randrange(3)}", draw.randbytes(96)),
            ("POST", f"/sync/v1/batches/{self.batch_id}/seal", {"op_id": new_op_id(), "count": 3, "root": "A" * 43}),
            ("POST", "/sync/v1/freeze", {"op_id": new_op_id(), "batch_id": str(uuid4()), "occurred_at": later}),
            ("POST", "/sync/v1/leases", {"op_id": new_op_id(), "batch_id": self.batch_id, "until": later, "count": 1}),
            ("POST", "/sync/v1/leases/return", {"op_id": new_op_id(), "lease_id": new_op_id()}),
            ("POST", "/sync/v1/reconcile", {"at_seq": 3, "batches": [claim]}),
            ("POST", "/sync/v1/reconcile/drawers", {"at_seq": 3, "batch_id": self.batch_id, "roots": ["A" * 43] * 256}),
            ("PUT", f"/sync/v1/links/{links}", link | gate),
            ("PUT", f"/sync/v1/blobs/{new_op_id()}", draw.randbytes(64)),
            ("GET", f"/sync/v1/blobs/{new_op_id()}", None),
            ("POST", "/sync/v1/cards/lookup", {"d": d}),
            ("POST", "/sync/v1/enroll", {"pairing_code": "x", "device_name": "y", "public_key": "A" * 43,
                                         "incarnation": "z", "proof": "A" * 86}),
            ("POST", "/h5/v1/redeem", {"op_id": new_op_id(), "merchant_id": self.merchant_id, "d": d,
                                       "amount_minor": 1}),
            ("GET", f"/h5/v1/redeem/{new_op_id()}", None),
            ("POST", f"/h5/v1/links/{links}/open", {"auth": "A" * 32}),
            ("GET", f"/c/{links}", None),
            ("GET", "/healthz", None),
        ]  # fmt: skip
        return draw.choice(asks)


FACE = {"kind": "money", "amount_minor": 100, "currency": "CNY"}


def hostile(world: World) -> Asked:
    """One request, spoilt in one to three ways, and then signed as if nothing were wrong."""
    draw = world.dice
    method, target, document = world.sensible()
    raw = document if isinstance(document, bytes) else b""
    for _ in range(draw.randint(1, 3)):
        if isinstance(document, dict | list) and draw.random() < 0.8:
            document = draw.choice(DOCUMENTS)(draw, document)
    if document is not None and not isinstance(document, bytes):
        raw = json.dumps(document, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")
    if draw.random() < 0.3:
        raw = spoilt_bytes(draw, raw)
    if draw.random() < 0.25:
        target = spoilt_target(draw, target)
    if draw.random() < 0.05:
        method = draw.choice(("DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "POST", "GET", "PUT", "BREW"))
    path, _, query = target.partition("?")
    asked = Asked(method, path, query, raw)
    return world.own.sign(asked) if draw.random() < 0.95 else asked


def judge(asked: Asked, said: Said) -> None:
    """Raises AssertionError."""
    assert said.status < 500, f"{said.status} {said.body[:300]!r} for {asked}"
    assert b"Traceback" not in said.body, f"{said.body[:500]!r} for {asked}"
    if said.status >= 400 and asked.method != "HEAD":
        assert said.kind.startswith("application/problem+json"), f"{said.status} {said.kind} for {asked}"
        problem = json.loads(said.body)
        assert problem["status"] == said.status, problem
        assert problem["title"], problem


# --- over sockets ---


def raw_request(world: World) -> bytes:
    """Bytes that are a request, or nearly."""
    draw, asked = world.dice, hostile(world)
    target = asked.path + ("?" + asked.query if asked.query else "")
    lines = [
        f"{asked.method} {target} HTTP/1.1",
        f"Host: {HOST}",
        f"Content-Length: {len(asked.body)}",
        "Connection: close",
    ]
    lines += [f"{name}: {value}" for name, value in asked.headers]
    head = "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n"
    whole = head + asked.body
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: whole,
        lambda: whole[: draw.randrange(len(whole))],
        lambda: head.replace(b"HTTP/1.1", draw.choice((b"HTTP/9.9", b"", b"HTTP/1.1 HTTP/1.1"))) + asked.body,
        lambda: head.replace(b"Content-Length: ", draw.choice((b"Content-Length: -", b"Content-Length: 9", b"X: "))),
        lambda: head.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length") + asked.body,
        lambda: head.replace(b"\r\n", b"\n") + asked.body,
        lambda: head.replace(b"Host:", b"Host: a\r\nHost:") + asked.body,
        lambda: draw.randbytes(draw.choice((1, 100, 10_000))),
        lambda: b"GET /" + b"a" * draw.choice((9_000, 200_000)) + b" HTTP/1.1\r\n\r\n",
        lambda: b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
        lambda: whole + whole,
    )
    return draw.choice(ways)()


def over_sockets(world: World, url: str, requests: int) -> None:
    """Raises AssertionError when the process answers with a 5xx, or not at all any more."""
    where = urlsplit(url)
    for number in range(requests):
        answer = _exchange(str(where.hostname), int(where.port or 0), raw_request(world))
        status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
        assert status < 500, answer[:500]
        assert b"Traceback" not in answer, answer[:500]
        world.found[f"socket {status or 'closed'}"] += 1
        if number % 50 == 0:
            healthy = _exchange(str(where.hostname), int(where.port or 0), HEALTHY, soon_s=PATIENCE_S)
            assert healthy.startswith(b"HTTP/1.1 200"), healthy[:200]


def _exchange(host: str, port: int, raw: bytes, soon_s: float = SOON_S) -> bytes:
    """What comes back; whoever does not answer soon waits for more, and hears that there is none."""
    parts: list[bytes] = []
    with socket.create_connection((host, port), PATIENCE_S) as line:
        line.settimeout(soon_s)
        try:
            line.sendall(raw)
            while part := _part(line):
                parts.append(part)
        except ConnectionError:
            pass
    return b"".join(parts)


def _part(line: socket.socket) -> bytes:
    try:
        return line.recv(65_536)
    except TimeoutError:
        line.shutdown(socket.SHUT_WR)
        line.settimeout(PATIENCE_S)
        return line.recv(65_536)


async def in_process(world: World, requests: int) -> None:
    for _ in range(requests):
        asked = hostile(world)
        said = await world.ask(asked)
        judge(asked, said)
        world.found[f"{said.status}"] += 1


async def campaign(folder: Path, *, requests: int, seed: int) -> Counter[str]:
    """How many were answered how. Raises AssertionError with the request that broke something."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    store = Store(str(folder / "endpoint.db"))
    store.migrate()
    endpoint = Endpoint(store, load_or_make(folder / "secrets.json"))
    front = application(endpoint)
    endpoint.start()
    dice = random.Random(seed)
    try:
        own = await enrolled(store, "甲")
        world = World(front, own, dice, *await _stock(store, endpoint))
        await in_process(world, requests - requests // SOCKETS)
        verdict = await store.read(lambda transaction: verify(transaction, deep=True))
        assert verdict.ok, verdict.findings
    finally:
        await asyncio.get_running_loop().run_in_executor(None, endpoint.stop)
    with running(str(folder / "other.db"), folder / "other.json") as url:
        await asyncio.to_thread(over_sockets, world, url, requests // SOCKETS)
    return world.found


async def _stock(store: Store, endpoint: Endpoint) -> tuple[str, str, list[str]]:
    """A sealed batch of three cards of the only merchant."""
    merchant = (await store.read(lambda t: t.one("SELECT id FROM merchant")))[0]  # type: ignore[index]
    uid, raw = str(uuid4()), [bytes([number]) * 32 for number in (1, 2, 3)]

    def put(transaction: Any) -> None:
        transaction.run(
            "INSERT INTO batch (merchant_id, uid, name, kind, money, currency, face_minor, uses, partial, count, "
            "frozen, voided, sealed_ms, created_ms, staged) VALUES (?, ?, '', 'fixed', 1, 'CNY', 1000000, 1, 1, 3, 0, "
            "0, 1, 1, 256)",
            *(merchant, uid),
        )
        batch = transaction.one("SELECT id FROM batch")[0]
        verifiers = [endpoint.secrets.verifier(d) for d in raw]
        for number, verifier in enumerate(verifiers):
            transaction.run(
                "INSERT INTO card (verifier, batch_id, no, state, frozen, balance_minor, uses_left, entries) "
                "VALUES (?, ?, ?, 'active', 0, 1000000, 1, 0)",
                *(verifier, batch, number),
            )
        for type_ in ("batch.created@1", "sealed@1"):
            body = {"batch_id": uid}
            feed.append(transaction, merchant, type_, op_id=new_op_id(), at="2026-11-30T00:00:00.000Z", body=body)
        transaction.run("INSERT INTO card_block (batch_id, n, verifiers) VALUES (?, 0, ?)", batch, b"".join(verifiers))

    await store.write(put, merchant)
    return str(merchant), uid, [b64(d) for d in raw]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kaxia-hostile-") as name:
        found = asyncio.run(campaign(Path(name), requests=asked.requests, seed=asked.seed))
    sys.stdout.write(f"seed {asked.seed}: {found.total():,} answered; {dict(found.most_common())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
