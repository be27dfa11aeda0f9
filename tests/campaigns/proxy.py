"""A line between a desktop and its endpoint that does what it is told to at one message: cuts, doubles, delays."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_S = 60
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry"
)
PIECE = 7
PAUSE_S = 0.001
KINDS = ("up", "down", "first", "second", "502", "slow")
"""Cut on the way there or back, asked twice with the first or the second answer brought back, an answer of somebody
between in the place of the true one, and a line that brings a few bytes at a time."""


class Cut(Exception):
    """The line is gone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to message `number` (and to as many behind it as `times` says); `at` is the byte of a cut."""

    kind: str
    number: int
    at: int = 0
    times: int = 1


@dataclass
class Proxy:
    """Listens on `url`; `plan` counts messages since it was laid down. `seen`: lengths of what went there and back."""

    upstream: str
    plan: Plan | None = None
    seen: list[tuple[int, int]] = field(default_factory=list)
    done: int = 0
    _number: int = 0

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        parts = urlsplit(self.upstream)
        self._there = (str(parts.hostname), int(parts.port or 80))
        threading.Thread(target=self._accept, daemon=True).start()

    def lay(self, plan: Plan | None) -> None:
        self.plan, self.seen, self._number, self.done = plan, [], 0, 0

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        line.settimeout(PATIENCE_S)
        with line, socket.create_connection(self._there, PATIENCE_S) as there, suppress(Cut, OSError):
            here, away = _Messages(line), _Messages(there)
            while (asked := here.read()) is not None:
                self._pass_on(line, there, away, asked)

    def _pass_on(self, line: socket.socket, there: socket.socket, away: "_Messages", asked: bytes) -> None:
        number, self._number = self._number, self._number + 1
        plan = self.plan
        if plan is None or not plan.number <= number < plan.number + plan.times:
            there.sendall(asked)
            answer = _whole(away)
            line.sendall(answer)
            self.seen.append((len(asked), len(answer)))
            return
        self.done += 1
        if plan.kind == "up":
            there.sendall(asked[: plan.at])
            raise Cut
        there.sendall(asked)
        answer = _whole(away)
        if plan.kind == "down":
            line.sendall(answer[: plan.at])
            raise Cut
        if plan.kind == "502":
            line.sendall(BAD_GATEWAY)
            raise Cut
        if plan.kind in ("first", "second"):
            there.sendall(asked)
            answer = (answer, _whole(away))[plan.kind == "second"]
        for at in range(0, len(answer), PIECE if plan.kind == "slow" else len(answer)):
            threading.Event().wait(PAUSE_S if plan.kind == "slow" else 0)
            line.sendall(answer[at : at + (PIECE if plan.kind == "slow" else len(answer))])


def _whole(away: "_Messages") -> bytes:
    answer = away.read()
    if answer is None:
        raise Cut
    return answer


class _Messages:
    """HTTP messages of one side of a line, each with the length that its head tells."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._rest = b""

    def read(self) -> bytes | None:
        """The next whole one; None when the line ends before it begins."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return None
        head = self._rest.partition(b"\r\n\r\n")[0]
        length = next(
            (int(row.partition(b":")[2]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length:")),
            0,
        )
        size = len(head) + 4 + length
        while len(self._rest) < size:
            if not self._more():
                return None
        whole, self._rest = self._rest[:size], self._rest[size:]
        return whole

    def _more(self) -> bool:
        some = self._line.recv(1 << 16)
        self._rest += some
        return bool(some)
