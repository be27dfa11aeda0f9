"""A vault whose endpoint runs: batches, codes, another endpoint to move to, and a phone."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import requests

from app.config import Config
from app.models.base import now
from app.models.batch import Batch
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.devices import DeviceRow
from sync.codes import canonical, digest
from sync.protocol import Op, b64, new_op_id, to_wire
from tests.drivers.quick import quick

EVENING = timedelta(hours=8)
"""What a shift leases cards for."""


def another_endpoint(folder: Path) -> EmbeddedEndpoint:
    """One that stands elsewhere."""
    with quick():
        return EmbeddedEndpoint(Config(folder))


def a_batch(services: Services, quantity: int = 20, *, kind: str = "fixed") -> int:
    spec = ProductSpec(
        "中秋福利卡" if kind == "fixed" else "月饼券",
        kind,
        "stored_value" if kind == "fixed" else "voucher",
        face_minor=20_000 if kind == "fixed" else None,
        uses=1 if kind == "fixed" else 3,
    )
    product = services.catalog.add(spec)
    return services.batches.generate(BatchSpec(product, quantity, "STANDARD"))


def a_code(services: Services, batch_id: int, at: int = 0) -> str:
    ids = services.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    return services.cards.reveal(ids[at], reason="test").reveal()


def sealed_batch(services: Services, quantity: int = 20, *, kind: str = "fixed") -> int:
    """At the endpoint, too."""
    made = a_batch(services, quantity, kind=kind)
    services.cloud.sync()
    return made


def leased_without_a_line(services: Services, batch_id: int, *, count: int = 10) -> str:
    """The first cards of a batch are this desktop's for the evening, and there is no endpoint any more."""
    taken = services.leases.take(batch_id, until=now() + EVENING, count=count)
    services.cloud.stop_embedded()
    return taken.id


def close_there(services: Services, batch_id: int) -> None:
    """As a copy of the vault does that moves to another endpoint with its batches."""
    services.cloud.sync()
    with services.batches._database.read() as session:
        body = {"batch_id": str(UUID(bytes=session.get_one(Batch, batch_id).uid))}
    op = Op(new_op_id(), "batch.close@1", to_wire(now()), body)
    assert services.cloud.ask(lambda client: client.push([op])).results[0].status == "applied"
    services.cloud.sync()


def pair_with(services: Services, endpoint: EmbeddedEndpoint) -> None:
    url = endpoint.url()
    assert url is not None
    merchant = services.settings.merchant()
    services.cloud.pair(url, endpoint.pairing_code(merchant.id, merchant.name))


def let_in(owner: Services, desk: Services, role: str = "clerk", name: str = "前台电脑") -> DeviceRow:
    """The other desktop as the owner's list has it."""
    invitation = owner.devices.invite(role, name)
    desk.cloud.pair(invitation.url, invitation.code.reveal())
    return next(row for row in owner.devices.listed() if row.name == name)


def by_phone(services: Services, endpoint: EmbeddedEndpoint, code: str) -> int:
    """The status that somebody hears who types a code at that endpoint."""
    return _typed(services, str(endpoint.url()), code, {})


def redeem_on_the_phone(services: Services, code: str, amount_minor: int | None = None) -> None:
    """A part, or all of it, as the page asks for a card that is not divisible."""
    part = {} if amount_minor is None else {"amount_minor": amount_minor}
    assert _typed(services, services.cloud.status().url, code, part) == 200


def _typed(services: Services, url: str, code: str, part: dict[str, int]) -> int:
    merchant = services.settings.merchant().id
    d = b64(digest(UUID(merchant), canonical(code)))
    body = {"op_id": new_op_id(), "merchant_id": merchant, "d": d, **part}
    return requests.post(f"{url}/h5/v1/redeem", json=body, timeout=60).status_code
