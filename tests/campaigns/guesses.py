"""What somebody asks who guesses codes, links and pick-up codes: what nobody knows, beside others that are there.

Every door of the endpoint at which a guess can be tried, with its requests as bytes, ready to be sent. The limits on
failures would soon end a series: each request names another address, as behind a proxy of ours, and many merchants
and links share what one of them would not bear.
"""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sync import clock, signing
from sync.phone import Gate, LinkRequest, Pickup
from sync.protocol import Op, b64, gate_digest, new_op_id
from tests.drivers.endpoint import NOW, Desktop, new_merchant, paired

UNKNOWN = "unknown"
CARDS = 20
"""Of each kind for each merchant."""
ON_MERCHANT, ON_LINK = 1_500, 8
"""So many failures fall on one of them: fewer than the endpoint lets pass at once."""
PAST = "2026-01-01T00:00:00Z"
UNKNOWN_CARD, UNKNOWN_LINK = (404, "card-unknown"), (404, "link-unknown")
REFUSED = ("spent", "frozen", "expired", "voided")
Round = list[tuple[str, bytes]]
"""Kind and request of everything that is asked once."""


@dataclass(frozen=True, slots=True)
class Door:
    """`told`: the status and a word of the answer to each kind, the unknown one among them. `draw` makes one round."""

    name: str
    told: dict[str, tuple[int, str]]
    draw: Callable[[random.Random], Round]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in self.told if kind != UNKNOWN]


@dataclass(slots=True)
class Shop:
    """A merchant with cards of every kind."""

    desktop: Desktop
    cards: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.desktop.merchant_id)


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is at an endpoint. The links are the first merchant's."""

    host: str
    shops: list[Shop]
    links: list[str]


# --- the doors ---


def redeeming(stock: Stock) -> Door:
    """The phone redeems."""

    def draw(dice: random.Random) -> Round:
        shop, named = _cards(stock, dice, REFUSED)
        told = {"merchant_id": shop.id, "amount_minor": None}
        return [
            (kind, _post(stock, "/h5/v1/redeem", told | {"op_id": _op_id(dice), "d": d}, dice))
            for kind, d in named.items()
        ]

    told = {kind: (409, f"card-{kind}") for kind in REFUSED}
    return Door("redeem", told | dict.fromkeys(("foreign", UNKNOWN), UNKNOWN_CARD), draw)


def pickup(stock: Stock) -> Door:
    """A pick-up code with the wrong tail of a phone."""
    links = cycle(stock.links)

    def draw(dice: random.Random) -> Round:
        named = {"wrong tail": _lookup(next(links)), UNKNOWN: b64(dice.randbytes(32))}
        told = {"slug": stock.shops[0].desktop.slug, "value": "9999"}
        return [
            (kind, _post(stock, "/h5/v1/pickup/open", told | {"lookup": lookup}, dice))
            for kind, lookup in named.items()
        ]

    return Door("pick-up", dict.fromkeys(("wrong tail", UNKNOWN), UNKNOWN_LINK), draw)


def link(stock: Stock) -> Door:
    """A link with the wrong token."""
    links = cycle(stock.links)

    def draw(dice: random.Random) -> Round:
        named = {"wrong token": next(links), UNKNOWN: b64(dice.randbytes(16))}
        return [
            (kind, _post(stock, f"/h5/v1/links/{link_id}/open", {"auth": b64(dice.randbytes(32))}, dice))
            for kind, link_id in named.items()
        ]

    return Door("link", dict.fromkeys(("wrong token", UNKNOWN), UNKNOWN_LINK), draw)


def counter(stock: Stock) -> Door:
    """A counter looks a card up."""

    def draw(dice: random.Random) -> Round:
        shop, named = _cards(stock, dice, ())
        return [
            (kind, _post(stock, "/sync/v1/cards/lookup", {"d": d}, dice, signer=shop.desktop))
            for kind, d in named.items()
        ]

    return Door("counter", dict.fromkeys(("foreign", UNKNOWN), UNKNOWN_CARD), draw)


DOORS: dict[str, Callable[[Stock], Door]] = {
    "redeem": redeeming,
    "pick-up": pickup,
    "link": link,
    "counter": counter,
}


def _cards(stock: Stock, dice: random.Random, own: Sequence[str]) -> tuple[Shop, dict[str, str]]:
    """A merchant; cards of its own, another's, and what is no card, as they go over the wire."""
    shop, other = dice.sample(stock.shops, 2)
    records = {kind: dice.choice(shop.cards[kind]) for kind in own}
    records |= {"foreign": dice.choice(other.cards["good"]), UNKNOWN: dice.randbytes(32)}
    return shop, {kind: b64(d) for kind, d in records.items()}


def _post(
    stock: Stock, path: str, told: dict[str, object], dice: random.Random, signer: Desktop | None = None
) -> bytes:
    body = json.dumps(told).encode()
    headers = {
        "Host": stock.host,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Forwarded-For": ".".join(str(dice.randint(100, 255)) for _ in range(4)),  # each as long as any other
    }
    if signer is not None:
        who = signer.client._identity
        assert who is not None, "it is paired"
        message = signing.message_of("POST", f"http://{stock.host}{path}", body)
        at_s = clock.now_ms() // 1000
        headers |= signing.sign(message, who.key, device=who.device_id, incarnation=who.incarnation, created=at_s)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _op_id(dice: random.Random) -> str:
    return str(UUID(bytes=dice.randbytes(16), version=4))


# --- what there is ---


def stocked(url: str, database: str, rounds: int) -> Stock:
    """Merchants and links enough for so many rounds; a round of cards counts twice as a failure."""
    shops = [_shop(url, database) for _ in range(2 + 2 * rounds // ON_MERCHANT)]
    return Stock(urlsplit(url).netloc, shops, _links(shops[0].desktop, 1 + rounds // ON_LINK))


def _shop(url: str, database: str) -> Shop:
    desktop = paired(url, new_merchant(database))
    batch, old = desktop.batch(4 * CARDS), desktop.batch(CARDS, valid_until=PAST)
    shop = Shop(desktop, {"expired": old.records})
    for at, kind in enumerate(("good", "spent", "frozen", "voided")):
        shop.cards[kind] = batch.records[at * CARDS : (at + 1) * CARDS]
    numbers = {kind: batch.records.index(cards[0]) for kind, cards in shop.cards.items() if kind != "expired"}
    _push(desktop, "redeem@1", [{"d": b64(d)} for d in shop.cards["spent"]])
    for kind, act in (("frozen", "card.freeze@1"), ("voided", "card.void@1")):
        _push(desktop, act, [{"batch_id": batch.uid, "card_no": numbers[kind] + at} for at in range(CARDS)])
    return shop


def _push(desktop: Desktop, type_: str, bodies: Sequence[dict[str, object]]) -> None:
    results = desktop.client.push([Op(new_op_id(), type_, NOW, body) for body in bodies]).results
    assert {result.status for result in results} == {"applied"}, results


def _links(desktop: Desktop, count: int) -> list[str]:
    """Ids of links with a gate and a pick-up code."""
    batch, made = desktop.batch(1), [b64(uuid4().bytes) for _ in range(count)]
    digest = b64(hashlib.sha256(b"token").digest())
    for link_id in made:
        gate, door = Gate("phone_tail", gate_digest(link_id, "1234")), Pickup(_lookup(link_id), "sealed")
        desktop.client.put_link(
            link_id, LinkRequest(new_op_id(), batch.uid, 0, digest, "sealed", gate=gate, pickup=door)
        )
    return made


def _lookup(link_id: str) -> str:
    """What the pick-up code of this link is found by."""
    return b64(hashlib.sha256(b"pick-up code of " + link_id.encode()).digest())
