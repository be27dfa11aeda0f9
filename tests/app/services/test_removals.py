"""The recycle bin: what may go in, that it comes back whole, and what is left after 30 days."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import BatchInUse, BatchUnfinished, DeliveriesOpen, InBin, NotFound, ProductInUse
from app.messages import sentence
from app.models.base import now
from app.models.batch import Batch
from app.models.distribution import Delivery
from app.models.people import Person
from app.models.removal import Removal
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionSpec
from app.services.ledger import CardsOut, RedemptionFilter
from app.services.people import PersonFilter, Stored
from app.services.removals import KEPT_DAYS
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.drivers.trade import Trade

FACE = 20_000
LIST = """姓名\t手机\t部门\t工号\t邮箱
张三\t13800138000\t市场部\tA001\tzhang@firm.example
李四\t13900139000\t财务部\tA002\t
"""


@pytest.fixture
def product(services: Services) -> int:
    return services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=FACE))


@pytest.fixture
def batch(services: Services, product: int) -> int:
    return services.batches.generate(BatchSpec(product, 10))


@pytest.fixture
def staff(services: Services) -> tuple[int, int]:
    stored = bring(services)
    return stored.person_ids[2], stored.person_ids[3]


@pytest.fixture
def later(vault: OpenVault) -> Callable[[str], None]:
    """Everything in the bin was removed a little more than 30 days ago."""

    def move(kind: str) -> None:
        with vault.database.write(Topic.SETTINGS) as session:
            for row in session.query(Removal).filter(Removal.kind == kind):
                row.removed_at = now() - timedelta(days=KEPT_DAYS, seconds=1)

    return move


def bring(services: Services, text: str = LIST) -> Stored:
    return services.people.store(services.people.check(services.people.stage(text)))


def acts(services: Services) -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in services.audit.rows()]


def whole(services: Services) -> None:
    assert services.integrity.verify(deep=True).findings == ()
    assert services.audit.verify().ok


# --- people ---


def test_a_removed_person_is_out_of_every_list_and_comes_back_whole(services: Services, staff: tuple[int, int]) -> None:
    one, other = staff
    before = services.people.rows_of([one])
    assert services.removals.remove("person", [one, one]) == [one]
    assert services.people.ids() == [other]
    assert services.people.find("张三") == []
    assert services.people.departments() == ["财务部"]
    assert services.removals.remove("person", [one]) == [], "it is there already"
    [row] = services.removals.rows_of(services.removals.ids("person"))
    assert (row.kind, row.name, (row.gone_at - row.removed_at).days) == ("person", "张三", KEPT_DAYS)
    assert services.removals.restore("person", [one]) == 1
    assert services.people.rows_of(services.people.ids(PersonFilter("张三"))) == before
    assert services.removals.ids() == []
    assert ("person.removed", f"person:{one}") in acts(services)
    assert ("person.recovered", f"person:{one}") in acts(services)
    whole(services)


def test_many_people_are_one_entry_of_the_audit_log_each_way(services: Services) -> None:
    lines = "".join(f"员工{number}\t138{number:08d}\n" for number in range(600))
    many = sorted(bring(services, "姓名\t手机\n" + lines).person_ids.values())
    before = len(acts(services))
    services.removals.remove("person", many)
    assert len(services.removals.ids("person")) == 600
    assert services.removals.restore_entries(services.removals.ids("person")) == 600
    told = services.audit.rows()[: len(acts(services)) - before]
    assert {row.action: row.details["people"] for row in told} == {"person.removed": many, "person.recovered": many}
    assert sorted(services.people.ids()) == many


def test_a_removed_person_gets_no_card(
    services: Services, batch: int, product: int, staff: tuple[int, int], tmp_path: Path
) -> None:
    services.removals.remove("person", [staff[0]])
    run = services.distribution.prepare(DistributionSpec(product, staff, "file", "中秋", out_folder=tmp_path))
    rows = services.distribution.deliveries_of(services.distribution.delivery_ids(run))
    assert {(row.person_id, row.state, row.reason) for row in rows} == {
        (staff[0], "skipped", "removed"),
        (staff[1], "prepared", None),
    }


def test_somebody_with_a_card_underway_stays(
    services: Services, batch: int, product: int, staff: tuple[int, int], tmp_path: Path
) -> None:
    services.distribution.prepare(DistributionSpec(product, staff[:1], "file", "中秋", out_folder=tmp_path))
    with pytest.raises(DeliveriesOpen):
        services.removals.remove("person", list(staff))
    assert len(services.people.ids()) == 2, "all of them or none"


def test_a_list_with_a_removed_person_brings_them_back_and_makes_no_double(
    services: Services, staff: tuple[int, int]
) -> None:
    services.removals.remove("person", [staff[0]])
    checked = services.people.check(services.people.stage(LIST))
    assert [(row.line, w.kind) for row in checked.rows for w in row.warnings] == [(2, "person-removed")]
    stored = bring(services)
    assert (stored.created, stored.restored, stored.is_nothing_new) == (0, 1, False)
    assert stored.person_ids[2] == staff[0]
    assert sorted(services.people.ids()) == sorted(staff)
    assert ("person.recovered", f"person:{staff[0]}") in acts(services)
    assert bring(services).is_nothing_new


def test_after_thirty_days_a_persons_data_is_gone_and_the_ledger_still_adds_up(
    services: Services, vault: OpenVault, batch: int, product: int, later: Callable[[str], None]
) -> None:
    trade = Trade(vault.database)
    [card] = trade.hand_out(product, 1, at=now() - timedelta(days=3), steps=(1, 1, 1, 1))
    trade.redeem(card, FACE, at=now() - timedelta(days=2))
    with vault.database.read() as session:
        person = session.query(Delivery).one().person_id
    services.removals.remove("person", [person])
    assert list(services.cards.ids(CardFilter(person_id=person))) == [card], "not their history"
    assert not services.removals.due(now())
    later("person")
    assert services.removals.due(now())
    assert services.removals.ids() == [], "its time is up"
    assert services.removals.restore("person", [person]) == 0
    assert services.removals.purge(now()).people == 1
    with vault.database.read() as session:
        left = session.get_one(Person, person)
        assert (left.name, left.phone, left.phone_tail, left.email, left.employee_no, left.search) == (
            ("",) + (None,) * 4 + ("",)
        )
        assert session.query(Removal).count() == 0
    assert services.ledger.net_of(RedemptionFilter()) == (FACE, 0)
    assert list(services.cards.ids(CardFilter(person_id=person))) == [card]
    assert ("person.purged", f"person:{person}") in acts(services)
    whole(services)


# --- products ---


def test_a_product_with_live_batches_stays(services: Services, batch: int, product: int) -> None:
    with pytest.raises(ProductInUse) as refused:
        services.removals.remove("product", [product])
    assert "1" in sentence(refused.value)
    services.removals.remove("batch", [batch])
    services.removals.remove("product", [product])
    assert services.catalog.products(archived=None) == []
    assert services.catalog.find("") == []
    with pytest.raises(InBin):
        services.batches.generate(BatchSpec(product, 1))
    services.removals.restore("batch", [batch])
    assert [row.in_stock for row in services.catalog.products()] == [10], "the batch brought its product along"
    assert [row.action for row in services.audit.rows()][:2] == ["batch.recovered", "product.recovered"]
    whole(services)


def test_a_product_stays_hidden_after_thirty_days(
    services: Services, product: int, later: Callable[[str], None]
) -> None:
    services.removals.remove("product", [product])
    later("product")
    assert services.removals.purge(now()).products == 1
    assert not services.removals.due(now())
    assert services.removals.restore("product", [product]) == 0
    assert services.catalog.products(archived=None) == []
    assert services.catalog.product(product).name == "中秋福利卡"
    assert ("product.purged", f"product:{product}") in acts(services)


# --- batches ---


def test_a_batch_in_stock_is_frozen_while_it_lies_in_the_bin(services: Services, batch: int, product: int) -> None:
    services.removals.remove("batch", [batch])
    assert services.batches.batches() == []
    assert services.batches.find("") == []
    assert len(services.cards.ids(CardFilter())) == 0
    assert len(services.cards.ids(CardFilter(batch_id=batch))) == 10
    assert [(row.quantity, row.in_stock) for row in services.catalog.products()] == [(0, 0)]
    for act in (services.batches.thaw, services.batches.freeze):
        with pytest.raises(InBin):
            act(batch)
    services.removals.restore("batch", [batch])
    assert [row.state for row in services.batches.batches()] == ["ready"]
    assert len(services.cards.ids(CardFilter())) == 10
    assert [(row.quantity, row.in_stock) for row in services.catalog.products()] == [(10, 10)]
    whole(services)


def test_a_batch_that_was_frozen_before_comes_back_frozen(services: Services, batch: int) -> None:
    services.batches.freeze(batch)
    services.removals.remove("batch", [batch])
    services.removals.restore("batch", [batch])
    assert [row.state for row in services.batches.batches()] == ["frozen"]


def test_a_batch_with_cards_out_in_the_world_stays(
    services: Services, vault: OpenVault, batch: int, product: int
) -> None:
    trade = Trade(vault.database)
    [card] = trade.hand_out(product, 1, at=now() - timedelta(days=3), steps=(1, 1, 1, 1))
    trade.redeem(card, FACE // 4, at=now() - timedelta(days=2))
    with pytest.raises(BatchInUse) as refused:
        services.removals.remove("batch", [batch])
    assert (refused.value.cards, refused.value.balance_minor) == (1, FACE * 3 // 4)
    assert "¥150.00" in sentence(refused.value)
    assert [row.state for row in services.batches.batches()] == ["ready"], "nothing was frozen"


def test_released_codes_are_out_in_the_world_too(services: Services, vault: OpenVault, batch: int) -> None:
    Trade(vault.database).release(batch, at=now())
    with pytest.raises(BatchInUse) as refused:
        services.removals.remove("batch", [batch])
    assert (refused.value.cards, refused.value.balance_minor) == (10, 10 * FACE)


def test_the_books_of_a_voided_batch_stay_open_for_ever(
    services: Services, vault: OpenVault, batch: int, product: int, later: Callable[[str], None]
) -> None:
    trade = Trade(vault.database)
    [spent, live] = trade.hand_out(product, 2, at=now() - timedelta(days=3), steps=(2, 2, 2, 2))
    trade.redeem(spent, FACE, at=now() - timedelta(days=2))
    services.batches.void(batch, confirm="10")
    before = services.ledger.net_of(RedemptionFilter()), list(services.ledger.card_ids(CardsOut(redeemed=True)))
    services.removals.remove("batch", [batch])
    whole(services)
    later("batch")
    assert services.removals.purge(now()).batches == 1
    after = services.ledger.net_of(RedemptionFilter()), list(services.ledger.card_ids(CardsOut(redeemed=True)))
    assert before == after == ((FACE, 0), [spent])
    assert services.cards.detail(live).row.state == "voided"
    assert services.batches.batches() == []
    whole(services)


def test_after_thirty_days_a_batch_from_stock_ends_for_ever(
    services: Services, batch: int, later: Callable[[str], None]
) -> None:
    services.removals.remove("batch", [batch])
    later("batch")
    services.removals.purge_due(now())
    assert services.batches.batch(batch).state == "voided"
    assert [row.action for row in services.audit.rows()][:2] == ["batch.purged", "batch.voided"]
    assert services.removals.purge(now()).batches == 0, "once"
    whole(services)


def test_an_unfinished_batch_is_discarded_instead(services: Services, vault: OpenVault, batch: int) -> None:
    with vault.database.write(Topic.BATCHES) as session:
        session.get_one(Batch, batch).state = "generating"
    with pytest.raises(BatchUnfinished):
        services.removals.remove("batch", [batch])


@pytest.mark.parametrize("kind", ["product", "batch", "person"])
def test_what_is_not_there_cannot_be_removed(services: Services, kind: str) -> None:
    with pytest.raises(NotFound):
        services.removals.remove(kind, [99])


def test_the_bin_is_sorted_and_searched(services: Services, staff: tuple[int, int], product: int) -> None:
    services.removals.remove("person", list(staff))
    services.removals.remove("product", [product])
    names = [row.name for row in services.removals.rows_of(services.removals.ids(sort="kind", descending=True))]
    assert names == ["中秋福利卡", "李四", "张三"]
    assert len(services.removals.ids(text="中秋")) == 1
    assert services.removals.restore_entries(services.removals.ids()) == 3
    assert services.removals.ids() == []
