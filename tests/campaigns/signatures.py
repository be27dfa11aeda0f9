"""Requests that somebody else made out of signed ones: none is believed.

`python -m tests.campaigns.signatures [--requests 50000] [--seed 1]`: in one process through the endpoint's own front,
on a real SQLite file. Every kind of forgery is drawn at random; each begins with a request that would be believed. And
64 times the same request at the same moment: one is believed.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import signing
from sync.protocol import EnrollRequest, b64, new_op_id
from sync.server import access
from sync.server.app import application
from sync.server.database import Store
from sync.server.endpoint import Endpoint, now_ms
from sync.server.front import Front
from sync.server.secret_files import load_or_make

HOST = "endpoint.example"
AT_ONCE = 64
COVERED = ("KX-Protocol", "KX-Device", "KX-Incarnation", "Content-Digest", "Signature-Input", "Signature")
SIGNS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_:;"(). '


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def with_header(self, name: str, value: str) -> "Asked":
        return replace(self, headers=tuple((one, value if one == name else old) for one, old in self.headers))

    def header(self, name: str) -> str:
        return dict(self.headers)[name]


@dataclass(frozen=True, slots=True)
class Signer:
    id: str
    key: Ed25519PrivateKey
    incarnation: str = "x" * 22

    def sign(self, asked: Asked, *, created: int | None = None) -> Asked:
        url = f"https://{HOST}{asked.path}?{asked.query}"
        message = signing.message_of(asked.method, url, asked.body)
        at = now_ms() // 1000 if created is None else created
        made = signing.sign(message, self.key, device=self.id, incarnation=self.incarnation, created=at)
        return replace(asked, headers=tuple(made.items()))


@dataclass(slots=True)
class World:
    """An endpoint with two merchants, each with a device; `stranger` has a key that nobody knows."""

    front: Front
    own: Signer
    other: Signer
    stranger: Signer
    revoked: Signer
    dice: random.Random
    found: Counter[str] = field(default_factory=Counter)

    async def status(self, asked: Asked) -> int:
        headers = [(b"host", HOST.encode()), (b"content-type", b"application/json")]
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in asked.headers]
        scope = {
            "type": "http",
            "method": asked.method,
            "path": asked.path,
            "raw_path": asked.path.encode(),
            "query_string": asked.query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "scheme": "https",
            "server": (HOST, 443),
            "http_version": "1.1",
            "root_path": "",
        }
        said: list[int] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": asked.body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                said.append(message["status"])

        await self.front(scope, receive, send)
        return said[0]

    def asked(self) -> Asked:
        """A request that changes something, or looks."""
        op = {"op_id": new_op_id(), "type": "merchant.update@1", "occurred_at": "2026-11-30T00:00:00Z"}
        push = msgspec.json.encode({"ops": [op | {"body": {"name": f"商户{self.dice.randrange(10**6)}"}}]})
        look = Asked("GET", "/sync/v1/events", f"after=&limit={self.dice.randint(1, 9)}", b"")
        greet, tell = Asked("GET", "/sync/v1/hello", "", b""), Asked("POST", "/sync/v1/ops", "", push)
        return self.dice.choice((greet, look, tell))


def _changed(dice: random.Random, text: str) -> str:
    """One sign of it another one, gone, or twice."""
    at, sign = dice.randrange(len(text)), dice.choice(SIGNS)
    made = dice.choice((text[:at] + sign + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + sign + text[at:]))
    return made if made != text else _changed(dice, text)


def _another_sign(world: World, asked: Asked) -> Asked:
    name = world.dice.choice(COVERED)
    return asked.with_header(name, _changed(world.dice, asked.header(name)))


def _another_target(world: World, asked: Asked) -> Asked:
    if world.dice.random() < 0.5:
        return (
            replace(asked, query=_changed(world.dice, asked.query).strip() or "limit=1")
            if asked.query
            else replace(asked, query="limit=1")
        )
    paths = {"/sync/v1/events", "/sync/v1/hello", "/sync/v1/ops"} - {asked.path}
    return replace(asked, path=world.dice.choice(sorted(paths)))


def _another_body(world: World, asked: Asked) -> Asked:
    if not asked.body:
        return replace(asked, body=b"{}")
    at = world.dice.randrange(len(asked.body))
    body = asked.body[:at] + bytes([asked.body[at] ^ 1 << world.dice.randrange(8)]) + asked.body[at + 1 :]
    made = replace(asked, body=body)
    return made.with_header("Content-Digest", signing.content_digest(body)) if world.dice.random() < 0.5 else made


def _without(world: World, asked: Asked) -> Asked:
    name = world.dice.choice(COVERED)
    return replace(asked, headers=tuple(header for header in asked.headers if header[0] != name))


def _doubled(world: World, asked: Asked) -> Asked:
    """A proxy could read the first of two, and we the last."""
    name = world.dice.choice(COVERED)
    return replace(asked, headers=((name, _changed(world.dice, asked.header(name))), *asked.headers))


def _mixed(world: World, asked: Asked) -> Asked:
    """Parts of two requests that were both believed."""
    other = world.own.sign(world.asked())
    if other.body == asked.body and other.path == asked.path and other.query == asked.query:
        return _without(world, asked)
    return replace(other, headers=asked.headers)


def _foreign(world: World, asked: Asked) -> Asked:
    """Signed by another key than the one of whoever it is said to come from."""
    signer = world.dice.choice((world.other, world.stranger))
    return replace(signer, id=world.own.id).sign(replace(asked, headers=()))


def _unknown(world: World, asked: Asked) -> Asked:
    return world.dice.choice((world.stranger, world.revoked)).sign(replace(asked, headers=()))


def _untimely(world: World, asked: Asked) -> Asked:
    away = world.dice.choice((-1, 1)) * world.dice.randint(signing.WINDOW_S + 5, 10**9)
    return world.own.sign(replace(asked, headers=()), created=max(0, now_ms() // 1000 + away))


FORGERIES: dict[str, Callable[[World, Asked], Asked]] = {
    "another sign": _another_sign,
    "another target": _another_target,
    "another body": _another_body,
    "a header gone": _without,
    "a header twice": _doubled,
    "parts of two": _mixed,
    "another's key": _foreign,
    "nobody's key": _unknown,
    "too early or late": _untimely,
}


async def forge(world: World, requests: int) -> None:
    """Raises AssertionError with the forgery that was believed."""
    for number in range(requests):
        asked = world.own.sign(world.asked())
        if number % 10 == 0:
            statuses = [await world.status(asked), await world.status(asked)]
            assert statuses == [200, 401], f"replayed: {statuses}"
            world.found["replayed"] += 1
            continue
        kind = world.dice.choice(list(FORGERIES))
        forged = FORGERIES[kind](world, asked)
        status = await world.status(forged)
        assert status in (401, 403, 426), f"{kind}, answered {status}: {forged}"
        world.found[kind] += 1


async def at_once(world: World, times: int) -> None:
    for _ in range(times):
        asked = world.own.sign(world.asked())
        statuses = Counter(await asyncio.gather(*(world.status(asked) for _ in range(AT_ONCE))))
        assert statuses == {200: 1, 401: AT_ONCE - 1}, statuses
        world.found["at once"] += AT_ONCE


async def campaign(folder: Path, *, requests: int, seed: int) -> Counter[str]:
    """How many forgeries of each kind were refused."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    store = Store(str(folder / "endpoint.db"))
    store.migrate()
    endpoint = Endpoint(store, load_or_make(folder / "secrets.json"))
    front = application(endpoint)
    endpoint.start()
    try:
        own, other, revoked = [await enrolled(store, name) for name in ("甲", "乙", "丙")]
        await store.write(lambda t: t.run("UPDATE device SET state = 'revoked' WHERE id = ?", revoked.id))
        stranger = Signer(new_op_id(), Ed25519PrivateKey.generate())
        world = World(front, own, other, stranger, revoked, random.Random(seed))
        await forge(world, requests)
        await at_once(world, max(1, requests // 1_000))
    finally:
        await asyncio.get_running_loop().run_in_executor(None, endpoint.stop)
    return world.found


async def enrolled(store: Store, name: str) -> Signer:
    made = await store.write(lambda t: access.add_merchant(t, name=name, at_ms=now_ms()))
    key, incarnation = Ed25519PrivateKey.generate(), "i" * 22
    request = EnrollRequest(
        pairing_code=made.code,
        device_name="测试",
        public_key=b64(key.public_key().public_bytes_raw()),
        incarnation=incarnation,
        proof=b64(signing.enroll_proof(key, made.code)),
    )
    answer = await store.write(lambda t: access.enroll(t, request, at_ms=now_ms()))
    return Signer(answer.device_id, key, incarnation)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kaxia-signatures-") as name:
        found = asyncio.run(campaign(Path(name), requests=asked.requests, seed=asked.seed))
    sys.stdout.write(f"seed {asked.seed}: {found.total():,} refused; {dict(found.most_common())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
