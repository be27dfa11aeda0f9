"""An endpoint that was put back: what was decided under leases, by clerks, and in lives of its own in between."""

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select
from sqlcipher3 import dbapi2 as sqlite

from app.errors import EndpointRefused, JobCancelled
from app.models.base import now
from app.models.redemption import Redemption
from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from app.services.vault.vaults import OpenVault
from sync.protocol import from_ms
from sync.server import epochs
from sync.server.database import Store
from sync.server.endpoint import now_ms
from tests.drivers.elsewhere import There, assert_level, away
from tests.drivers.online import a_batch, a_code, let_in, pair_with, redeem_on_the_phone


@pytest.fixture
def there(services: Services, cloud: EmbeddedEndpoint, tmp_path: Path) -> There:
    pair_with(services, cloud)
    return There(cloud, tmp_path / "backup")


def leased(services: Services, there: There, code: str, batch_id: int) -> tuple[str, str]:
    """A use and its reversal, decided without a line some time before the endpoint hears of it."""
    services.leases.take(batch_id, until=now() + timedelta(hours=8), count=10)
    there.back_up()
    with away(there.endpoint), time_machine.travel(now() + timedelta(hours=2)):  # a clock that is fast
        use = services.redemptions.redeem(code)
        back = services.redemptions.reverse(use.redemption_id, reason="扫错")
    assert (use.own_word, back.own_word) == (True, True)
    return use.redemption_id, back.redemption_id


def stop_behind_pushing(done: int, total: int) -> None:
    if done == total:
        raise JobCancelled


def ledger(vault: OpenVault) -> dict[str, datetime]:
    with vault.database.read() as session:
        return dict(session.execute(select(Redemption.id, Redemption.at)).all())


def at_the_endpoint(there: There) -> dict[str, datetime]:
    with closing(sqlite.connect(str(there.endpoint.database))) as connection:
        return {row[0]: from_ms(row[1]) for row in connection.execute("SELECT op_id, at_ms FROM redemption")}


def test_what_was_decided_under_a_lease_stands_and_comes_back_as_the_endpoint_has_it(
    services: Services, vault: OpenVault, there: There
) -> None:
    """Whatever this clock said: with another time than the endpoint booked a receipt would be worth nothing."""
    batch_id = a_batch(services)
    assert_level(services)
    use, back = leased(services, there, a_code(services, batch_id), batch_id)
    before = ledger(vault)
    assert_level(services)
    told = ledger(vault)
    assert told == at_the_endpoint(there)
    assert all(told[entry] < before[entry] for entry in (use, back))
    there.put_back()
    assert_level(services)
    assert ledger(vault) == at_the_endpoint(there) == told
    assert there.feed().count("reversed@1") == 1
    assert there.is_whole()


def test_a_use_at_a_place_with_a_very_long_name_is_given_back(services: Services, there: There) -> None:
    """The endpoint read nothing of what came with it, at this sync and at every other."""
    batch_id = a_batch(services)
    assert_level(services)
    there.back_up()
    services.leases.take(batch_id, until=now() + timedelta(hours=8), count=10)
    assert services.redemptions.redeem(a_code(services, batch_id), 1_000, place="东门店，" * 60).own_word
    assert_level(services)
    there.put_back()
    assert_level(services)
    assert services.redemptions.look(a_code(services, batch_id)).remaining_minor == 19_000


def test_the_word_that_came_with_an_answer_finds_an_endpoint_out_and_the_answer_stands(
    services: Services, vault: OpenVault, there: There
) -> None:
    batch_id = a_batch(services)
    assert_level(services)
    use, back = leased(services, there, a_code(services, batch_id), batch_id)
    with pytest.raises(JobCancelled):  # the answers came, and nothing of the feed
        services.cloud.sync(stop_behind_pushing)
    decided = at_the_endpoint(there)
    there.put_back()
    assert_level(services)
    assert ledger(vault) == at_the_endpoint(there) == decided
    assert set(decided) == {use, back}
    assert there.is_whole()


def test_what_the_copy_has_of_a_lease_is_not_asked_with_another_body(services: Services, there: There) -> None:
    """Its answers were told and nothing of the feed; then something else was lost."""
    batch_id = a_batch(services)
    assert_level(services)
    leased(services, there, a_code(services, batch_id), batch_id)
    with pytest.raises(JobCancelled):
        services.cloud.sync(stop_behind_pushing)
    shutil.rmtree(there.backup)
    there.back_up()
    services.redemptions.redeem(a_code(services, batch_id, 15), 100)
    there.put_back()
    assert_level(services)
    assert there.is_whole()


def test_an_endpoint_that_was_put_back_twice_from_copies_of_other_times_is_heard_anew(
    services: Services, there: There, tmp_path: Path
) -> None:
    """The numbers of the events that were heard last stand for others in the later copy."""
    batch_id = a_batch(services)
    assert_level(services)
    there.back_up()
    for at in range(3):
        redeem_on_the_phone(services, a_code(services, batch_id, at), 100)
    later = tmp_path / "later"
    there.between(lambda folder: shutil.copytree(folder, later))
    for copy in (there.backup, later):
        there.between(lambda folder, copy=copy: _said_to_be_put_back(folder, copy))  # type: ignore[misc]
        assert_level(services)
    assert services.redemptions.look(a_code(services, batch_id)).remaining_minor == 19_900
    assert there.is_whole()


def _said_to_be_put_back(folder: Path, copy: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    store = Store(str(folder / "endpoint.db"))
    store.start()
    store.write_now(lambda transaction: epochs.begin_anew(transaction, now_ms(), cause="operator"))
    store.stop()


def test_a_clerk_says_again_what_nobody_else_has_heard(
    services: Services, there: There, second: Callable[[str], Services]
) -> None:
    """It may not say when that was decided: the endpoint decides once more, and not twice."""
    batch_id = a_batch(services)
    assert_level(services)
    clerk = second("clerk")
    let_in(services, clerk)
    clerk.cloud.sync()
    there.back_up()
    lost, heard = a_code(services, batch_id), a_code(services, batch_id, 1)
    clerk.redemptions.redeem(heard, 4_000)
    assert_level(services)
    clerk.redemptions.redeem(lost, 3_000)
    there.put_back()
    clerk.cloud.sync()
    for desk in (services, clerk, services):
        desk.cloud.sync()
    assert [clerk.cloud.sync().rejected, clerk.cloud.status().pending] == [0, 0]
    assert services.redemptions.look(lost).remaining_minor == 17_000
    assert services.redemptions.look(heard).remaining_minor == 16_000
    assert_level(services)
    assert there.is_whole()


def test_a_lease_that_is_asked_for_while_others_are_waited_for_is_refused_and_not_taken_later_unseen(
    services: Services, there: There, second: Callable[[str], Services]
) -> None:
    """It was said not to be there, and the next sync took it."""
    batch_id = a_batch(services)
    assert_level(services)
    other = second("other")
    let_in(services, other, "manager")
    there.begin_anew()
    services.cloud.sync()
    with pytest.raises(EndpointRefused) as refused:
        services.leases.take(batch_id, until=now() + timedelta(hours=8), count=10)
    assert refused.value.reason == "recovering"
    for desk in (other, services):
        assert_level(desk)
    assert services.leases.leases() == []
    assert services.leases.take(batch_id, until=now() + timedelta(hours=8), count=10).mine
