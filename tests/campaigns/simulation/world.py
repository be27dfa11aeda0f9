"""What a history stands on: one clock, one source of randomness, and the moments in which a process can die."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import patch

import stamina

from app.models import base
from app.services import cloud
from app.services.cloud import pushing
from sync import client, protocol
from sync.server import batches, endpoint, uploads, verifying

BEGAN_MS = 1_795_000_000_000
CHUNK, BLOCK, LOT, PAGE, PER_PUSH = 2, 2, 2, 4, 3
"""Everything that is taken in portions is taken in small ones, so that few cards make many steps."""


class Crash(BaseException):
    """A process is gone: nothing it would have done next is done."""


class DesktopCrash(Crash):
    """A desktop's."""


class EndpointCrash(Crash):
    """The endpoint's."""


class Violation(AssertionError):
    """The protocol did not hold what it promises."""


class Clock:
    """The time that everybody believes in; `skew_ms` is how wrong the desktop is that acts now."""

    def __init__(self) -> None:
        self.ms = BEGAN_MS
        self.skew_ms = 0

    def tick(self, ms: int = 1) -> int:
        self.ms += ms
        return self.ms

    @contextmanager
    def skewed(self, ms: int) -> Iterator[None]:
        before, self.skew_ms = self.skew_ms, ms
        try:
            yield
        finally:
            self.skew_ms = before


class Fuse:
    """Burns through the durable steps of one process, each of which has a moment before it and one behind it."""

    def __init__(self, crash: type[Crash]) -> None:
        self._crash = crash
        self._left: int | None = None
        self.burnt = 0
        self.steps = 0

    def light(self, moments: int) -> None:
        self._left = moments

    def put_out(self) -> None:
        self._left = None

    def moment(self) -> None:
        """Raises the crash when its time has come."""
        self.steps += 1
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            self._left = None
            self.burnt += 1
            raise self._crash


def _watch(now_ms: Callable[[], int]) -> SimpleNamespace:
    return SimpleNamespace(now_ms=now_ms, now=lambda: datetime.fromtimestamp(now_ms() / 1000, UTC))


@contextmanager
def world(clock: Clock) -> Iterator[None]:
    """Time and randomness of the real code come from here while this is open. What SQLite and the key generators draw
    for themselves stays theirs: no step depends on it."""
    own, theirs = _watch(lambda: clock.tick() + clock.skew_ms), _watch(clock.tick)
    with ExitStack() as stack:
        replaced = (
            (base, "clock", own), (client, "clock", own), (protocol, "clock", own), (endpoint, "clock", theirs),
            (uploads, "CHUNK_RECORDS", CHUNK), (uploads, "LOT", LOT), (batches, "BLOCK", BLOCK),
            (verifying, "BLOCK", BLOCK), (pushing, "CHUNK", CHUNK * protocol.RECORD), (pushing, "PER_PUSH", PER_PUSH),
            (cloud, "PAGE", PAGE),
        )  # fmt: skip
        for where, name, value in replaced:
            stack.enter_context(patch.object(where, name, value))
        stack.enter_context(stamina.set_testing(True, attempts=3, cap=True))
        yield


@contextmanager
def drawn_from(draw: random.Random) -> Iterator[None]:
    """Ids, nonces and codes of one history."""
    with patch.object(os, "urandom", draw.randbytes), patch.object(random, "_urandom", draw.randbytes):
        yield
