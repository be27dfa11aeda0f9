"""A product has cards of several faces: a run counts and takes those of one, and two runs never share a card."""

from threading import Barrier, Thread

import pytest

from app.errors import InvalidInput, NotEnoughCards
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionService
from app.services.stock import faces_of, stock_of
from app.services.vault.vaults import OpenVault
from tests.app.services.distribution.parts import Spec, added, deliveries, held, stock


def test_a_run_takes_cards_of_its_face_only(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int
) -> None:
    wanted = spec(product_id=gift_card, amount_minor=20_000)
    plan = distributions.preview(wanted)
    assert (plan.people, plan.total_minor, plan.stock, plan.missing) == (5, 100_000, 6, 0)
    run = distributions.prepare(wanted)
    assert held(vault, run) == [(gift_card, 20_000)] * 5
    with vault.database.read() as session:
        assert faces_of(session, gift_card) == [(30_000, 4), (20_000, 1)]
        assert stock_of(session, gift_card, 20_000) == 1


def test_too_few_of_a_face_take_nothing_and_are_named(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int
) -> None:
    wanted = spec(product_id=gift_card, amount_minor=30_000)
    plan = distributions.preview(wanted)
    assert (plan.stock, plan.missing, plan.total_minor) == (4, 1, 150_000)
    with pytest.raises(NotEnoughCards) as refused:
        distributions.prepare(wanted)
    assert refused.value.data == {"have": 4, "need": 5, "product": "生日礼金 ¥300.00"}
    assert stock(vault, gift_card) == 10
    assert distributions.distributions() == []


def test_cards_put_back_keep_their_face(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int, people: list[int]
) -> None:
    run = distributions.prepare(spec(product_id=gift_card, amount_minor=30_000, person_ids=tuple(people[:4])))
    distributions.cancel_rest(run)
    again = distributions.prepare(spec(product_id=gift_card, amount_minor=20_000))
    assert held(vault, again) == [(gift_card, 20_000)] * 5


def test_without_an_amount_a_card_has_its_usual_face(
    distributions: DistributionService, services: Services, spec: Spec, gift_card: int
) -> None:
    plan = distributions.preview(spec(product_id=gift_card))
    assert [(share.amount_minor, share.missing) for share in plan.shares] == [(10_000, 5)]
    services.batches.generate(BatchSpec(gift_card, 5))
    assert distributions.distribution(distributions.prepare(spec(product_id=gift_card))).total_minor == 50_000


@pytest.mark.parametrize("amount", [9_900, 60_000, 25_000])
def test_an_amount_off_the_range_or_the_step_is_refused(
    distributions: DistributionService, spec: Spec, gift_card: int, amount: int
) -> None:
    for act in (distributions.preview, distributions.prepare):
        with pytest.raises(InvalidInput) as refused:
            act(spec(product_id=gift_card, amount_minor=amount))
        assert (refused.value.field, refused.value.reason) == ("amount", "out-of-range")


def test_only_a_variable_card_has_an_amount_to_choose(
    distributions: DistributionService, spec: Spec, product: int
) -> None:
    with pytest.raises(InvalidInput) as refused:
        distributions.prepare(spec(amount_minor=30_000))
    assert refused.value.reason == "not-variable"
    assert distributions.preview(spec(amount_minor=20_000)).total_minor == 100_000


def test_the_sum_of_a_plan_is_that_of_the_cards_which_would_be_taken(
    distributions: DistributionService, services: Services, spec: Spec
) -> None:
    product = services.catalog.add(ProductSpec("超市卡", "supplier"))
    cells = "\n".join(f"77000000000{n:05d}\tPIN{n:05d}\t{face}" for n, face in enumerate((50, 50, 100, 100, 100, 100)))
    services.supplier_imports.import_text(f"卡号\t密码\t面额\n{cells}", product)
    plan = distributions.preview(spec(product_id=product))
    row = distributions.distribution(distributions.prepare(spec(product_id=product)))
    assert plan.total_minor == row.total_minor
    assert plan.total_minor in (2 * 5_000 + 3 * 10_000, 5_000 + 4 * 10_000)


def test_two_that_race_for_the_last_cards_never_share_one(
    distributions: DistributionService, vault: OpenVault, spec: Spec, gift_card: int
) -> None:
    """Six cards of ¥200, three runs of two people and three of three: whoever comes too late gets nothing."""
    crowds = [tuple(added(vault, [f"{at}-{n}" for n in range(2 + at % 2)])) for at in range(6)]
    barrier, won, refused = Barrier(len(crowds)), [], []

    def race(crowd: tuple[int, ...]) -> None:
        barrier.wait()
        try:
            won.append(distributions.prepare(spec(product_id=gift_card, amount_minor=20_000, person_ids=crowd)))
        except NotEnoughCards:
            refused.append(crowd)

    threads = [Thread(target=race, args=(crowd,)) for crowd in crowds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(refused) == 6
    cards = [one.card_id for run in won for one in deliveries(vault, run)]
    assert len(cards) == len(set(cards))
    assert all(card == (gift_card, 20_000) for run in won for card in held(vault, run))
    with vault.database.read() as session:
        left = stock_of(session, gift_card, 20_000)
    assert (len(cards) + left, left < 3) == (6, True)
