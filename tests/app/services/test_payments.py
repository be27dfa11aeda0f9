"""Top-ups and refunds: the endpoint decides, and every book of the vault tells them apart from redemptions."""

from collections.abc import Callable
from contextlib import closing

import pytest
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import (
    EndpointMissing,
    EndpointUnreachable,
    InvalidInput,
    OverCardLimit,
    PaymentRefused,
    PaymentUncertain,
    ReasonMissing,
    RedemptionUncertain,
)
from app.models.base import now
from app.models.database import Database
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.cloud import EmbeddedEndpoint
from app.services.ledger import CardsOut, RedemptionFilter
from app.services.vault.vaults import OpenVault
from tests.app.services.test_lost_answers import after_the_look
from tests.drivers.days import last_days
from tests.drivers.online import EVENING, pair_with
from tests.drivers.trade import Trade

FACE = 20_000
MONEY = ProductSpec("福利卡", "fixed", "stored_value", face_minor=FACE)
VOUCHER = ProductSpec("月饼券", "exchange", "voucher", uses=3)


def batch_of(services: Services, spec: ProductSpec, database: Database | None = None) -> int:
    """Five sealed cards that are out."""
    batch_id = services.batches.generate(BatchSpec(services.catalog.add(spec), 5, "STANDARD"))
    if database is not None:
        Trade(database).release(batch_id, at=now())
    services.cloud.sync()
    return batch_id


def cards_of(services: Services, batch_id: int) -> list[int]:
    return list(services.cards.ids(CardFilter(batch_id=batch_id), descending=False))


def code_of(services: Services, card_id: int) -> str:
    return services.cards.reveal(card_id, reason="test").reveal()


@pytest.fixture
def batch(online: Services, vault: OpenVault) -> int:
    return batch_of(online, MONEY, vault.database)


@pytest.fixture
def cards(online: Services, batch: int) -> list[int]:
    return cards_of(online, batch)


def assert_whole(services: Services) -> None:
    done = services.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert services.integrity.verify(deep=True).findings == ()


def test_a_used_up_card_is_charged_again_and_every_book_says_so(online: Services, cards: list[int]) -> None:
    card = cards[0]
    online.redemptions.redeem(code_of(online, card))
    done = online.redemptions.top_up(card, 30_000, reason=" 客户充值 ", place="总店")
    assert (done.outcome, done.redeemed_minor, done.remaining_minor) == ("topped_up", -30_000, 30_000)
    detail = online.cards.detail(card)
    assert (detail.row.state, detail.row.balance_minor, detail.row.face_minor) == ("active", 30_000, FACE)
    told = detail.timeline[-1]
    assert (told.what, told.amount_minor, told.id) == ("topped_up", 30_000, done.redemption_id)
    (entry,) = online.ledger.redemptions_of(online.ledger.redemption_ids(RedemptionFilter(kind="topped_up")))
    assert (entry.amount_minor, entry.reason, entry.place, entry.id) == (
        -30_000,
        "客户充值",
        "总店",
        done.redemption_id,
    )
    noted = online.audit.rows()[0]
    assert (noted.action, noted.subject) == ("card.topped_up", detail.row.serial)
    assert {"reason": "客户充值", "before": "¥0.00", "after": "¥300.00"}.items() <= dict(noted.details).items()
    assert online.redemptions.redeem(code_of(online, card)).redeemed_minor == 30_000
    assert_whole(online)


def test_a_card_is_paid_out_in_part_and_then_whole(online: Services, cards: list[int]) -> None:
    online.redemptions.redeem(code_of(online, cards[0]), 5_000)
    assert online.redemptions.refund(cards[0], 1_000, reason="退").remaining_minor == 14_000
    with pytest.raises(PaymentRefused) as refused:
        online.redemptions.refund(cards[0], 14_001, reason="退")
    assert (refused.value.reason, refused.value.remaining_minor) == ("insufficient-balance", 14_000)
    done = online.redemptions.refund(cards[0], reason="退")
    assert (done.outcome, done.redeemed_minor, done.remaining_minor) == ("refunded", 14_000, 0)
    assert online.cards.detail(cards[0]).row.state == "spent"
    assert online.redemptions.payable(cards[0]).refund_reason == "card-spent"
    assert [use.kind for use in online.redemptions.last()] == ["redeemed"]
    assert online.audit.rows()[0].action == "card.refunded"
    assert_whole(online)


def test_of_a_voucher_the_uses_that_are_left_go_back(online: Services, vault: OpenVault) -> None:
    card = cards_of(online, batch_of(online, VOUCHER, vault.database))[0]
    online.redemptions.redeem(code_of(online, card))
    assert online.redemptions.payable(card).top_up_reason == "no-money"
    with pytest.raises(PaymentRefused, match="no-money"):
        online.redemptions.top_up(card, 1, reason="x")
    done = online.redemptions.refund(card, reason="x")
    assert (done.redeemed_uses, done.remaining_uses) == (2, 0)
    assert dict(online.audit.rows()[0].details)["before"] == "2 次"
    out = CardsOut(redeemed=True)
    assert list(online.ledger.card_ids(out)) == [card]
    assert_whole(online)


def test_paid_out_is_not_redeemed_and_put_on_is_part_of_what_could_be(online: Services, cards: list[int]) -> None:
    """Five cards of 200 yuan: one is only paid out, one is charged and half of all it had is redeemed."""
    online.redemptions.refund(cards[0], reason="x")
    online.redemptions.top_up(cards[1], 10_000, reason="x")
    online.redemptions.redeem(code_of(online, cards[1]), 15_000)
    today = last_days(1)
    shown = online.dashboard.summary(today)
    assert (shown.issued.minor, shown.redeemed.minor) == (5 * FACE, 15_000)
    assert (shown.topped_up.count, shown.topped_up.minor) == (1, 10_000)
    assert (shown.refunded.count, shown.refunded.minor) == (1, FACE)
    assert shown.outstanding_minor == 5 * FACE + 10_000 - FACE - 15_000
    assert shown.rates.redemption_cards == 1 / 5
    assert shown.rates.redemption_money == 15_000 / (5 * FACE + 10_000 - FACE)
    assert list(online.ledger.card_ids(CardsOut(redeemed=True))) == [cards[1]]
    assert online.catalog.products()[0].redeemed == 1
    link = online.dashboard.drill("redeemed", today)
    assert isinstance(link.filter, RedemptionFilter)
    assert online.ledger.sums_of(link.filter) == {"redeemed": (15_000, 0)}
    every = online.ledger.sums_of(RedemptionFilter())
    assert every == {"redeemed": (15_000, 0), "topped_up": (10_000, 0), "refunded": (FACE, 0)}
    assert shown.sparks["outstanding"][-1] == shown.outstanding_minor


def test_nobody_moves_money_without_a_reason_or_of_nothing(online: Services, cards: list[int]) -> None:
    for act in (online.redemptions.top_up, online.redemptions.refund):
        with pytest.raises(ReasonMissing):
            act(cards[0], 100, reason="  ")
        with pytest.raises(InvalidInput):
            act(cards[0], 0, reason="x")
    assert online.cloud.status().pending == 0
    assert online.redemptions.payable(cards[0]).balance_minor == FACE


@pytest.mark.parametrize(("named", "most"), [(False, 100_000), (True, 500_000)])
def test_beyond_what_the_rules_let_a_card_hold_it_must_be_confirmed(
    online: Services, vault: OpenVault, named: bool, most: int
) -> None:
    spec = ProductSpec("储值卡", "fixed", "stored_value", named=named, face_minor=FACE)
    card = cards_of(online, batch_of(online, spec, vault.database))[0]
    assert online.redemptions.top_up(card, most - FACE, reason="x").remaining_minor == most
    with pytest.raises(OverCardLimit) as refused:
        online.redemptions.top_up(card, 1, reason="x")
    assert (refused.value.would_minor, refused.value.most_minor) == (most + 1, most)
    assert online.redemptions.top_up(card, 1, reason="x", over_limit=True).remaining_minor == most + 1
    assert online.audit.rows()[0].action == "rule.overridden"


def test_a_card_in_stock_takes_no_money_and_a_vault_without_an_endpoint_none_at_all(
    online: Services, services: Services
) -> None:
    card = cards_of(online, batch_of(online, MONEY))[0]
    for act in (online.redemptions.top_up, online.redemptions.refund):
        with pytest.raises(PaymentRefused, match="in-stock"):
            act(card, 100, reason="x")


def test_without_an_endpoint_there_is_nobody_to_decide(services: Services, vault: OpenVault) -> None:
    batch_id = services.batches.generate(BatchSpec(services.catalog.add(MONEY), 1, "STANDARD"))
    Trade(vault.database).release(batch_id, at=now())
    (card,) = cards_of(services, batch_id)
    known = services.redemptions.payable(card)
    assert (known.top_up_reason, known.refund_reason) == ("no-endpoint", "no-endpoint")
    with pytest.raises(EndpointMissing):
        services.redemptions.top_up(card, 100, reason="x")


def test_what_this_counter_has_leased_is_topped_up_and_not_paid_out(
    online: Services, batch: int, cards: list[int]
) -> None:
    online.leases.take(batch, until=now() + EVENING, count=1)
    online.cloud.sync()
    assert online.redemptions.payable(cards[0]).refund_reason == "card-leased"
    with pytest.raises(PaymentRefused, match="card-leased"):
        online.redemptions.refund(cards[0], reason="x")
    assert online.redemptions.refund(cards[1], reason="x").remaining_minor == 0
    online.redemptions.top_up(cards[0], 500, reason="x")
    taken = online.redemptions.redeem(code_of(online, cards[0]))
    assert (taken.own_word, taken.redeemed_minor) == (True, FACE + 500)
    assert_whole(online)


def test_a_frozen_card_takes_nothing_and_is_paid_out(online: Services, cards: list[int]) -> None:
    online.cards.freeze(cards[0])
    online.cloud.sync()
    assert online.redemptions.payable(cards[0]).top_up_reason == "card-frozen"
    with pytest.raises(PaymentRefused, match="card-frozen"):
        online.redemptions.top_up(cards[0], 1, reason="x")
    assert online.redemptions.refund(cards[0], reason="x").remaining_minor == 0


def test_with_no_line_nothing_is_put_into_the_queue(
    online: Services, cloud: EmbeddedEndpoint, cards: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_: object) -> None:
        raise EndpointUnreachable("x")

    monkeypatch.setattr(online.cloud, "ask", dead)
    for act in (online.redemptions.top_up, online.redemptions.refund):
        with pytest.raises(EndpointUnreachable):
            act(cards[0], 100, reason="x")
    assert online.cloud.status().pending == 0


@pytest.mark.parametrize("pays_out", [False, True])
def test_after_a_lost_answer_the_same_wish_is_the_same_op_and_another_waits(
    online: Services, config: Config, cards: list[int], pays_out: bool
) -> None:
    act: Callable[..., object] = online.redemptions.refund if pays_out else online.redemptions.top_up
    other: Callable[..., object] = online.redemptions.top_up if pays_out else online.redemptions.refund
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"), isolation_level=None)) as endpoint:
        with after_the_look(online, lambda: endpoint.execute("BEGIN IMMEDIATE")), pytest.raises(PaymentUncertain):
            act(cards[0], 5_000, reason="x")
        endpoint.execute("ROLLBACK")
    assert online.cloud.status().pending == 1
    for wish in (lambda: act(cards[0], 6_000, reason="x"), lambda: other(cards[0], 5_000, reason="x")):
        with pytest.raises(RedemptionUncertain):
            wish()
    act(cards[0], 5_000, reason="x")
    assert online.cloud.sync().pending == 0
    assert online.redemptions.payable(cards[0]).balance_minor == (FACE - 5_000 if pays_out else FACE + 5_000)
    assert_whole(online)


def test_both_come_along_to_another_endpoint(
    online: Services, cloud: EmbeddedEndpoint, vault: OpenVault, batch: int, cards: list[int]
) -> None:
    voucher = cards_of(online, batch_of(online, VOUCHER, vault.database))[0]
    online.redemptions.refund(voucher, reason="x")
    online.redemptions.redeem(code_of(online, cards[0]))
    online.redemptions.top_up(cards[0], 7_000, reason="充", place="总店")
    online.redemptions.refund(cards[0], 2_000, reason="退")
    online.redemptions.redeem(code_of(online, cards[0]), 1_000)
    Trade(vault.database).end_validity(batch, now())
    online.batches.freeze(batch)
    pair_with(online, cloud)
    assert_whole(online)
    assert online.redemptions.look(code_of(online, cards[0])).remaining_minor == 4_000
    assert online.redemptions.look(code_of(online, voucher)).remaining_uses == 0


def test_money_put_onto_a_used_up_card_of_a_voided_batch_is_owed_to_nobody(
    online: Services, batch: int, cards: list[int]
) -> None:
    """It was put on before the endpoint heard that the batch ends."""
    online.redemptions.redeem(code_of(online, cards[0]))
    online.batches.void(batch, confirm="5")
    assert online.redemptions.payable(cards[0]).top_up_reason == "card-voided"
    online.redemptions.top_up(cards[0], 500, reason="x")
    row = online.cards.detail(cards[0]).row
    assert (row.state, row.balance_minor) == ("voided", 500)
    assert online.dashboard.summary(last_days(1)).outstanding_minor == 0
    assert_whole(online)
