"""How long a use can be undone, by clocks that stand still, run on or were set back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from app.models.base import now
from app.models.redemption import Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.redemptions import RedemptionService
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.drivers.trade import Trade


@pytest.fixture(autouse=True)
def time_stands_still() -> Iterator[None]:
    """A second that a slow machine takes to begin with would be missing at the end."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


class Counter:
    """The counter's service over a vault with one use, and its own clock."""

    def __init__(self, services: Services, vault: OpenVault, at: datetime) -> None:
        product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
        services.batches.generate(BatchSpec(product_id, 1))
        trade = Trade(vault.database)
        (card_id,) = trade.hand_out(product_id, 1, at=at)
        trade.redeem(card_id, 100, at=at)
        self.seconds = 1_000.0
        self._vault = vault
        self.service = RedemptionService(
            vault.database,
            services.audit,
            cards=services.cards,
            reader=services.redemptions._reader,
            cloud=services.cloud,
            leases=services.leases,
            settings=services.settings,
            clock=lambda: self.seconds,
        )

    def set_clock_back(self, by: timedelta) -> None:
        """As the list sees it: what happened then lies ahead now."""
        with self._vault.database.write(Topic.REDEMPTIONS) as session:
            session.execute(update(Redemption).values(at=now() + by))

    @property
    def undoable(self) -> bool:
        (use,) = self.service.last()
        return use.undoable


def test_a_clock_set_back_does_not_give_more_time_to_undo(services: Services, vault: OpenVault) -> None:
    counter = Counter(services, vault, now())
    assert counter.undoable
    counter.set_clock_back(timedelta(hours=1))
    counter.seconds += 119
    assert counter.undoable, "nor less"
    counter.seconds += 1
    assert not counter.undoable


@pytest.mark.parametrize(("ahead_s", "expected"), [(3_600, False), (30, True)])
def test_a_use_from_the_future_is_as_old_as_it_is_ahead(
    services: Services, vault: OpenVault, ahead_s: int, expected: bool
) -> None:
    """Another machine's clock may go a little before this one."""
    counter = Counter(services, vault, now() + timedelta(seconds=ahead_s))
    assert counter.undoable is expected
    counter.seconds += 120
    assert not counter.undoable


def test_a_machine_that_slept_has_not_stopped_the_time(services: Services, vault: OpenVault) -> None:
    counter = Counter(services, vault, now())
    assert counter.undoable
    counter.set_clock_back(-timedelta(minutes=3))
    assert not counter.undoable
