"""The counter without a line: leased cards are redeemed on this computer's word, and nothing is taken twice."""

from uuid import UUID

import msgspec
import pytest
from sqlalchemy import update

from app.config import Config
from app.errors import (
    EndpointRefused,
    EndpointUnreachable,
    InvalidInput,
    NotFound,
    ReasonMissing,
    RedemptionRefused,
    RedemptionUncertain,
)
from app.models.base import now
from app.models.lease import Lease
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from app.services.leases import Reach
from app.services.outbox import enqueue
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync.codes import canonical, digest
from sync.protocol import b64
from tests.drivers.endpoint import new_merchant, paired
from tests.drivers.online import (
    EVENING,
    a_batch,
    a_code,
    leased_without_a_line,
    pair_with,
    redeem_on_the_phone,
    sealed_batch,
)

FACE = 20_000


@pytest.fixture
def batch(online: Services) -> int:
    """Sealed: twenty cards of 200 yuan."""
    return sealed_batch(online)


@pytest.fixture
def lease(online: Services, batch: int) -> str:
    """Over the first ten cards, and no line any more."""
    return leased_without_a_line(online, batch)


def whole(services: Services) -> None:
    services.cloud.start_embedded()
    outcome = services.cloud.sync()
    assert (outcome.pending, outcome.rejected, outcome.differences) == (0, 0, ())
    verdict = services.integrity.verify(deep=True)
    assert verdict.ok, verdict.findings


def test_a_leased_card_is_redeemed_without_a_line_and_uploaded_later(online: Services, batch: int, lease: str) -> None:
    code = a_code(online, batch)
    verdict = online.redemptions.look(code)
    assert (verdict.reason, verdict.leased, verdict.remaining_minor) == (None, True, FACE)
    part = online.redemptions.redeem(code, 5_000, place="东门店")
    assert (part.redeemed_minor, part.remaining_minor, part.own_word) == (5_000, FACE - 5_000, True)
    rest = online.redemptions.redeem(code)
    assert (rest.redeemed_minor, rest.remaining_minor) == (FACE - 5_000, 0)
    with pytest.raises(RedemptionRefused, match="card-spent"):
        online.redemptions.redeem(code)
    assert [row.unsent for row in online.leases.leases()] == [2]
    whole(online)
    assert [(row.uses, row.minor, row.unsent) for row in online.leases.leases()] == [(2, FACE, 0)]
    online.leases.give_back(lease)
    assert online.leases.leases() == []
    assert online.redemptions.look(code).reason == "card-spent"


def test_a_card_without_a_lease_says_why_it_is_not_redeemed_offline(online: Services, batch: int, lease: str) -> None:
    verdict = online.redemptions.look(a_code(online, batch, 15))
    assert (verdict.reason, verdict.offline, verdict.leased) == ("no-lease", True, False)
    with pytest.raises(EndpointUnreachable):
        online.redemptions.redeem(a_code(online, batch, 15))


def test_nobody_else_redeems_a_leased_card(online: Services, batch: int) -> None:
    online.leases.take(batch, until=now() + EVENING, count=1)
    with pytest.raises(AssertionError):
        redeem_on_the_phone(online, a_code(online, batch))
    redeem_on_the_phone(online, a_code(online, batch, 1), 700)
    assert online.redemptions.redeem(a_code(online, batch)).own_word
    assert not online.redemptions.redeem(a_code(online, batch, 2)).own_word
    whole(online)


def test_beyond_the_limit_of_what_may_wait_the_line_is_needed(online: Services, batch: int, lease: str) -> None:
    online.settings.put("counter.offline_uses", 2)
    online.settings.put("counter.offline_minor", 3 * FACE)
    for at in range(2):
        online.redemptions.redeem(a_code(online, batch, at))
    stand = online.leases.standing()
    assert (stand.cards, stand.uses, stand.minor, stand.is_spent) == (8, 2, 2 * FACE, True)
    third = a_code(online, batch, 2)
    assert online.redemptions.look(third).reason == "shift-limit"
    with pytest.raises(RedemptionRefused, match="shift-limit"):
        online.redemptions.redeem(third)
    whole(online)
    assert online.leases.standing().uses == 0
    online.settings.put("counter.offline_minor", FACE - 1)
    online.cloud.stop_embedded()
    with pytest.raises(RedemptionRefused, match="shift-limit"):
        online.redemptions.redeem(third)
    assert online.redemptions.redeem(third, FACE - 1).remaining_minor == 1
    whole(online)


def test_a_use_is_taken_back_without_a_line(online: Services, batch: int, lease: str) -> None:
    code = a_code(online, batch)
    done = online.redemptions.redeem(code)
    back = online.redemptions.reverse(done.redemption_id, reason="扫错")
    assert (back.redeemed_minor, back.remaining_minor, back.own_word) == (-FACE, FACE, True)
    with pytest.raises(RedemptionRefused, match="already-reversed"):
        online.redemptions.reverse(done.redemption_id, reason="扫错")
    assert online.leases.standing().uses == 0
    assert online.redemptions.redeem(code, 100).remaining_minor == FACE - 100
    whole(online)
    assert [use.amount_minor for use in online.redemptions.last()] == [100, -FACE, FACE]


def test_a_lease_given_back_without_a_line_ends_here_at_once_and_there_behind_what_waits(
    online: Services, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    online.redemptions.redeem(code, 1_000)
    assert online.leases.give_back(lease).state == "returning"
    assert online.redemptions.look(code).reason == "no-lease"
    with pytest.raises(NotFound):
        online.leases.give_back(lease)
    whole(online)
    assert online.leases.leases() == []
    assert online.redemptions.redeem(code).redeemed_minor == FACE - 1_000


def test_a_lease_is_given_back_though_the_endpoint_does_not_start(
    online: Services, config: Config, batch: int, lease: str
) -> None:
    online.cloud._autostart, online.cloud._was_stopped = True, False  # as the window does, where it ended by itself
    secrets, aside = config.endpoint / "endpoint.db.secrets.json", config.endpoint / "aside"
    secrets.rename(aside)
    assert online.leases.give_back(lease).state == "returning"
    aside.rename(secrets)
    whole(online)
    assert online.leases.leases() == []


def test_a_lease_that_ran_out_is_used_no_more_and_its_entries_still_count(
    online: Services, vault: OpenVault, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    online.redemptions.redeem(code, 1_000)
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(until=now()))
    assert online.redemptions.look(code).reason == "no-lease"
    assert online.leases.standing().cards == 0
    online.cloud.start_embedded()
    assert online.redemptions.look(code).reason == "lease-over"
    with pytest.raises(RedemptionRefused, match="lease-over"):
        online.redemptions.redeem(code)
    online.cloud.sync()
    online.leases.give_back(lease)
    assert online.redemptions.redeem(code).redeemed_minor == FACE - 1_000
    whole(online)


def test_what_was_given_out_under_a_reclaimed_lease_comes_back_with_both_stories(
    online: Services, config: Config, batch: int, lease: str
) -> None:
    code, other = a_code(online, batch), a_code(online, batch, 1)
    online.redemptions.redeem(code, 15_000, place="东门店")
    online.redemptions.redeem(other, 100)
    url = online.cloud.start_embedded().url
    merchant = UUID(online.settings.merchant().id)
    manager = paired(url, new_merchant(str(config.endpoint / "endpoint.db"), merchant_id=merchant))
    manager.push("lease.reclaim@1", {"lease_id": lease, "reason": "没有回来"})
    manager.client.close()
    redeem_on_the_phone(online, code, 8_000)
    online.cloud.sync()
    (conflict,) = online.leases.conflicts()
    assert (conflict.amount_minor, conflict.reason, conflict.place) == (15_000, "insufficient-balance", "东门店")
    assert [(story.amount_minor, story.entry) for story in conflict.others] == [(8_000, "code")]
    assert online.redemptions.look(code).remaining_minor == FACE - 8_000
    assert online.redemptions.look(other).remaining_minor == FACE - 100
    whole(online)
    with pytest.raises(ReasonMissing):
        online.leases.settle(conflict.id, way="loss", note=" ")
    online.leases.settle(conflict.id, way="loss", note="记损")
    assert online.leases.conflicts() == []
    assert [one.way for one in online.leases.conflicts(settled=True)] == ["loss"]
    whole(online)


def test_a_use_that_was_taken_back_and_turns_out_a_conflict_leaves_nothing_behind(
    online: Services, config: Config, vault: OpenVault, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    done = online.redemptions.redeem(code)
    online.redemptions.reverse(done.redemption_id, reason="扫错")
    url = online.cloud.start_embedded().url
    merchant = UUID(online.settings.merchant().id)
    manager = paired(url, new_merchant(str(config.endpoint / "endpoint.db"), merchant_id=merchant))
    manager.push("lease.reclaim@1", {"lease_id": lease, "reason": "没有回来"})
    manager.client.close()
    redeem_on_the_phone(online, code)
    online.cloud.sync()
    assert [one.id for one in online.leases.conflicts()] == [done.redemption_id]
    assert online.redemptions.look(code).reason == "card-spent"
    whole(online)


def test_a_lease_that_is_not_given_is_told_and_leaves_nothing_in_the_queue(online: Services, batch: int) -> None:
    online.leases.take(batch, until=now() + EVENING, count=10)
    with pytest.raises(EndpointRefused, match="lease-taken"):
        online.leases.take(batch, until=now() + EVENING, first_no=10, count=2)
    assert online.cloud.queue() == []
    fresh = a_batch(online, kind="exchange")
    with pytest.raises(EndpointRefused, match="batch-unknown"):
        online.leases.take(fresh, until=now() + EVENING)
    whole(online)


def test_an_answer_that_was_lost_is_the_same_lease_when_it_is_asked_for_again(online: Services, batch: int) -> None:
    online.cloud.stop_embedded()
    with pytest.raises(EndpointUnreachable):
        online.leases.take(batch, until=now() + EVENING, count=3)
    online.cloud.start_embedded()
    taken = online.leases.take(batch, until=now() + EVENING, count=3)
    assert [row.id for row in online.leases.leases()] == [taken.id]
    whole(online)


@pytest.mark.parametrize(("first_no", "count"), [(0, 1), (1, 21), (21, None), (5, 0)])
def test_a_lease_of_cards_that_are_not_there_is_refused(
    online: Services, batch: int, first_no: int, count: int | None
) -> None:
    with pytest.raises(InvalidInput):
        online.leases.take(batch, until=now() + EVENING, first_no=first_no, count=count)
    with pytest.raises(InvalidInput):
        online.leases.take(batch, until=now())
    with pytest.raises(NotFound):
        online.leases.take(batch + 1, until=now() + EVENING)


def test_another_endpoint_gets_what_was_decided_and_knows_no_lease(
    online: Services, cloud: EmbeddedEndpoint, batch: int
) -> None:
    online.leases.take(batch, until=now() + EVENING)
    code = a_code(online, batch)
    online.redemptions.redeem(code, 3_000)
    pair_with(online, cloud)
    assert [row.state for row in online.leases.leases(ended=True)] == ["returned"]
    outcome = online.cloud.sync()
    assert (outcome.pending, outcome.rejected, outcome.differences) == (0, 0, ())
    assert online.redemptions.redeem(code).redeemed_minor == FACE - 3_000


def test_a_stop_that_was_heard_is_minded_under_a_lease(online: Services, batch: int, lease: str) -> None:
    code = a_code(online, batch)
    card_id = online.cards.find(code)
    online.cards.freeze(card_id)
    assert online.redemptions.look(code).reason == "card-frozen"
    online.cards.thaw(card_id)
    online.batches.freeze(batch)
    assert online.redemptions.look(code).reason == "batch-frozen"
    assert online.leases.standing().cards == 0


def test_a_card_used_up_under_a_lease_stays_so_though_its_end_was_heard_first_and_is_ended_once_it_is_taken_back(
    online: Services, config: Config, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    used = online.redemptions.redeem(code)
    url = online.cloud.start_embedded().url
    merchant = UUID(online.settings.merchant().id)
    manager = paired(url, new_merchant(str(config.endpoint / "endpoint.db"), merchant_id=merchant))
    (event,) = [event for event in manager.client.events("").events if event.type == "sealed@1"]
    uid = msgspec.json.decode(event.body)["batch_id"]
    manager.push("card.void@1", {"batch_id": uid, "card_no": 0})
    manager.client.close()
    for step in (online.cloud.pull, online.cloud.sync):
        step()
        assert online.cards.rows([online.cards.find(code)])[0].state == "spent"
    whole(online)
    online.redemptions.reverse(used.redemption_id, reason="x")
    for _ in range(2):
        assert online.redemptions.look(code).reason == "card-voided"
        online.cloud.sync()
    whole(online)


def test_batches_of_which_cards_can_be_leased_say_which_are_free(
    online: Services, vault: OpenVault, batch: int
) -> None:
    fresh = a_batch(online, kind="exchange")  # not sealed
    assert [(one.batch_id, one.free_no, one.free) for one in online.leases.leasable()] == [(batch, 1, 20)]
    online.leases.take(batch, until=now() + EVENING, first_no=4, count=3)
    assert [(one.free_no, one.free) for one in online.leases.leasable()] == [(7, 14)]
    online.leases.take(batch, until=now() + EVENING, first_no=7, count=14)
    assert [(one.free_no, one.free) for one in online.leases.leasable()] == [(1, 3)]
    online.leases.take(batch, until=now() + EVENING, count=3)
    assert online.leases.leasable() == []
    online.cloud.sync()
    assert [one.batch_id for one in online.leases.leasable()] == [fresh]
    online.batches.freeze(fresh)
    assert online.leases.leasable() == []


def test_a_freeze_reaches_what_others_have_leased_later_and_everything_else_when_there_is_a_line(
    online: Services, vault: OpenVault, batch: int
) -> None:
    fresh = a_batch(online)  # not at the endpoint: nobody waits for it
    online.leases.take(batch, until=now() + EVENING)
    assert online.leases.reach([batch]) == Reach()
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(incarnation="another"))
    assert online.leases.reach([batch, fresh]) == Reach(leased=1)
    online.cloud.stop_embedded()
    with pytest.raises(EndpointUnreachable):
        online.cloud.sync()
    assert online.leases.reach([batch]).waiting
    assert not online.leases.reach([fresh]).waiting
    assert online.leases.standing().offline


def test_a_lease_that_ran_out_is_counted_until_it_is_given_back(
    online: Services, vault: OpenVault, batch: int, lease: str
) -> None:
    assert (online.leases.standing().over, online.leases.leases()[0].over) == (0, False)
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(until=now()))
    assert (online.leases.standing().over, online.leases.leases()[0].over) == (1, True)
    assert ("leases-over", 1) in [(one.key, one.count) for one in online.home.today().todos]
    online.leases.give_back(lease)
    assert online.leases.standing().over == 0


def test_a_use_is_unsent_until_the_endpoint_has_confirmed_it(online: Services, batch: int, lease: str) -> None:
    online.redemptions.redeem(a_code(online, batch))
    assert [use.unsent for use in online.redemptions.last()] == [True]
    whole(online)
    assert [use.unsent for use in online.redemptions.last()] == [False]


def test_several_uses_of_one_card_come_back_as_conflicts_one_after_the_other(
    online: Services, config: Config, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    for amount in (15_000, 5_000):
        online.redemptions.redeem(code, amount)
    url = online.cloud.start_embedded().url
    merchant = UUID(online.settings.merchant().id)
    manager = paired(url, new_merchant(str(config.endpoint / "endpoint.db"), merchant_id=merchant))
    manager.push("lease.reclaim@1", {"lease_id": lease, "reason": "没有回来"})
    manager.client.close()
    redeem_on_the_phone(online, code)
    online.cloud.sync()
    assert sorted(one.amount_minor for one in online.leases.conflicts()) == [5_000, 15_000]
    whole(online)


def test_a_card_whose_answer_is_open_from_before_the_lease_is_not_redeemed_a_second_time(
    online: Services, vault: OpenVault, batch: int, lease: str
) -> None:
    code = a_code(online, batch)
    d = b64(digest(UUID(online.settings.merchant().id), canonical(code)))
    with vault.database.write(Topic.OUTBOX) as session:
        enqueue(session, "redeem@1", aggregate=f"counter:{d[:16]}", body={"d": d, "amount_minor": None, "uses": None})
    with pytest.raises(RedemptionUncertain):
        online.redemptions.redeem(code)
    assert online.redemptions.redeem(a_code(online, batch, 1)).own_word
    online.cloud.start_embedded()
    assert online.cloud.sync().rejected == 1  # the endpoint had not heard of it, and the card is leased
    assert online.redemptions.redeem(code).redeemed_minor == FACE
