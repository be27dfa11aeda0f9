"""Whatever the roster, the rules and the stock: nobody gets two cards of a product, and receipts are the cards' sum."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.errors import AppError, InvalidInput, NotEnoughCards, OverBudget
from app.models.batch import Batch, Card
from app.models.people import Person
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionService, DistributionSpec, Gift, Rule
from app.services.stock import stock_of
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.app.services.distribution.parts import added, deliveries, figures

DEPARTMENTS = ("研发部", "市场部", "行政部", "")
FACES = (10_000, 20_000, 30_000)
FIXED, VARIABLE, EXCHANGE = 0, 1, 2
FIXED_FACE = 8_800
Wish = tuple[int, int | None] | None
"""(kind, face), or nothing."""

wishes: st.SearchStrategy[Wish] = st.one_of(
    st.none(),
    st.just((FIXED, None)),
    st.just((EXCHANGE, None)),
    st.tuples(st.just(VARIABLE), st.sampled_from(FACES)),
)
KINDS: tuple[tuple[int, int | None], ...] = ((FIXED, None), (EXCHANGE, None), *((VARIABLE, face) for face in FACES))
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Every example stays in the one vault, so looking for a smaller one would take for ever."""
numbers = count()


@dataclass(frozen=True)
class Case:
    """`roster`: department of each person. `again`: places that name an earlier person once more. `spare`: of each kind
    and face, how many more cards than needed there are; `order`: in which their batches are made. `left_over`: of the
    budget."""

    roster: Sequence[str]
    again: Sequence[int]
    rules: Sequence[tuple[frozenset[str], Wish]]
    rest: Wish
    spare: Sequence[int]
    order: Sequence[int]
    left_over: int | None

    def wish(self, department: str) -> Wish:
        """What somebody must get: said once more, as plainly as can be."""
        for departments, wish in self.rules:
            if department in departments:
                return wish
        return self.rest


cases = st.builds(
    Case,
    roster=st.lists(st.sampled_from(DEPARTMENTS), min_size=1, max_size=9),
    again=st.lists(st.integers(0, 8), max_size=2),
    rules=st.lists(st.tuples(st.frozensets(st.sampled_from(DEPARTMENTS), min_size=1), wishes), max_size=3),
    rest=wishes,
    spare=st.lists(st.sampled_from((0, 0, 0, 1, 3, -1)), min_size=len(KINDS), max_size=len(KINDS)),
    order=st.permutations(range(len(KINDS))),
    left_over=st.sampled_from((None, None, 0, 500, -1)),
)


@settings(max_examples=40, phases=UNSHRUNK, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases)
def test_receipts_are_the_sum_of_the_cards_taken_and_a_refusal_takes_none(
    distributions: DistributionService, services: Services, vault: OpenVault, tmp_path: Path, case: Case
) -> None:
    people = added(vault, [f"员工{n}" for n in range(len(case.roster))])
    move(vault, people, case.roster)
    listed = (*people, *(people[at] for at in case.again if at < len(people)))
    wanted = {person: wish for person, name in zip(people, case.roster, strict=True) if (wish := case.wish(name))}
    total = sum(face_of(wish) for wish in wanted.values())
    products = made(services, case, Counter(wanted.values()))
    budget = None if case.left_over is None else max(0, total + case.left_over)
    spec = DistributionSpec(
        case.rest and products[case.rest[0]],
        listed,
        "file",
        "随机",
        out_folder=tmp_path,
        amount_minor=case.rest and case.rest[1],
        rules=tuple(Rule(tuple(departments), gift(wish, products)) for departments, wish in case.rules),
        budget_minor=budget,
    )
    before = stocks(vault, products)
    short = any(times > before[wish] for wish, times in Counter(wanted.values()).items())
    over = budget is not None and total > budget
    runs = len(distributions.distributions())
    run, refusal = prepared(distributions, spec)
    if run is None:
        nothing = case.rest is None and not any(wish for _, wish in case.rules)
        assert isinstance(refusal, InvalidInput) == nothing
        assert nothing or short or over
        assert stocks(vault, products) == before
        assert len(distributions.distributions()) == runs
        return
    assert not short
    assert not over
    taken = cards_of(vault, run)
    assert {person: (products.index(product), face) for person, product, face in taken} == {
        person: (wish[0], FIXED_FACE if wish[0] == FIXED else wish[1]) for person, wish in wanted.items()
    }
    assert len(taken) == len(wanted)
    receipt = distributions.receipt(run)
    assert sum(line.amount_minor or 0 for line in receipt.lines) == total
    assert next(iter(receipt.totals.values())) == (len(listed), total or None)
    row = distributions.distribution(run)
    assert sum(one.total_minor for one in row.products) == row.total_minor == total
    after = stocks(vault, products)
    assert {wish: before[wish] - after[wish] for wish in before} == {
        wish: Counter(wanted.values())[wish] for wish in before
    }
    again = distributions.preview(spec)
    assert (again.people, again.total_minor) == (0, 0)
    figures(vault)


def prepared(distributions: DistributionService, spec: DistributionSpec) -> tuple[int | None, AppError | None]:
    """The distribution, or what refused it."""
    try:
        return distributions.prepare(spec), None
    except (InvalidInput, NotEnoughCards, OverBudget) as refusal:
        return None, refusal


def made(services: Services, case: Case, needed: Counter[tuple[int, int | None]]) -> list[int]:
    """A product of each kind, and a batch of each face as the case has them."""
    add, number = services.catalog.add, next(numbers)
    products = [
        add(ProductSpec(f"定额{number}", "fixed", face_minor=FIXED_FACE)),
        add(ProductSpec(f"礼金{number}", "variable", min_minor=FACES[0], max_minor=FACES[-1], step_minor=10_000)),
        add(ProductSpec(f"提货券{number}", "exchange")),
    ]
    for at in case.order:
        kind, face = KINDS[at]
        quantity = needed[KINDS[at]] + case.spare[at]
        if quantity > 0:
            services.batches.generate(BatchSpec(products[kind], quantity, face_minor=face))
    return products


def move(vault: OpenVault, people: Sequence[int], names: Sequence[str]) -> None:
    """Into these departments."""
    with vault.database.write(Topic.PEOPLE) as session:
        for person, name in zip(people, names, strict=True):
            session.get_one(Person, person).department = name


def gift(wish: Wish, products: Sequence[int]) -> Gift | None:
    return wish and Gift(products[wish[0]], wish[1])


def face_of(wish: Wish) -> int:
    assert wish is not None, "asked for with a card"
    return FIXED_FACE if wish[0] == FIXED else wish[1] or 0


def stocks(vault: OpenVault, products: Sequence[int]) -> dict[Wish, int]:
    """What there is of each kind and face."""
    with vault.database.read() as session:
        return {wish: stock_of(session, products[wish[0]], wish[1]) for wish in KINDS}


def cards_of(vault: OpenVault, run: int) -> list[tuple[int, int, int | None]]:
    """(person, product, face) of each card, by what its batch says."""
    found = []
    with vault.database.read() as session:
        for delivery in deliveries(vault, run):
            if delivery.card_id is not None:
                wanted = select(Batch.product_id, Batch.face_minor).join(Card, Card.batch_id == Batch.id)
                product, face = session.execute(wanted.where(Card.id == delivery.card_id)).one()
                found.append((delivery.person_id, product, face))
    return found
