"""An endpoint that was put back and desktops of other roles than owner, or of another role than at the backup."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from tests.drivers.elsewhere import There, assert_level
from tests.drivers.online import a_code, let_in, pair_with, redeem_on_the_phone, sealed_batch


@pytest.fixture
def there(services: Services, cloud: EmbeddedEndpoint, tmp_path: Path) -> There:
    pair_with(services, cloud)
    return There(cloud, tmp_path / "backup")


def test_what_was_redeemed_of_a_distributors_batch_is_waited_for_and_comes_back(
    services: Services, there: There, second: Callable[[str], Services]
) -> None:
    """Nobody else has its cards: the used ones were whole again."""
    desk = second("desk")
    let_in(services, desk, "distributor", "发放")
    made = sealed_batch(desk)
    code, partly = (a_code(desk, made, at) for at in range(2))
    there.back_up()
    redeem_on_the_phone(desk, code)
    desk.redemptions.redeem(partly, 3_000)
    for one in (desk, services):
        assert_level(one)
    there.put_back()
    services.cloud.sync()
    assert services.cloud.status().recovery is not None
    for one in (desk, services):
        assert_level(one)
    assert services.cloud.status().recovery is None
    assert services.redemptions.look(code).reason == "card-spent"
    assert services.redemptions.look(partly).remaining_minor == 17_000
    assert there.is_whole()


def test_a_desktop_whose_role_is_lower_in_the_backup_tells_the_rest_once_it_has_it_back(
    services: Services, there: There, second: Callable[[str], Services]
) -> None:
    desk = second("desk")
    row = let_in(services, desk)
    there.back_up()
    services.devices.change_role(row, "manager")
    made = sealed_batch(desk)
    code = a_code(desk, made)
    redeem_on_the_phone(desk, code, 500)
    for one in (desk, services):
        assert_level(one)
    there.put_back()
    services.cloud.sync()
    assert desk.cloud.sync().differences != ()  # it may not make batches: what it has to tell waits
    services.devices.change_role(row, "manager")
    for _ in range(2):
        assert_level(desk)
    assert services.redemptions.look(code).remaining_minor == 19_500
    assert there.is_whole()
