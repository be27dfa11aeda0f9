"""Mails in parts: never more than wished in any span, whatever stops the run in between."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.errors import JobCancelled
from app.models.base import now
from app.models.distribution import Delivery
from app.services import Services
from app.services.cards.codes import CodeReader
from app.services.channels.email import EmailChannel
from app.services.channels.file import FileChannel
from app.services.channels.printed import PrintChannel
from app.services.distribution import Channels, DistributionService
from app.services.sealing import Sealer
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Door, Spec, counts
from tests.app.services.mail_peer import MailPeer


class Waiting:
    """Acts once the run waits for its next part: asked a second time without having got on."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act, self._last = act, -1

    def __call__(self, done: int, total: int) -> None:
        if done == self._last:
            self._act()
        self._last = done


def cancel() -> None:
    raise JobCancelled


@pytest.fixture
def restarted(
    services: Services, vault: OpenVault, door: Door, post_office: tuple[MailPeer, EmailChannel]
) -> Callable[[], DistributionService]:
    """The program as it comes up again: nothing but the vault is known."""

    def made() -> DistributionService:
        channels = Channels(FileChannel(), PrintChannel(), post_office[1])
        reader = CodeReader(vault.database, Sealer(vault.keys))
        return DistributionService(
            vault.database, services.audit, reader=reader, cloud=door, settings=services.settings, channels=channels
        )

    return made


def age(vault: OpenVault, run: int, *, minutes: int) -> None:
    """As if what was sent had been sent so long ago."""
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        sent = update(Delivery).where(Delivery.distribution_id == run, Delivery.sent_at.is_not(None))
        session.execute(sent.values(sent_at=now() - timedelta(minutes=minutes)))


def test_a_run_in_parts_does_not_burst_after_a_restart(
    restarted: Callable[[], DistributionService], vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = restarted().prepare(spec(channel="email", pace=2, pace_minutes=10))
    for _ in range(2):  # stopped in the pause between two parts, and started again at once
        with pytest.raises(JobCancelled):
            restarted().deliver(run, Waiting(cancel))
        assert len(peer.arrived) == 2
    age(vault, run, minutes=9)
    with pytest.raises(JobCancelled):
        restarted().deliver(run, Waiting(cancel))
    assert len(peer.arrived) == 2
    age(vault, run, minutes=11)
    with pytest.raises(JobCancelled):
        restarted().deliver(run, Waiting(cancel))
    assert len(peer.arrived) == 4
    age(vault, run, minutes=11)
    assert restarted().deliver(run, Waiting(cancel)).sent == 1
    assert counts(restarted().distribution(run)) == {"sent": 5}


def test_a_pause_is_heard_while_the_run_waits_for_its_next_part(
    distributions: DistributionService, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email", pace=2, pace_minutes=600))
    done = distributions.deliver(run, Waiting(lambda: distributions.pause(run)))
    assert (done.sent, done.left, len(peer.arrived)) == (2, 3, 2)
    assert distributions.distribution(run).state == "paused"


def test_a_plan_knows_how_long_the_mails_take(distributions: DistributionService, spec: Spec, peer: MailPeer) -> None:
    plan = distributions.preview(spec(channel="email"))
    assert plan.takes(2, 10) == timedelta(minutes=20, seconds=1)
    assert plan.takes(5, 10) == plan.takes(None, 10) == timedelta(seconds=5)
    assert distributions.preview(spec()).takes(2, 10) == timedelta()
    distributions.deliver(distributions.prepare(spec(channel="email")))
    again = distributions.preview(spec(channel="email", allow_again=True))
    assert timedelta() < again.takes(None, 10) < timedelta(seconds=5)
