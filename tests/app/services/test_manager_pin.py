"""The manager's PIN: beyond the limit of what may wait, one card at a time; and nobody raises a limit without."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine

from app.errors import InvalidInput, PinLocked, PinWrong, RedemptionRefused, WrongPassphrase
from app.messages import sentence
from app.models.base import now
from app.services import Services
from app.services.leases.pin import PAUSE, TRIES
from tests.app.conftest import PASSPHRASE
from tests.drivers.online import a_batch, a_code

PIN, OTHER = "270815", "270816"
FACE = 20_000


@pytest.fixture
def guarded(services: Services) -> Services:
    services.leases.pin.put(PIN, passphrase=PASSPHRASE)
    return services


@pytest.fixture
def spent(online: Services) -> tuple[Services, int]:
    """A counter without a line whose limit is used up, and the batch of which it has a lease."""
    batch_id = a_batch(online)
    online.cloud.sync()
    online.leases.take(batch_id, until=now() + timedelta(hours=8), count=10)
    online.leases.pin.put(PIN, passphrase=PASSPHRASE)
    online.leases.limit(uses=1, minor=10 * FACE, pin=PIN)
    online.cloud.stop_embedded()
    online.redemptions.redeem(a_code(online, batch_id))
    return online, batch_id


def acts(services: Services) -> list[str]:
    return [row.action for row in services.audit.rows()]


def test_a_manager_lets_one_card_go_beyond_the_limit_and_the_next_is_refused_again(
    spent: tuple[Services, int],
) -> None:
    counter, batch_id = spent
    second, third = (a_code(counter, batch_id, at) for at in (1, 2))
    assert counter.redemptions.look(second).reason == "shift-limit"
    with pytest.raises(RedemptionRefused, match="shift-limit"):
        counter.redemptions.redeem(second)
    done = counter.redemptions.redeem(second, 5_000, pin=PIN)
    assert (done.redeemed_minor, done.remaining_minor, done.own_word) == (5_000, FACE - 5_000, True)
    assert "limit.overridden" in acts(counter)
    assert counter.leases.standing().uses == 2
    with pytest.raises(RedemptionRefused, match="shift-limit"):
        counter.redemptions.redeem(third)
    counter.cloud.start_embedded()
    outcome = counter.cloud.sync()
    assert (outcome.pending, outcome.rejected, outcome.differences) == (0, 0, ())
    assert counter.integrity.verify(deep=True).ok


def test_the_pin_undoes_no_other_refusal_and_within_the_limit_it_changes_nothing(
    spent: tuple[Services, int],
) -> None:
    counter, batch_id = spent
    used_up, foreign = a_code(counter, batch_id), a_code(counter, batch_id, 15)
    with pytest.raises(RedemptionRefused, match="card-spent"):
        counter.redemptions.redeem(used_up, pin=PIN)
    assert counter.redemptions.look(foreign).reason == "no-lease"
    counter.leases.limit(uses=20, minor=10 * FACE, pin=PIN)
    assert counter.redemptions.redeem(a_code(counter, batch_id, 3), pin=PIN).remaining_minor == 0
    assert "limit.overridden" not in acts(counter)


def test_a_wrong_pin_redeems_nothing_and_five_of_them_are_heard_no_more_for_a_while(
    spent: tuple[Services, int],
) -> None:
    counter, batch_id = spent
    code = a_code(counter, batch_id, 1)
    for left in range(TRIES - 1, 0, -1):
        with pytest.raises(PinWrong) as wrong:
            counter.redemptions.redeem(code, pin=OTHER)
        assert wrong.value.left == left
    with pytest.raises(PinLocked) as locked:
        counter.redemptions.redeem(code, pin=OTHER)
    assert (locked.value.minutes, "10" in sentence(locked.value)) == (10, True)
    with pytest.raises(PinLocked):
        counter.redemptions.redeem(code, pin=PIN)
    assert acts(counter).count("pin.wrong") == TRIES
    assert counter.leases.standing().uses == 1
    with time_machine.travel(now() + PAUSE + timedelta(seconds=1)):
        assert counter.redemptions.redeem(code, pin=PIN).redeemed_minor == FACE


def test_a_right_one_forgives_the_wrong_ones_before_it(guarded: Services) -> None:
    for _ in range(3):
        for _ in range(TRIES - 1):
            with pytest.raises(PinWrong):
                guarded.leases.pin.prove(OTHER)
        guarded.leases.pin.prove(PIN)


def test_a_clock_that_is_set_back_neither_ends_the_wait_nor_makes_it_longer_than_it_is(guarded: Services) -> None:
    for _ in range(TRIES - 1):
        with pytest.raises(PinWrong):
            guarded.leases.pin.prove(OTHER)
    with pytest.raises(PinLocked):
        guarded.leases.pin.prove(OTHER)
    before = now() - timedelta(days=400)
    with time_machine.travel(before), pytest.raises(PinLocked):
        guarded.leases.pin.prove(PIN)
    with time_machine.travel(before + PAUSE + timedelta(seconds=1)):
        guarded.leases.pin.prove(PIN)


def test_many_tries_at_once_are_counted_one_by_one(guarded: Services) -> None:
    """And each of them comes to an end."""

    def tried(pin: str) -> str:
        try:
            guarded.leases.pin.prove(pin)
        except (PinWrong, PinLocked) as refused:
            return type(refused).__name__
        return "right"

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(tried, [OTHER] * (2 * TRIES)))
    assert told.count("PinWrong") == TRIES - 1
    assert told.count("PinLocked") == TRIES + 1
    assert tried(PIN) == "PinLocked"


def test_limits_are_raised_with_the_pin_only_and_lowered_by_anybody(guarded: Services) -> None:
    for more in ({"uses": 21, "minor": 200_000}, {"uses": 20, "minor": 200_001}):
        with pytest.raises(InvalidInput, match="required"):
            guarded.leases.limit(**more)
        with pytest.raises(PinWrong):
            guarded.leases.limit(**more, pin=OTHER)
    guarded.leases.limit(uses=5, minor=100_000)
    guarded.leases.limit(uses=6, minor=100_000, pin=PIN)
    stand = guarded.leases.standing()
    assert (stand.most_uses, stand.most_minor, stand.pin) == (6, 100_000, True)


def test_without_a_pin_limits_are_free_and_no_pin_is_the_right_one(services: Services) -> None:
    services.leases.limit(uses=30, minor=300_000)
    assert services.leases.standing().most_uses == 30
    assert not services.leases.standing().pin
    with pytest.raises(PinWrong):
        services.leases.pin.prove("")


@pytest.mark.parametrize("pin", ["123", "1234567890123", "12a4", "1111", "１２３４", " 1234", "-123"])
def test_a_pin_is_four_to_twelve_digits_and_not_all_the_same(services: Services, pin: str) -> None:
    with pytest.raises(InvalidInput, match="four-to-twelve-digits"):
        services.leases.pin.put(pin, passphrase=PASSPHRASE)
    assert not services.leases.pin.is_set


def test_it_is_set_changed_and_removed_with_the_passphrase_and_stands_nowhere(services: Services) -> None:
    pin = services.leases.pin
    with pytest.raises(WrongPassphrase):
        pin.put(PIN, passphrase="not this one")
    pin.put(PIN, passphrase=PASSPHRASE)
    pin.put(OTHER, passphrase=PASSPHRASE)
    with pytest.raises(PinWrong):
        pin.prove(PIN)
    pin.prove(OTHER)
    assert all(one not in str(services.audit.rows()) for one in (PIN, OTHER))
    assert OTHER not in str(services.settings.get("counter.pin"))
    pin.put("", passphrase=PASSPHRASE)
    assert (pin.is_set, acts(services)[:3].count("pin.removed")) == (False, 1)
