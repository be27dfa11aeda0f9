"""What others do while a vault moves from one endpoint to another: none of it makes a card good at both."""

import threading
from collections.abc import Callable, Iterable
from contextlib import closing

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.errors import EndpointRefused, RedemptionRefused
from app.models.base import now
from app.services import Services
from app.services.cards import CardFilter
from app.services.cloud import EmbeddedEndpoint
from app.services.outbox import enqueue
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync.client import SyncClient
from sync.protocol import FreezeRequest, Op, OpsAnswer, b64, new_op_id, to_wire
from tests.drivers.elsewhere import assert_level, redeemed, uid_told
from tests.drivers.online import EVENING, a_code, by_phone, let_in, pair_with, sealed_batch

PATIENCE_S = 60


def move(services: Services, endpoint: EmbeddedEndpoint, *, meanwhile: Callable[[], object]) -> None:
    """To that endpoint; `meanwhile` is done once it has let this vault in and is read for what it knows: behind the
    last sync with the one that is left, and before anything is frozen there."""
    merchant = services.settings.merchant()
    acts = [meanwhile]

    def progress(done: int, total: int) -> None:
        if acts:
            acts.pop()()

    services.cloud.pair(str(endpoint.url()), endpoint.pairing_code(merchant.id, merchant.name), progress=progress)
    assert not acts


@pytest.mark.parametrize("stop", ["freeze", "void"])
def test_what_people_stop_in_that_moment_is_not_redeemed_where_it_was_either(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, stop: str
) -> None:
    """Their word never comes there: it waits for the endpoint that is left no more."""
    made = sealed_batch(moving)
    codes = [a_code(moving, made, at) for at in range(2)]

    def stops() -> None:
        if stop == "freeze":
            moving.batches.freeze(made)
        else:
            moving.batches.void(made, confirm="20")

    move(moving, other, meanwhile=stops)
    assert by_phone(moving, cloud, codes[0]) != 200
    assert_level(moving)
    assert by_phone(moving, other, codes[0]) != 200
    if stop == "freeze":
        assert moving.batches.batch(made).frozen_at is not None
        moving.batches.thaw(made)
        assert_level(moving)
        assert [by_phone(moving, endpoint, codes[1]) == 200 for endpoint in (cloud, other)] == [False, True]


def test_what_another_computer_freezes_in_that_moment_stays_frozen(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    made, desk = sealed_batch(moving), second("desk")
    let_in(moving, desk, "manager")
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    freeze = FreezeRequest(new_op_id(), uid, to_wire(now()))
    move(moving, other, meanwhile=lambda: desk.cloud.ask(lambda client: client.freeze(freeze)))
    assert moving.batches.batch(made).frozen_at is not None
    assert_level(moving)
    assert by_phone(moving, other, a_code(moving, made)) != 200


def test_a_counter_that_leases_cards_in_that_moment_keeps_the_vault_where_it_is(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    made, desk = sealed_batch(moving), second("desk")
    let_in(moving, desk)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    until = to_wire(now() + EVENING)
    take = Op(new_op_id(), "lease.take@1", to_wire(now()), {"batch_id": uid, "until": until, "count": 5})
    with pytest.raises(EndpointRefused, match="leased-here"):
        move(moving, other, meanwhile=lambda: desk.cloud.ask(lambda client: client.push([take])))
    assert moving.cloud.status().url == cloud.url()
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, cloud, a_code(moving, made, 10)) == 200


@pytest.mark.parametrize("reaches", ["before", "behind"])
@pytest.mark.parametrize("act", ["redeem", "refund"])
def test_an_answer_that_is_heard_only_when_the_vault_is_elsewhere_is_told_there(
    moving: Services,
    cloud: EmbeddedEndpoint,
    other: EmbeddedEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    reaches: str,
) -> None:
    """What was wished at the counter reached the endpoint before it was left, or only behind that."""
    made = sealed_batch(moving)
    card_id, code = moving.cards.ids(CardFilter(batch_id=made), descending=False)[0], a_code(moving, made)
    moving.redemptions.redeem(code, 1_000)
    asked, moved = threading.Event(), threading.Event()
    real = SyncClient.push

    def wish() -> None:
        try:
            if act == "redeem":
                moving.redemptions.redeem(code, 5_000)
            else:
                moving.redemptions.refund(card_id, reason="客户要求")
        except RedemptionRefused:
            assert reaches == "behind"

    counter = threading.Thread(target=wish)

    def push(client: SyncClient, ops: Iterable[Op]) -> OpsAnswer:
        if threading.current_thread() is not counter or moved.is_set():
            return real(client, ops)
        answer = real(client, ops) if reaches == "before" else None
        asked.set()
        assert moved.wait(3 * PATIENCE_S)
        return answer or real(client, ops)

    monkeypatch.setattr(SyncClient, "push", push)

    def ask() -> None:
        counter.start()
        assert asked.wait(PATIENCE_S)

    try:
        move(moving, other, meanwhile=ask)
    finally:
        moved.set()
        counter.join()
    assert_level(moving)
    given = [] if reaches == "behind" else [19_000] if act == "refund" else [5_000]
    assert redeemed(cloud) == redeemed(other) == [1_000, *given]


@pytest.mark.parametrize("knows", [True, False])
def test_a_link_that_was_recalled_is_dead_wherever_the_vault_goes(
    moving: Services, vault: OpenVault, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, knows: bool
) -> None:
    """Its card may have gone to somebody else. The endpoint it goes to `knows` the link from before, or has never heard
    of it; and the delivery has no link any more, or another one."""
    sealed_batch(moving)
    uid, link = moving.cloud.ask(lambda client: uid_told(client.events("").events)), b64(b"x" * 16)
    put = {"link_id": link, "batch_id": uid, "card_no": 0, "auth_digest": b64(b"x" * 32), "ciphertext": "x"}
    with vault.database.write(Topic.OUTBOX) as session:
        enqueue(session, "link.put@1", aggregate="delivery:1", lane="link", body=put)
    assert_level(moving)
    if knows:
        pair_with(moving, other)
        assert_level(moving)
        pair_with(moving, cloud)
        assert_level(moving)
    with vault.database.write(Topic.OUTBOX) as session:
        enqueue(session, "link.recall@1", aggregate="delivery:1", body={"link_id": link})
    assert_level(moving)
    pair_with(moving, other)
    assert_level(moving)
    with closing(sqlite.connect(str(other.database))) as connection:
        assert connection.execute("SELECT id FROM link WHERE recalled_ms IS NULL").fetchall() == []
    pair_with(moving, cloud)
    assert_level(moving)


def test_who_waits_for_the_endpoint_of_this_computer_does_not_bring_the_vault_back_to_it(
    online: Services, cloud: EmbeddedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had ended by itself as the vault moved to the cloud."""
    online.cloud._autostart = True  # as the window does
    made, looked = sealed_batch(online), threading.Event()
    real = EmbeddedEndpoint.is_running
    hearing = threading.Thread(target=online.cloud.pull)

    def is_running(endpoint: EmbeddedEndpoint) -> bool:
        runs = real(endpoint)
        if threading.current_thread() is hearing:
            looked.set()
        return runs

    def hear() -> None:
        online.cloud._embedded.stop()
        hearing.start()
        assert looked.wait(PATIENCE_S)

    monkeypatch.setattr(EmbeddedEndpoint, "is_running", is_running)
    move(online, cloud, meanwhile=hear)
    hearing.join()
    assert online.cloud.status().mode == "cloud"
    assert_level(online)
    assert by_phone(online, cloud, a_code(online, made)) == 200


def test_what_is_used_up_is_not_paid_out_before_the_new_endpoint_is_told(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    """No freeze stops a refund."""
    made = sealed_batch(moving)
    card_id = moving.cards.ids(CardFilter(batch_id=made), descending=False)[0]
    pair_with(moving, other)
    assert_level(moving)
    moving.redemptions.redeem(a_code(moving, made), 5_000)
    pair_with(moving, cloud)
    assert moving.redemptions.refund(card_id, reason="客户要求").remaining_minor == 0
    assert_level(moving)
    assert redeemed(cloud) == [5_000, 15_000]


def test_what_is_undone_is_not_undone_once_more_before_the_new_endpoint_is_told(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made = sealed_batch(moving)
    used = moving.redemptions.redeem(a_code(moving, made), 5_000)
    pair_with(moving, other)
    assert_level(moving)
    moving.redemptions.reverse(used.redemption_id, reason="扫错")
    pair_with(moving, cloud)
    with pytest.raises(RedemptionRefused, match="already-reversed"):
        moving.redemptions.reverse(used.redemption_id, reason="扫错")
    assert_level(moving)
    assert redeemed(cloud) == [5_000, -5_000]
