"""Routes of the phone page: the static shell, and POSTs that need a human's gesture. A GET never changes anything."""

from pathlib import Path

import msgspec
from litestar import MediaType, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from sync.phone import (
    AuthRequest,
    MerchantPage,
    OpenAnswer,
    OpenRequest,
    PickupRequest,
    RedeemAnswer,
    RedeemRequest,
    StateAnswer,
)
from sync.server import limits, links
from sync.server.endpoint import fresh_op_id, now_ms
from sync.server.outcomes import told
from sync.server.problems import Refusal
from sync.server.routes.desktop import Asked, endpoint_of
from sync.server.transaction import Row, Transaction

PAGES = Path(__file__).resolve().parents[1] / "pages"
KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def address_of(request: Asked) -> str:
    return str(request.scope["state"]["address"])


def _shell() -> Response[bytes]:
    body = (PAGES / "index.html").read_bytes()
    return Response(body, media_type=KINDS[".html"], headers={"Cache-Control": "no-store"})


@get("/c/{link_id:str}", media_type=MediaType.HTML)
async def claim_page(link_id: FromPath[str]) -> Response[bytes]:
    """The page behind a claim link; the same for every link."""
    return _shell()


@get("/p/{slug:str}", media_type=MediaType.HTML)
async def pickup_page(slug: FromPath[str]) -> Response[bytes]:
    """The page for pick-up codes of a merchant."""
    return _shell()


@get("/h5/assets/{name:str}", media_type=MediaType.TEXT)
async def asset(name: FromPath[str]) -> Response[bytes]:
    """Script, style and pictures of the page."""
    path = PAGES / name
    if path.suffix not in KINDS or path.parent != PAGES or not path.is_file():
        raise Refusal("not-found")
    return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers={"Cache-Control": "no-cache"})


@post("/h5/v1/links/{link_id:str}/open", status_code=200)
async def open_link(request: Asked, link_id: FromPath[str], data: JSONBody[OpenRequest]) -> OpenAnswer:
    """The ciphertext, after the gate."""
    endpoint, at = endpoint_of(request), now_ms()
    tried = endpoint.attempt(address=address_of(request), link=link_id)
    pepper, op_id = endpoint.secrets.pepper, fresh_op_id()

    def work(transaction: Transaction) -> OpenAnswer | Refusal:
        limits.refuse_if_exhausted(transaction, tried, at)
        try:
            with transaction.step():
                link = links.authentic(transaction, link_id, data.auth, at)
                links.check_gate(link, data.gate, pepper)
                return links.open_(transaction, link, op_id=op_id, at_ms=at)
        except Refusal as refusal:
            if refusal.key in ("link-unknown", "gate-wrong"):
                limits.count_failure(transaction, tried, at)
            return refusal

    return _or_raise(await endpoint.store.write(work, await _merchant_of(request, link_id)))


@post("/h5/v1/links/{link_id:str}/ack", status_code=200)
async def acknowledge(request: Asked, link_id: FromPath[str], data: JSONBody[AuthRequest]) -> StateAnswer:
    """The phone has decrypted the card."""
    endpoint, at, op_id = endpoint_of(request), now_ms(), fresh_op_id()

    def work(transaction: Transaction) -> StateAnswer:
        link = links.authentic(transaction, link_id, data.auth, at)
        return links.acknowledge(transaction, link, op_id=op_id, at_ms=at)

    return await endpoint.store.write(work, await _merchant_of(request, link_id))


@post("/h5/v1/links/{link_id:str}/state", status_code=200)
async def link_state(request: Asked, link_id: FromPath[str], data: JSONBody[AuthRequest]) -> StateAnswer:
    """How the card stands; shows no card and needs no gate."""
    at = now_ms()

    def look(transaction: Transaction) -> StateAnswer:
        link = links.authentic(transaction, link_id, data.auth, at)
        return StateAnswer(links.state_of(transaction, link, at), link.gate_kind)

    return await endpoint_of(request).store.read(look)


@post("/h5/v1/pickup/open", status_code=200)
async def open_pickup(request: Asked, data: JSONBody[PickupRequest]) -> OpenAnswer:
    """The other door: pick-up code and phone tail or employee number."""
    endpoint, at, op_id = endpoint_of(request), now_ms(), fresh_op_id()
    tried = endpoint.attempt(address=address_of(request), link=data.lookup)

    def work(transaction: Transaction) -> OpenAnswer | Refusal:
        limits.refuse_if_exhausted(transaction, tried, at)
        try:
            with transaction.step():
                return links.open_pickup(transaction, data, pepper=endpoint.secrets.pepper, op_id=op_id, at_ms=at)
        except Refusal as refusal:
            if refusal.key == "link-unknown":
                limits.count_failure(transaction, tried, at)
            return refusal

    merchant = await endpoint.store.read(lambda t: t.one("SELECT id FROM merchant WHERE slug = ?", data.slug))
    return _or_raise(await endpoint.store.write(work, _text(merchant)))


@post("/h5/v1/redeem", status_code=200)
async def redeem(request: Asked, data: JSONBody[RedeemRequest]) -> RedeemAnswer:
    """Redeem with an op id made by the page; the same id again gives the same answer."""
    outcome = await endpoint_of(request).redeem(data, address=address_of(request), device_class="phone")
    return _answer(outcome)


@get("/h5/v1/redeem/{op_id:str}")
async def redeemed(request: Asked, op_id: FromPath[str]) -> RedeemAnswer:
    """What became of a redemption whose answer was lost."""
    row = await endpoint_of(request).store.read(
        lambda t: t.one("SELECT outcome FROM op WHERE op_id = ? ORDER BY at_ms LIMIT 1", op_id)
    )
    outcome = {"refused": "not-found"} if row is None else msgspec.json.decode(row[0])
    if "redeemed_minor" not in outcome and "refused" not in outcome:
        raise Refusal("not-found")
    return _answer(told(outcome))


@get("/h5/v1/merchants/{slug:str}")
async def merchant(request: Asked, slug: FromPath[str]) -> MerchantPage:
    """Name and phone of a merchant, for the page of pick-up codes."""
    row = await endpoint_of(request).store.read(
        lambda t: t.one("SELECT id, name, phone, slug FROM merchant WHERE slug = ?", slug)
    )
    if row is None:
        raise Refusal("not-found")
    return MerchantPage(*(str(part) for part in row))


def _answer(outcome: dict[str, object]) -> RedeemAnswer:
    return msgspec.convert({name: outcome.get(name) for name in RedeemAnswer.__struct_fields__}, RedeemAnswer)


def _or_raise(answer: OpenAnswer | Refusal) -> OpenAnswer:
    if isinstance(answer, Refusal):
        raise answer
    return answer


async def _merchant_of(request: Asked, link_id: str) -> str:
    """Whose row a write about a link locks."""
    return _text(
        await endpoint_of(request).store.read(lambda t: t.one("SELECT merchant_id FROM link WHERE id = ?", link_id))
    )


def _text(row: Row | None) -> str:
    return str(row[0]) if row else ""


ROUTES = (
    claim_page,
    pickup_page,
    asset,
    open_link,
    acknowledge,
    link_state,
    open_pickup,
    redeem,
    redeemed,
    merchant,
)
