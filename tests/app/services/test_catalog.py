"""Products and the rules of the trade."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.errors import InvalidInput, NotFound, ReasonMissing, RuleOverrideNeeded
from app.models.base import now
from app.models.catalog import Product
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec, prompts
from app.services.stock import stock_of
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.drivers.days import last_days
from tests.drivers.trade import Trade

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


def rules(**values: object) -> set[str]:
    spec = ProductSpec("卡", "fixed", **{"form": "stored_value", **values})  # type: ignore[arg-type]
    return {prompt.rule for prompt in prompts(spec, NOON) if prompt.hard}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"face_minor": 100_000}, set()),
        ({"face_minor": 100_001}, {"bearer-over-1000"}),
        ({"face_minor": 500_000, "named": True}, set()),
        ({"face_minor": 500_001, "named": True}, {"named-over-5000"}),
        ({"face_minor": 100, "named": True, "valid_days": 4000}, {"named-never-expires"}),
        ({"face_minor": 100, "valid_days": 1094}, {"bearer-three-years"}),
        ({"face_minor": 100, "valid_days": 1095}, set()),
        ({"face_minor": 900_000, "form": "voucher", "valid_days": 30}, set()),
    ],
)
def test_rules_of_the_trade_speak_where_they_apply(values: dict[str, object], expected: set[str]) -> None:
    assert rules(**values) == expected


def test_a_hard_rule_is_passed_with_a_reason_only(services: Services) -> None:
    spec = ProductSpec("大额卡", "fixed", form="stored_value", face_minor=200_000)
    with pytest.raises(RuleOverrideNeeded) as asked:
        services.catalog.add(spec)
    assert asked.value.rules == ("bearer-over-1000",)
    with pytest.raises(ReasonMissing):
        services.catalog.add(spec, override_reason="  ")
    services.catalog.add(spec, override_reason="内部测试")
    entry = services.audit.rows(limit=1)[0]
    assert (entry.action, entry.details["reason"]) == ("rule.overridden", "内部测试")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (ProductSpec("  ", "fixed", face_minor=100), "name"),
        (ProductSpec("卡", "gold", face_minor=100), "kind"),
        (ProductSpec("卡", "fixed"), "face_minor"),
        (ProductSpec("卡", "fixed", face_minor=0), "face_minor"),
        (ProductSpec("卡", "fixed", face_minor=100_000_001), "face_minor"),
        (ProductSpec("卡", "variable", min_minor=100), "max_minor"),
        (ProductSpec("卡", "variable", min_minor=200, max_minor=100), "max_minor"),
        (ProductSpec("卡", "variable", min_minor=100, max_minor=500, step_minor=100, face_minor=150), "face_minor"),
        (ProductSpec("券", "exchange", uses=0), "uses"),
        (ProductSpec("卡", "fixed", face_minor=100, valid_until=datetime.now(UTC) - timedelta(days=1)), "valid_until"),
        (ProductSpec("卡", "fixed", face_minor=100, valid_days=0), "valid_days"),
        (ProductSpec("码", "supplier", target_url="http://example.com/{code}"), "target_url"),
    ],
)
def test_bad_input_names_its_field(services: Services, spec: ProductSpec, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.catalog.add(spec)
    assert refused.value.field == field
    assert services.catalog.products() == []


def test_each_kind_keeps_only_what_it_uses(services: Services) -> None:
    product_id = services.catalog.add(ProductSpec("提货券", "exchange", uses=3, min_minor=5, step_minor=7))
    row = services.catalog.product(product_id)
    assert (row.uses, row.partial, row.min_minor, row.step_minor) == (3, True, None, None)


def test_stock_is_counted_from_batches(services: Services) -> None:
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    services.batches.generate(BatchSpec(product_id, 30))
    voided = services.batches.generate(BatchSpec(product_id, 5))
    services.batches.void(voided, confirm="5")
    card_id = services.cards.find(f"{services.batches.batches()[-1].serial}-000001")
    services.cards.void(card_id, reason="测试")
    row = services.catalog.product(product_id)
    assert (row.quantity, row.in_stock) == (29, 29)


def test_a_card_counts_as_redeemed_as_soon_as_a_part_of_it_was(services: Services, vault: OpenVault) -> None:
    """As the dashboard counts it: one figure has one definition."""
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    services.batches.generate(BatchSpec(product_id, 5))
    trade, at = Trade(vault.database), now() - timedelta(hours=1)
    cards = trade.hand_out(product_id, 4, at=at)
    trade.redeem(cards[0], 100, at=at)
    trade.redeem(cards[1], 40, at=at)
    row = services.catalog.product(product_id)
    assert (row.issued, row.redeemed) == (4, 2)
    assert services.dashboard.summary(last_days(7)).rates.redemption_cards == row.redeemed / row.issued


def test_what_can_be_given_is_what_a_distribution_would_take(services: Services, vault: OpenVault) -> None:
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    services.batches.generate(BatchSpec(product_id, 30))
    frozen = services.batches.generate(BatchSpec(product_id, 5))
    services.batches.freeze(frozen)
    serial = next(row.serial for row in services.batches.batches() if row.id != frozen)
    services.cards.freeze(services.cards.find(f"{serial}-000001"))
    row = services.catalog.product(product_id)
    assert (row.in_stock, row.to_give) == (35, 29)
    with vault.database.read() as session:
        assert stock_of(session, product_id) == row.to_give


def test_putting_away_hides_and_brings_back(services: Services) -> None:
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    services.catalog.archive(product_id)
    assert services.catalog.products() == []
    assert [row.id for row in services.catalog.products(archived=True)] == [product_id]
    services.catalog.archive(product_id, archived=False)
    assert [row.id for row in services.catalog.products()] == [product_id]


def test_the_kind_of_a_product_with_batches_stays(services: Services) -> None:
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100))
    services.batches.generate(BatchSpec(product_id, 1))
    with pytest.raises(InvalidInput):
        services.catalog.change(product_id, ProductSpec("卡", "exchange"))
    services.catalog.change(product_id, ProductSpec("新名", "fixed", face_minor=200))
    assert services.batches.batches()[0].face_minor == 100, "made batches keep their value"


def test_an_expired_product_is_renamed_and_keeps_its_end_day(services: Services, vault: OpenVault) -> None:
    ended = now() - timedelta(days=3)
    product_id = services.catalog.add(ProductSpec("卡", "fixed", face_minor=100, valid_until=now() + timedelta(days=1)))
    with vault.database.write(Topic.CATALOG) as session:
        session.execute(update(Product).values(valid_until=ended))
    services.catalog.change(product_id, ProductSpec("旧卡", "fixed", face_minor=100, valid_until=ended))
    row = services.catalog.product(product_id)
    assert (row.name, row.valid_until) == ("旧卡", ended)
    moved = ProductSpec("旧卡", "fixed", face_minor=100, valid_until=ended + timedelta(days=1))
    with pytest.raises(InvalidInput) as refused:
        services.catalog.change(product_id, moved)
    assert (refused.value.field, refused.value.reason) == ("valid_until", "in-the-past")


def test_an_unknown_product_is_named(services: Services) -> None:
    with pytest.raises(NotFound):
        services.catalog.product(99)
