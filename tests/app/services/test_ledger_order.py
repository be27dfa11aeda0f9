"""Entries of endpoints whose clocks differ are told to the next one in an order in which each of them could be paid."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from app.models.redemption import Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.cloud import EmbeddedEndpoint
from app.services.cloud.ledger_order import Entry, Holding, _ordered, _pays, in_an_order_that_pays
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from tests.drivers.elsewhere import redeemed
from tests.drivers.online import a_code, pair_with


def lived(draw: Random, holding: Holding) -> list[Entry]:
    """What may happen to a card, in the order it happened in."""
    left, entries = holding.left, list[Entry]()
    for number in range(draw.randint(2, 9)):
        undone = {one.undoes for one in entries}
        uses = [one for one in entries if one.kind == "redeemed" and one.id not in undone]
        what = draw.choice(("redeemed", "redeemed", "refunded", "topped_up", "reversed"))
        if what == "reversed" and uses:
            use = draw.choice(uses)
            one = Entry(str(number), what, -use.takes, use.id)
        elif what == "topped_up":
            one = Entry(str(number), what, -draw.randint(1, 9), None)
        elif left > 0 and what != "reversed":
            whole = what == "redeemed" and not holding.partial
            one = Entry(str(number), what, left if whole else draw.randint(1, left), None)
        else:
            continue
        entries.append(one)
        left -= one.takes
    return entries


@pytest.mark.parametrize("seed", range(5))
def test_of_cards_that_are_used_in_parts_each_entry_is_paid_whatever_the_clocks_said(seed: int) -> None:
    draw, mended = Random(seed), 0
    for _ in range(2_000):
        holding = Holding(draw.randint(0, 10), partial=True)
        entries = lived(draw, holding)
        assert _pays(entries, holding)
        shuffled = draw.sample(entries, len(entries))
        mended += not _pays(shuffled, holding)
        told = _ordered(shuffled, holding)
        assert _pays(told, holding), (holding, entries, shuffled)
        assert sorted(one.id for one in told) == sorted(one.id for one in entries)
        assert _ordered(entries, holding) is entries, "what can stay as it is does"
    assert mended > 500


def test_of_cards_that_go_as_a_whole_most_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Which use took which sum is not always to be found out; what cannot be paid is refused and shown."""
    draw, paid, wrong = Random(9), 0, 0
    for _ in range(2_000):
        holding = Holding(draw.randint(1, 10), partial=False)
        entries = lived(draw, holding)
        shuffled = draw.sample(entries, len(entries))
        if not _pays(shuffled, holding):
            wrong += 1
            told = _ordered(shuffled, holding)
            paid += _pays(told, holding)
            assert sorted(one.id for one in told) == sorted(one.id for one in entries)
    assert paid > wrong / 2 > 200, (paid, wrong)


@pytest.mark.parametrize("partial", [True, False])
def test_a_use_that_stands_before_its_top_up_by_the_clock_is_told_behind_it(
    moving: Services, vault: OpenVault, other: EmbeddedEndpoint, partial: bool
) -> None:
    product = moving.catalog.add(ProductSpec("储值卡", "fixed", "stored_value", face_minor=20_000, partial=partial))
    made = moving.batches.generate(BatchSpec(product, 3, "STANDARD"))
    moving.cloud.sync()
    card_id, code = moving.cards.ids(CardFilter(batch_id=made), descending=False)[0], a_code(moving, made)
    moving.redemptions.redeem(code)
    moving.redemptions.top_up(card_id, 5_000, reason="客户要求")
    moving.redemptions.redeem(code)
    untouched = moving.redemptions.redeem(a_code(moving, made, 1)).redemption_id
    moving.cloud.sync()
    with vault.database.write(Topic.REDEMPTIONS) as session:
        first, top_up, second, _ = session.scalars(select(Redemption).order_by(Redemption.seq))
        top_up.at = second.at + timedelta(milliseconds=1)
        by_time = [first.id, second.id, untouched, top_up.id]
        session.flush()
        assert in_an_order_that_pays(session, by_time) == [first.id, top_up.id, untouched, second.id]
    pair_with(moving, other)
    done = moving.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert sorted(redeemed(other)) == [-5_000, 5_000, 20_000, 20_000]
    assert moving.redemptions.look(code).reason == "card-spent"
