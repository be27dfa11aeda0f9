"""A desktop whose role is changed while ops of it wait or are on their way: nothing is done twice, nothing is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from app.errors import EndpointRefused, RedemptionRefused, RedemptionUncertain
from app.models.base import now
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.devices import DeviceRow
from sync.protocol import Op, new_op_id, to_wire
from tests.drivers.elsewhere import assert_level, away
from tests.drivers.online import EVENING, a_batch, a_code, let_in, pair_with, redeem_on_the_phone, sealed_batch

FACE = 20_000
Opened = Callable[[str], Services]


@pytest.fixture
def owner(services: Services, cloud: EmbeddedEndpoint) -> Services:
    pair_with(services, cloud)
    return services


@contextmanager
def answers_lost(*, on_the_way: bool = False) -> Iterator[None]:
    """Every op comes there, or is lost `on_the_way` already, and no answer comes back."""
    real = HTTPAdapter.send

    def send(self: HTTPAdapter, request: requests.PreparedRequest, *more: Any, **named: Any) -> requests.Response:
        if on_the_way and str(request.url).endswith("/ops"):
            raise requests.ConnectionError
        answer = real(self, request, *more, **named)
        if str(request.url).endswith("/ops"):
            answer.close()
            raise requests.ConnectionError
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", send)
        yield


@pytest.mark.parametrize("scanned", [False, True])
def test_a_redemption_whose_answer_was_lost_stays_the_same_one_whatever_the_role_is_meanwhile(
    owner: Services, second: Opened, scanned: bool
) -> None:
    """Refused for the role, it was tried again under another id and took the money twice."""
    code = a_code(owner, sealed_batch(owner))
    desk = second("desk")
    row = let_in(owner, desk)
    with answers_lost(), pytest.raises(RedemptionUncertain):
        desk.redemptions.redeem(code, 5_000)
    owner.devices.change_role(row, "auditor")
    if scanned:
        assert desk.redemptions.redeem(code, 5_000).remaining_minor == FACE - 5_000
    assert desk.cloud.sync().rejected == 0
    owner.devices.change_role(row, "clerk")
    assert_level(desk)
    assert owner.redemptions.look(code).remaining_minor == FACE - 5_000


def test_a_wish_that_never_came_there_does_not_redeem_unseen_once_the_role_is_back(
    owner: Services, second: Opened
) -> None:
    code = a_code(owner, sealed_batch(owner))
    desk = second("desk")
    row = let_in(owner, desk)
    with answers_lost(on_the_way=True), pytest.raises(RedemptionUncertain):
        desk.redemptions.redeem(code, 5_000)
    owner.devices.change_role(row, "auditor")
    assert desk.cloud.sync().rejected == 1
    owner.devices.change_role(row, "clerk")
    assert desk.cloud.sync().rejected == 1
    assert owner.redemptions.look(code).remaining_minor == FACE


def leasing(owner: Services, second: Opened) -> tuple[Services, DeviceRow, int, str]:
    """A desk with a batch of its own and three of its cards leased."""
    desk = second("desk")
    row = let_in(owner, desk, "manager", "后台")
    made = sealed_batch(desk)
    taken = desk.leases.take(made, until=now() + EVENING, count=3)
    return desk, row, made, taken.id


@pytest.mark.parametrize("reclaimed", [False, True])
def test_what_a_counter_gave_out_under_a_lease_is_booked_whatever_its_role_is_since(
    owner: Services, second: Opened, reclaimed: bool
) -> None:
    desk, row, made, lease = leasing(owner, second)
    _, undone = (desk.redemptions.redeem(a_code(desk, made, at)) for at in range(2))
    desk.redemptions.reverse(undone.redemption_id, reason="扫错")
    owner.devices.change_role(row, "auditor")
    if reclaimed:
        owner.cloud.ask(lambda client: client.push([reclaim_of(lease)]))
    else:
        desk.leases.give_back(lease)
    assert_level(desk)
    assert (desk.leases.conflicts(), desk.leases.leases()) == ([], [])
    owner.cloud.sync()
    assert owner.redemptions.look(a_code(desk, made)).reason == "card-spent"
    assert owner.redemptions.look(a_code(desk, made, 1)).remaining_minor == FACE


def reclaim_of(lease: str) -> Op:
    return Op(new_op_id(), "lease.reclaim@1", to_wire(now()), {"lease_id": lease, "reason": "换人"})


def test_a_counter_that_heard_of_its_new_role_decides_no_more(owner: Services, second: Opened) -> None:
    desk, row, made, lease = leasing(owner, second)
    code, other = (a_code(desk, made, at) for at in range(2))
    used = desk.redemptions.redeem(code, 1_000)
    owner.devices.change_role(row, "auditor")
    desk.cloud.sync()
    assert desk.redemptions.look(other).reason == "forbidden"
    with pytest.raises(RedemptionRefused, match="forbidden"):
        desk.redemptions.redeem(other)
    assert used.own_word
    desk.leases.give_back(lease)
    assert_level(desk)
    assert owner.redemptions.look(other).reason is None


def test_who_may_undo_nothing_undoes_nothing_under_a_lease_either(owner: Services, second: Opened) -> None:
    """Else the customer is told so, and the endpoint refuses it for ever, with all that stands behind it."""
    desk = second("desk")
    let_in(owner, desk, "distributor", "发放")
    made = sealed_batch(desk)
    desk.leases.take(made, until=now() + EVENING, count=3)
    used = desk.redemptions.redeem(a_code(desk, made))
    with pytest.raises(RedemptionRefused, match="forbidden"):
        desk.redemptions.reverse(used.redemption_id, reason="扫错")
    assert_level(desk)


def test_what_the_role_does_not_allow_about_leases_is_told_at_once_and_leaves_everything_as_it_was(
    owner: Services, second: Opened
) -> None:
    """The lease was said to be taken back, the conflict was gone from the list, and the endpoint had refused both."""
    desk, row, made, lease = leasing(owner, second)
    code = a_code(desk, made)
    desk.redemptions.redeem(code)
    owner.cloud.ask(lambda client: client.push([reclaim_of(lease)]))
    redeem_on_the_phone(owner, code)
    desk.cloud.sync()
    (conflict,) = desk.leases.conflicts()
    taken = desk.leases.take(made, until=now() + EVENING, count=3)
    owner.devices.change_role(row, "clerk")
    with pytest.raises(EndpointRefused, match="forbidden"):
        desk.leases.settle(conflict.id, way="loss", note="x")
    with pytest.raises(EndpointRefused, match="forbidden"):
        desk.leases.reclaim(taken.id, reason="x")
    assert_level(desk)
    assert ([one.id for one in desk.leases.conflicts()], len(desk.leases.leases())) == ([conflict.id], 1)
    owner.devices.change_role(row, "manager")
    desk.leases.settle(conflict.id, way="loss", note="x")
    desk.leases.reclaim(taken.id, reason="x")
    assert_level(desk)
    assert (desk.leases.conflicts(), desk.leases.leases()) == ([], [])


def in_conflict(owner: Services, desk: Services, made: int, lease: str) -> str:
    """A card that was given out under a lease and used on the phone once that was taken back."""
    code = a_code(desk, made)
    desk.redemptions.redeem(code)
    owner.cloud.ask(lambda client: client.push([reclaim_of(lease)]))
    redeem_on_the_phone(owner, code)
    desk.cloud.sync()
    (conflict,) = desk.leases.conflicts()
    return conflict.id


def test_a_conflict_settled_without_a_line_that_the_role_does_not_allow_is_open_once_that_is_given_up(
    owner: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    """It was called settled here, and nowhere else."""
    desk, row, made, lease = leasing(owner, second)
    conflict = in_conflict(owner, desk, made, lease)
    owner.devices.change_role(row, "clerk")
    with away(cloud):
        desk.leases.settle(conflict, way="loss", note="x")
    assert (desk.cloud.sync().rejected, desk.leases.conflicts()) == (1, [])
    (refused,) = desk.cloud.queue(states=("rejected",))
    desk.cloud.withdraw(refused.id)
    assert [one.id for one in desk.leases.conflicts()] == [conflict]
    assert_level(desk)


def test_of_two_who_settle_a_conflict_without_a_line_the_first_is_believed_and_the_other_says_it_no_more(
    owner: Services, cloud: EmbeddedEndpoint, second: Opened
) -> None:
    desk, _, made, lease = leasing(owner, second)
    conflict = in_conflict(owner, desk, made, lease)
    with away(cloud):
        desk.leases.settle(conflict, way="loss", note="x")
    body = {"conflict_id": conflict, "way": "undone", "note": "y"}
    theirs = Op(new_op_id(), "conflict.settle@1", to_wire(now()), body)
    assert owner.cloud.ask(lambda client: client.push([theirs])).results[0].status == "applied"
    assert_level(desk)
    assert [(one.way, one.note) for one in desk.leases.conflicts(settled=True)] == [("undone", "y")]


def test_a_conflict_of_an_endpoint_that_was_left_is_settled_here(owner: Services, second: Opened) -> None:
    desk, _, made, lease = leasing(owner, second)
    code = a_code(desk, made)
    desk.redemptions.redeem(code)
    owner.cloud.ask(lambda client: client.push([reclaim_of(lease)]))
    redeem_on_the_phone(owner, code)
    desk.cloud.sync()
    (conflict,) = desk.leases.conflicts()
    desk.cloud.start_embedded()
    try:
        desk.leases.settle(conflict.id, way="loss", note="x")
        assert_level(desk)
        assert desk.leases.conflicts() == []
    finally:
        desk.cloud.stop_embedded()


def test_what_was_refused_for_the_role_goes_out_by_itself_once_that_is_given_back(
    owner: Services, second: Opened
) -> None:
    desk = second("desk")
    row = let_in(owner, desk, "manager", "后台")
    made = [a_batch(desk) for _ in range(3)]
    owner.devices.change_role(row, "clerk")
    assert desk.cloud.sync().rejected == 3
    assert {row.problem for row in desk.cloud.queue(states=("rejected",))} == {"forbidden"}
    owner.devices.change_role(row, "manager")
    assert_level(desk)
    assert desk.redemptions.look(a_code(desk, made[2])).remaining_minor == FACE


def test_and_once_it_is_let_in_with_it(owner: Services, second: Opened) -> None:
    desk = second("desk")
    row = let_in(owner, desk, "manager", "后台")
    made = a_batch(desk)
    owner.devices.change_role(row, "clerk")
    assert desk.cloud.sync().rejected == 1
    owner.devices.revoke(row)
    let_in(owner, desk, "manager", "后台二")
    assert_level(desk)
    assert desk.redemptions.look(a_code(desk, made)).remaining_minor == FACE
