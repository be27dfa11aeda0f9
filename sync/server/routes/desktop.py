"""Routes for desktops; every request but the enrolment is signed, and the signature was checked before it came here."""

import time
from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from sync import points, receipts
from sync.devices import DevicesAnswer, PairingAnswer, PairingRequest
from sync.phone import LinkRequest, LookupAnswer, LookupRequest
from sync.protocol import (
    CHUNK_LIMIT,
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
    OpResult,
    OpsAnswer,
    OpsRequest,
    ReconcileAnswer,
    ReconcileRequest,
    ReturnRequest,
    SealAnswer,
    SealRequest,
    UploadState,
    from_ms,
    to_wire,
    unb64,
)
from sync.receipts import GiveBackAnswer, GiveBackRequest, WitnessAnswer, WitnessRequest
from sync.server import access, blobs, devices, envelope, epochs, feed, leases, limits, links, reconciling, recovery
from sync.server.access import Device
from sync.server.endpoint import Endpoint, now_ms
from sync.server.problems import Refusal
from sync.server.transaction import Transaction

log = structlog.get_logger("kaxia.endpoint")
Asked = Request[None, None, State]
LONGEST_WAIT_S = 25.0
POSITION = r"^([A-Za-z0-9_]{1,40}\.[0-9]{1,15})?$"
BLOB_ID = "^[A-Za-z0-9_.-]{1,64}$"
Place = tuple[str, int, bytes]
"""Epoch, number and hash of an event."""
LINK_ID = "^[A-Za-z0-9_-]{22}$"


def endpoint_of(request: Asked) -> Endpoint:
    endpoint: Endpoint = request.app.state.endpoint
    return endpoint


def device_of(request: Asked) -> Device:
    device: Device = request.scope["state"]["device"]
    return device


@post("/sync/v1/enroll", status_code=200)
async def enroll(request: Asked, data: JSONBody[EnrollRequest]) -> EnrollAnswer:
    """Register a device with a one-time pairing code."""
    endpoint, at = endpoint_of(request), now_ms()
    address = request.scope["state"]["address"]
    tried = endpoint.attempt(address=str(address))

    def work(transaction: Transaction) -> EnrollAnswer | Refusal:
        limits.refuse_if_exhausted(transaction, tried, at)
        try:
            with transaction.step():
                return access.enroll(transaction, data, at_ms=at)
        except Refusal as refusal:
            limits.count_failure(transaction, tried, at)
            return refusal

    merchant = await endpoint.store.read(lambda t: access.merchant_of(t, data.pairing_code))
    answer = await endpoint.store.write(work, merchant)
    if isinstance(answer, Refusal):
        raise answer
    return answer


@get("/sync/v1/hello")
async def hello(request: Asked) -> Hello:
    """Server time, protocol window, feed head, and who you are."""
    device = device_of(request)
    return await endpoint_of(request).store.read(lambda t: access.hello(t, device, at_ms=now_ms()))


@post("/sync/v1/pairings", status_code=200)
async def make_pairing(request: Asked, data: JSONBody[PairingRequest]) -> PairingAnswer:
    """A one-time pairing code for another device. It is told once: the same id again needs a new one."""
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()
    return await endpoint.store.write(lambda t: devices.let_in(t, device, data, at_ms=at), device.merchant_id)


@get("/sync/v1/devices")
async def list_devices(request: Asked) -> DevicesAnswer:
    """Every device of the merchant, the revoked ones, too."""
    device = device_of(request)
    return await endpoint_of(request).store.read(lambda t: devices.listed(t, device))


@post("/sync/v1/ops", status_code=200)
async def ops(request: Asked, data: JSONBody[OpsRequest]) -> OpsAnswer:
    """Apply ops in order; a result for each, whatever became of it."""
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()
    applying = endpoint.issue

    def work(transaction: Transaction) -> tuple[OpsAnswer, Place]:
        return envelope.apply_all(applying, transaction, device, data.ops, at_ms=at), _place(transaction, device)

    answer, place = await endpoint.store.write(work, device.merchant_id)
    return msgspec.structs.replace(answer, checkpoint=_word(endpoint, device, place))


@get("/sync/v1/events")
async def events(
    request: Asked,
    after: Annotated[str, QueryParameter(pattern=POSITION)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 500,
    wait: Annotated[int, QueryParameter(ge=0, le=25)] = 0,
) -> EventsPage:
    """The feed behind a position, own events included; `wait` seconds for news when there are none."""
    endpoint, device = endpoint_of(request), device_of(request)
    access.require(device, "look")
    deadline = time.monotonic() + min(float(wait), LONGEST_WAIT_S)
    while True:
        page = await endpoint.store.read(lambda t: feed.page(t, device.merchant_id, after=after, limit=limit))
        left = deadline - time.monotonic()
        if page.events or left <= 0:
            return _answered_for(endpoint, device, page)
        await endpoint.news(min(left, 1.0))  # another worker's write wakes nobody here: look again after a second


@get("/sync/v1/checkpoint")
async def checkpoint(request: Asked) -> Checkpoint:
    """The endpoint's word on where the feed stands."""
    endpoint, device = endpoint_of(request), device_of(request)
    access.require(device, "look")
    return _word(endpoint, device, await endpoint.store.read(lambda t: _place(t, device)))


@post("/sync/v1/witness", status_code=200)
async def witness(request: Asked, data: JSONBody[WitnessRequest]) -> WitnessAnswer:
    """A checkpoint of before is held against the feed; by it an endpoint learns that it was put back from a backup."""
    endpoint, device, told = endpoint_of(request), device_of(request), data.checkpoint
    access.require(device, "look")
    if not receipts.is_genuine(told, device.merchant_id, unb64(endpoint.secrets.public_key)):
        raise Refusal("receipt-wrong")
    verdict = await endpoint.store.read(lambda t: epochs.witness(t, device.merchant_id, told))
    if verdict == "restored":
        verdict = await endpoint.store.write(lambda t: _begun_anew(t, device, told))
    return WitnessAnswer(verdict, await endpoint.store.read(feed.epoch))


def _begun_anew(transaction: Transaction, device: Device, told: Checkpoint) -> str:
    """Unless another one has said it meanwhile."""
    epochs.alone(transaction)
    verdict = epochs.witness(transaction, device.merchant_id, told)
    if verdict == "restored":
        log.warning(
            "a checkpoint of our own is ahead of us: the database was put back from a backup, a new epoch begins"
        )
        epochs.begin_anew(transaction, now_ms(), cause="witness", witnessed=told.epoch)
    return verdict


@post("/sync/v1/recovery", status_code=200)
async def give_back(request: Asked, data: JSONBody[GiveBackRequest]) -> GiveBackAnswer:
    """Entries of the ledger with their receipts, for an endpoint that was put back from a backup."""
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()

    def work(transaction: Transaction) -> GiveBackAnswer:
        results = recovery.give_back(transaction, device, data.entries, secrets=endpoint.secrets, at_ms=at)
        if data.done:
            recovery.finish(transaction, device, at)
        waits = epochs.state(transaction, device.merchant_id)
        return GiveBackAnswer(results, "normal" if waits is None else "recovering")

    return await endpoint.store.write(work, device.merchant_id)


def _answered_for(endpoint: Endpoint, device: Device, page: EventsPage) -> EventsPage:
    """With our word on the last event, and by the chain on all before it."""
    if not page.events:
        return page
    last = page.events[-1]
    return msgspec.structs.replace(page, checkpoint=_word(endpoint, device, (page.epoch, last.seq, unb64(last.hash))))


def _place(transaction: Transaction, device: Device) -> Place:
    """Where its feed stands, with what this transaction has put into it."""
    known = transaction.head_of(device.merchant_id)
    if known is None:
        raise Refusal("forbidden")
    return feed.epoch(transaction), *known


def _word(endpoint: Endpoint, device: Device, place: Place) -> Checkpoint:
    epoch, seq, digest = place
    at, key = to_wire(from_ms(now_ms())), endpoint.secrets.signing
    return receipts.signed(device.merchant_id, epoch=epoch, seq=seq, digest=digest, at=at, key=key)


@get("/sync/v1/batches/{batch_id:str}/upload")
async def upload_state(request: Asked, batch_id: FromPath[str]) -> UploadState:
    """Which chunks of a batch are here."""
    device, endpoint = device_of(request), endpoint_of(request)
    return await endpoint.store.read(lambda t: endpoint.uploads.state(t, device, batch_id))


@put("/sync/v1/batches/{batch_id:str}/chunks/{n:int}", status_code=204)
async def put_chunk(request: Asked, batch_id: FromPath[str], n: FromPath[int]) -> None:
    """Up to 5,000 records of 32 bytes, `application/octet-stream`; the same chunk again is harmless."""
    endpoint, device = endpoint_of(request), device_of(request)
    records = await request.body()
    if len(records) > CHUNK_LIMIT:
        raise Refusal("too-large")
    await endpoint.store.write(
        lambda t: endpoint.uploads.put_chunk(t, device, batch_id, n=n, records=records), device.merchant_id
    )


@post("/sync/v1/batches/{batch_id:str}/seal", status_code=200)
async def seal(request: Asked, batch_id: FromPath[str], data: JSONBody[SealRequest]) -> SealAnswer:
    """Make an uploaded batch redeemable, all at once."""
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()
    store, uploads = endpoint.store, endpoint.uploads
    for step in await store.read(lambda t: uploads.steps_to_seal(t, device, batch_id, data)):
        await store.write(step)
        points.passed("endpoint.staged")

    def work(transaction: Transaction) -> tuple[dict[str, Any], Place]:
        return uploads.seal(transaction, device, batch_id, data, at_ms=at), _place(transaction, device)

    outcome, place = await store.write(work, device.merchant_id)
    return msgspec.convert(outcome | {"checkpoint": _word(endpoint, device, place)}, SealAnswer)


@put("/sync/v1/blobs/{blob_id:str}", status_code=204)
async def put_blob(request: Asked, blob_id: Annotated[str, PathParameter(pattern=BLOB_ID)]) -> None:
    """Up to 1 MiB of ciphertext, `application/octet-stream`, for the desktop's own later self. The first stays."""
    endpoint, device, content, at = endpoint_of(request), device_of(request), await request.body(), now_ms()
    await endpoint.store.write(lambda t: blobs.put(t, device, blob_id, content=content, at_ms=at))


@get("/sync/v1/blobs/{blob_id:str}", media_type="application/octet-stream")
async def get_blob(request: Asked, blob_id: Annotated[str, PathParameter(pattern=BLOB_ID)]) -> bytes:
    """What was left under this name."""
    endpoint, device = endpoint_of(request), device_of(request)
    return await endpoint.store.read(lambda t: blobs.get(t, device, blob_id))


@post("/sync/v1/freeze", status_code=200)
async def freeze(request: Asked, data: JSONBody[FreezeRequest]) -> FreezeAnswer:
    """The fast lane: in force when this answers."""
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()
    op = Op(data.op_id, "batch.freeze@1", data.occurred_at or to_wire(from_ms(at)), {"batch_id": data.batch_id})
    applying = endpoint.issue

    def work(transaction: Transaction) -> tuple[OpResult, str, Place]:
        result = applying.apply(transaction, device, op, at_ms=at)
        return result, leases.in_force(transaction, device.merchant_id, data.batch_id), _place(transaction, device)

    result, in_force, place = await endpoint.store.write(work, device.merchant_id)
    return FreezeAnswer("applied", in_force, _seq_of(result), _word(endpoint, device, place))


@post("/sync/v1/leases", status_code=200)
async def take_lease(request: Asked, data: JSONBody[LeaseRequest]) -> LeaseAnswer:
    """Let this device decide about some cards alone, so that it redeems them without a line."""
    body = {"batch_id": data.batch_id, "first_no": data.first_no, "count": data.count, "until": data.until}
    result = await _apply(request, Op(data.op_id, "lease.take@1", "", body))
    return LeaseAnswer("applied", data.op_id, _seq_of(result))


@post("/sync/v1/leases/return", status_code=200)
async def return_lease(request: Asked, data: JSONBody[ReturnRequest]) -> LeaseAnswer:
    """Give the cards back, behind everything that was redeemed under the lease."""
    result = await _apply(request, Op(data.op_id, "lease.return@1", "", {"lease_id": data.lease_id}))
    return LeaseAnswer("applied", data.lease_id, _seq_of(result))


async def _apply(request: Asked, op: Op) -> OpResult:
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()
    applying = endpoint.issue
    return await endpoint.store.write(lambda t: applying.apply(t, device, op, at_ms=at), device.merchant_id)


def _seq_of(result: OpResult) -> int:
    """Raises Refusal."""
    if result.problem is not None:
        raise Refusal(result.problem.key, pointers=result.problem.pointers)
    return result.seq or 0


@post("/sync/v1/reconcile", status_code=200)
async def reconcile(request: Asked, data: JSONBody[ReconcileRequest]) -> ReconcileAnswer:
    """Compare counts and sums; a difference is told, never written over."""
    device = device_of(request)
    return await endpoint_of(request).store.read(lambda t: reconciling.reconcile(t, device, data))


@post("/sync/v1/reconcile/drawers", status_code=200)
async def drawers(request: Asked, data: JSONBody[DrawersRequest]) -> DrawersAnswer:
    """Find the entries in which a batch differs, by the roots of its drawers."""
    device = device_of(request)
    return await endpoint_of(request).store.read(lambda t: reconciling.drawers(t, device, data))


@put("/sync/v1/links/{link_id:str}", status_code=200)
async def put_link(
    request: Asked, link_id: Annotated[str, PathParameter(pattern=LINK_ID)], data: JSONBody[LinkRequest]
) -> dict[str, object]:
    """Store the ciphertext of a claim link and the digest of its token."""
    endpoint, device, at = endpoint_of(request), device_of(request), now_ms()
    pepper = endpoint.secrets.pepper
    return await endpoint.store.write(
        lambda t: links.put(t, device, link_id, data, pepper=pepper, at_ms=at), device.merchant_id
    )


@post("/sync/v1/cards/lookup", status_code=200)
async def look_up(request: Asked, data: JSONBody[LookupRequest]) -> LookupAnswer:
    """How a card stands, for the merchant's own counter."""
    endpoint, device = endpoint_of(request), device_of(request)
    try:
        verifier = endpoint.secrets.verifier(unb64(data.d))
    except ValueError as error:
        raise Refusal("invalid", pointers=["/d"]) from error
    return await endpoint.store.read(lambda t: links.look_up(t, device, verifier, at_ms=now_ms()))


ROUTES = (
    enroll,
    hello,
    make_pairing,
    list_devices,
    ops,
    events,
    checkpoint,
    witness,
    give_back,
    upload_state,
    put_chunk,
    put_blob,
    get_blob,
    seal,
    freeze,
    take_lease,
    return_lease,
    reconcile,
    drawers,
    put_link,
    look_up,
)
