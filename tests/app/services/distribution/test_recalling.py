"""Taking cards back: to stock only when nobody can know the code."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.errors import (
    AlreadyClaimed,
)
from app.models.base import now
from app.models.batch import Card
from app.models.distribution import Delivery, Distribution
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.distribution import (
    DistributionService,
)
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import Door, Spec, counts, deliveries, figures, stock
from tests.app.services.mail_peer import MailPeer


def test_a_mailed_card_returns_to_stock_once_its_link_is_dead(
    distributions: DistributionService, vault: OpenVault, spec: Spec, door: Door, product: int, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    ids = distributions.delivery_ids(run)
    assert distributions.recall(ids[:2]) == 2
    assert stock(vault, product) == 15
    door.answer()
    assert distributions.settle_recalls() == 2
    assert distributions.settle_recalls() == 0
    assert stock(vault, product) == 17
    assert counts(distributions.distribution(run)) == {"sent": 3, "recalled": 2}
    assert figures(vault) == {"issued": (3, 60000), "sent": (3, 0)}
    again = distributions.prepare(spec(channel="email"))
    assert counts(distributions.distribution(again)) == {"prepared": 2, "skipped": 3}


def test_a_recall_that_came_too_late_leaves_the_card_with_its_holder(
    distributions: DistributionService, vault: OpenVault, spec: Spec, door: Door, product: int, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    first = distributions.delivery_ids(run)[0]
    distributions.recall([first])
    door.refused.add(f"delivery:{first}")
    door.answer()
    distributions.settle_recalls()
    assert stock(vault, product) == 15
    assert counts(distributions.distribution(run)) == {"sent": 5}
    assert figures(vault)["sent"] == (5, 0)


def test_a_recall_refused_for_the_role_waits_for_another_one(
    distributions: DistributionService, vault: OpenVault, spec: Spec, door: Door, product: int, peer: MailPeer
) -> None:
    """The endpoint has not looked at the link: that the holder was quicker is not said, nor is it forgotten."""
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    first = distributions.delivery_ids(run)[0]
    distributions.recall([first])
    door.refused, door.problem = {f"delivery:{first}"}, {"key": "forbidden"}
    door.answer()
    assert distributions.settle_recalls() == 0
    assert counts(distributions.distribution(run)) == {"sent": 4, "recalled": 1}
    with vault.database.write(Topic.OUTBOX) as session:
        assert session.scalars(select(OutboxOp.state).where(OutboxOp.type == "link.recall@1")).all() == ["rejected"]
        session.execute(update(OutboxOp).where(OutboxOp.state == "rejected").values(state="waiting", problem=None))
    door.refused = set()
    door.answer()
    assert distributions.settle_recalls() == 1
    assert stock(vault, product) == 16


def test_a_recall_that_was_refused_for_the_role_and_is_tried_again_is_no_refused_one(
    distributions: DistributionService,
    services: Services,
    vault: OpenVault,
    spec: Spec,
    door: Door,
    product: int,
    peer: MailPeer,
) -> None:
    """The holder kept a card behind a link that was dead, and the list said that it was sent."""
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    first = distributions.delivery_ids(run)[0]
    distributions.recall([first])
    door.refused, door.problem = {f"delivery:{first}"}, {"key": "forbidden"}
    door.answer()
    (row,) = services.cloud.queue(states=("rejected",))
    services.cloud.retry(row.id)
    assert distributions.settle_recalls() == 0
    assert counts(distributions.distribution(run)) == {"sent": 4, "recalled": 1}
    door.refused = set()
    door.answer()
    assert distributions.settle_recalls() == 1
    assert counts(distributions.distribution(run)) == {"sent": 4, "recalled": 1}
    assert stock(vault, product) == 16


def test_a_link_that_never_left_gives_its_card_back_at_once(
    distributions: DistributionService, vault: OpenVault, spec: Spec, product: int
) -> None:
    run = distributions.prepare(spec(channel="email"))
    assert distributions.recall(distributions.delivery_ids(run)) == 5
    assert stock(vault, product) == 20
    with vault.database.read() as session:
        assert set(session.scalars(select(OutboxOp.state).where(OutboxOp.lane == "link"))) == {"withdrawn"}


def test_a_card_whose_code_is_in_the_world_is_voided(
    distributions: DistributionService, vault: OpenVault, spec: Spec, product: int
) -> None:
    run = distributions.prepare(spec())
    distributions.deliver(run)
    delivery = deliveries(vault, run)[0]
    assert distributions.recall([delivery.id]) == 1
    assert distributions.recall([delivery.id]) == 0
    with vault.database.read() as session:
        assert session.get_one(Card, delivery.card_id).state == "voided"
        op = session.scalars(select(OutboxOp).where(OutboxOp.type == "card.void@1")).one()
    assert op.body["card_no"] == 0
    assert stock(vault, product) == 15
    assert figures(vault)["delivered"] == (4, 0)


def test_an_opened_card_cannot_be_taken_back(
    distributions: DistributionService, vault: OpenVault, spec: Spec, peer: MailPeer
) -> None:
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        session.execute(update(Delivery).where(Delivery.no == 2).values(opened_at=now()))
    with pytest.raises(AlreadyClaimed) as refused:
        distributions.recall(distributions.delivery_ids(run))
    assert refused.value.count == 1
    assert counts(distributions.distribution(run)) == {"sent": 5}


@pytest.mark.parametrize("take_back", ["cancel", "recall"])
@pytest.mark.parametrize("is_written", [False, True])
def test_what_a_crash_cut_off_on_paper_can_be_taken_back(
    distributions: DistributionService,
    vault: OpenVault,
    spec: Spec,
    product: int,
    tmp_path: Path,
    is_written: bool,
    take_back: str,
) -> None:
    before = stock(vault, product)
    run = distributions.prepare(spec(name="中秋", out_folder=tmp_path))
    with vault.database.write(Topic.DISTRIBUTIONS) as session:  # as a kill leaves it while the file is written
        session.execute(update(Delivery).values(state="sending", attempts=1))
        session.execute(update(Distribution).values(state="sending"))
    if is_written:  # the kill came behind the last byte
        (tmp_path / f"中秋 {run}.xlsx").write_bytes(b"codes")
    assert distributions.wake() == 1
    if take_back == "cancel":
        assert distributions.cancel_rest(run) == 5
    else:
        assert distributions.recall(distributions.delivery_ids(run)) == 5
    assert stock(vault, product) == (before - 5 if is_written else before)
    assert distributions.distribution(run).total_minor == 0


def test_a_card_whose_recall_was_never_answered_is_voided_when_its_endpoint_is_left(
    distributions: DistributionService, vault: OpenVault, spec: Spec, door: Door, product: int, peer: MailPeer
) -> None:
    """Else it stands for ever with somebody from whom it was taken back, and is worth its money."""
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(run)
    first, second = deliveries(vault, run)[:2]
    distributions.recall([first.id, second.id])
    with vault.database.write(Topic.OUTBOX) as session:
        recalls = update(OutboxOp).where(OutboxOp.type == "link.recall@1")
        session.execute(recalls.values(state="withdrawn"))
        late = recalls.where(OutboxOp.aggregate == f"delivery:{second.id}")
        session.execute(late.values(problem={"key": "link-claimed"}))  # refused, and given up by hand
    distributions.settle_recalls()
    assert distributions.settle_recalls() == 0
    with vault.database.read() as session:
        states = [session.get_one(Card, one.card_id or 0).state for one in (first, second)]
        told = session.scalars(select(OutboxOp.type).where(OutboxOp.type == "card.void@1")).all()
    assert (states, len(told)) == (["voided", "assigned"], 1)
    assert stock(vault, product) == 15
    assert counts(distributions.distribution(run)) == {"sent": 4, "recalled": 1}
