"""What every request passes first: limits of size and form, signatures, headers, one log line; and the hot route.

A plain ASGI application around the documented one. `POST /h5/v1/redeem` is answered here, without a framework between.
"""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from unicodedata import is_normalized
from urllib.parse import unquote

import msgspec
import structlog

from sync import points
from sync.phone import RedeemAnswer, RedeemRequest
from sync.protocol import BODY_LIMIT, CHUNK_LIMIT, LONGEST_CIPHERTEXT, LONGEST_TEXT, VERSION
from sync.server import access
from sync.server.endpoint import Endpoint, now_ms
from sync.server.floor import Floor
from sync.server.group import Waiter
from sync.server.outcomes import Outcome, refusal_of
from sync.server.problems import Refusal, problem
from sync.signing import SIGNED_HEADERS, Message, SignatureRefused, Signed, read

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Header = tuple[bytes, bytes]

log = structlog.get_logger("kaxia.endpoint")
REDEEM = "/h5/v1/redeem"
DEPTH = 16
LARGEST = 2**53
SURROGATE = re.compile("[\ud800-\udfff]")
TIDY_EVERY_S = 60.0
LEAVING = Refusal("read-only")
"""The endpoint ends and waits no longer: what was asked may still be stored."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"; ".join(
            (
                b"default-src 'none'",
                b"script-src 'self'",
                b"style-src 'self'",
                b"img-src 'self' data:",
                b"connect-src 'self'",
                b"base-uri 'none'",
                b"form-action 'none'",
                b"frame-ancestors 'none'",
            )
        ),
    ),
)
NO_STORE = (b"cache-control", b"no-store")
REDEEM_HEADERS = (*HEADERS, NO_STORE)
GUESSED = ("/h5/v1/", "/sync/v1/cards/")
"""Where somebody may try codes, links and pick-up codes."""
REFUSED = 400
"""The first status of those that refuse."""
_PRIVATE = re.compile(r"(?<=/)(?:[A-Za-z0-9_-]{20,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})(?=/|$)")
_BYTES = re.compile("/sync/v1/(batches/[^/]+/chunks|blobs)/")
"""Where a body is bytes and no JSON."""
_decode = msgspec.json.Decoder(RedeemRequest).decode
_encode = msgspec.json.Encoder().encode
_ANSWERED = RedeemAnswer.__struct_fields__
_JSON = b"application/json"


class Answer(NamedTuple):
    """`extra` are headers of its own."""

    status: int
    body: bytes
    kind: bytes
    extra: tuple[Header, ...] = ()


class Front:
    """The ASGI application that uvicorn runs."""

    def __init__(self, documented: App, endpoint: Endpoint) -> None:
        self._documented = documented
        self._endpoint = endpoint
        self._tidied = time.monotonic()
        self._logs = log.is_enabled_for(logging.INFO)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._documented(scope, receive, send)
            return
        began, trace = time.perf_counter(), secrets.token_hex(8) if self._logs else ""
        if scope["path"].startswith(GUESSED):
            send = self._refusing_late(send, began)
        if scope["path"] == REDEEM and scope["method"] == "POST":
            status = await self._redeem(scope, receive, send, trace)
        else:
            status = await self._answer(scope, receive, send, trace)
        if self._logs:
            took = round((time.perf_counter() - began) * 1000, 1)
            path = _PRIVATE.sub("…", scope["path"])
            log.info("request", method=scope["method"], path=path, status=status, ms=took, trace=trace)

    def _refusing_late(self, send: Send, began: float) -> Send:
        """Sends, but a refusal at the next step of the floor: nobody learns by the time what a guess met."""

        async def late(message: MutableMapping[str, Any]) -> None:
            if message.get("status", 0) >= REFUSED:
                with suppress(asyncio.CancelledError):  # the endpoint ends; what it says stands all the same
                    await self.floor.reached(began)
            await send(message)

        return late

    async def _answer(self, scope: Scope, receive: Receive, send: Send, trace: str) -> int:
        """Let the documented routes answer; the status."""
        status = 0
        extra = (*HEADERS, *_no_store(scope["path"]))

        async def answer(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                points.passed("endpoint.answer")
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            scope.setdefault("state", {})["trace"] = trace = trace or secrets.token_hex(8)
            await self._pass_on(scope, receive, answer)
        except (Exception, asyncio.CancelledError) as error:
            if status and not isinstance(error, Refusal):  # half of an answer went out: the connection has to break
                raise
            await _send(answer, self.answer_instead(error, trace))
        return status

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        state["address"] = self._address(scope)
        path, method = scope["path"], scope["method"]
        if "//" in path:  # the framework would read it as another address than the one whose signature is asked for
            raise Refusal("not-found")
        if method == "GET" and not path.startswith("/sync/"):
            await self._documented(scope, receive, send)
            return
        body = await _body(scope, receive)
        if path.startswith("/sync/v1/") and path != "/sync/v1/enroll":
            state["device"] = await self._admit(scope, body)
        if body and not _BYTES.match(path):
            check_form(body)
        await self._documented(scope, _replay(body), send)

    async def _redeem(self, scope: Scope, receive: Receive, send: Send, trace: str) -> int:
        """The hot route where it came as any other (see hot.py)."""
        waiter: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        try:
            self.redeem_soon(self._address(scope), await _body(scope, receive), waiter)
            answer = self.answer_of(await waiter)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is logged there
            answer = self.answer_instead(error, trace)
        await _send(send, answer, REDEEM_HEADERS)
        return answer.status

    @property
    def floor(self) -> Floor:
        return self._endpoint.floor

    @property
    def is_quiet(self) -> bool:
        """Whether no request is a line in the log."""
        return not self._logs

    def redeem_soon(self, address: str, body: bytes, waiter: Waiter) -> None:
        """No framework, no closures, one parse. The outcome comes to `waiter`, or why there is none."""
        try:
            request = _redeem_request(body)
            self._endpoint.redeem_soon(request, address=address, device_class="phone", waiter=waiter)
        except Exception as error:  # noqa: BLE001 - whoever waits hears of it
            waiter.set_exception(error)

    @staticmethod
    def answer_of(outcome: Outcome) -> Answer:
        """To a wish to redeem."""
        if "refused" in outcome:
            return _problem_answer(refusal_of(outcome), secrets.token_hex(8))
        points.passed("endpoint.answer")
        return Answer(200, _encode({name: outcome.get(name) for name in _ANSWERED}), _JSON)

    @staticmethod
    def answer_instead(error: BaseException, trace: str = "") -> Answer:
        """A bug of ours is told to the log, not to whoever asked."""
        trace = trace or secrets.token_hex(8)
        if isinstance(error, asyncio.CancelledError):
            return _problem_answer(LEAVING, trace)
        if not isinstance(error, Refusal):
            log.error("request failed", kind=type(error).__name__, trace=trace, exc_info=error)
        return _problem_answer(error if isinstance(error, Refusal) else Refusal("internal"), trace)

    async def _admit(self, scope: Scope, body: bytes) -> access.Device:
        named = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        headers = dict(named)
        if sum(name in SIGNED_HEADERS for name, _ in named) > len(SIGNED_HEADERS.intersection(headers)):
            raise Refusal("bad-signature")  # whoever stands between may have read the other one
        spoken = headers.get("kx-protocol", "")
        if spoken.isdecimal() and spoken != str(VERSION):
            raise Refusal("upgrade-required")
        raw = scope.get("raw_path") or scope["path"].encode()
        message = Message(
            scope["method"],
            headers.get("host", "").lower(),
            raw.decode("latin-1").partition("?")[0],
            scope.get("query_string", b"").decode("latin-1"),
            body,
        )
        try:
            signed = read(message, headers)
        except SignatureRefused as refused:
            raise Refusal("bad-signature") from refused
        return await self._known(signed)

    async def _known(self, signed: Signed) -> access.Device:
        at = now_ms()
        if time.monotonic() - self._tidied > TIDY_EVERY_S:
            self._tidied = time.monotonic()
            await self._endpoint.tidy()
        return await self._endpoint.store.write(lambda t: access.admit(t, signed, at_ms=at))

    def _address(self, scope: Scope) -> str:
        return self.address_of(scope.get("client"), scope["headers"])

    def address_of(self, client: tuple[str, int] | None, headers: Sequence[Header]) -> str:
        """The client's address: behind our own proxies, the last hop we do not run ourselves."""
        near = str(client[0]) if client else ""
        if self._endpoint.proxies == 0:
            return near
        chain = [
            hop.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for hop in value.decode("latin-1").split(",")
        ]
        return chain[-self._endpoint.proxies] if len(chain) >= self._endpoint.proxies else near


def _redeem_request(body: bytes) -> RedeemRequest:
    """The same verdict as `check_form` and the decoder together, by one parse for every body a phone sends.

    The decoder itself refuses NaN, other types, unknown keys and everything nested; what it lets pass is a key that
    stands twice. That shows by its quotes, as long as none is escaped: each key and each text has two, and nothing else
    has any. A phone sends short texts in ASCII. Raises Refusal invalid.
    """
    try:
        request = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        check_form(body)
        raise Refusal("invalid", detail=str(error)[:200]) from error
    texts = (request.link_id is not None) + (request.challenge is not None) + (request.form is not None) + 3
    numbers = (request.amount_minor is not None) + (request.uses is not None)
    if body.count(b'"') != 4 * texts + 2 * numbers or b"\\" in body or len(body) > LONGEST_TEXT or not body.isascii():
        check_form(body)  # a part that is said to be null has quotes, too
    return request


def check_form(body: bytes) -> None:
    """JSON as the protocol wants it: no duplicate keys, no NaN, no numbers beyond 2^53, not too deep.

    Raises Refusal invalid."""
    try:
        document = json.loads(
            body, object_pairs_hook=_distinct, parse_constant=_no_constant, parse_int=_small, parse_float=float
        )
    except (ValueError, RecursionError) as error:
        raise Refusal("invalid", detail="not the JSON this protocol takes") from error
    _measure(document, DEPTH)


def _check_text(text: str, *, longest: int = LONGEST_TEXT) -> None:
    """NFC, not too long, and nothing that a database or a page could not keep."""
    if len(text) > longest:
        raise Refusal("invalid", detail="a text is too long")
    if not text.isascii() and (not is_normalized("NFC", text) or SURROGATE.search(text)):
        raise Refusal("invalid", detail="a text is not in NFC")
    if "\0" in text:
        raise Refusal("invalid", detail="a text holds NUL")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(text: str) -> float:
    raise ValueError(text)


def _small(text: str) -> int:
    if len(text) > 17 or abs(value := int(text)) > LARGEST:
        raise ValueError("number")
    return value


def _measure(value: Any, left: int) -> None:
    if isinstance(value, str):
        _check_text(value)
        return
    if left == 0:
        raise Refusal("invalid", detail="nested too deeply")
    if isinstance(value, dict):
        for name, part in value.items():
            _check_text(name)
            if name == "ciphertext" and isinstance(part, str):
                _check_text(part, longest=LONGEST_CIPHERTEXT)
            else:
                _measure(part, left - 1)
    elif isinstance(value, list):
        for part in value:
            _measure(part, left - 1)


async def _body(scope: Scope, receive: Receive) -> bytes:
    limit = CHUNK_LIMIT if "/chunks/" in scope["path"] else BODY_LIMIT
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal("invalid", detail="the request ended early")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise Refusal("too-large")
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _problem_answer(refusal: Refusal, trace: str) -> Answer:
    told = problem(refusal.key, trace=trace, **refusal.more)
    extra: tuple[Header, ...] = ()
    if told.retry_after_s is not None:
        extra = ((b"retry-after", str(max(1, round(told.retry_after_s))).encode()),)
    return Answer(told.status, _encode(told), b"application/problem+json", extra)


async def _send(send: Send, answer: Answer, extra: tuple[Header, ...] = ()) -> None:
    headers = [(b"content-type", answer.kind), (b"content-length", b"%d" % len(answer.body)), *extra, *answer.extra]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _no_store(path: str) -> tuple[Header, ...]:
    api = unquote(path).startswith(("/sync/", "/h5/v1/"))
    return (NO_STORE,) if api else ()
