"""Cards: virtual stock, cards with a life, finding, revealing, stopping."""

import pytest

from app.errors import CardSpent, NotEnoughCards, NotFound, ReasonMissing
from app.models.base import now
from app.models.people import Person
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.stock import put_back, stock_of, take
from app.services.vault.vaults import OpenVault
from app.topics import Topic


@pytest.fixture
def product(services: Services) -> int:
    return services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


@pytest.fixture
def batch(services: Services, product: int) -> int:
    return services.batches.generate(BatchSpec(product, 2500))


def people(vault: OpenVault, count: int) -> list[int]:
    with vault.database.write(Topic.PEOPLE) as session:
        rows = [
            Person(name=f"员工{n}", pinyin_key="", search="", created_at=now(), changed_at=now()) for n in range(count)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def given(vault: OpenVault, product: int, count: int) -> list[int]:
    holders = people(vault, count)
    with vault.database.write(Topic.CARDS) as session:
        return take(session, product, holders)


def test_untouched_stock_is_listed_without_a_row_each(services: Services, batch: int) -> None:
    ids = services.cards.ids(CardFilter(batch_id=batch))
    assert len(ids) == 2500
    rows = services.cards.rows(ids[:2])
    assert [row.serial[-6:] for row in rows] == ["002500", "002499"]
    assert {row.state for row in rows} == {"in_stock"}
    assert len(services.cards.ids(CardFilter(states=("spent",)))) == 0


def test_taken_cards_leave_the_stock_and_know_their_holder(
    services: Services, vault: OpenVault, product: int, batch: int
) -> None:
    cards = given(vault, product, 3)
    assert len(set(cards)) == 3
    assert list(services.cards.ids(CardFilter(states=("assigned",)), descending=False)) == sorted(cards)
    assert len(services.cards.ids(CardFilter(states=("in_stock",)))) == 2497
    row = services.cards.rows(cards)[0]
    assert (row.holder, row.balance_minor) == ("员工0", 20000)
    assert services.batches.batch(batch).counts.assigned == 3


@pytest.mark.parametrize("scattered", [False, True])
def test_a_page_over_several_batches_and_blocks_says_of_every_card_what_it_is(
    services: Services, vault: OpenVault, product: int, batch: int, *, scattered: bool
) -> None:
    """A block holds 1,024 codes; cards that do not exist are left out."""
    other = services.catalog.add(ProductSpec("体检套餐券", "exchange"))
    second = services.batches.generate(BatchSpec(other, 3))
    lived = given(vault, product, 2)
    services.cards.freeze(lived[1])
    first, after = (min(services.cards.ids(CardFilter(batch_id=one))) for one in (batch, second))
    wanted = [*lived, first + 1023, first + 1024, first + 2499, after + 2, after + 3, 10**9, 0]
    wanted = wanted[::2] + wanted[1::2] if scattered else list(range(first + 1000, after + 5))

    rows = services.cards.rows(wanted)

    known = {*range(first, first + 2500), *range(after, after + 3)}
    assert [row.id for row in rows] == [one for one in wanted if one in known]
    for row in rows[:4] + rows[-4:]:
        start, number, name = (after, second, "体检套餐券") if row.id >= after else (first, batch, "中秋福利卡")
        assert (row.batch_id, row.product) == (number, name)
        assert row.serial == f"{services.batches.batch(number).serial}-{row.id - start + 1:06d}"
        assert services.cards.reveal(row.id, reason="test").reveal().endswith(row.tail)
        assert (row.state, row.frozen) == ("assigned" if row.id in lived else "in_stock", row.id == lived[1])
        assert row.holder == ({lived[0]: "员工0", lived[1]: "员工1"}.get(row.id, ""))


def test_taking_goes_over_to_the_next_batch(services: Services, vault: OpenVault, product: int) -> None:
    services.batches.generate(BatchSpec(product, 2))
    services.batches.generate(BatchSpec(product, 2))
    assert len(set(given(vault, product, 3))) == 3


def test_too_few_cards_take_none(services: Services, vault: OpenVault, product: int) -> None:
    services.batches.generate(BatchSpec(product, 2))
    holders = people(vault, 3)
    with pytest.raises(NotEnoughCards) as refused, vault.database.write(Topic.CARDS) as session:
        take(session, product, holders)
    assert (refused.value.have, refused.value.need) == (2, 3)
    with vault.database.read() as session:
        assert stock_of(session, product) == 2


def test_frozen_and_voided_cards_are_never_handed_out(services: Services, vault: OpenVault, product: int) -> None:
    batch = services.batches.generate(BatchSpec(product, 4))
    ids = services.cards.ids(CardFilter(batch_id=batch), descending=False)
    services.cards.freeze(ids[0])
    services.cards.void(ids[1], reason="印坏了")
    with vault.database.read() as session:
        assert stock_of(session, product) == 2
    assert given(vault, product, 2) == [ids[2], ids[3]]
    with pytest.raises(NotEnoughCards):
        given(vault, product, 1)


def test_cards_of_a_frozen_batch_are_not_taken(services: Services, vault: OpenVault, product: int, batch: int) -> None:
    services.batches.freeze(batch)
    with pytest.raises(NotEnoughCards):
        given(vault, product, 1)


def test_a_card_put_back_is_handed_out_again(services: Services, vault: OpenVault, product: int) -> None:
    services.batches.generate(BatchSpec(product, 1))
    cards = given(vault, product, 1)
    with vault.database.write(Topic.CARDS) as session:
        put_back(session, cards)
    assert services.cards.rows(cards)[0].holder == ""
    assert given(vault, product, 1) == cards


def test_a_code_is_revealed_with_a_reason_and_found_by_it(services: Services, batch: int) -> None:
    card_id = services.cards.ids(CardFilter(batch_id=batch))[7]
    with pytest.raises(ReasonMissing):
        services.cards.reveal(card_id, reason=" ")
    code = services.cards.reveal(card_id, reason="顾客来电")
    assert code.reveal() not in repr(code)
    assert services.cards.find(f"  {code.reveal().lower().replace('-', '－')} ") == card_id
    entry = services.audit.rows(limit=1)[0]
    assert (entry.action, entry.details["reason"]) == ("card.revealed", "顾客来电")
    assert code.reveal()[-4:] == services.cards.rows([card_id])[0].tail


def test_an_unknown_code_is_refused_without_saying_it_back(services: Services, batch: int) -> None:
    with pytest.raises(NotFound) as refused:
        services.cards.find("GYJN-8SQV-EHEZ-DSG3-6WQP")
    assert "GYJN" not in str(refused.value)


def test_freezing_one_card_leaves_the_others(services: Services, batch: int) -> None:
    ids = services.cards.ids(CardFilter(batch_id=batch))
    services.cards.freeze(ids[0])
    assert [row.frozen for row in services.cards.rows(ids[:2])] == [True, False]
    assert list(services.cards.ids(CardFilter(frozen=True))) == [ids[0]]
    services.cards.thaw(ids[0])
    assert len(services.cards.ids(CardFilter(frozen=True))) == 0


def test_a_voided_card_is_over(services: Services, batch: int) -> None:
    card_id = services.cards.ids(CardFilter(batch_id=batch))[0]
    services.cards.void(card_id, reason="丢失")
    with pytest.raises(CardSpent):
        services.cards.freeze(card_id)
    assert services.batches.batch(batch).counts.voided == 1


def test_the_timeline_begins_with_the_batch(services: Services, batch: int) -> None:
    detail = services.cards.detail(services.cards.ids(CardFilter())[0])
    assert [entry.what for entry in detail.timeline] == ["generated"]


def test_sorting_by_change_puts_living_cards_first(
    services: Services, vault: OpenVault, product: int, batch: int
) -> None:
    cards = given(vault, product, 3)
    ids = services.cards.ids(CardFilter(), sort="changed_at")
    assert set(ids[:3]) == set(cards)
    assert len(ids) == 2500
