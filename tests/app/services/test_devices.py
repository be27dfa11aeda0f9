"""Several desktops of one merchant at one endpoint: letting in, taking over, revoking, and a vault that has a twin."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from app.config import Config
from app.errors import EndpointRefused, InvalidInput, NotFound, RedemptionRefused
from app.models.outbox import RawEvent
from app.services import Services
from app.services.backups import restore
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.devices import roles_given_by
from app.services.progress import unwatched
from sync.protocol import new_op_id
from tests.app.conftest import PASSPHRASE
from tests.drivers.endpoint import new_merchant
from tests.drivers.online import a_batch, a_code, let_in, pair_with

Opened = Callable[[str], Services]


@pytest.fixture
def owner(services: Services, cloud: EmbeddedEndpoint) -> Services:
    pair_with(services, cloud)
    return services


def acts(services: Services) -> list[str]:
    return [row.action for row in services.audit.rows()]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(EndpointRefused) as error:
        call()
    return error.value.reason


def test_a_clerk_with_an_empty_vault_redeems_a_card_of_the_owners_batch(owner: Services, second: Opened) -> None:
    code = a_code(owner, a_batch(owner))
    owner.cloud.sync()
    clerk = second("clerk")
    before = clerk.settings.merchant()
    let_in(owner, clerk)
    ours, theirs = clerk.settings.merchant(), owner.settings.merchant()
    assert (ours.id, ours.name) == (theirs.id, theirs.name) != (before.id, before.name)
    assert "merchant.taken-over" in acts(clerk)
    assert clerk.cloud.sync().rejected == 0
    assert clerk.cloud.status().role == "clerk"
    assert clerk.redemptions.look(code).remaining_minor == 20_000
    assert clerk.redemptions.redeem(code, 5_000).remaining_minor == 15_000
    owner.cloud.sync()
    assert owner.redemptions.look(code).remaining_minor == 15_000
    assert owner.cloud.status().differences == ()
    assert [clerk.cloud.sync().rejected, clerk.cloud.status().pending] == [0, 0]


def test_a_clerk_sees_its_uses_of_the_owners_cards_and_takes_one_back(owner: Services, second: Opened) -> None:
    batch_id = a_batch(owner)
    codes = [a_code(owner, batch_id, at) for at in range(3)]
    owner.cloud.sync()
    clerk = second("clerk")
    let_in(owner, clerk)
    clerk.cloud.sync()
    assert clerk.redemptions.last() == []
    whole = clerk.redemptions.redeem(codes[0], place="东门店")
    part = clerk.redemptions.redeem(codes[1], 5_000)
    owner.redemptions.redeem(codes[2])
    clerk.cloud.sync()
    uses = clerk.redemptions.last()
    assert [(use.id, use.product, use.amount_minor, use.place) for use in uses] == [
        (part.redemption_id, "中秋福利卡", 5_000, ""),
        (whole.redemption_id, "中秋福利卡", 20_000, "东门店"),
    ]
    assert [(use.kind, use.undoable, use.serial, use.holder) for use in uses] == [("redeemed", True, "", "")] * 2
    back = clerk.redemptions.reverse(whole.redemption_id, reason="扫错")
    assert (back.redeemed_minor, back.remaining_minor) == (-20_000, 20_000)
    assert [(use.kind, use.undoable) for use in clerk.redemptions.last()] == [
        ("reversed", False),
        ("redeemed", True),
        ("redeemed", False),
    ]
    with pytest.raises(RedemptionRefused, match="already-reversed"):
        clerk.redemptions.reverse(whole.redemption_id, reason="扫错")
    with pytest.raises(NotFound):
        clerk.redemptions.reverse(back.redemption_id, reason="扫错")
    owner.cloud.sync()
    assert owner.redemptions.look(codes[0]).remaining_minor == 20_000
    assert [use.kind for use in owner.redemptions.last()].count("reversed") == 1
    assert clerk.cloud.sync().rejected == 0


def test_a_vault_with_cards_of_its_own_keeps_its_merchant_and_the_code_stays_good(
    owner: Services, second: Opened
) -> None:
    other = second("other")
    a_batch(other)
    invitation = owner.devices.invite("clerk", "前台电脑")
    own = other.settings.merchant()
    assert refused(lambda: other.cloud.pair(invitation.url, invitation.code.reveal())) == "other-merchant"
    assert other.settings.merchant() == own
    assert other.cloud.status().mode == "none"
    assert other.cloud.status().device_id == ""
    second("clerk").cloud.pair(invitation.url, invitation.code.reveal())


def test_a_vault_without_cards_goes_from_one_merchant_of_an_endpoint_to_another(
    owner: Services, second: Opened, cloud: EmbeddedEndpoint
) -> None:
    desk, other = second("desk"), second("other")
    let_in(owner, desk)
    desk.cloud.sync()
    made = new_merchant(str(cloud.database), "另一商户")
    other.cloud.pair(owner.cloud.status().url, made["pairing_code"])
    for _ in range(5):  # its feed is longer than what the desk has heard of the first one's
        other.devices.invite("auditor", "x")
    let_in(other, desk, "manager")
    assert desk.settings.merchant().id == made["merchant_id"]
    assert desk.cloud.sync().rejected == 0
    assert desk.cloud.status().role == "manager"


def test_the_merchants_name_is_believed_where_it_was_changed_last(owner: Services, second: Opened) -> None:
    clerk, partner = second("clerk"), second("partner")
    let_in(owner, clerk)
    let_in(owner, partner, "owner", "合伙人")
    for desk in (owner, clerk, partner):
        desk.cloud.sync()
    partner.settings.put("merchant.name", "新名字")
    for desk in (partner, owner, clerk):
        desk.cloud.sync()
    assert [desk.settings.merchant().name for desk in (owner, clerk, partner)] == ["新名字"] * 3
    clerk.settings.put("merchant.name", "店员起的名字")
    for desk in (clerk, owner, partner):
        desk.cloud.sync()
    assert [desk.settings.merchant().name for desk in (owner, clerk, partner)] == ["新名字"] * 3
    assert clerk.cloud.status().rejected == 0


def test_a_revoked_desktop_keeps_what_waits_and_sends_it_once_it_is_let_in_again(
    owner: Services, second: Opened
) -> None:
    desk = second("desk")
    row = let_in(owner, desk, "manager", "后台")
    desk.cloud.sync()
    owner.devices.revoke(row)
    a_batch(desk)
    assert refused(lambda: desk.cloud.push_links(0, unwatched)) == "device-revoked"
    assert refused(desk.cloud.sync) == "device-revoked"
    status = desk.cloud.status()
    assert (status.last_problem, status.pending > 0, status.rejected) == ("device-revoked", True, 0)
    assert [one.state for one in owner.devices.listed()] == ["active", "revoked"]
    let_in(owner, desk, "manager", "后台二")
    assert desk.cloud.sync().pending == 0
    assert desk.cloud.status().last_problem == ""
    assert owner.cloud.sync().pulled > 0


def test_roles_and_names_are_changed_and_told(owner: Services, second: Opened) -> None:
    desk = second("desk")
    row = let_in(owner, desk)
    owner.devices.change_role(row, "manager")
    owner.devices.rename(row, " 后台 ")
    desk.cloud.sync()
    assert desk.cloud.status().role == "manager"
    found = owner.devices.find(row.id[:8])
    assert (found.name, found.role, found.is_this) == ("后台", "manager", False)
    assert [one.is_this for one in desk.devices.listed()] == [False, True]
    (mine,) = [one for one in owner.devices.listed() if one.is_this]
    assert refused(lambda: owner.devices.revoke(mine)) == "last-owner"
    assert refused(lambda: desk.devices.revoke(mine)) == "forbidden"
    assert {"device.invited", "device.role-changed", "device.renamed"} <= set(acts(owner))
    owner.devices.revoke(row)
    owner.cloud.sync()
    with owner.batches._database.read() as session:
        assert session.scalars(select(RawEvent.type)).all() == [], "every event about devices is known"
    for typed in ("", row.id[:3], "nobody"):
        with pytest.raises(NotFound):
            owner.devices.find(typed)
    with pytest.raises(InvalidInput):
        owner.devices.invite("king", "x")
    with pytest.raises(InvalidInput):
        owner.devices.rename(row, "  ")


def test_a_code_whose_answer_was_lost_is_asked_for_anew(
    owner: Services, second: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [new_op_id(), new_op_id()]
    asked = iter([ids[0], ids[0], ids[1]])
    monkeypatch.setattr("app.services.cloud.devices.new_op_id", lambda: next(asked))
    lost, told = (owner.devices.invite("clerk", name) for name in ("前台电脑", "前台电脑"))
    assert lost.code != told.code
    second("desk").cloud.pair(told.url, told.code.reveal())


def test_who_may_let_in_whom() -> None:
    assert roles_given_by("owner") == ["clerk", "distributor", "auditor", "manager", "owner"]
    assert roles_given_by("manager") == ["clerk", "distributor", "auditor"]
    assert [roles_given_by(role) for role in ("distributor", "clerk", "auditor", "")] == [[], [], [], []]


def test_a_vault_that_was_restored_while_the_first_one_goes_on_is_told_at_both_and_nothing_is_lost(
    owner: Services, second: Opened, tmp_path: Path
) -> None:
    first = a_batch(owner)
    owner.cloud.sync()
    codes = [a_code(owner, first, at) for at in range(3)]
    restore(owner.backups.create().path, Config(tmp_path / "twin"), secret=PASSPHRASE)
    twin = second("twin")
    twin.cloud.sync()
    assert twin.cloud.status().twin_since is None
    life = owner.settings.get("vault.incarnation")
    owner.batches.freeze(first)
    assert owner.cloud.sync().pending == 0
    assert owner.cloud.status().twin_since is not None
    assert owner.settings.get("vault.incarnation") != life
    assert twin.cloud.pull() > 0, "also when it is only asked"
    assert twin.cloud.status().twin_since is not None
    owner.batches.thaw(first)
    owner.cloud.push_links(0, unwatched)  # does not greet first: the queue itself is refused, and stays
    assert (owner.cloud.status().pending, owner.cloud.status().rejected) == (0, 0)
    for desk in (owner, twin, owner):
        assert desk.cloud.sync().pending == 0
    assert twin.redemptions.redeem(codes[0]).remaining_minor == 0
    for desk in (owner, twin):
        assert desk.cloud.sync().rejected == 0
        assert desk.integrity.verify(deep=True).findings == ()
        assert acts(desk).count("vault.lives-twice") == 1, "once, however often they take turns"


def test_who_says_that_only_one_is_left_is_told_again_when_the_other_one_speaks(
    owner: Services, second: Opened, tmp_path: Path
) -> None:
    restore(owner.backups.create().path, Config(tmp_path / "twin"), secret=PASSPHRASE)
    twin = second("twin")
    twin.cloud.sync()
    owner.cloud.sync()
    assert owner.cloud.status().twin_since is not None
    owner.cloud.settle_twin()
    owner.cloud.settle_twin()
    owner.cloud.sync()
    assert owner.cloud.status().twin_since is None
    twin.cloud.sync()
    owner.cloud.sync()
    assert owner.cloud.status().twin_since is not None
    assert [acts(owner).count(act) for act in ("vault.lives-twice", "vault.lives-once")] == [2, 1]


def test_a_desktop_of_this_machine_that_was_revoked_does_not_let_itself_in_again(
    online: Services, second: Opened
) -> None:
    partner = second("partner")
    let_in(online, partner, "owner", "合伙人")
    (mine,) = [row for row in partner.devices.listed() if not row.is_this]
    partner.devices.revoke(mine)
    assert refused(online.cloud.start_embedded) == "device-revoked"
    assert refused(online.cloud.sync) == "device-revoked"
    invitation = partner.devices.invite("manager", "再来")
    status = online.cloud.pair(invitation.url, invitation.code.reveal())
    assert (status.mode, status.running, status.role) == ("embedded", True, "manager")
    online.cloud.sync()
