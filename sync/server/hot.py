"""The hot route below ASGI: `POST /h5/v1/redeem` without a task, coroutines and messages for each request.

Only what phones send, in one piece: HTTP/1.1, a short body whose length was said before, nothing unanswered before it
on the line. Whatever is different in any way goes through uvicorn like every other request, to the same answers.
"""

import asyncio
import time
from http import HTTPStatus
from typing import Any

from sync.protocol import LONGEST_TEXT
from sync.server.corked import CorkedHttp
from sync.server.floor import Floor
from sync.server.front import REDEEM, REDEEM_HEADERS, REFUSED, Answer, Front

URL = REDEEM.encode()
ALWAYS = b"".join(b"%s: %s\r\n" % header for header in REDEEM_HEADERS)
STATUS = {one.value: b"HTTP/1.1 %d %s\r\n" % (one.value, one.phrase.encode()) for one in HTTPStatus}


class HotHttp(CorkedHttp):
    """For `uvicorn.Config(http=…)`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._front = self.app if isinstance(self.app, Front) and self.app.is_quiet else None
        self._hot: Redeeming | None = None
        self._idle_since: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

    def data_received(self, data: bytes) -> None:
        self._idle_since = None
        super().data_received(data)
        if self._hot is not None and self._hot.more_body and not self.transport.is_closing():
            self._take_the_long_way(self._hot.body)

    def _take_the_long_way(self, body: bytes) -> None:
        """The rest is not here yet, and may never come."""
        self._hot, self.cycle = None, None  # type: ignore[assignment]  # as before the first request
        self._go_on_with_a_scope()
        if body:
            super().on_body(body)

    def on_message_begin(self) -> None:
        """Without what only an application asks for."""
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        self._hot = Redeeming(self, self._front.floor) if self._front is not None and self._is_hot() else None
        if self._hot is not None:
            self.cycle = self._hot  # type: ignore[assignment]  # it has all that uvicorn asks of one
        else:
            self._go_on_with_a_scope()

    def _go_on_with_a_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self._hot is not None and self._front is not None:
            self._hot.more_body = False
            self.tasks.add(self._hot)  # type: ignore[arg-type]  # what the end of the server waits for, or cancels
            self._front.redeem_soon(self._front.address_of(self.client, self.headers), self._hot.body, self._hot)
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """One timer for a connection instead of one for each answer."""
        if self._hot is None or self.pipeline or self.flow.read_paused:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if self._watch is None:
            self._watch = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._watch = None
        if self._idle_since is None:  # the next answer watches again
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._watch = self.loop.call_later(left, self._look_whether_idle)
        else:
            self.timeout_keep_alive_handler()

    def _is_hot(self) -> bool:
        if self.url != URL or self.expect_100_continue:
            return False
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1" or parser.should_upgrade():
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        length = next((value for name, value in self.headers if name == b"content-length"), b"")
        return length.isdigit() and len(length) < 6 and int(length) <= LONGEST_TEXT


class _Nobody:
    """An event that nobody waits for."""

    def set(self) -> None: ...


class Redeeming:
    """One request: to uvicorn a request and its response, to the writer somebody who waits. A refusal is sent at the
    next step of the floor: nobody learns by the time what a guess met."""

    __slots__ = (
        *("_asked", "_floor", "_protocol", "_raw"),
        *("body", "disconnected", "keep_alive", "more_body", "response_complete"),
    )
    message_event = _Nobody()

    def __init__(self, protocol: HotHttp, floor: Floor) -> None:
        self._asked = time.perf_counter()
        self._floor = floor
        self._protocol = protocol
        self.keep_alive = protocol.parser.should_keep_alive()
        self.body = self._raw = b""
        self.more_body = True
        self.disconnected = self.response_complete = False

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._protocol.loop

    def done(self) -> bool:
        return bool(self._raw)

    def set_result(self, outcome: Any) -> None:
        self._answer(Front.answer_of(outcome))

    def set_exception(self, error: BaseException) -> None:
        self._answer(Front.answer_instead(error))

    def cancel(self, msg: str = "") -> None:
        """The server ends and waits no longer."""
        self._protocol.loop.call_soon(self._give_up)

    def _give_up(self) -> None:
        self._raw = self._raw or _raw(Front.answer_instead(asyncio.CancelledError()), self.keep_alive)
        self._send()

    def _answer(self, answer: Answer) -> None:
        self._raw = _raw(answer, self.keep_alive)
        if answer.status < REFUSED:
            self._send()
        else:
            self._floor.call(self._protocol.loop, self._asked, self._send)

    def _send(self) -> None:
        if self.response_complete:  # the server ended before the step came
            return
        self.response_complete = True
        protocol = self._protocol
        protocol.tasks.discard(self)
        if not protocol.transport.is_closing():  # whoever asked may have gone
            protocol.transport.write_whole(self._raw)  # type: ignore[attr-defined]  # it is corked
            if not self.keep_alive:
                protocol.transport.close()
        protocol.on_response_complete()


def _raw(answer: Answer, keep_alive: bool) -> bytes:
    own = b"".join([b"%s: %s\r\n" % header for header in answer.extra]) if answer.extra else b""
    return b"%scontent-type: %s\r\ncontent-length: %d\r\n%s%s%s\r\n%s" % (
        *(STATUS[answer.status], answer.kind, len(answer.body), ALWAYS, own),
        *(b"" if keep_alive else b"connection: close\r\n", answer.body),
    )
