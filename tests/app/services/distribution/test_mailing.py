"""Cards by mail: links that open, mails that fail, runs that stop and go on."""

import json
from base64 import urlsafe_b64decode
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select, update

from app.errors import (
    MailServerRefused,
    NoEndpoint,
)
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services import Services
from app.services.catalog import ProductSpec
from app.services.distribution import (
    DeliveryFilter,
    DistributionService,
)
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Door, Spec, added, counts, deliveries, figures, stock
from tests.app.services.mail_peer import MailPeer


def b64(data: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(data).rstrip(b"=").decode()


def derived(secret: str, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret.encode())


def unsealed(key: bytes, ciphertext: str, aad: str) -> Any:
    sealed = urlsafe_b64decode(ciphertext + "=" * (-len(ciphertext) % 4))
    return json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], aad.encode()))


def opened(body: dict[str, Any], delivery: Delivery) -> Any:
    """As the phone does it: with what stands in the link alone."""
    secret = str(delivery.link_secret)
    assert body["auth_digest"] == b64(sha256(derived(secret, b"kx/link/auth")).digest())
    aad = f"kx.link.v1|{delivery.link_id}|{body['batch_id']}|{body['expires_at'] or ''}"
    return unsealed(derived(secret, b"kx/link/enc"), body["ciphertext"], aad)


def picked_up(body: dict[str, Any], delivery: Delivery, merchant: UUID) -> Any:
    code = str(delivery.pickup_code)
    assert body["pickup"]["lookup"] == b64(sha256(b"kx.pickup.v1\0" + merchant.bytes + code.encode()).digest())
    aad = f"kx.pickup.v1|{delivery.link_id}|{body['batch_id']}|{body['expires_at'] or ''}"
    return unsealed(derived(code, b"kx/pickup/enc", merchant.bytes), body["pickup"]["ciphertext"], aad)


def test_a_mail_carries_a_link_that_opens_to_the_code(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email", note="节日快乐"))
    distributions.deliver(run)
    assert peer.receivers == [f"p{n}@firm.example" for n in range(5)]
    delivery = deliveries(vault, run)[0]
    text = peer.arrived[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"https://cards.example/c/{delivery.link_id}#{delivery.link_secret}" in text
    assert peer.arrived[0]["Message-ID"] == delivery.message_id
    with vault.database.read() as session:
        op = session.scalars(select(OutboxOp).where(OutboxOp.aggregate == f"delivery:{delivery.id}")).one()
    assert (op.type, op.lane, op.body["link_id"]) == ("link.put@1", "link", delivery.link_id)
    merchant = UUID(services.settings.merchant().id)
    payload = opened(op.body, delivery)
    assert payload == picked_up(op.body, delivery, merchant)
    assert services.cards.find_by_code(payload["code"]) == delivery.card_id
    assert payload["code"] not in str(peer.arrived[0])
    assert (payload["holder"], payload["note"], payload["face_minor"]) == ("员工0", "节日快乐", 20000)
    gate = b"kx.gate.v1\0" + str(delivery.link_id).encode() + b"\x000000"
    assert op.body["gate"] == {"kind": "phone_tail", "digest": b64(sha256(gate).digest())}
    assert delivery.pickup_code not in json.dumps(op.body)
    assert figures(vault) == {"issued": (5, 100000), "sent": (5, 0)}


def test_a_link_says_of_a_card_what_its_batch_was_made_with(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, product: int, peer: MailPeer
) -> None:
    """Whatever has become of the product since: the page offered parts that the endpoint refused."""
    services.catalog.change(product, ProductSpec("中秋福利卡", "fixed", face_minor=20000, partial=False))
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    delivery = deliveries(vault, run)[0]
    with vault.database.read() as session:
        op = session.scalars(select(OutboxOp).where(OutboxOp.aggregate == f"delivery:{delivery.id}")).one()
    assert opened(op.body, delivery)["partial"] is True


def test_only_what_failed_is_sent_again(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, product: int
) -> None:
    nobody = added(vault, ["无邮箱"], email=None)
    peer.at_rcpt["p2@firm.example"] = "550 5.1.1 no such user"
    run = distributions.prepare(spec(channel="email", person_ids=(*spec().person_ids, *nobody)))
    assert stock(vault, product) == 15
    done = distributions.deliver(run)
    assert (done.sent, done.failed, done.left) == (4, 2, 0)
    failed = distributions.deliveries_of(distributions.delivery_ids(run, DeliveryFilter(states=("failed",))))
    assert [(row.name, row.reason, row.retryable) for row in failed] == [
        ("员工2", "recipient-refused", True),
        ("无邮箱", "no-email", True),
    ]
    peer.at_rcpt.clear()
    assert distributions.retry_failed(run) == 1
    with vault.database.write(Topic.PEOPLE) as session:
        session.get_one(Person, nobody[0]).email = "found@firm.example"
    assert distributions.retry_failed(run) == 1
    distributions.deliver(run)
    assert sorted(peer.receivers) == sorted([*(f"p{n}@firm.example" for n in range(5)), "found@firm.example"])
    assert counts(distributions.distribution(run)) == {"sent": 6}
    assert figures(vault) == {"issued": (6, 120000), "sent": (6, 0)}


def test_a_mail_of_which_nothing_is_known_goes_again_only_by_choice(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    peer.hangs_up_for.add("p1@firm.example")
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 4, "uncertain": 1}
    distributions.deliver(run)
    assert len(peer.arrived) == 5
    peer.hangs_up_for.clear()
    assert distributions.resend_uncertain(run) == 1
    distributions.deliver(run)
    twice = [message["Message-ID"] for message in peer.arrived if "p1@" in message["To"]]
    assert len(twice) == 2
    assert len(set(twice)) == 1
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_a_crash_while_sending_leaves_that_mail_uncertain(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.no == 1).values(state="sending"))
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 4, "uncertain": 1}
    assert "p0@firm.example" not in peer.receivers


def test_links_missing_after_a_kill_are_made_at_delivery(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(
            update(Delivery).where(Delivery.no > 2).values(link_id=None, link_secret=None, pickup_code=None)
        )
    distributions.deliver(run)
    assert len(set(peer.receivers)) == len(peer.receivers) == 5


def test_pausing_stops_after_the_mail_at_hand_and_going_on_sends_the_rest(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    peer.on_data = lambda receiver: distributions.pause(run) if receiver == "p1@firm.example" else None
    assert distributions.deliver(run).left == 3
    assert distributions.distribution(run).state == "paused"
    distributions.continue_(run)
    assert peer.receivers == [f"p{n}@firm.example" for n in range(5)]
    assert distributions.distribution(run).state == "finished"


def test_cancelling_the_rest_returns_its_cards(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, product: int
) -> None:
    run = distributions.prepare(spec())
    assert stock(vault, product) == 15
    assert distributions.cancel_rest(run) == 5
    assert stock(vault, product) == 20
    assert counts(distributions.distribution(run)) == {"skipped": 5}
    assert figures(vault) == {}
    mailed = distributions.prepare(spec(channel="email"))
    peer.on_data = lambda receiver: distributions.pause(mailed)
    distributions.deliver(mailed)
    assert distributions.cancel_rest(mailed) == 4
    row = distributions.distribution(mailed)
    assert (counts(row), row.state) == ({"sent": 1, "recalled": 4}, "cancelled")
    assert figures(vault)["issued"] == (1, 20000)


def test_a_server_that_refuses_everything_is_left_alone(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    for n in range(5):
        peer.at_data[f"p{n}@firm.example"] = "451 4.7.1 too many mails"
    run = distributions.prepare(spec(channel="email"))
    with pytest.raises(MailServerRefused) as refused:
        distributions.deliver(run)
    assert (refused.value.reason, refused.value.said) == ("server-wants-pause", "451 4.7.1 too many mails")
    row = distributions.distribution(run)
    assert (counts(row), row.retrying, row.state) == ({"prepared": 5}, 3, "paused")
    peer.at_data.clear()
    distributions.deliver(run)
    assert sorted(peer.receivers) == [f"p{n}@firm.example" for n in range(5)]


def test_a_link_the_endpoint_refuses_is_not_mailed(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, door: Door
) -> None:
    run = distributions.prepare(spec(channel="email"))
    first = deliveries(vault, run)[0]
    door.refused.add(f"delivery:{first.id}")
    distributions.deliver(run)
    assert "p0@firm.example" not in peer.receivers
    door.refused.clear()
    assert distributions.retry_failed(run) == 1
    assert deliveries(vault, run)[0].link_id != first.link_id
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_without_an_endpoint_no_mail_is_prepared(
    distributions: DistributionService, spec: Spec, door: Door, product: int, vault: OpenVault
) -> None:
    door.base = None
    with pytest.raises(NoEndpoint):
        distributions.prepare(spec(channel="email"))
    assert stock(vault, product) == 20
