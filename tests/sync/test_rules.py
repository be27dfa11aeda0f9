"""The one verdict both ends use: generated over every state, and the words of the trade one by one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sync.rules import CardFacts, Wanted, judge

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GOOD = CardFacts(
    card_state="active",
    card_frozen=False,
    batch_frozen=False,
    ended=False,
    sealed=True,
    money=True,
    partial=True,
    balance_minor=10_000,
    uses_left=1,
    valid_from=None,
    valid_until=NOW + timedelta(days=1),
)
VOUCHER = replace(GOOD, money=False, balance_minor=None, uses_left=3)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"sealed": False}, "card-unknown"),
        ({"ended": True}, "card-voided"),
        ({"card_state": "voided"}, "card-voided"),
        ({"batch_frozen": True}, "batch-frozen"),
        ({"card_frozen": True}, "card-frozen"),
        ({"valid_until": NOW - timedelta(seconds=1)}, "card-expired"),
        ({"valid_until": NOW}, None),
        ({"valid_until": None}, None),
        ({"valid_from": NOW + timedelta(seconds=1)}, "card-not-yet"),
        ({"balance_minor": 0, "card_state": "spent"}, "card-spent"),
        ({"sealed": False, "batch_frozen": True, "card_state": "voided"}, "card-unknown"),
    ],
)
def test_each_fact_has_its_reason_and_the_worst_is_told(changed: dict[str, object], reason: str | None) -> None:
    assert judge(replace(GOOD, **changed), Wanted(), NOW) == reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("card", "wanted", "reason"),
    [
        (GOOD, Wanted(10_000), None),
        (GOOD, Wanted(10_001), "insufficient-balance"),
        (replace(GOOD, partial=False), Wanted(9_999), "no-partial"),
        (replace(GOOD, partial=False), Wanted(10_000), None),
        (replace(GOOD, partial=False), Wanted(), None),
        (VOUCHER, Wanted(uses=3), None),
        (VOUCHER, Wanted(uses=4), "insufficient-balance"),
        (replace(VOUCHER, uses_left=0), Wanted(), "card-spent"),
        (GOOD, Wanted(uses=1), "invalid"),
        (VOUCHER, Wanted(10_000), "invalid"),
    ],
)
def test_amounts_and_uses(card: CardFacts, wanted: Wanted, reason: str | None) -> None:
    assert judge(card, wanted, NOW) == reason


@given(
    st.builds(
        CardFacts,
        card_state=st.sampled_from(["active", "spent", "voided"]),
        card_frozen=st.booleans(),
        batch_frozen=st.booleans(),
        ended=st.booleans(),
        sealed=st.booleans(),
        money=st.booleans(),
        partial=st.booleans(),
        balance_minor=st.integers(0, 20_000),
        uses_left=st.integers(0, 3),
        valid_from=st.none() | st.just(NOW + timedelta(hours=1)),
        valid_until=st.none() | st.just(NOW - timedelta(hours=1)),
    ),
    st.integers(1, 20_000),
)
def test_a_yes_never_takes_what_is_not_there_or_stopped(card: CardFacts, amount: int) -> None:
    if judge(card, Wanted(amount, 1), NOW) is not None:
        return
    stopped = card.card_frozen or card.batch_frozen or card.ended or card.card_state == "voided"
    assert card.sealed
    assert not stopped
    assert card.valid_from is None
    assert card.valid_until is None
    assert (card.balance_minor or 0) >= amount if card.money else card.uses_left >= 1
