"""What failed is mended and goes another way: the old link ends first, no card travels twice, the sums hold."""

from collections import Counter
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from app.errors import (
    AlreadyClaimed,
    AlreadyHandedOut,
    DeliveriesOpen,
    EndpointUnreachable,
    InBin,
    InvalidInput,
    NoEndpoint,
    NotFound,
)
from app.models.base import now
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp
from app.models.people import Person
from app.services import Services
from app.services.distribution import DistributionService
from app.services.progress import Progress
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Door, Spec, added, counts, deliveries, figures, stock
from tests.app.services.mail_peer import MailPeer

NO_SUCH = "550 5.1.1 no such user"


class DoorAway(Door):
    """An endpoint that does not answer until it is back."""

    def __init__(self, vault: OpenVault) -> None:
        super().__init__(vault)
        self.away = False

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        if self.away:
            raise EndpointUnreachable("https://cards.example/")
        super().push_links(distribution_id, progress)


@pytest.fixture
def door(vault: OpenVault) -> DoorAway:
    return DoorAway(vault)


def ops(vault: OpenVault, delivery_id: int) -> list[tuple[str, str]]:
    with vault.database.read() as session:
        wanted = select(OutboxOp.type, OutboxOp.state).where(OutboxOp.aggregate == f"delivery:{delivery_id}")
        return [(type_.partition("@")[0], state) for type_, state in session.execute(wanted.order_by(OutboxOp.id))]


def codes_in(path: str) -> dict[str, str]:
    """Name → code of a workbook of cards."""
    sheet = load_workbook(path).active
    return {str(row[1]): str(row[7]) for row in sheet.iter_rows(min_row=2, values_only=True)}


def mark(vault: OpenVault, no: int, **values: object) -> None:
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.no == no).values(**values))


def test_a_refused_mail_goes_on_paper_with_the_same_card_once_its_link_is_dead(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, peer: MailPeer, tmp_path: Path
) -> None:
    peer.at_rcpt["p1@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email", out_folder=None))
    distributions.deliver(run)
    refused = deliveries(vault, run)[1]
    done = distributions.change_channel([refused.id], "file", out_folder=tmp_path / "paper")
    assert (done.changed, done.waiting, done.unreachable) == (0, 1, 0)
    row = distributions.distribution(run)
    assert (counts(row), row.changing, row.retryable) == ({"sent": 4, "failed": 1}, 1, 0)
    assert distributions.retry_failed(run) == 0, "its link is on the way out"
    (file,) = distributions.deliver(run).files
    codes = codes_in(file)
    assert {name: services.cards.find_by_code(code) for name, code in codes.items()} == {"员工1": refused.card_id}
    assert ops(vault, refused.id) == [("link.put", "applied"), ("link.recall", "applied")]
    row = distributions.distribution(run)
    assert (counts(row), row.changing) == ({"sent": 5}, 0)
    moved = deliveries(vault, run)[1]
    assert (moved.channel, moved.change_to, moved.link_id, moved.attempts) == ("file", None, None, 2)
    assert figures(vault) == {"issued": (5, 100000), "sent": (5, 0), "delivered": (1, 0)}
    assert Counter(peer.receivers) == Counter(f"p{n}@firm.example" for n in (0, 2, 3, 4))


def test_nothing_is_printed_before_the_endpoint_has_ended_the_link(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, door: DoorAway, tmp_path: Path
) -> None:
    peer.at_rcpt["p1@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    refused = deliveries(vault, run)[1].id
    door.away = True
    distributions.change_channel([refused], "print", out_folder=tmp_path / "paper")
    with pytest.raises(EndpointUnreachable):
        distributions.deliver(run)
    assert not (tmp_path / "paper").exists()
    row = distributions.distribution(run)
    assert (counts(row), row.changing, row.state) == ({"sent": 4, "failed": 1}, 1, "paused")
    door.answer()
    distributions.settle_recalls()
    row = distributions.distribution(run)
    assert (counts(row), row.changing, row.state) == ({"sent": 4, "prepared": 1}, 0, "prepared")
    door.away = False
    assert len(distributions.deliver(run).files) == 2
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_a_link_that_was_opened_first_leaves_everything_as_it_was(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, door: Door, tmp_path: Path
) -> None:
    peer.hangs_up_for.add("p1@firm.example")
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    doubtful = deliveries(vault, run)[1].id
    distributions.change_channel([doubtful], "file", out_folder=tmp_path / "paper")
    door.refused.add(f"delivery:{doubtful}")
    assert distributions.deliver(run).files == ()
    row = distributions.deliveries_of([doubtful])[0]
    assert (row.state, row.channel, row.change_to, row.reason) == ("uncertain", "email", None, "opened-first")
    assert not (tmp_path / "paper").exists()
    assert figures(vault) == {"issued": (5, 100000), "sent": (4, 0)}


def test_what_waits_on_paper_goes_by_mail_at_once(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    nobody = added(vault, ["无邮箱"], email=None)
    run = distributions.prepare(spec(person_ids=(*spec().person_ids, *nobody)))
    done = distributions.change_channel(distributions.delivery_ids(run), "email")
    assert (done.changed, done.waiting, done.unreachable) == (5, 0, 1)
    assert figures(vault) == {"issued": (6, 120000)}
    result = distributions.deliver(run)
    assert (result.sent, len(result.files)) == (6, 1)
    assert list(codes_in(result.files[0])) == ["无邮箱"]
    assert Counter(peer.receivers) == Counter(f"p{n}@firm.example" for n in range(5))
    assert figures(vault) == {"issued": (6, 120000), "sent": (6, 0), "delivered": (1, 0)}


def test_what_was_handed_out_and_what_was_opened_stays(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    paper = distributions.prepare(spec())
    distributions.deliver(paper)
    with pytest.raises(AlreadyHandedOut) as handed_out:
        distributions.change_channel(distributions.delivery_ids(paper), "email")
    assert handed_out.value.count == 5
    mailed = distributions.prepare(spec(channel="email", allow_again=True))
    distributions.deliver(mailed)
    second = deliveries(vault, mailed)[1]
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.get_one(Delivery, second.id).opened_at = now()
    with pytest.raises(AlreadyClaimed) as opened:
        distributions.change_channel(distributions.delivery_ids(mailed), "file")
    assert opened.value.count == 1
    assert [one.change_to for one in deliveries(vault, mailed)] == [None] * 5
    with pytest.raises(AlreadyClaimed):
        distributions.readdress(second.id, "email", "new@firm.example")
    with vault.database.read() as session:
        assert session.scalar(select(func.count()).where(Person.email == "new@firm.example")) == 0


def test_a_change_that_cannot_be_is_refused_before_anything_is_touched(
    distributions: DistributionService, spec: Spec, door: DoorAway
) -> None:
    run = distributions.prepare(spec(channel="email", out_folder=None))
    ids = distributions.delivery_ids(run)
    with pytest.raises(InvalidInput):
        distributions.change_channel(ids, "pigeon")
    with pytest.raises(InvalidInput) as refused:
        distributions.change_channel(ids, "print")
    assert refused.value.field == "out_folder"
    with pytest.raises(NotFound):
        distributions.change_channel([999], "email")
    door.base = None
    with pytest.raises(NoEndpoint):
        distributions.change_channel(ids, "email")


def test_a_mended_address_takes_a_card_and_goes(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, product: int
) -> None:
    nobody = added(vault, ["无邮箱"], email=None)
    run = distributions.prepare(spec(channel="email", person_ids=tuple(nobody)))
    (failed,) = distributions.delivery_ids(run)
    for wrong, reason in (("", "required"), ("no address", "not-an-address"), ("a@b@c", "not-an-address")):
        with pytest.raises(InvalidInput) as refused:
            distributions.readdress(failed, "email", wrong)
        assert (refused.value.field, refused.value.reason) == ("email", reason)
    assert stock(vault, product) == 20
    done = distributions.readdress(failed, "email", " Found@Firm．example ")
    assert (done.changed, done.waiting) == (1, 0)
    assert stock(vault, product) == 19
    distributions.deliver(run)
    assert peer.receivers == ["Found@firm.example"]
    assert counts(distributions.distribution(run)) == {"sent": 1}
    assert figures(vault) == {"issued": (1, 20000), "sent": (1, 0)}


def test_a_refused_address_that_was_mended_gets_the_same_link(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    peer.at_rcpt["p1@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    before = deliveries(vault, run)[1]
    distributions.readdress(before.id, "email", "q1@firm.example")
    distributions.deliver(run)
    after = deliveries(vault, run)[1]
    assert (after.link_id, after.message_id) == (before.link_id, before.message_id)
    assert peer.receivers[-1] == "q1@firm.example"
    assert ops(vault, after.id) == [("link.put", "applied")]


def test_a_mail_that_went_to_the_wrong_person_loses_its_link_and_the_right_one_gets_another(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    before = deliveries(vault, run)[1]
    done = distributions.readdress(before.id, "email", "q1@firm.example")
    assert (done.changed, done.waiting) == (0, 1)
    distributions.deliver(run)
    after = deliveries(vault, run)[1]
    assert (after.state, after.card_id) == ("sent", before.card_id)
    assert after.link_id not in (None, before.link_id)
    assert after.message_id != before.message_id
    assert ops(vault, after.id) == [("link.put", "applied"), ("link.recall", "applied"), ("link.put", "applied")]
    assert peer.receivers[-1] == "q1@firm.example"
    assert str(after.link_id) in peer.arrived[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert figures(vault) == {"issued": (5, 100000), "sent": (5, 0)}


def test_a_phone_that_the_link_asks_for_is_mended_the_same_way(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    (nobody,) = added(vault, ["无手机"], phone=None, phone_tail=None)
    run = distributions.prepare(spec(channel="email", person_ids=(nobody,)))
    (failed,) = distributions.delivery_ids(run)
    assert distributions.deliveries_of([failed])[0].reason == "no-phone"
    with pytest.raises(InvalidInput) as refused:
        distributions.readdress(failed, "phone", "1380013")
    assert refused.value.reason == "not-a-phone"
    distributions.readdress(failed, "phone", "+86 139-0013-9000")
    distributions.deliver(run)
    assert len(peer.arrived) == 1
    with vault.database.read() as session:
        person = session.get_one(Person, nobody)
        assert (person.phone, person.phone_tail) == ("13900139000", "9000")


def test_what_is_on_its_way_to_another_channel_can_be_cancelled_and_taken_back(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer, door: DoorAway, product: int
) -> None:
    for n in (1, 2):
        peer.at_rcpt[f"p{n}@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    one, other = (deliveries(vault, run)[at].id for at in (1, 2))
    distributions.change_channel([one, other], "file")
    assert distributions.recall([one]) == 1
    assert distributions.cancel_rest(run) == 1
    door.answer()
    assert distributions.settle_recalls() == 2
    row = distributions.distribution(run)
    assert (counts(row), row.changing) == ({"sent": 3, "recalled": 2}, 0)
    assert stock(vault, product) == 17
    assert figures(vault) == {"issued": (3, 60000), "sent": (3, 0)}


def test_only_the_chosen_ones_are_tried_again(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    for n in (1, 2):
        peer.at_rcpt[f"p{n}@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    peer.at_rcpt.clear()
    assert distributions.retry_failed(run, [deliveries(vault, run)[at].id for at in (0, 2)]) == 1
    distributions.deliver(run)
    assert peer.receivers.count("p2@firm.example") == 1
    assert counts(distributions.distribution(run)) == {"sent": 4, "failed": 1}


def test_a_mail_channel_that_refuses_does_not_hold_up_the_paper(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec
) -> None:
    run = distributions.prepare(spec())
    distributions.change_channel(distributions.delivery_ids(run)[:2], "email")
    services.settings.put("mail.server", {})
    with pytest.raises(Exception, match="mail-not-set-up"):
        distributions.deliver(run)
    row = distributions.distribution(run)
    assert (counts(row), row.state) == ({"sent": 3, "prepared": 2}, "paused")
    receipt = distributions.receipt(run)
    whole, *parts = receipt.totals.values()
    assert whole == (5, 100000) == (sum(count for count, _ in parts), sum(amount for _, amount in parts))


# --- who lies in the recycle bin ---


def refused_by_two(distributions: DistributionService, spec: Spec, peer: MailPeer) -> int:
    """A run whose second and third mail the server refused."""
    peer.at_rcpt |= {"p1@firm.example": NO_SUCH, "p2@firm.example": NO_SUCH}
    run = distributions.prepare(spec(channel="email", out_folder=None))
    distributions.deliver(run)
    return run


def test_whoever_lies_in_the_recycle_bin_is_not_tried_again(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = refused_by_two(distributions, spec, peer)
    one, other = deliveries(vault, run)[1:3]
    services.removals.remove("person", [one.person_id])
    with pytest.raises(InBin):
        distributions.retry_failed(run, [one.id])
    assert distributions.retry_failed(run) == 1, "the other one"
    found = distributions.deliveries_of([one.id, other.id])
    assert [(row.state, row.reason) for row in found] == [("failed", "removed"), ("released", None)]
    peer.at_rcpt.clear()
    distributions.deliver(run)
    assert peer.receivers.count("p1@firm.example") == 0
    services.removals.restore("person", [one.person_id])
    assert distributions.retry_failed(run) == 1
    distributions.deliver(run)
    assert counts(distributions.distribution(run)) == {"sent": 5}


def test_no_other_way_leads_to_whoever_lies_in_the_recycle_bin(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, peer: MailPeer, tmp_path: Path
) -> None:
    run = refused_by_two(distributions, spec, peer)
    one, other = deliveries(vault, run)[1:3]
    services.removals.remove("person", [one.person_id])
    with pytest.raises(InBin):
        distributions.change_channel([one.id], "print", out_folder=tmp_path / "paper")
    with pytest.raises(InBin):
        distributions.readdress(one.id, "email", "right@firm.example")
    done = distributions.change_channel([one.id, other.id], "print", out_folder=tmp_path / "paper")
    assert (done.changed + done.waiting, done.unreachable) == (1, 1)
    assert (deliveries(vault, run)[1].channel, deliveries(vault, run)[1].change_to) == ("email", None)


def test_nobody_is_removed_while_their_card_waits_for_another_way(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, peer: MailPeer, tmp_path: Path
) -> None:
    peer.at_rcpt["p1@firm.example"] = NO_SUCH
    run = distributions.prepare(spec(channel="email", out_folder=None))
    distributions.deliver(run)
    refused = deliveries(vault, run)[1]
    distributions.change_channel([refused.id], "print", out_folder=tmp_path / "paper")
    with pytest.raises(DeliveriesOpen):
        services.removals.remove("person", [refused.person_id])
