"""A batch that moved to another endpoint: what others do at the one that was left, and until its ledger has come."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.bootstrap import build_services
from app.config import Config
from app.errors import EndpointUnreachable, JobCancelled, NotFound
from app.models.base import now
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.cards import CardFilter
from app.services.cloud import EmbeddedEndpoint, pushing
from app.services.cloud.leaving import Departure
from app.services.vault.vaults import OpenVault, Vaults
from app.topics import Topic
from sync.client import SyncClient, Unreachable
from sync.protocol import Op, OpsAnswer, new_op_id, to_wire
from tests.app.conftest import CHEAP_KIB, PASSPHRASE
from tests.drivers.elsewhere import There, assert_level, redeemed, uid_told
from tests.drivers.online import a_code, by_phone, close_there, let_in, pair_with, sealed_batch


def pushed(desk: Services, type_: str, **body: Any) -> str:
    """Status, or why not."""
    op = Op(new_op_id(), type_, to_wire(now()), body)
    (result,) = desk.cloud.ask(lambda client: client.push([op])).results
    return result.status if result.problem is None else result.problem.key


class Killed(BaseException):
    """The program ends."""


def break_off(services: Services, endpoint: EmbeddedEndpoint, by: type[BaseException] = JobCancelled) -> None:
    """A move there, as the ledger of the three uses that this vault has is written down."""
    merchant = services.settings.merchant()
    code = endpoint.pairing_code(merchant.id, merchant.name)

    def stop(_: int, total: int) -> None:
        if total == 3:
            raise by

    with pytest.raises(by):
        services.cloud.pair(str(endpoint.url()), code, progress=stop)


def used_batch(services: Services) -> int:
    """Three times, the same card."""
    made = sealed_batch(services)
    for _ in range(3):
        services.redemptions.redeem(a_code(services, made), 5_000)
    assert_level(services)
    return made


def refuse(vault: OpenVault, type_: str) -> None:
    """What waits of that kind, for this device may not do it."""
    with vault.database.write(Topic.OUTBOX) as session:
        refused = update(OutboxOp).where(OutboxOp.type == type_, OutboxOp.state == "waiting")
        session.execute(refused.values(state="rejected", problem={"key": "forbidden"}))


@pytest.fixture
def desk(moving: Services, second: Callable[[str], Services]) -> Services:
    """Another computer at the endpoint where the vault is first; it stays there."""
    desk = second("desk")
    let_in(moving, desk, "manager")
    return desk


def test_no_other_computer_decides_about_it_where_it_was(
    moving: Services, desk: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made = sealed_batch(moving)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    code, used = a_code(moving, made), moving.redemptions.redeem(a_code(moving, made, 1), 500)
    pair_with(moving, other)
    assert_level(moving)
    assert pushed(desk, "batch.thaw@1", batch_id=uid) == "batch-closed"
    refund = {"batch_id": uid, "card_no": 0, "amount_minor": None, "reason": "客户要求", "place": ""}
    assert pushed(desk, "card.refund@1", **refund) == "batch-closed"
    assert pushed(desk, "reverse@1", redemption_id=used.redemption_id, reason="客户要求", place="") == "batch-closed"
    assert [by_phone(moving, endpoint, code) == 200 for endpoint in (cloud, other)] == [False, True]
    assert sum(redeemed(other)) == 500 + 20_000


@pytest.mark.parametrize("frozen", [False, True])
def test_where_the_vault_comes_back_to_nobody_decides_before_the_ledger_is_told(
    moving: Services, desk: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, frozen: bool
) -> None:
    """Whoever refunds a card there would pay out what it gave elsewhere meanwhile."""
    made = sealed_batch(moving)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    pair_with(moving, other)
    assert_level(moving)
    moving.redemptions.redeem(a_code(moving, made), 15_000)
    if frozen:
        moving.batches.freeze(made)
    pair_with(moving, cloud)
    refund = {"batch_id": uid, "card_no": 0, "amount_minor": None, "reason": "客户要求", "place": ""}
    assert pushed(desk, "card.refund@1", **refund) == "batch-closed"
    assert_level(moving)
    assert pushed(desk, "card.refund@1", **refund) == "applied"
    assert redeemed(cloud) == [15_000, 5_000]
    assert (by_phone(moving, cloud, a_code(moving, made, 1)) == 200) is not frozen


def test_what_another_computer_freezes_while_the_ledger_is_told_stays_frozen_when_it_is_opened(
    moving: Services, desk: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made = used_batch(moving)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    pair_with(moving, other)
    assert_level(moving)
    moving.redemptions.redeem(a_code(moving, made, 1), 5_000)
    pair_with(moving, cloud)
    assert pushed(desk, "batch.freeze@1", batch_id=uid) == "applied"
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is not None
    assert by_phone(moving, cloud, a_code(moving, made, 2)) != 200
    moving.batches.thaw(made)
    assert_level(moving)
    assert by_phone(moving, cloud, a_code(moving, made, 2)) == 200


@pytest.mark.parametrize("stop", ["freeze", "void", "freeze a card", "void a card"])
def test_what_is_stopped_is_redeemed_at_the_new_endpoint_at_no_moment(
    moving: Services, other: EmbeddedEndpoint, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cards come there before the word that they are stopped: it may be cut off behind any request."""
    made = sealed_batch(moving)
    card_id, code = moving.cards.ids(CardFilter(batch_id=made), descending=False)[0], a_code(moving, made)
    if stop == "freeze":
        moving.batches.freeze(made)
    elif stop == "void":
        moving.batches.void(made, confirm="20")
    elif stop == "freeze a card":
        moving.cards.freeze(card_id)
    else:
        moving.cards.void(card_id, reason="x")
    assert_level(moving)
    heard: list[int] = []
    for name in ("push", "seal", "put_chunk"):
        real = getattr(SyncClient, name)

        def then_tried(client: SyncClient, *args: Any, real: Callable[..., Any] = real, **more: Any) -> Any:
            try:
                return real(client, *args, **more)
            finally:
                if other.url() == client.base_url:
                    heard.append(by_phone(moving, other, code))

        monkeypatch.setattr(SyncClient, name, then_tried)
    monkeypatch.setattr(pushing, "PER_PUSH", 1)
    pair_with(moving, other)
    assert_level(moving)
    assert len(heard) > 3
    assert 200 not in heard


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("closed", [True, False])
def test_what_was_frozen_there_and_thawed_elsewhere_since_is_opened_and_thawed_where_the_vault_comes_back(
    moving: Services,
    cloud: EmbeddedEndpoint,
    other: EmbeddedEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    closed: bool,
    used: bool,
) -> None:
    """A thaw alone is refused while it is closed, and its opening would wait behind that. A version of before has only
    frozen it as it left."""
    made = sealed_batch(moving)
    if closed:
        moving.batches.freeze(made)
        assert_level(moving)
    with monkeypatch.context() as patch:
        if not closed:
            patch.setattr(Departure, "_meet", lambda self, client: None)
        pair_with(moving, other)
    if closed:
        moving.batches.thaw(made)
    assert_level(moving)
    if used:
        moving.redemptions.redeem(a_code(moving, made), 5_000)
    for endpoint in (cloud, other, cloud):
        pair_with(moving, endpoint)
        assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert [by_phone(moving, endpoint, a_code(moving, made, 1)) == 200 for endpoint in (other, cloud)] == [False, True]


def test_what_was_frozen_by_people_is_frozen_when_the_move_did_not_come_about(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    frozen, usual = sealed_batch(moving), used_batch(moving)
    moving.batches.freeze(frozen)
    assert_level(moving)
    break_off(moving, other)
    assert_level(moving)
    assert [moving.batches.batch(one).frozen_at is not None for one in (frozen, usual)] == [True, False]
    assert [by_phone(moving, cloud, a_code(moving, one, 1)) == 200 for one in (frozen, usual)] == [False, True]
    moving.batches.thaw(frozen)
    assert_level(moving)
    assert by_phone(moving, cloud, a_code(moving, frozen)) == 200


@pytest.mark.parametrize("frozen", [True, False])
def test_what_people_thaw_before_the_next_sync_is_open_and_thawed_when_the_move_was_killed(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, frozen: bool
) -> None:
    """It looks frozen in either case. Their thaw is refused while it is closed, and the opening would wait behind."""
    made = used_batch(moving)
    if frozen:
        moving.batches.freeze(made)
        assert_level(moving)
    break_off(moving, other, Killed)
    assert moving.batches.batch(made).frozen_at is not None
    moving.batches.thaw(made)
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, cloud, a_code(moving, made, 1)) == 200


@pytest.mark.parametrize("gone", [True, False])
def test_when_the_move_was_killed_a_new_pairing_leaves_nothing_shut(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, gone: bool
) -> None:
    """With the same endpoint; or with the other one, for the first is gone since."""
    made = used_batch(moving)
    break_off(moving, other, Killed)
    if gone:
        host = str(cloud.url()).removeprefix("http://")
        cloud.stop()
        merchant = moving.settings.merchant()
        moving.cloud.pair(str(other.url()), other.pairing_code(merchant.id, merchant.name), leave=host)
    else:
        pair_with(moving, cloud)
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, other if gone else cloud, a_code(moving, made, 1)) == 200


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("by", [JobCancelled, Killed])
def test_what_a_copy_of_the_vault_has_closed_is_not_opened_when_the_move_of_this_one_does_not_come_about(
    moving: Services,
    desk: Services,
    cloud: EmbeddedEndpoint,
    other: EmbeddedEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    by: type[BaseException],
    when: str,
) -> None:
    """The copy decides about it elsewhere."""
    made = used_batch(moving)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))

    def close() -> None:
        assert pushed(desk, "batch.close@1", batch_id=uid) == "applied"

    if when == "before":
        close()
        assert_level(moving)
    else:
        freeze = Departure._freeze

        def closed_by_both(departure: Departure, client: SyncClient, *, uids: Sequence[str]) -> None:
            freeze(departure, client, uids=uids)
            close()

        monkeypatch.setattr(Departure, "_freeze", closed_by_both)
    break_off(moving, other, by)
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is not None
    assert by_phone(moving, cloud, a_code(moving, made, 1)) != 200


@pytest.mark.parametrize("frozen", [True, False])
def test_an_endpoint_that_was_put_back_to_when_it_was_closed_is_opened_also_where_people_have_frozen_it_since(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, tmp_path: Path, frozen: bool
) -> None:
    """Else their thaw is refused later, as if a copy of the vault were elsewhere."""
    there = There(cloud, tmp_path / "backup")
    made = used_batch(moving)
    for endpoint in (other, cloud):
        assert_level(moving)
        pair_with(moving, endpoint)
    there.back_up()
    assert_level(moving)
    moving.redemptions.redeem(a_code(moving, made), 1_000)
    if frozen:
        moving.batches.freeze(made)
    assert_level(moving)
    there.put_back()
    moving.cloud.sync()
    moving.cloud.lift_recovery("第一次配对的那台不在了")
    assert_level(moving)
    if frozen:
        assert by_phone(moving, cloud, a_code(moving, made, 1)) != 200
        moving.batches.thaw(made)
        assert_level(moving)
    assert by_phone(moving, cloud, a_code(moving, made, 1)) == 200
    assert there.is_whole()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("gone", [True, False])
def test_a_vault_that_was_put_back_to_before_the_move_follows_and_freezes_nothing_where_it_went(
    config: Config,
    vault: OpenVault,
    moving: Services,
    cloud: EmbeddedEndpoint,
    other: EmbeddedEndpoint,
    tmp_path: Path,
    frozen: bool,
    gone: bool,
) -> None:
    """It hears the closing where it was, which shows the batch as frozen; what people freeze stays frozen."""
    made = used_batch(moving)
    vault.close()
    shutil.copytree(config.data, tmp_path / "copy")
    moved = Vaults(config, memory_kib=CHEAP_KIB).open(PASSPHRASE)
    pair_with(build_services(config, moved), other)
    assert_level(build_services(config, moved))
    moved.close()
    place = Config(tmp_path / "copy")
    put_back = Vaults(place, memory_kib=CHEAP_KIB).open(PASSPHRASE)
    copy = build_services(place, put_back)
    if frozen:
        copy.batches.freeze(made)
    copy.cloud.sync()
    assert copy.batches.batch(made).frozen_at is not None
    host, merchant = str(cloud.url()).removeprefix("http://"), copy.settings.merchant()
    if gone:
        cloud.stop()
    code = other.pairing_code(merchant.id, merchant.name)
    copy.cloud.pair(str(other.url()), code, leave=host if gone else None)
    assert_level(copy)
    assert (copy.batches.batch(made).frozen_at is not None) is frozen
    assert (by_phone(copy, other, a_code(copy, made, 1)) == 200) is not frozen
    put_back.close()


def test_a_copy_of_the_vault_that_stayed_may_decide_here_only_by_a_deliberate_word(
    moving: Services, vault: OpenVault, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    """Where its copy has gone is no more: another computer's closing stands in the feed of the one that is left."""
    made = sealed_batch(moving)
    close_there(moving, made)
    assert moving.batches.batch(made).frozen_at is not None
    moving.batches.thaw(made)
    assert moving.cloud.sync().rejected == 1
    (refused,) = moving.cloud.queue(states=("rejected",))
    assert (refused.type, refused.problem) == ("batch.thaw@1", "batch-closed")
    assert by_phone(moving, cloud, a_code(moving, made)) != 200
    moving.cloud.open_here(refused.id)
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, cloud, a_code(moving, made)) == 200
    assert len(moving.audit.rows(action="batch.opened-here")) == 1


def test_only_a_thaw_that_was_refused_for_that_is_answered_so(moving: Services, vault: OpenVault) -> None:
    made = sealed_batch(moving)
    moving.batches.freeze(made)
    refuse(vault, "batch.freeze@1")
    (row,) = moving.cloud.queue(states=("rejected",))
    with pytest.raises(NotFound):
        moving.cloud.open_here(row.id)


def test_a_closing_that_comes_when_the_move_has_failed_closes_nothing(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was on its way when nobody waited for it any more."""
    made, late, real = used_batch(moving), list[Op](), SyncClient.push

    def push(client: SyncClient, ops: Iterable[Op]) -> OpsAnswer:
        asked = list(ops)
        if not late and asked[0].type == "batch.close@1":
            late.extend(asked)
            raise Unreachable("late")
        return real(client, asked)

    monkeypatch.setattr(SyncClient, "push", push)
    with pytest.raises(EndpointUnreachable):
        pair_with(moving, other)
    assert_level(moving)
    (result,) = moving.cloud.ask(lambda client: real(client, late)).results
    assert result.status == "duplicate"
    assert by_phone(moving, cloud, a_code(moving, made, 1)) == 200
