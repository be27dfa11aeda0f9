"""The same floor of time under every refusal: it goes out a whole number of steps after it was asked for.

A guess that meets a card costs some ten microseconds more or less than one that meets none, and thousands of guesses
would show it. A timer of the event loop would not hide them: it counts whole milliseconds from the moment at which the
loop had nothing else to do, and so fires as much later as the work took longer. A thread sleeps up to the very point.
"""

import asyncio
import heapq
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

STEP_S = 0.02
"""Longer than a redemption takes unless the endpoint has more to do than it can; nobody who is refused feels it."""

Due = tuple[float, int, asyncio.AbstractEventLoop, Callable[[], object]]
"""When, a number that no other has, on which loop, and what is to be called there."""


class Floor:
    """Lets whoever waits go on at a step; many at once, on any event loop."""

    def __init__(self) -> None:
        self._due: list[Due] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ends = False

    async def reached(self, asked: float) -> None:
        """Returns at the next step after `asked`, an instant of `time.perf_counter`."""
        step = asyncio.Event()
        self.call(asyncio.get_running_loop(), asked, step.set)
        await step.wait()

    def call(self, loop: asyncio.AbstractEventLoop, asked: float, call: Callable[[], object]) -> None:
        """The same for a call on the event loop."""
        steps = math.ceil((time.perf_counter() - asked) / STEP_S)
        due = (asked + steps * STEP_S, next(self._numbers), loop, call)
        with self._changed:
            if self._ends:
                loop.call_soon(call)
                return
            heapq.heappush(self._due, due)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="floor", daemon=True)
                self._thread.start()
            elif self._due[0] is due:
                self._changed.notify()

    def stop(self) -> None:
        """Whoever waits goes on at once."""
        with self._changed:
            self._ends = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while (due := self._next()) is not None:
            _, _, loop, call = due
            with suppress(RuntimeError):  # its event loop has ended
                loop.call_soon_threadsafe(call)

    def _next(self) -> Due | None:
        """Whose turn it is; None at the end."""
        with self._changed:
            while not self._ends and (left := self._left()) != 0:
                self._changed.wait(left)
            return heapq.heappop(self._due) if self._due else None

    def _left(self) -> float | None:
        """Seconds to the first; None when nobody waits."""
        return max(0.0, self._due[0][0] - time.perf_counter()) if self._due else None
