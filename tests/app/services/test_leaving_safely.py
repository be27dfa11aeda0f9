"""Moving between endpoints that both answer: no card can be used at both of them, at any moment."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from app.errors import EndpointRefused, JobCancelled
from app.models.base import now
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from sync.protocol import Op, new_op_id, to_wire
from tests.drivers.elsewhere import assert_level, away, redeemed, uid_told
from tests.drivers.online import EVENING, a_code, by_phone, let_in, pair_with, sealed_batch


def test_what_is_used_up_is_redeemed_nowhere_while_the_new_endpoint_is_told(
    moving: Services, other: EmbeddedEndpoint
) -> None:
    made = sealed_batch(moving)
    codes = [a_code(moving, made, at) for at in range(3)]
    for code in codes[:2]:
        moving.redemptions.redeem(code)
    pair_with(moving, other)
    heard = []
    moving.cloud.sync(lambda done, total: heard.extend(by_phone(moving, other, code) for code in codes[:2]))
    assert len(heard) > 4
    assert 200 not in heard
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert redeemed(other) == [20_000, 20_000]
    assert by_phone(moving, other, codes[2]) == 200


def test_the_endpoint_that_was_left_redeems_nothing_until_its_desktop_comes_back(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made = sealed_batch(moving)
    codes = [a_code(moving, made, at) for at in range(4)]
    assert by_phone(moving, cloud, codes[0]) == 200
    pair_with(moving, other)
    assert by_phone(moving, cloud, codes[1]) != 200
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, other, codes[1]) == 200
    pair_with(moving, cloud)
    for code in codes:
        assert by_phone(moving, other, code) != 200
    assert by_phone(moving, cloud, codes[1]) != 200
    assert_level(moving)
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert [by_phone(moving, cloud, code) == 200 for code in codes[1:3]] == [False, True]
    assert_level(moving)


def test_what_was_frozen_before_stays_frozen_at_both(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made = sealed_batch(moving)
    code = a_code(moving, made)
    moving.redemptions.redeem(code, 5_000)
    moving.batches.freeze(made)
    for endpoint in (other, cloud):
        heard: list[int] = []
        pair_with(moving, endpoint)
        moving.cloud.sync(lambda done, total, at=endpoint, told=heard: told.append(by_phone(moving, at, code)))
        assert 200 not in heard
        assert_level(moving)
        assert moving.batches.batch(made).frozen_at is not None
    moving.batches.thaw(made)
    assert_level(moving)
    assert [by_phone(moving, endpoint, code) == 200 for endpoint in (other, cloud)] == [False, True]


def test_a_code_that_is_wrong_at_the_new_endpoint_changes_nothing_at_the_old_one(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made = sealed_batch(moving)
    with pytest.raises(EndpointRefused, match="pairing-refused"):
        moving.cloud.pair(str(other.url()), "2345-6789")
    assert by_phone(moving, cloud, a_code(moving, made)) == 200
    assert_level(moving)


@pytest.mark.parametrize("stays", ["ledger-stays", "cards-stay"])
def test_who_may_not_bring_the_ledger_or_the_cards_along_goes_on_where_it_was(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, second: Callable[[str], Services], stays: str
) -> None:
    """Found out only once the new endpoint has let it in."""
    made = sealed_batch(moving)
    if stays == "ledger-stays":
        moving.redemptions.redeem(a_code(moving, made), 5_000)
    there = second("there")
    merchant = moving.settings.merchant()
    there.cloud.pair(str(other.url()), other.pairing_code(merchant.id, merchant.name))
    invitation = there.devices.invite("clerk", "前台")
    with pytest.raises(EndpointRefused, match=stays):
        moving.cloud.pair(invitation.url, invitation.code.reveal())
    assert by_phone(moving, cloud, a_code(moving, made, 1)) == 200
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None


def test_the_same_endpoint_by_another_name_goes_on_redeeming(moving: Services, cloud: EmbeddedEndpoint) -> None:
    made, url = sealed_batch(moving), str(cloud.url())
    merchant = moving.settings.merchant()
    moving.leases.take(made, until=now() + EVENING, count=2)
    alias = url.replace("127.0.0.1", "localhost")
    moving.cloud.pair(alias, cloud.pairing_code(merchant.id, merchant.name))
    assert moving.cloud.status().url == alias
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, cloud, a_code(moving, made)) == 200


def test_nobody_moves_away_from_a_counter_that_decides_about_cards_without_a_line(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    made, desk = sealed_batch(moving), second("desk")
    let_in(moving, desk)
    uid = moving.cloud.ask(lambda client: uid_told(client.events("").events))
    take = Op(new_op_id(), "lease.take@1", to_wire(now()), {"batch_id": uid, "until": to_wire(now() + EVENING)})
    assert desk.cloud.ask(lambda client: client.push([take])).results[0].status == "applied"
    with pytest.raises(EndpointRefused, match="leased-here"):
        pair_with(moving, other)
    assert by_phone(moving, cloud, a_code(moving, made)) != 200
    moving.leases.reclaim(take.op_id, reason="搬家")
    pair_with(moving, other)
    assert_level(moving)


def test_a_move_that_is_stopped_half_way_leaves_everything_as_it_was(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    """While the ledger is written down for the new endpoint, when the old one redeems nothing any more."""
    made = sealed_batch(moving)
    for _ in range(3):
        moving.redemptions.redeem(a_code(moving, made), 5_000)
    whole = a_code(moving, made, 1)
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if total == 3:  # entries; the survey before has read one event
            assert by_phone(moving, cloud, whole) != 200
            raise JobCancelled

    merchant = moving.settings.merchant()
    code = other.pairing_code(merchant.id, merchant.name)
    with pytest.raises(JobCancelled):
        moving.cloud.pair(str(other.url()), code, progress=stop)
    assert seen
    assert moving.cloud.status().url == cloud.url()
    assert_level(moving)
    assert moving.batches.batch(made).frozen_at is None
    assert by_phone(moving, cloud, whole) == 200
    pair_with(moving, other)
    assert_level(moving)


def test_what_a_move_left_frozen_that_was_cut_off_is_thawed_by_the_next_sync(
    moving: Services, cloud: EmbeddedEndpoint, other: EmbeddedEndpoint
) -> None:
    made, frozen = (sealed_batch(moving) for _ in range(2))
    for _ in range(3):
        moving.redemptions.redeem(a_code(moving, made), 5_000)
    merchant = moving.settings.merchant()
    with ExitStack() as gone:

        def cut(_: int, total: int) -> None:
            if total == 3:
                gone.enter_context(away(cloud))  # so that nobody hears what is said on the way out
                raise JobCancelled

        with pytest.raises(JobCancelled):
            moving.cloud.pair(str(other.url()), other.pairing_code(merchant.id, merchant.name), progress=cut)
        moving.batches.freeze(frozen)  # by people, since
    assert by_phone(moving, cloud, a_code(moving, made, 1)) != 200
    assert_level(moving)
    assert_level(moving)
    assert [moving.batches.batch(one).frozen_at is None for one in (made, frozen)] == [True, False]
    assert [by_phone(moving, cloud, a_code(moving, one, 1)) == 200 for one in (made, frozen)] == [True, False]
