"""What is given back to a card that was ended meanwhile is owed to nobody."""

import pytest

from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from tests.drivers.days import last_days


@pytest.mark.parametrize("amount_minor", [None, 5_000])
def test_a_use_undone_after_the_batch_was_voided_leaves_nothing_owed(
    online: Services, amount_minor: int | None
) -> None:
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    batch_id = online.batches.generate(BatchSpec(product, 5, "STANDARD"))
    online.cloud.sync()
    (card_id, *_) = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    code = online.cards.reveal(card_id, reason="test").reveal()
    taken = online.redemptions.redeem(code, amount_minor)
    online.batches.void(batch_id, confirm="5")
    online.cloud.sync()
    online.redemptions.reverse(taken.redemption_id, reason="错")
    row = online.cards.detail(card_id).row
    assert (row.state, row.balance_minor) == ("voided", 20_000)
    assert online.redemptions.look(code).reason == "card-voided"
    shown = online.dashboard.summary(last_days(1))
    assert (shown.outstanding_minor, shown.outstanding_count) == (0, 0)
    assert online.cloud.sync().differences == ()
    assert online.integrity.verify(deep=True).findings == ()
