"""Leases of a desktop that is not any more who it was: put back from a backup, or revoked and let in again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from app.errors import EndpointRefused
from app.models.base import now
from app.models.outbox import OutboxOp
from app.models.setting import Setting
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync.client import new_incarnation
from tests.drivers.elsewhere import There, assert_level, away
from tests.drivers.online import EVENING, a_code, leased_without_a_line, let_in, pair_with, sealed_batch


@pytest.fixture
def batch(online: Services) -> int:
    """Sealed: twenty cards of 200 yuan."""
    return sealed_batch(online)


@pytest.fixture
def lease(online: Services, batch: int) -> str:
    """Over the first ten cards, and no line any more."""
    return leased_without_a_line(online, batch)


def test_a_vault_that_was_put_back_from_a_backup_has_its_leases_no_more(
    online: Services, vault: OpenVault, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    online.redemptions.redeem(code, 1_000)
    with vault.database.write(Topic.LEASES) as session:
        session.merge(Setting(key="vault.incarnation", value=new_incarnation()))
    assert online.redemptions.look(code).reason == "no-lease"
    (row,) = online.leases.leases()
    assert (row.mine, row.earlier) == (False, True)
    online.cloud.start_embedded()
    assert online.redemptions.look(code).reason == "card-leased"
    assert_level(online)  # what was decided before still counts
    online.leases.reclaim(lease, reason="还原了备份")
    assert online.leases.leases() == []
    assert online.redemptions.redeem(code).redeemed_minor == 20_000 - 1_000


def test_a_lease_that_was_being_given_back_when_the_vault_was_put_back_is_open_until_a_manager_takes_it(
    online: Services, vault: OpenVault, lease: str
) -> None:
    online.leases.give_back(lease)
    with vault.database.write(Topic.LEASES) as session:
        session.merge(Setting(key="vault.incarnation", value=new_incarnation()))
    online.cloud.start_embedded()
    assert online.cloud.sync().rejected == 1
    (row,) = online.leases.leases()
    assert (row.state, row.earlier) == ("open", True)
    online.leases.reclaim(lease, reason="还原了备份")
    assert online.leases.leases() == []


def test_what_a_counter_gave_out_under_a_lease_before_it_was_revoked_is_booked_once_it_is_let_in_again(
    services: Services, cloud: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    pair_with(services, cloud)
    owner, desk = services, second("desk")
    row = let_in(owner, desk, "manager", "后台")
    made = sealed_batch(desk)
    taken = desk.leases.take(made, until=now() + EVENING, count=3)
    kept, undone = (desk.redemptions.redeem(a_code(desk, made, at)) for at in range(2))
    assert kept.own_word
    assert undone.own_word
    desk.redemptions.reverse(undone.redemption_id, reason="扫错")
    owner.devices.revoke(row)
    with pytest.raises(EndpointRefused, match="device-revoked"):
        desk.leases.give_back(taken.id)
    let_in(owner, desk, "manager", "后台二")
    assert_level(desk)
    assert (desk.leases.conflicts(), desk.leases.leases()) == ([], [])
    owner.cloud.sync()
    assert owner.redemptions.look(a_code(desk, made)).reason == "card-spent"
    assert owner.redemptions.look(a_code(desk, made, 1)).remaining_minor == 20_000


def test_what_a_revoked_counter_gave_out_under_its_lease_is_booked_by_an_endpoint_that_was_put_back_since(
    services: Services, cloud: EmbeddedEndpoint, second: Callable[[str], Services], tmp_path: Path
) -> None:
    """It is told everything anew then, and the lease is still open there: the uses go as what they are."""
    pair_with(services, cloud)
    there, owner, desk = There(cloud, tmp_path / "backup"), services, second("desk")
    row = let_in(owner, desk, "manager", "后台")
    made = sealed_batch(desk)
    taken = desk.leases.take(made, until=now() + EVENING, count=3)
    undone = [desk.redemptions.redeem(a_code(desk, made, at)) for at in range(2)][1]
    desk.redemptions.reverse(undone.redemption_id, reason="扫错")
    owner.devices.revoke(row)
    there.back_up()
    sealed_batch(owner)
    there.put_back()
    assert_level(owner)
    let_in(owner, desk, "manager", "后台二")
    assert_level(desk)
    assert_level(owner)
    assert there.is_whole()
    assert [(one.id, one.mine) for one in desk.leases.leases()] == [(taken.id, False)]
    desk.leases.reclaim(taken.id, reason="设备已停用")
    assert desk.redemptions.look(a_code(desk, made)).reason == "card-spent"
    assert desk.redemptions.look(a_code(desk, made, 1)).remaining_minor == 20_000


def test_a_counter_that_is_paired_once_more_tells_what_it_gave_out_as_who_it_was(
    services: Services, cloud: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    """Nobody revoked it: it only did not sync, and somebody asked for a new code."""
    pair_with(services, cloud)
    owner, desk = services, second("desk")
    let_in(owner, desk, "manager", "后台")
    made = sealed_batch(desk)
    desk.leases.take(made, until=now() + EVENING, count=3)
    with away(cloud):
        assert desk.redemptions.redeem(a_code(desk, made), 5_000).own_word
    let_in(owner, desk, "manager", "后台二")
    assert_level(desk)
    assert (desk.leases.conflicts(), desk.leases.leases()) == ([], [])
    assert desk.redemptions.look(a_code(desk, made)).remaining_minor == 15_000
    assert desk.redemptions.look(a_code(desk, made, 1)).reason is None


def test_a_counter_that_moves_gives_back_what_it_leased_and_finds_nothing_leased_when_it_comes_back(
    online: Services, cloud: EmbeddedEndpoint, batch: int, lease: str
) -> None:
    online.redemptions.redeem(a_code(online, batch), 5_000)
    pair_with(online, cloud)
    assert_level(online)
    online.cloud.start_embedded()
    assert_level(online)
    assert (online.leases.conflicts(), online.leases.leases()) == ([], [])
    assert online.redemptions.look(a_code(online, batch)).remaining_minor == 15_000
    assert online.redemptions.redeem(a_code(online, batch, 1)).redeemed_minor == 20_000


def test_a_use_under_a_lease_that_is_given_up_is_a_conflict_that_people_settle(
    services: Services, cloud: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    pair_with(services, cloud)
    owner, desk = services, second("desk")
    row = let_in(owner, desk, "manager", "后台")
    made = sealed_batch(desk)
    desk.leases.take(made, until=now() + EVENING, count=3)
    given = desk.redemptions.redeem(a_code(desk, made), 5_000)
    owner.devices.revoke(row)
    again = let_in(owner, desk, "auditor", "后台二")
    assert desk.cloud.sync().rejected == 1
    desk.cloud.withdraw(desk.cloud.queue(states=("rejected",))[0].id)
    (conflict,) = desk.leases.conflicts()
    assert (conflict.id, conflict.amount_minor, conflict.reason) == (given.redemption_id, 5_000, "forbidden")
    assert desk.cards.rows([desk.cards.find(a_code(desk, made))])[0].balance_minor == 20_000
    assert_level(desk)
    owner.devices.change_role(again, "manager")  # an auditor settles nothing
    desk.leases.settle(conflict.id, way="loss", note="记损")
    assert desk.leases.conflicts() == []


def test_an_undoing_that_is_given_up_never_was(online: Services, vault: OpenVault, batch: int, lease: str) -> None:
    code = a_code(online, batch)
    online.redemptions.reverse(online.redemptions.redeem(code).redemption_id, reason="扫错")
    with vault.database.write(Topic.OUTBOX) as session:  # as an endpoint refuses it that lets this device undo nothing
        refused = {"state": "rejected", "problem": {"key": "forbidden"}}
        session.execute(update(OutboxOp).where(OutboxOp.type == "reverse@1").values(refused))
    online.cloud.withdraw(online.cloud.queue(states=("rejected",))[0].id)
    assert online.cards.rows([online.cards.find(code)])[0].state == "spent"
    online.cloud.start_embedded()
    assert_level(online)
    assert online.redemptions.look(code).reason == "card-spent"
