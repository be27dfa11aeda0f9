"""The desktop's end of the wire: signed requests, time-outs, retries that repeat nothing, problems as data.

The library that speaks HTTP is loaded by the first client: most of what a desktop does asks nobody.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import stamina
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import clock, signing
from sync.devices import DevicesAnswer, PairingAnswer, PairingRequest
from sync.phone import LinkRequest, LookupAnswer, LookupRequest
from sync.protocol import (
    Checkpoint,
    DrawersAnswer,
    DrawersRequest,
    EnrollAnswer,
    EnrollRequest,
    EventsPage,
    FreezeAnswer,
    FreezeRequest,
    Hello,
    LeaseAnswer,
    LeaseRequest,
    Op,
    OpsAnswer,
    OpsRequest,
    Problem,
    ReconcileAnswer,
    ReconcileRequest,
    ReturnRequest,
    SealAnswer,
    SealRequest,
    UploadState,
    b64,
    from_wire,
)
from sync.receipts import GiveBackAnswer, GiveBackRequest, GivenBack, WitnessAnswer, WitnessRequest

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
A = TypeVar("A", OpsAnswer, SealAnswer, FreezeAnswer)
RETRY_FIRST_S, RETRY_LONGEST_S = 0.2, 2.0
"""Short tries within one call; what is still unsent waits in the outbox for the next round."""
stamina.instrumentation.set_on_retry_hooks(())  # else each retry is a line of structlog's on stdout
PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try within one call."""

    tries: int
    connect_s: float
    read_s: float


USUAL = Patience(3, 5.0, 30.0)
ONCE = Patience(1, 5.0, 30.0)
IN_A_HURRY = Patience(1, 2.0, 6.0)


class Unreachable(Exception):
    """No answer came: nothing is known about what happened there."""


class _Passing(Unreachable):
    """Worth another try at once."""


class Refused(Exception):
    """The endpoint answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.key)
        self.problem = problem

    @property
    def key(self) -> str:
        return self.problem.key


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs."""

    device_id: str
    incarnation: str
    key: Ed25519PrivateKey


class SyncClient:
    """One endpoint; not shared between threads. A request that got no answer is sent again as it is, signed anew."""

    def __init__(self, base_url: str, identity: Identity | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._identity = identity
        import requests

        self._session = requests.Session()
        self._session.trust_env = not self.base_url.startswith("http://127.")  # a proxy must not see the embedded one
        self._skew_s = 0
        self.word: Checkpoint | None = None
        """The endpoint's word on its feed that came with the last answer to an op."""

    def close(self) -> None:
        self._session.close()

    # --- pairing ---

    def enroll(
        self,
        pairing_code: str,
        *,
        device_name: str,
        key: Ed25519PrivateKey,
        incarnation: str,
        merchant_id: str | None = None,
    ) -> EnrollAnswer:
        """Register this device; the code is used up. Never repeated by itself: the second try would be refused.

        `merchant_id`: whose code it has to be; another's is refused and stays unused.
        """
        request = EnrollRequest(
            pairing_code=pairing_code,
            device_name=device_name,
            public_key=b64(key.public_key().public_bytes_raw()),
            incarnation=incarnation,
            proof=b64(signing.enroll_proof(key, pairing_code)),
            merchant_id=merchant_id,
        )
        body = _composed(msgspec.json.encode(request))
        headers = {"Content-Type": "application/json"}
        answer = self._send("POST", "/sync/v1/enroll", body, headers=headers, patience=ONCE)
        return _read(answer, EnrollAnswer)

    # --- signed calls ---

    def hello(self) -> Hello:
        return self._call("GET", "/sync/v1/hello", Hello)

    def make_pairing(self, request: PairingRequest) -> PairingAnswer:
        """Refused with `pairing-told` when an earlier answer was lost: the code is kept nowhere."""
        return self._call("POST", "/sync/v1/pairings", PairingAnswer, request)

    def devices(self) -> DevicesAnswer:
        return self._call("GET", "/sync/v1/devices", DevicesAnswer)

    def push(self, ops: Iterable[Op]) -> OpsAnswer:
        return self._heard(self._call("POST", "/sync/v1/ops", OpsAnswer, OpsRequest(list(ops))))

    def events(self, after: str, *, limit: int = 1_000, wait_s: int = 0) -> EventsPage:
        return self._call("GET", f"/sync/v1/events?after={after}&limit={limit}&wait={wait_s}", EventsPage)

    def witness(self, checkpoint: Checkpoint) -> WitnessAnswer:
        return self._call("POST", "/sync/v1/witness", WitnessAnswer, WitnessRequest(checkpoint))

    def give_back(self, entries: list[GivenBack], *, done: bool = False) -> GiveBackAnswer:
        """Entries of the ledger that the endpoint has lost. The same ones again are harmless."""
        return self._call("POST", "/sync/v1/recovery", GiveBackAnswer, GiveBackRequest(entries, done))

    def upload_state(self, batch_id: str) -> UploadState:
        return self._call("GET", f"/sync/v1/batches/{batch_id}/upload", UploadState)

    def put_chunk(self, batch_id: str, n: int, records: bytes) -> None:
        self._signed("PUT", f"/sync/v1/batches/{batch_id}/chunks/{n}", records, kind="application/octet-stream")

    def put_blob(self, blob_id: str, content: bytes) -> None:
        """Harmless when it is there already: the first stays."""
        self._signed("PUT", f"/sync/v1/blobs/{blob_id}", content, kind="application/octet-stream")

    def get_blob(self, blob_id: str) -> bytes:
        return self._signed("GET", f"/sync/v1/blobs/{blob_id}", b"").content

    def seal(self, batch_id: str, request: SealRequest) -> SealAnswer:
        return self._heard(self._call("POST", f"/sync/v1/batches/{batch_id}/seal", SealAnswer, request))

    def freeze(self, request: FreezeRequest) -> FreezeAnswer:
        return self._heard(self._call("POST", "/sync/v1/freeze", FreezeAnswer, request))

    def take_lease(self, request: LeaseRequest) -> LeaseAnswer:
        return self._call("POST", "/sync/v1/leases", LeaseAnswer, request)

    def return_lease(self, request: ReturnRequest) -> LeaseAnswer:
        return self._call("POST", "/sync/v1/leases/return", LeaseAnswer, request)

    def reconcile(self, request: ReconcileRequest) -> ReconcileAnswer:
        return self._call("POST", "/sync/v1/reconcile", ReconcileAnswer, request)

    def drawers(self, request: DrawersRequest) -> DrawersAnswer:
        return self._call("POST", "/sync/v1/reconcile/drawers", DrawersAnswer, request)

    def put_link(self, link_id: str, request: LinkRequest) -> dict[str, Any]:
        return self._call("PUT", f"/sync/v1/links/{link_id}", dict[str, Any], request)

    def look_up(self, d: bytes) -> LookupAnswer:
        """Asked once and briefly: somebody stands at the counter and can ask again."""
        body = msgspec.json.encode(LookupRequest(b64(d)))
        return _read(self._signed("POST", "/sync/v1/cards/lookup", body, patience=IN_A_HURRY), LookupAnswer)

    # --- how ---

    def _heard(self, answer: A) -> A:
        self.word = answer.checkpoint or self.word
        return answer

    def _call(self, method: str, path: str, kind: type[T], message: Any = None) -> T:
        body = b"" if message is None else _composed(msgspec.json.encode(message))
        return _read(self._signed(method, path, body), kind)

    def _signed(
        self, method: str, path: str, body: bytes, *, kind: str = "application/json", patience: Patience = USUAL
    ) -> requests.Response:
        """Send with short retries; a wrong clock is corrected from the answer, once.

        A line that brings a request twice may bring back the answer to the second: what the first did is not known.
        """

        def send() -> requests.Response:
            headers = self._headers(method, path, body, kind)
            try:
                return self._send(method, path, body, headers=headers, patience=patience)
            except Refused as refused:
                if refused.key != "replayed-nonce":
                    raise
                raise _Passing(refused.key) from refused

        for attempt in stamina.retry_context(
            on=_Passing, attempts=patience.tries, wait_initial=RETRY_FIRST_S, wait_max=RETRY_LONGEST_S, timeout=None
        ):
            with attempt:
                try:
                    return send()
                except Refused as refused:
                    if refused.key != "clock-skew" or refused.problem.server_time is None:
                        raise
                    self._skew_s = _seconds(from_wire(refused.problem.server_time)) - _seconds(clock.now())
                    return send()
        raise AssertionError("the loop returns or raises")

    def _headers(self, method: str, path: str, body: bytes, kind: str) -> dict[str, str]:
        if self._identity is None:
            raise Unreachable("not paired")
        who = self._identity
        message = signing.message_of(method, self.base_url + path, body)
        created = _seconds(clock.now()) + self._skew_s
        signed = signing.sign(message, who.key, device=who.device_id, incarnation=who.incarnation, created=created)
        return signed | ({"Content-Type": kind} if body else {})

    def _send(
        self, method: str, path: str, body: bytes, *, headers: dict[str, str], patience: Patience
    ) -> requests.Response:
        import requests

        try:
            answer = self._session.request(
                method,
                self.base_url + path,
                data=body,
                headers=headers,
                timeout=(patience.connect_s, patience.read_s),
                allow_redirects=False,
            )
        except requests.ConnectionError as error:
            raise _Passing(type(error).__name__) from error
        except requests.RequestException as error:
            raise Unreachable(type(error).__name__) from error
        if answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        problem = _problem(answer)
        if answer.status_code in PASSING and problem is None:
            raise _Passing(str(answer.status_code))
        if problem is None:
            raise Unreachable(f"{answer.status_code} from something else than an endpoint")
        raise Refused(problem)


def new_incarnation() -> str:
    """A new life of a device: 128 random bits."""
    return b64(os.urandom(16))


def _composed(body: bytes) -> bytes:
    """Texts in NFC, as the protocol wants them; none of JSON's own signs takes part in a composition."""
    return body if body.isascii() else unicodedata.normalize("NFC", body.decode()).encode()


def _problem(answer: requests.Response) -> Problem | None:
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    try:
        return msgspec.json.decode(answer.content, type=Problem)
    except msgspec.MsgspecError:
        return None


def _read(answer: requests.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError as error:
        raise Unreachable("an answer no endpoint gives") from error


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
