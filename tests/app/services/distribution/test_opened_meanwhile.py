"""A mail that is opened while its server still thinks has come: whatever becomes of the line, nobody gets it twice."""

import pytest
from sqlalchemy import update

from app.models.base import now
from app.models.distribution import Delivery
from app.services.distribution import DistributionService
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Spec, counts, deliveries
from tests.app.services.mail_peer import MailPeer

P1 = "p1@firm.example"


def heard(vault: OpenVault, run: int, fact: str) -> None:
    """What a sync writes when the endpoint tells that the second person was there."""
    times = {"opened_at": now(), "delivered_at": now()} | ({"claimed_at": now()} if fact == "claimed" else {})
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        second = update(Delivery).where(Delivery.distribution_id == run, Delivery.no == 2)
        session.execute(second.values(**times))


@pytest.mark.parametrize(("fact", "state"), [("opened", "delivered"), ("claimed", "claimed")])
def test_a_line_that_breaks_afterwards_leaves_no_doubt(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, fact: str, state: str
) -> None:
    run = distributions.prepare(spec(channel="email"))
    peer.hangs_up_for.add(P1)
    peer.on_data = lambda who: heard(vault, run, fact) if who == P1 else None
    assert distributions.deliver(run).uncertain == 0
    second = deliveries(vault, run)[1]
    assert (second.state, second.reason, second.retryable) == (state, None, False)
    assert distributions.resend_uncertain(run) == 0
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_who_claimed_before_the_server_said_yes_stands_as_claimed(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    peer.on_data = lambda who: heard(vault, run, "claimed") if who == P1 else None
    distributions.deliver(run)
    second = deliveries(vault, run)[1]
    assert second.state == "claimed"
    assert second.sent_at is not None


def test_a_crash_afterwards_leaves_no_doubt_either(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    heard(vault, run, "opened")
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        both = update(Delivery).where(Delivery.distribution_id == run, Delivery.no.in_((2, 3)))
        session.execute(both.values(state="sending"))
    distributions.deliver(run)
    assert [one.state for one in deliveries(vault, run)[1:3]] == ["delivered", "uncertain"]
