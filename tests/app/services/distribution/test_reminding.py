"""Reminders: the same link in the same thread, to those who have not opened it, never twice within a day."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.errors import InvalidInput, MailServerRefused, NoEndpoint
from app.models.base import now
from app.models.batch import Batch
from app.models.distribution import Delivery, Reminder
from app.models.people import Person
from app.services import Services
from app.services.channels.letters import Template
from app.services.distribution import DistributionService
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Door, Spec, counts, deliveries
from tests.app.services.mail_peer import MailPeer

WEEK_AGO = now() - timedelta(days=7)


@pytest.fixture
def run(distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer) -> int:
    """Five mails that went out a week ago; the peer has forgotten them."""
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    put(vault, sent_at=WEEK_AGO)
    peer.arrived.clear()
    peer.receivers.clear()
    return run


def put(vault: OpenVault, no: int | None = None, **values: object) -> None:
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        wanted = update(Delivery).values(**values)
        session.execute(wanted if no is None else wanted.where(Delivery.no == no))


def age(vault: OpenVault, hours: int) -> None:
    """Let every reminder be so much older."""
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        for reminder in session.scalars(select(Reminder)):
            reminder.at -= timedelta(hours=hours)


def test_a_reminder_carries_the_same_link_in_the_same_thread(
    distributions: DistributionService, vault: OpenVault, run: int, peer: MailPeer
) -> None:
    assert distributions.to_remind(run) == 5
    done = distributions.remind(run)
    assert (done.sent, done.failed, done.uncertain, done.left) == (5, 0, 0, 0)
    first = deliveries(vault, run)[0]
    mail = peer.arrived[0]
    assert (mail["In-Reply-To"], mail["References"]) == (first.message_id, first.message_id)
    assert mail["Message-ID"] not in (None, first.message_id)
    assert mail["Subject"] == "Re: 某某商户：送你中秋福利卡"
    assert f"/c/{first.link_id}#{first.link_secret}" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    row = distributions.deliveries_of([first.id])[0]
    assert (row.reminders, row.reminded_at is not None, row.state) == (1, True, "sent")
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_nobody_is_reminded_twice_within_a_day(
    distributions: DistributionService, vault: OpenVault, run: int, peer: MailPeer
) -> None:
    distributions.remind(run)
    assert distributions.to_remind(run) == 0
    assert distributions.remind(run).sent == 0
    age(vault, 23)
    assert distributions.remind(run).sent == 0
    age(vault, 2)
    assert distributions.remind(run).sent == 5
    assert Counter(peer.receivers) == Counter({f"p{n}@firm.example": 2 for n in range(5)})
    assert distributions.deliveries_of(distributions.delivery_ids(run))[0].reminders == 2


def test_only_those_are_reminded_who_can_still_open_it(
    distributions: DistributionService, services: Services, vault: OpenVault, run: int, peer: MailPeer
) -> None:
    put(vault, 1, opened_at=now())
    put(vault, 2, sent_at=now() - timedelta(days=2))
    put(vault, 3, claimed_at=now(), state="claimed")
    services.cards.void(deliveries(vault, run)[3].card_id or 0, reason="lost")
    with vault.database.write(Topic.PEOPLE) as session:
        session.get_one(Person, deliveries(vault, run)[4].person_id).left_at = now()
    assert distributions.to_remind(run) == 0
    assert distributions.to_remind(run, days=1) == 1
    assert distributions.remind(run, days=1).sent == 1
    assert peer.receivers == ["p1@firm.example"]
    with vault.database.write(Topic.BATCHES) as session:
        session.execute(update(Batch).values(valid_until=now() - timedelta(days=1)))
    age(vault, 48)
    assert distributions.to_remind(run, days=0) == 0


def test_the_words_are_kept_for_the_next_time_and_checked(
    distributions: DistributionService, vault: OpenVault, run: int, peer: MailPeer
) -> None:
    for template, field in (
        (Template("还没领", "{name} 快来"), "body"),
        (Template("{link}", "{link}"), "subject"),
        (Template("", "{link}"), "subject"),
        (Template("x", "{link} {secret}"), "body"),
    ):
        with pytest.raises(InvalidInput) as refused:
            distributions.remind(run, template=template)
        assert refused.value.field == field
    with pytest.raises(InvalidInput):
        distributions.remind(run, days=-1)
    assert peer.arrived == []
    own = Template("{product} 等你领取", "{name}，{product} 还没领：{link}")
    distributions.remind(run, template=own)
    assert peer.arrived[0]["Subject"] == "中秋福利卡 等你领取"
    assert distributions.reminder_words(run) == own


def test_a_kill_while_reminding_doubles_nothing(
    distributions: DistributionService, vault: OpenVault, run: int, peer: MailPeer
) -> None:
    """As a kill leaves it: two are through, the third was handed over and nobody heard how that ended."""

    class Killed(BaseException):
        """Like a kill: nothing of ours is asked any more."""

    def kill(receiver: str) -> None:
        if receiver == "p2@firm.example":
            peer.hangs_up_for.add(receiver)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    peer.on_data = kill
    with pytest.raises(Killed):
        distributions.remind(run, stop)
    third = deliveries(vault, run)[2]
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.add(Reminder(delivery_id=third.id, message_id="<cut@shop.example>", state="sending", at=now()))
    peer.on_data = lambda receiver: None
    done = distributions.remind(run)
    assert done.sent == 2
    assert peer.receivers == [f"p{n}@firm.example" for n in (0, 1, 3, 4)]
    with vault.database.read() as session:
        states = Counter(session.scalars(select(Reminder.state)))
    assert states == {"sent": 4, "uncertain": 1}


def test_a_server_that_refuses_leaves_them_to_be_reminded_later(
    distributions: DistributionService, vault: OpenVault, run: int, peer: MailPeer
) -> None:
    peer.at_mail = "553 5.7.1 not your address"
    with pytest.raises(MailServerRefused) as refused:
        distributions.remind(run)
    assert refused.value.said == peer.at_mail
    assert distributions.to_remind(run) == 5
    peer.at_mail = ""
    peer.at_rcpt["p1@firm.example"] = "450 4.2.0 later"
    done = distributions.remind(run)
    assert (done.sent, done.failed) == (4, 1)
    assert distributions.to_remind(run) == 1
    for n in range(5):
        peer.at_rcpt[f"p{n}@firm.example"] = "450 4.2.0 later"
    age(vault, 25)
    with pytest.raises(MailServerRefused) as pause:
        distributions.remind(run)
    assert pause.value.reason == "server-wants-pause"


def test_without_a_phone_page_nobody_is_reminded(
    distributions: DistributionService, run: int, door: Door, peer: MailPeer
) -> None:
    door.base = None
    with pytest.raises(NoEndpoint):
        distributions.remind(run)
    assert peer.arrived == []
