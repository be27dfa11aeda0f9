"""The line between everybody and the endpoint, with its faults; and who heard what: one op has one outcome for ever."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from sync.client import Identity, SyncClient
from tests.campaigns.simulation.server import Answer, Message, Server
from tests.campaigns.simulation.world import EndpointCrash, Violation

FAULTS = ("lost", "cut", "twice", "late")
"""Never came; its answer never came; came twice; comes after everybody has stopped to wait for it."""
NOT_KEPT = frozenset(
    {
        "card-unknown",
        "invalid",
        "rate-limited",
        "read-only",
        "internal",
        "held-back",
        "op-unknown",
        "forbidden",
        "recovering",
    }
)
"""Refusals of a redemption that are no outcome of its op."""


APPLIED = ("redeemed_minor", "redeemed_uses", "remaining_minor", "remaining_uses", "at")
REST = (3, 4)
"""Where the rest is in what is kept of an outcome."""
LEDGER = ("redeem@1", "reverse@1", "card.topup@1", "card.refund@1")


class Lost(requests.ConnectionError):
    """No answer came."""


class Outcomes:
    """What the endpoint has said of each op, to whomever."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}
        self.lives: dict[str, str] = {}
        """Incarnation → the life of a desktop that speaks in it."""
        self.lost: set[str] = set()
        """Ops that an endpoint forgot when it was put back. Said again, an entry takes the same at the same time, but
        what it leaves is another rest if one before it is lost for ever."""

    def hear(self, message: Message, answer: Answer) -> None:
        if message.method not in ("POST", "PUT") or answer.status >= 500:
            return
        path = urlsplit(message.url).path
        if path == "/sync/v1/ops" and answer.status == 200:
            asked = msgspec.json.decode(message.body)["ops"]
            for op, result in zip(asked, msgspec.json.decode(answer.body)["results"], strict=True):
                self._result(op["type"], result)
        elif path == "/h5/v1/redeem":
            self._redeemed(msgspec.json.decode(message.body)["op_id"], answer)
        elif answer.status == 200 and (path == "/sync/v1/freeze" or path.endswith("/seal")):
            self._tell(msgspec.json.decode(message.body)["op_id"], ["applied", msgspec.json.decode(answer.body)["seq"]])

    def speak(self, incarnation: str, life: str) -> None:
        """A restored desktop is another life of its device and says so."""
        if incarnation and self.lives.setdefault(incarnation, life) != life:
            raise Violation(f"two lives of a device speak as one: {life} and {self.lives[incarnation]}")

    def _result(self, type_: str, result: Mapping[str, Any]) -> None:
        if result["status"] in ("applied", "duplicate"):
            told = result["outcome"]
            self._tell(
                result["op_id"], ["applied", *([told[name] for name in APPLIED] if "at" in told else [result["seq"]])]
            )
        elif result["status"] == "rejected":
            key = result["problem"]["type"].rpartition("/")[2]
            if key not in NOT_KEPT or (type_ not in LEDGER and key == "card-unknown"):
                self._tell(result["op_id"], ["refused", key])

    def _redeemed(self, op_id: str, answer: Answer) -> None:
        said = msgspec.json.decode(answer.body)
        if answer.status == 200:
            self._tell(op_id, ["applied", *(said[name] for name in APPLIED)])
        elif (key := said["type"].rpartition("/")[2]) not in NOT_KEPT | {"op-id-reused"}:
            self._tell(op_id, ["refused", key])

    def _tell(self, op_id: str, outcome: list[Any]) -> None:
        before = self.told.setdefault(op_id, outcome)
        if op_id in self.lost and len(before) == len(outcome) == len(APPLIED) + 1:
            before, outcome = ([one for at, one in enumerate(said) if at not in REST] for said in (before, outcome))
        if before != outcome:
            raise Violation(f"I4: op {op_id} had the outcome {before} and now has {outcome}")


class Wire:
    """`rate` is how many of a hundred messages meet a fault."""

    def __init__(self, server: Server, draw: random.Random, rate: int) -> None:
        self.server = server
        self.rate = rate
        self.down = False
        self.outcomes = Outcomes()
        self.met: Counter[str] = Counter()
        self._draw = draw
        self._late: list[Message] = []

    def carry(self, message: Message) -> Answer:
        """Raises Lost."""
        if self.rate and self._late and self._draw.random() < 0.3:
            self.bring_late(1)
        if self.down:
            raise Lost("down")
        fault = self._draw.choice(FAULTS) if self._draw.randrange(100) < self.rate else ""
        if fault:
            self.met[fault] += 1
        if fault == "late":
            self._late.append(message)
        if fault in ("lost", "late"):
            raise Lost(fault)
        answer = self.reach(message)[0]
        if fault == "twice":
            answer = self._draw.choice((answer, self.reach(message)[0]))
        if fault == "cut":
            raise Lost(fault)
        return answer

    def reach(self, *messages: Message) -> list[Answer]:
        """Without faults but the endpoint's own. Raises Lost."""
        try:
            answers = self.server.ask(*messages)
        except EndpointCrash as crash:
            self.server.restart()
            self.met["endpoint crash"] += 1
            raise Lost("endpoint") from crash
        for message, answer in zip(messages, answers, strict=True):
            if answer.status >= 500 and b"/recovering" not in answer.body:
                raise Violation(f"{message.method} {message.url}: {answer.status} {answer.body[:300]!r}")
            self.outcomes.hear(message, answer)
        return answers

    def bring_late(self, most: int = 1_000_000) -> None:
        """Messages arrive that nobody waits for any more."""
        while self._late and most:
            most -= 1
            try:
                self.reach(self._late.pop(self._draw.randrange(len(self._late))))
            except Lost:
                continue


class Adapter(BaseAdapter):
    """Where the session of a real client ends."""

    def __init__(self, wire: Wire, life: str) -> None:
        super().__init__()
        self._wire = wire
        self._life = life

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raw = request.body or b""
        body = raw.encode() if isinstance(raw, str) else bytes(raw)
        headers = {name: value for name, value in request.headers.items() if not name.lower().startswith("accept")}
        self._wire.outcomes.speak(headers.get("KX-Incarnation", ""), self._life)
        answer = self._wire.carry(Message(str(request.method), str(request.url), headers, body))
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response._content = answer.body
        response.url = str(request.url)
        response.request = request
        return response

    def close(self) -> None:
        return


def client_over(wire: Wire, life: str) -> type[SyncClient]:
    """The real client, whose session ends at this wire."""

    class Client(SyncClient):
        def __init__(self, base_url: str, identity: Identity | None = None) -> None:
            super().__init__(base_url, identity)
            self._session.mount("http://", Adapter(wire, life))

    return Client
