"""HTTP as it goes over the line: answers in one piece, one after the other, whatever the other end does."""

import asyncio
import json
import select
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from sync.protocol import OPS_PER_PUSH, Op, b64, new_op_id
from sync.server.corked import LARGE, Corked
from tests.drivers.endpoint import NOW, Desktop, new_merchant, paired, running

GONE = struct.pack("ii", 1, 0)
"""SO_LINGER: a close that throws away what is under way."""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and database."""
    folder = tmp_path_factory.mktemp("endpoint")
    database = str(folder / "endpoint.db")
    with running(database, folder / "secrets.json") as url:
        yield url, database


@pytest.fixture
def desktop(endpoint: tuple[str, str]) -> Iterator[Desktop]:
    made = paired(endpoint[0], new_merchant(endpoint[1]))
    yield made
    made.client.close()


class Line:
    """A connection whose bytes are ours."""

    def __init__(self, url: str) -> None:
        host, port = urlsplit(url).netloc.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.file = self.socket.makefile("rb")

    def send(self, *requests_: bytes) -> None:
        self.socket.sendall(b"".join(requests_))

    def answer(self, *, body: bool = True) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self.file.read(int(headers["content-length"])) if body else b""

    def ended(self) -> bool:
        return self.file.read() == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def line(endpoint: tuple[str, str]) -> Iterator[Line]:
    made = Line(endpoint[0])
    yield made
    made.close()


def asked(method: str, path: str, body: bytes = b"", *more: str) -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *length, *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


def wish(desktop: Desktop, d: bytes, amount_minor: int) -> bytes:
    body = {"op_id": new_op_id(), "merchant_id": str(desktop.merchant_id), "d": b64(d), "amount_minor": amount_minor}
    return asked("POST", "/h5/v1/redeem", json.dumps(body).encode())


def test_what_is_written_in_one_turn_goes_out_at_its_end_and_much_at_once() -> None:
    async def story() -> None:
        near, far = socket.socketpair()
        far.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        corked = Corked(transport, loop)
        corked.write(b"head")
        corked.write(b"body")
        with pytest.raises(BlockingIOError):
            far.recv(100)
        assert await loop.sock_recv(far, 100) == b"headbody"
        corked.write(b"x" * (LARGE + 1))
        assert far.recv(100) == b"x" * 100
        corked.write(b"end")
        corked.close()
        assert (await _whole(loop, far))[-4:] == b"xend"
        far.close()

    asyncio.run(asyncio.wait_for(story(), 20))


async def _whole(loop: asyncio.AbstractEventLoop, far: socket.socket) -> bytes:
    parts = []
    while part := await loop.sock_recv(far, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def test_pipelined_requests_are_answered_in_their_order(desktop: Desktop, line: Line) -> None:
    (d,) = desktop.batch(1).records
    line.send(*(wish(desktop, d, amount) for amount in (100, 200)), asked("GET", "/healthz"), wish(desktop, d, 300))
    answers = [line.answer() for _ in range(4)]
    assert [status for status, _, _ in answers] == [200] * 4
    assert [json.loads(body).get("redeemed_minor", "ok") for _, _, body in answers] == [100, 200, "ok", 300]
    assert json.loads(answers[-1][2])["remaining_minor"] == 9_400


def test_a_line_that_is_idle_for_long_is_closed_and_one_in_use_is_not(desktop: Desktop, line: Line) -> None:
    """By whichever way its last request went; uvicorn's own five seconds."""
    ask, other = wish(desktop, desktop.batch(1).records[0], 100), Line(desktop.url)
    began = time.monotonic()
    for _ in range(3):
        line.send(ask)
        assert line.answer()[0] == 200
        assert select.select([line.socket], [], [], 0.75)[0] == []
    other.send(ask, asked("GET", "/healthz"))
    assert [other.answer()[0], other.answer()[0]] == [200, 200]
    assert line.ended()
    assert other.ended()
    assert 6 < time.monotonic() - began < 40
    other.close()


def test_a_line_is_kept_through_refusals_and_heads(desktop: Desktop, line: Line) -> None:
    line.send(asked("HEAD", "/healthz"))
    status, headers, _ = line.answer(body=False)
    assert (status, headers["allow"].split(", ")[0]) == (405, "GET")
    line.send(wish(desktop, b"\1" * 32, 100))
    assert line.answer()[0] == 404
    line.send(asked("POST", "/h5/v1/redeem", b"{"))
    assert line.answer()[0] == 422
    line.send(asked("GET", "/nowhere"))
    assert line.answer()[0] == 404
    line.send(wish(desktop, desktop.batch(1).records[0], 100))
    assert line.answer()[0] == 200
    line.send(asked("GET", "/healthz", b"", "Connection: close"))
    assert line.answer()[0] == 200
    assert line.ended()


def test_who_waits_for_a_go_on_is_told_to_go_on(desktop: Desktop, line: Line) -> None:
    request = wish(desktop, desktop.batch(1).records[0], 100)
    head, _, body = request.partition(b"\r\n\r\n")
    line.send(head, b"\r\nExpect: 100-continue\r\n\r\n")
    assert line.file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert line.file.readline() == b"\r\n"
    line.send(body)
    assert line.answer()[0] == 200


def test_a_body_that_comes_in_drops_is_heard_to_its_end(desktop: Desktop, line: Line) -> None:
    request = wish(desktop, desktop.batch(1).records[0], 100)
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(request)):
        line.send(request[at : at + 1])
    assert line.answer()[0] == 200


def test_a_large_answer_arrives_whole_at_a_slow_reader(desktop: Desktop) -> None:
    for _ in range(4):
        name = "长" * 190
        desktop.client.push(Op(new_op_id(), "merchant.update@1", NOW, {"name": name}) for _ in range(OPS_PER_PUSH))
    page = desktop.client.events("")
    assert len(page.events) == 801
    again = desktop.client._signed("GET", "/sync/v1/events?after=&limit=1000&wait=0", b"")
    assert len(again.content) == int(again.headers["Content-Length"]) > 5 * (64 << 10)


def test_a_request_too_large_is_refused_and_the_next_one_answered(endpoint: tuple[str, str]) -> None:
    for _ in range(3):
        answer = requests.post(endpoint[0] + "/h5/v1/redeem", data=b"x" * (3 << 20), timeout=60)
        assert answer.status_code == 413
    assert requests.get(endpoint[0] + "/healthz", timeout=60).status_code == 200


def test_whoever_goes_away_harms_nobody_and_what_was_asked_stands(desktop: Desktop) -> None:
    batch = desktop.batch(1)
    for amount in [100] * 30:
        line = Line(desktop.url)
        line.send(wish(desktop, batch.records[0], amount), asked("GET", "/h5/assets/style.css"))
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, GONE)
        line.close()
    half = Line(desktop.url)
    half.send(wish(desktop, batch.records[0], 100)[:-5])
    half.close()
    left = desktop.redeem(batch.records[0], 1).json()["remaining_minor"]
    assert (left + 1) % 100 == 0  # whole wishes only
    taken = [json.loads(bytes(event.body))["amount_minor"] for event in desktop.client.events("").events[3:]]
    assert sum(taken) == 10_000 - left


def test_what_is_no_http_is_refused_and_the_line_closed(line: Line) -> None:
    line.send(b"\x16\x03\x01 hello\r\n\r\n")
    assert line.answer()[0] == 400
    assert line.ended()


def test_a_slow_sender_that_stops_is_not_waited_for_at_the_end(tmp_path: Path) -> None:
    with running(str(tmp_path / "endpoint.db"), tmp_path / "secrets.json") as url:
        half = Line(url)
        half.send(asked("POST", "/h5/v1/redeem", b"{}")[:-1])
        assert requests.get(url + "/healthz", timeout=60).status_code == 200
    status, _, body = half.answer()
    assert (status, json.loads(body)["retryable"]) == (503, True)
    assert half.ended()
    half.close()


TEAPOT = 418
MARKS_THE_LONG_WAY = f"""
from sync.server.front import Front, Answer, _send
async def mark(self, scope, receive, send, trace):
    await _send(send, Answer({TEAPOT}, b"", b"text/plain"))
    return {TEAPOT}
Front._redeem = mark
"""
NEVER_WRITES = """
from sync.server.database import Store
Store.join_lot = lambda *_, **__: None
"""


def test_what_a_phone_sends_goes_the_short_way_and_anything_else_the_long_one(tmp_path: Path) -> None:
    database = str(tmp_path / "endpoint.db")
    with running(database, tmp_path / "secrets.json", plant=MARKS_THE_LONG_WAY) as url:
        desktop = paired(url, new_merchant(database))
        request = wish(desktop, desktop.batch(1).records[0], 100)
        older = request.replace(b"HTTP/1.1", b"HTTP/1.0")
        waiting = request.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue")
        for told, status in ((request, 200), (older, TEAPOT), (waiting, TEAPOT), (request + request, 200)):
            line = Line(url)
            line.send(told)
            assert line.answer()[0] == status
            if told == request + request:
                assert line.answer()[0] == TEAPOT
            line.close()
        desktop.client.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"op_id": 1}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","amount_minor":100}',
        b'{"op_id":"OP","op_id":"OP","merchant_id":"ME","d":"D","amount_minor":100}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","amount_minor":null,"uses":null,"link_id":null}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","amount_minor":100,"d":null}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","amount_minor":100,"amount_minor":9}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D\\u0041","amount_minor":100}',
        b'{"op_id":"OP","merchant_id":"ME","d":"x"}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","amount_minor":1e999}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","form":"\xe9\x95\xbf"}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","form":"e\xcc\x81"}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","form":"\xff"}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","amount_minor":1000000}',
        b'{"op_id":"OP","merchant_id":"ME","d":"A","amount_minor":1}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","form":"' + b"x" * 3_900 + b'"}',
        b'{"op_id":"OP","merchant_id":"ME","d":"D","form":"' + b"x" * 5_000 + b'"}',
    ],
)
def test_both_ways_give_the_same_answer(desktop: Desktop, line: Line, body: bytes) -> None:
    told = {b"OP": new_op_id(), b"ME": str(desktop.merchant_id), b'"D': '"' + b64(desktop.batch(1).records[0])}
    for name, value in told.items():
        body = body.replace(name, value.encode())
    request = asked("POST", "/h5/v1/redeem", body, *([] if body else ["Content-Length: 0"]))
    line.send(request)
    short = line.answer()
    line.send(request[:20])
    assert requests.get(desktop.url + "/healthz", timeout=60).status_code == 200  # by then the first part was read
    line.send(request[20:-1] if body else request[20:])
    assert requests.get(desktop.url + "/healthz", timeout=60).status_code == 200
    line.send(request[-1:] if body else b"")
    long = line.answer()
    assert short[0] == long[0]
    assert short[0] < 500, short
    answers = [json.loads(answer) | {"trace": ""} for _, _, answer in (short, long)]
    assert answers[0] == answers[1]
    assert [*short[1]] == [*long[1]]


def test_a_wish_that_nobody_writes_down_is_answered_at_the_end(tmp_path: Path) -> None:
    database = str(tmp_path / "endpoint.db")
    with running(database, tmp_path / "secrets.json", plant=NEVER_WRITES) as url:
        desktop = paired(url, new_merchant(database))
        line = Line(url)
        line.send(wish(desktop, b"\1" * 32, 100))
        assert requests.get(url + "/healthz", timeout=60).status_code == 200
        desktop.client.close()
    status, _, body = line.answer()
    assert (status, json.loads(body)["retryable"]) == (503, True)
    line.close()


def test_every_refusal_carries_the_name_of_its_request(desktop: Desktop) -> None:
    """Told by the front, by the framework, by a route: with it the log line can be found."""
    asked = [
        requests.get(f"{desktop.url}/sync/v1/hello", timeout=60),
        requests.get(f"{desktop.url}/nowhere", timeout=60),
        requests.post(f"{desktop.url}/h5/v1/links/{'A' * 22}/open", json={"auth": "AA"}, timeout=60),
        requests.post(f"{desktop.url}/h5/v1/links/{'A' * 22}/open", json={"auth": 1}, timeout=60),
    ]
    assert [answer.status_code for answer in asked] == [401, 404, 404, 422]
    traces = {answer.json().get("trace") for answer in asked}
    assert None not in traces
    assert len(traces) == 4
