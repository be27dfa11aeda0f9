"""One card of a product for each person, also after a retry; and what a plan says of budget and the last run."""

from collections import Counter

import pytest

from app.errors import NotEnoughCards, OverBudget
from app.services import Services
from app.services.batches import BatchSpec
from app.services.distribution import DistributionService
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import (
    RESEARCH,
    SALES,
    Spec,
    added,
    change,
    counts,
    figures,
    held,
    stock,
)
from tests.app.services.mail_peer import MailPeer


def test_the_guard_against_a_second_card_works_per_product(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, product: int, staff: dict[str, list[int]]
) -> None:
    distributions.prepare(by_rules(rules=(), product_id=product, person_ids=tuple(staff[SALES] + staff[RESEARCH])))
    plan = distributions.preview(by_rules())
    assert (plan.people, plan.skipped) == (4, tuple(staff[RESEARCH]))
    run = distributions.prepare(by_rules())
    assert counts(distributions.distribution(run)) == {"prepared": 4, "skipped": 5}
    again = distributions.prepare(by_rules())
    assert counts(distributions.distribution(again)) == {"skipped": 9}
    reasons = Counter(row.reason for row in distributions.deliveries_of(distributions.delivery_ids(again)))
    assert reasons == {"already-given": 7, "no-rule": 2}


def test_a_retry_gives_what_was_decided_even_after_a_move_to_another_department(
    distributions: DistributionService,
    vault: OpenVault,
    by_rules: Spec,
    gift_card: int,
    staff: dict[str, list[int]],
    peer: MailPeer,
) -> None:
    seller = staff[SALES][1]
    change(vault, seller, email=None)
    run = distributions.prepare(by_rules(channel="email"))
    assert counts(distributions.distribution(run)) == {"prepared": 6, "failed": 1, "skipped": 2}
    change(vault, seller, email="seller@firm.example", department=RESEARCH)
    assert distributions.retry_failed(run) == 1
    assert held(vault, run).count((gift_card, 30_000)) == 4
    distributions.deliver(run)
    row = distributions.distribution(run)
    assert (row.total_minor, counts(row)) == (180_000, {"sent": 7, "skipped": 2})
    assert figures(vault)["issued"] == (7, 180_000)


def test_a_retry_leaves_out_who_got_a_card_elsewhere_meanwhile(
    distributions: DistributionService, vault: OpenVault, spec: Spec, people: list[int], product: int, peer: MailPeer
) -> None:
    change(vault, people[0], email=None)
    run = distributions.prepare(spec(channel="email"))
    distributions.deliver(distributions.prepare(spec(person_ids=(people[0],))))
    change(vault, people[0], email="now@firm.example")
    assert distributions.retry_failed(run) == 0
    row = distributions.deliveries_of(distributions.delivery_ids(run))[0]
    assert (row.state, row.reason, row.card_id) == ("skipped", "already-given", None)
    assert stock(vault, product) == 15


def test_a_retry_without_enough_cards_of_the_face_changes_nothing(
    distributions: DistributionService,
    services: Services,
    vault: OpenVault,
    by_rules: Spec,
    gift_card: int,
    staff: dict[str, list[int]],
    peer: MailPeer,
) -> None:
    change(vault, staff[SALES][0], email=None)
    run = distributions.prepare(by_rules(channel="email"))
    spare = tuple(added(vault, ["外人"]))
    distributions.prepare(by_rules(rules=(), product_id=gift_card, amount_minor=30_000, person_ids=spare))
    change(vault, staff[SALES][0], email="s0@firm.example")
    with pytest.raises(NotEnoughCards):
        distributions.retry_failed(run)
    assert counts(distributions.distribution(run))["failed"] == 1
    services.batches.generate(BatchSpec(gift_card, 1, face_minor=30_000))
    assert distributions.retry_failed(run) == 1


def test_a_budget_that_is_too_small_takes_nothing(
    distributions: DistributionService, vault: OpenVault, by_rules: Spec, product: int, gift_card: int
) -> None:
    with pytest.raises(OverBudget) as refused:
        distributions.prepare(by_rules(budget_minor=179_999))
    assert (refused.value.total_minor, refused.value.budget_minor) == (180_000, 179_999)
    assert (stock(vault, product), stock(vault, gift_card)) == (20, 10)
    assert distributions.distributions() == []
    assert distributions.distribution(distributions.prepare(by_rules(budget_minor=180_000))).total_minor == 180_000


def test_a_plan_knows_the_last_run_like_it(
    distributions: DistributionService, vault: OpenVault, spec: Spec, by_rules: Spec, people: list[int]
) -> None:
    first = distributions.prepare(spec(name="八月", person_ids=tuple(people[:4])))
    distributions.prepare(by_rules(name="别的"))
    distributions.prepare(spec(name="打印", channel="print", allow_again=True))
    cancelled = distributions.prepare(spec(name="取消", allow_again=True))
    distributions.cancel_rest(cancelled)
    plan = distributions.preview(spec(person_ids=tuple(people[1:]), allow_again=True), compare=True)
    earlier = plan.earlier
    assert earlier is not None
    assert (earlier.id, earlier.people, earlier.total_minor) == (first, 4, 80_000)
    assert (earlier.joined, earlier.gone) == (1, 1)
    assert distributions.preview(spec(channel="email", allow_again=True), compare=True).earlier is None
    assert distributions.preview(spec(allow_again=True)).earlier is None


def test_whoever_holds_a_voided_card_gets_a_new_one(
    distributions: DistributionService, services: Services, vault: OpenVault, spec: Spec, product: int
) -> None:
    distributions.deliver(distributions.prepare(spec()))
    (leaked,) = services.batches.batches(product_id=product)
    services.batches.void(leaked.id, confirm=str(leaked.quantity))
    services.batches.generate(BatchSpec(product, 5))
    assert counts(distributions.distribution(distributions.prepare(spec()))) == {"prepared": 5}
    assert counts(distributions.distribution(distributions.prepare(spec()))) == {"skipped": 5}
