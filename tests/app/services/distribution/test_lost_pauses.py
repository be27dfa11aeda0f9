"""A pause stays a pause, and a run stays a run, whatever else is done to the distribution meanwhile."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.models.base import now
from app.services.distribution import DistributionService
from app.services.progress import Progress
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import Door, Spec, counts, deliveries
from tests.app.services.mail_peer import MailPeer

NO_SUCH = "550 5.1.1 no such user"


class DoorWithATurn(Door):
    """Something happens once while links are pushed."""

    def __init__(self, vault: OpenVault) -> None:
        super().__init__(vault)
        self.meanwhile: Callable[[], object] = lambda: None

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        super().push_links(distribution_id, progress)


@pytest.fixture
def door(vault: OpenVault) -> DoorWithATurn:
    return DoorWithATurn(vault)


def stop_at(service: DistributionService, peer: MailPeer, receiver: str, run: int) -> None:
    peer.on_data = lambda who: service.pause(run) if who == receiver else None


@pytest.mark.parametrize("mended", ["retried", "readdressed", "doubtful"])
def test_a_planned_run_that_was_paused_does_not_start_by_itself_after_a_repair(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, mended: str
) -> None:
    if mended == "doubtful":
        peer.hangs_up_for.add("p0@firm.example")
    else:
        peer.at_rcpt["p0@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email", scheduled_at=now() - timedelta(minutes=1)))
    assert distributions.due(now()) == [run]
    stop_at(distributions, peer, "p2@firm.example", run)
    distributions.deliver(run)
    first = deliveries(vault, run)[0].id
    if mended == "retried":
        assert distributions.retry_failed(run) == 1
    elif mended == "readdressed":
        assert distributions.readdress(first, "email", "better@firm.example").changed == 1
    else:
        assert distributions.resend_uncertain(run) == 1
    assert counts(distributions.distribution(run))["prepared"] == 3
    assert distributions.due(now()) == [], "somebody paused it"
    assert distributions.distribution(run).state == "paused"


def test_what_is_mended_before_its_time_still_goes_at_its_time(
    distributions: DistributionService, vault: OpenVault, spec: Spec, people: list[int], peer: MailPeer
) -> None:
    at = now() + timedelta(hours=1)
    run = distributions.prepare(spec(channel="email", scheduled_at=at))
    assert distributions.readdress(deliveries(vault, run)[0].id, "email", "better@firm.example").changed == 1
    assert distributions.due(at) == [run]


def test_sending_the_doubtful_again_does_not_stop_the_run_that_is_on(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    peer.hangs_up_for.add("p0@firm.example")
    run = distributions.prepare(spec(channel="email"))
    peer.on_data = lambda who: distributions.resend_uncertain(run) if who == "p2@firm.example" else None
    assert distributions.deliver(run).sent == 4
    assert counts(distributions.distribution(run)) == {"sent": 4, "prepared": 1}


def test_a_pause_while_old_links_end_is_heard(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, door: DoorWithATurn
) -> None:
    peer.at_rcpt["p0@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email"))
    stop_at(distributions, peer, "p2@firm.example", run)
    distributions.deliver(run)
    peer.on_data = lambda who: None
    assert distributions.readdress(deliveries(vault, run)[1].id, "email", "better@firm.example").waiting == 1
    door.meanwhile = lambda: distributions.pause(run)
    before = list(peer.receivers)
    distributions.deliver(run)
    assert peer.receivers == before
    assert counts(distributions.distribution(run)) == {"sent": 1, "failed": 1, "prepared": 3}
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 4, "failed": 1}
