"""Endpoints whose refusals tell something by their time; each must be found. To be called in their own process."""

import asyncio
import math
import time
from collections.abc import Callable

from sync.protocol import unb64
from sync.server import floor, front, hot


def no_floor() -> None:
    """A refusal goes out as soon as it is known."""
    floor.Floor.call = lambda self, loop, asked, call: call()  # type: ignore[method-assign]


def loop_timer() -> None:
    """The floor is a timer of the event loop."""

    def timed(self: floor.Floor, loop: asyncio.AbstractEventLoop, asked: float, call: Callable[[], object]) -> None:
        passed = time.perf_counter() - asked
        loop.call_later(math.ceil(passed / floor.STEP_S) * floor.STEP_S - passed, call)

    floor.Floor.call = timed  # type: ignore[method-assign]


def early_return() -> None:
    """Of a code nobody knows it says so without a transaction, and so before there is anything to wait for."""
    redeem_soon = front.Front.redeem_soon

    def early(self: front.Front, scope: front.Scope, body: bytes, waiter: hot.Redeeming) -> None:
        verifier = self._endpoint.secrets.verifier(unb64(front._redeem_request(body).d))
        if self._endpoint.store.read_now(lambda t: t.one("SELECT 1 FROM card WHERE verifier = ?", verifier)):
            redeem_soon(self, scope, body, waiter)
            return
        waiter._raw = hot._raw(front.Front.answer_of({"refused": "card-unknown"}), waiter.keep_alive)
        waiter._send()

    front.Front.redeem_soon = early  # type: ignore[method-assign,assignment]


PLANTS = {"no-floor": no_floor, "loop-timer": loop_timer, "early-return": early_return}


def built_in(name: str, *, step_s: float = 0.0) -> str:
    """What an endpoint runs before it begins; empty for none. `step_s`: another height of the floor."""
    lines = [f"from sync.server import floor\nfloor.STEP_S = {step_s}"] if step_s else []
    if name:
        lines.append(f"from tests.campaigns import hasty\nhasty.PLANTS[{name!r}]()")
    return "\n".join(lines)
