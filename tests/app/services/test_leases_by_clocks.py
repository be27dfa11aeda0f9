"""Leases of a computer whose clock is not the endpoint's: what it may not do by its own clock, it says of its clock."""

from datetime import timedelta

import pytest

from app.errors import EndpointRefused, EndpointUnreachable
from app.models.base import now
from app.services import Services
from sync import clock
from tests.drivers.elsewhere import assert_level
from tests.drivers.online import EVENING, a_code, sealed_batch

HOUR_MS = 3_600_000


@pytest.fixture
def batch(online: Services) -> int:
    """Sealed: twenty cards of 200 yuan."""
    return sealed_batch(online)


@pytest.mark.parametrize("hours", [-6, 6 * 24])
def test_a_lease_that_ends_at_no_time_by_the_endpoints_clock_is_refused_for_the_clock(
    online: Services, batch: int, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_offset_ms", hours * HOUR_MS)
    with pytest.raises(EndpointRefused, match="clock-skew"):
        online.leases.take(batch, until=now() + timedelta(hours=5 if hours < 0 else 7 * 24))
    assert (online.cloud.queue(), online.leases.leases()) == ([], [])


def test_a_clock_that_is_behind_is_told_of_instead_of_a_lease_that_ran_out(
    online: Services, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease was taken at a time that has not come here yet: giving it back would help nobody."""
    monkeypatch.setattr(clock, "_offset_ms", -HOUR_MS)
    online.leases.take(batch, until=now() + EVENING)
    code = a_code(online, batch)
    assert online.redemptions.look(code).reason == "clock-skew"
    online.cloud.stop_embedded()
    assert online.redemptions.look(code).reason == "clock-skew"
    online.cloud.start_embedded()
    monkeypatch.setattr(clock, "_offset_ms", 0)
    assert online.redemptions.redeem(code).own_word
    assert_level(online)


@pytest.mark.parametrize("synced", [False, True])
def test_a_lease_asked_for_without_a_line_whose_time_has_passed_is_in_nobodys_way(
    online: Services, batch: int, synced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was refused for ever, and the next one for the same batch was never asked for behind it."""
    online.cloud.stop_embedded()
    monkeypatch.setattr(clock, "_offset_ms", -24 * HOUR_MS)
    with pytest.raises(EndpointUnreachable):
        online.leases.take(batch, until=now() + EVENING, count=3)
    monkeypatch.setattr(clock, "_offset_ms", 0)
    online.cloud.start_embedded()
    if synced:
        assert online.cloud.sync().rejected == 1
    taken = online.leases.take(batch, until=now() + EVENING, count=5)
    assert [(row.id, row.cards) for row in online.leases.leases()] == [(taken.id, 5)]
    assert_level(online)
