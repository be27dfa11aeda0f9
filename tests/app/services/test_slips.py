"""Signed receipts: made at the counter with a line or without one, checked by whoever has the merchant's vault."""

import base64
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pypdf import PdfReader
from sqlalchemy import select

from app.config import Config
from app.errors import InvalidInput, NotFound, SlipRefused
from app.models.base import now
from app.models.redemption import Redemption
from app.services import Services
from app.services.cards import CardFilter
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.device_keys import keep, known_device
from app.services.outbox import enqueue
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.words import set_language
from sync import slips
from sync.devices import DeviceCard
from sync.protocol import b64, new_op_id, to_wire
from tests.drivers.endpoint import new_merchant, paired
from tests.drivers.online import (
    a_batch,
    a_code,
    leased_without_a_line,
    let_in,
    pair_with,
    redeem_on_the_phone,
    sealed_batch,
)
from tests.drivers.work import calls_counted

FACE = 20_000
Opened = Callable[[str], Services]


@pytest.fixture
def batch(online: Services) -> int:
    """Sealed: twenty cards of 200 yuan."""
    return sealed_batch(online)


@pytest.fixture
def lease(online: Services, batch: int) -> str:
    """Over the first ten cards, and no line any more."""
    return leased_without_a_line(online, batch)


def changed(text: str, **what: object) -> str:
    """The same slip with something else in it, under the signature that was there."""
    slip, signature = slips.read(text)
    raw = msgspec.msgpack.encode(msgspec.structs.replace(slip, **what)) + signature
    return slips.MARK + base64.b32encode(raw).decode().rstrip("=")


def state(services: Services, text: str) -> str:
    """What the ledger has of a genuine one."""
    verdict = services.slips.check(text)
    assert verdict.genuine
    assert verdict.booked is not None
    return verdict.booked.state


def refused(services: Services, redemption_id: str) -> str:
    with pytest.raises(SlipRefused) as error:
        services.slips.receipt(redemption_id)
    return error.value.reason


def test_a_use_that_was_decided_without_a_line_has_a_receipt_at_once(online: Services, batch: int, lease: str) -> None:
    done = online.redemptions.redeem(a_code(online, batch), 5_000, place="西湖店")
    receipt = online.slips.receipt(done.redemption_id)
    assert (receipt.kind, receipt.amount_minor, receipt.remaining_minor) == ("redeemed", 5_000, FACE - 5_000)
    assert (receipt.leased, receipt.waits, receipt.place, receipt.product) == (True, True, "西湖店", "中秋福利卡")
    verdict = online.slips.check(receipt.text)
    assert (verdict.genuine, verdict.own, verdict.device_id) == (True, True, online.cloud.status().device_id)
    assert verdict.said is not None
    assert (verdict.said.redemption_id, verdict.said.amount_minor) == (done.redemption_id, 5_000)
    assert (verdict.said.serial, verdict.said.place, verdict.said.leased) == (done.serial, "西湖店", True)
    assert state(online, receipt.text) == "waits"
    online.cloud.start_embedded()
    online.cloud.sync()
    assert state(online, receipt.text) == "booked"
    assert not online.slips.receipt(done.redemption_id).waits
    assert online.slips.receipt(done.redemption_id).leased


def test_no_card_code_stands_in_a_receipt(online: Services, batch: int) -> None:
    code = a_code(online, batch)
    receipt = online.slips.receipt(online.redemptions.redeem(code).redemption_id)
    slip, _ = slips.read(receipt.text)
    inside = msgspec.msgpack.encode(slip)
    signs = code.replace("-", "")
    assert signs.encode() not in inside
    assert signs not in receipt.text
    assert signs[-8:] not in receipt.text


@pytest.mark.parametrize("line", [True, False])
def test_the_receipt_of_an_undone_use_says_where_it_was_undone(online: Services, batch: int, *, line: bool) -> None:
    if not line:
        leased_without_a_line(online, batch)
    done = online.redemptions.redeem(a_code(online, batch), place="东门店")
    online.settings.put("counter.place", "西湖店")
    back = online.slips.receipt(online.redemptions.reverse(done.redemption_id, reason="扫错").redemption_id)
    online.settings.put("counter.place", "搬走了")
    assert (back.leased, back.place) == (not line, "西湖店")
    assert online.slips.receipt(back.redemption_id) == back, "however often it is printed"
    verdict = online.slips.check(back.text)
    assert verdict.said is not None
    assert verdict.said.place == "西湖店"


def test_checking_a_receipt_redeems_nothing(online: Services, batch: int) -> None:
    text = online.slips.receipt(online.redemptions.redeem(a_code(online, batch), 100).redemption_id).text
    before = online.redemptions.last()
    for _ in range(3):
        assert state(online, text) == "booked"
    assert online.redemptions.last() == before


def test_an_undone_use_has_a_receipt_and_the_first_one_says_that_it_was_undone(
    online: Services, batch: int, lease: str
) -> None:
    done = online.redemptions.redeem(a_code(online, batch))
    first = online.slips.receipt(done.redemption_id)
    back = online.slips.receipt(online.redemptions.reverse(done.redemption_id, reason="扫错").redemption_id)
    assert (back.kind, back.amount_minor, back.remaining_minor, back.leased) == ("reversed", -FACE, FACE, True)
    assert "扫错" not in str(slips.read(back.text))
    assert (state(online, first.text), state(online, back.text)) == ("undone", "waits")
    online.cloud.start_embedded()
    online.cloud.sync()
    verdict = online.slips.check(first.text)
    assert verdict.booked is not None
    assert verdict.booked.undone_at is not None
    assert (verdict.booked.state, state(online, back.text)) == ("undone", "booked")


def test_a_tampered_receipt_is_told(online: Services, batch: int) -> None:
    text = online.slips.receipt(online.redemptions.redeem(a_code(online, batch), 100).redemption_id).text
    for forged in (changed(text, amount_minor=FACE), changed(text, place="东门店"), changed(text, leased=True)):
        verdict = online.slips.check(forged)
        assert (verdict.genuine, verdict.reason, verdict.said, verdict.booked) == (False, "changed", None, None)
    assert online.slips.check(text[:-30]).reason == "damaged"
    assert online.slips.check(changed(text, merchant=UUID(int=1).bytes)).reason == "other-merchant"
    with pytest.raises(InvalidInput, match="no-receipt"):
        online.slips.check(a_code(online, batch))


def test_a_foreign_key_signs_for_nobody(online: Services, batch: int) -> None:
    slip, _ = slips.read(online.slips.receipt(online.redemptions.redeem(a_code(online, batch)).redemption_id).text)
    foreign = Ed25519PrivateKey.generate()
    assert online.slips.check(slips.written(slip, foreign)).reason == "changed"
    stranger = msgspec.structs.replace(slip, device=UUID(new_op_id()).bytes)
    verdict = online.slips.check(slips.written(stranger, foreign))
    assert (verdict.reason, verdict.said) == ("device-unknown", None)


def test_only_the_counter_that_decided_it_gives_a_receipt(
    services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    batch = a_batch(services)
    services.cloud.sync()
    clerk = second("clerk")
    let_in(services, clerk)
    done = clerk.redemptions.redeem(a_code(services, batch), 700, place="东门店")
    redeem_on_the_phone(services, a_code(services, batch, 1))
    services.cloud.sync()
    assert refused(services, done.redemption_id) == "slip-of-another"
    phone = next(use.id for use in services.redemptions.last() if use.id != done.redemption_id)
    assert refused(services, phone) == "slip-of-another"
    top_up = services.redemptions.top_up(services.cards.find(a_code(services, batch)), 100, reason="补").redemption_id
    assert refused(services, top_up) == "slip-of-no-use"
    with pytest.raises(NotFound):
        services.slips.receipt(new_op_id())
    receipt = clerk.slips.receipt(done.redemption_id)  # its vault has no batch: what it heard is enough
    assert (receipt.amount_minor, receipt.serial, receipt.product, receipt.place) == (700, "", "", "东门店")
    assert state(clerk, receipt.text) == "booked"


def test_a_receipt_of_another_counter_is_checked_without_a_line_even_after_it_was_revoked(
    services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    batch = a_batch(services)
    clerk = second("clerk")
    row = let_in(services, clerk, "owner", "前台电脑")
    services.cloud.sync()
    text = clerk.slips.receipt(clerk.redemptions.redeem(a_code(services, batch)).redemption_id).text
    services.devices.revoke(row)
    services.cloud.sync()
    cloud.stop()
    verdict = services.slips.check(text)
    assert (verdict.genuine, verdict.own, verdict.counter) == (True, False, "前台电脑")
    assert (verdict.device_id, verdict.device_state) == (row.id, "revoked")
    assert state(services, text) == "booked"
    assert services.slips.check(changed(text, amount_minor=1)).reason == "changed"


def test_a_counter_that_nobody_told_of_is_asked_for_when_its_receipt_comes(
    services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    batch = a_batch(services)
    services.cloud.sync()
    clerk = second("clerk")
    let_in(services, clerk)
    text = clerk.slips.receipt(clerk.redemptions.redeem(a_code(services, batch)).redemption_id).text
    verdict = services.slips.check(text)
    assert (verdict.genuine, verdict.counter) == (True, "前台电脑")
    assert state(services, text) == "missing"
    services.cloud.sync()
    assert state(services, text) == "booked"


def test_a_use_of_before_the_present_pairing_is_still_this_counters(
    online: Services, cloud: EmbeddedEndpoint, batch: int, second: Opened
) -> None:
    own = online.redemptions.redeem(a_code(online, batch), 300).redemption_id
    redeem_on_the_phone(online, a_code(online, batch, 1))
    online.cloud.sync()
    old = online.slips.receipt(own)
    pair_with(online, cloud)
    online.cloud.sync()
    assert online.cloud.status().device_id != old.device_id
    new = online.slips.receipt(own)
    assert new.device_id == online.cloud.status().device_id
    assert (state(online, old.text), state(online, new.text)) == ("booked", "booked")
    assert not online.slips.check(old.text).own
    phone = next(use.id for use in online.redemptions.last() if use.id != own)
    assert refused(online, phone) == "slip-of-another"


def test_without_a_key_there_is_no_receipt(services: Services, vault: OpenVault) -> None:
    with pytest.raises(NotFound):
        services.slips.receipt(new_op_id())
    batch = a_batch(services)
    with vault.database.write(Topic.REDEMPTIONS) as session:
        op_id = enqueue(session, "redeem@1", aggregate="counter:x", body={})
        session.add(
            Redemption(
                id=op_id,
                seq=1,
                kind="redeemed",
                card_id=services.cards.ids(CardFilter(batch_id=batch))[0],
                batch_id=batch,
                product_id=1,
                amount_minor=1,
                uses=0,
                remaining_minor=0,
                channel="direct",
                entry="counter",
                at=now(),
            )
        )
    assert refused(services, op_id) == "slip-no-key"


def test_a_use_that_became_a_conflict_is_told(online: Services, config: Config, batch: int, lease: str) -> None:
    code = a_code(online, batch)
    text = online.slips.receipt(online.redemptions.redeem(code).redemption_id).text
    merchant = UUID(online.settings.merchant().id)
    url = online.cloud.start_embedded().url
    manager = paired(url, new_merchant(str(config.endpoint / "endpoint.db"), merchant_id=merchant))
    manager.push("lease.reclaim@1", {"lease_id": lease, "reason": "没有回来"})
    manager.client.close()
    redeem_on_the_phone(online, code)
    online.cloud.sync()
    assert state(online, text) == "conflict"


def test_a_key_once_heard_stays(services: Services, vault: OpenVault, cloud: EmbeddedEndpoint) -> None:
    card = DeviceCard(new_op_id(), "前台", "clerk", "active", to_wire(now()), None, False, b64(bytes(32)))
    with vault.database.write(Topic.CLOUD) as session:
        keep(session, [card])
        keep(session, [msgspec.structs.replace(card, public_key=b64(b"\1" * 32), name="后台", state="revoked")])
        keep(session, [])
        known = known_device(session, card.id)
    assert known is not None
    assert (known.public_key, known.name, known.state) == (bytes(32), "后台", "revoked")


def test_the_list_of_devices_is_asked_for_where_the_feed_told_of_them_only(
    services: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    pair_with(services, cloud)
    asked = []
    for _ in range(3):
        with calls_counted() as calls:
            services.cloud.sync()
        asked.append(calls["SyncClient.devices"])
    let_in(services, second("clerk"))
    for _ in range(2):
        with calls_counted() as calls:
            services.cloud.sync()
        asked.append(calls["SyncClient.devices"])
    assert sum(asked[:3]) <= 2
    assert asked[2:] == [0, 1, 0]


def test_the_pdf_is_as_wide_as_a_receipt_printers_paper_and_says_it_all(
    online: Services, batch: int, lease: str, tmp_path: Path
) -> None:
    done = online.redemptions.redeem(a_code(online, batch), 5_050, place="西湖店")
    path = tmp_path / "slip.pdf"
    receipt = online.slips.save(done.redemption_id, path)
    (page,) = PdfReader(path).pages
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    words = page.extract_text()
    for said in ("某某商户", "¥50.50", "¥149.50", "中秋福利卡", done.serial, "西湖店", receipt.number, "待上传"):
        assert said in words
    assert done.redemption_id in words
    (entry,) = [row for row in online.audit.rows() if row.action == "slip.saved"]
    assert (entry.subject, entry.details["op"]) == (done.serial, done.redemption_id)
    set_language("en")
    online.slips.save(done.redemption_id, path)
    assert "waits for upload" in PdfReader(path).pages[0].extract_text()


def test_the_code_on_paper_holds_the_text(online: Services, batch: int) -> None:
    receipt = online.slips.receipt(online.redemptions.redeem(a_code(online, batch)).redemption_id)
    drawn = online.slips.layout(receipt).code
    rows = list(segno.make(receipt.text, micro=False, error="m", boost_error=False).matrix)
    assert drawn.count == len(rows) <= 65
    stride = -(-drawn.count // 8)
    bits = [
        [drawn.bits[y * stride + x // 8] >> (7 - x % 8) & 1 for x in range(drawn.count)] for y in range(drawn.count)
    ]
    assert bits == [list(row) for row in rows]


def test_the_longest_place_still_makes_a_code_that_is_read_from_paper(online: Services, batch: int) -> None:
    done = online.redemptions.redeem(a_code(online, batch), place="西" * 60)
    layout = online.slips.layout(online.slips.receipt(done.redemption_id))
    assert layout.code_side / layout.code.count > 0.5, "millimetres of one square"
    assert layout.tall < 200


def test_every_entry_of_this_counter_has_one(online: Services, vault: OpenVault, batch: int) -> None:
    for at in range(3):
        online.redemptions.redeem(a_code(online, batch, at), 100 + at)
    with vault.database.read() as session:
        ids = list(session.scalars(select(Redemption.id)))
    assert [state(online, online.slips.receipt(one).text) for one in ids] == ["booked"] * 3
