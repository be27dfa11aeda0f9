"""Moving to another endpoint: the ledger comes along as it was decided."""

import weakref
from collections.abc import Callable
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, select
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointRefused
from app.models.base import now
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.cards.codes import CodeReader
from app.services.catalog import ProductSpec
from app.services.cloud import EmbeddedEndpoint, pushing
from app.services.cloud.moving import Known, announce_all
from app.services.outbox import enqueue
from app.services.sealing import Sealer
from app.services.settings import store
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync.client import SyncClient
from tests.drivers.asked import asked
from tests.drivers.online import EVENING, a_code, let_in, pair_with, sealed_batch
from tests.drivers.trade import Trade


def test_what_was_redeemed_in_time_comes_along_after_the_batch_has_expired(
    online: Services, cloud: EmbeddedEndpoint, vault: OpenVault
) -> None:
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    batch_id = online.batches.generate(BatchSpec(product, 5, "STANDARD"))
    online.cloud.sync()
    ids = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    partly, undone = (online.cards.reveal(card_id, reason="test").reveal() for card_id in ids[:2])
    first = online.redemptions.redeem(partly, 5_000)
    online.redemptions.reverse(online.redemptions.redeem(undone).redemption_id, reason="错")
    Trade(vault.database).end_validity(batch_id, now())
    online.batches.freeze(batch_id)
    pair_with(online, cloud)
    done = online.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    seen = online.redemptions.look(partly)
    assert (seen.remaining_minor, seen.last_at) == (15_000, first.at)
    assert online.redemptions.look(undone).remaining_minor == 20_000
    assert online.integrity.verify(deep=True).findings == ()


def assert_level(services: Services) -> None:
    done = services.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert services.integrity.verify(deep=True).findings == ()


@pytest.mark.parametrize("frozen_again", [False, True])
def test_what_was_thawed_elsewhere_is_thawed_where_the_vault_moves_back_to(
    online: Services, cloud: EmbeddedEndpoint, frozen_again: bool
) -> None:
    """Else what was redeemed meanwhile is refused there as frozen, for ever."""
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    batches = [online.batches.generate(BatchSpec(product, 5, "STANDARD")) for _ in range(2)]
    online.cloud.sync()
    ids = [online.cards.ids(CardFilter(batch_id=batch_id), descending=False)[0] for batch_id in batches]
    codes = [online.cards.reveal(card_id, reason="test").reveal() for card_id in ids]
    online.batches.freeze(batches[0])
    online.cards.freeze(ids[1])
    assert_level(online)
    pair_with(online, cloud)
    assert_level(online)
    online.batches.thaw(batches[0])
    online.cards.thaw(ids[1])
    online.cloud.sync()
    for code in codes:
        online.redemptions.redeem(code, 5_000)
    if frozen_again:
        online.batches.freeze(batches[0])
        online.cards.freeze(ids[1])
        online.cloud.sync()
    online.cloud.start_embedded()
    assert_level(online)
    for code in codes:
        seen = online.redemptions.look(code)
        assert (seen.reason, seen.remaining_minor) == ("card-frozen" if frozen_again else None, 15_000)
    assert (online.batches.batch(batches[0]).frozen_at is not None) == frozen_again


def test_what_stays_frozen_and_had_no_use_is_never_thawed_on_the_way(online: Services, cloud: EmbeddedEndpoint) -> None:
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    batch_id = online.batches.generate(BatchSpec(product, 5, "STANDARD"))
    online.batches.freeze(batch_id)
    online.cloud.sync()
    pair_with(online, cloud)
    assert_level(online)
    online.cloud.start_embedded()
    assert "batch.thaw@1" not in [op.type for op in online.cloud.queue()]
    assert_level(online)


def test_a_moved_entry_that_was_refused_is_tried_again_as_the_same_entry(
    online: Services, cloud: EmbeddedEndpoint, config: Config
) -> None:
    """A second id would be a second entry in the ledger here."""
    product = online.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    batch_id = online.batches.generate(BatchSpec(product, 5, "STANDARD"))
    online.cloud.sync()
    pair_with(online, cloud)
    online.cloud.sync()
    ids = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    code = online.cards.reveal(ids[0], reason="test").reveal()
    taken = online.redemptions.redeem(code, 5_000)
    online.redemptions.reverse(taken.redemption_id, reason="错")
    online.redemptions.redeem(code, 1_000)
    void_unseen(config, 1)
    online.cloud.start_embedded()
    assert online.cloud.sync().rejected == 1
    void_unseen(config, 0)
    for _ in range(3):
        for refused in online.cloud.queue(states=("rejected",)):
            online.cloud.retry(refused.id)
        online.cloud.sync()
    assert_level(online)
    assert online.redemptions.look(code).remaining_minor == 19_000
    assert len(online.redemptions.last()) == 3


def test_a_vault_whose_ledger_may_not_come_along_stays_where_it_is(
    services: Services, cloud: EmbeddedEndpoint, second: Callable[[str], Services]
) -> None:
    """Its batches were published without it: used cards were whole there."""
    pair_with(services, cloud)
    desk = second("desk")
    let_in(services, desk, "distributor", "发放")
    code = a_code(desk, sealed_batch(desk))
    desk.redemptions.redeem(code)
    try:
        url = services.cloud.start_embedded().url
        with pytest.raises(EndpointRefused, match="ledger-stays"):
            let_in(services, desk, "distributor", "发放")
        assert desk.cloud.status().url != url
        assert_level(desk)
        let_in(services, desk, "manager", "发放二")
        assert_level(desk)
        assert (desk.cloud.status().url, services.redemptions.look(code).reason) == (url, "card-spent")
    finally:
        services.cloud.stop_embedded()


def void_unseen(config: Config, voided: int) -> None:
    """Behind the feed's back, so that the endpoint refuses what the vault could not foresee."""
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE batch SET voided = ?", (voided,))


def test_twice_the_ledger_is_told_anew_in_as_many_questions(services: Services, vault: OpenVault) -> None:
    """A question for each of a million entries would hold the vault for a quarter of an hour."""
    product = services.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    services.batches.generate(BatchSpec(product, 80))
    trade, counts, made = Trade(vault.database), [], []
    for cards in (range(1, 41), range(41, 81)):
        made += [trade.redeem(card_id, 700, at=now()) for card_id in cards]
        counts.append(_questions_of_a_move(vault))
    assert counts[0] == counts[1]
    with vault.database.read() as session:
        told = session.scalars(select(OutboxOp.op_id).where(OutboxOp.type == "redeem@1").order_by(OutboxOp.id))
        assert list(told) == made, "those that were told before go behind their batch again"


def _questions_of_a_move(vault: OpenVault) -> int:
    with vault.database.write(Topic.CLOUD) as session:
        store(session, "cloud.role", "owner")
    with asked(vault.database) as questions, vault.database.write(Topic.OUTBOX, Topic.BATCHES) as session:
        announce_all(session, CodeReader(vault.database, Sealer(vault.keys)), uuid4(), Known())
    return len(questions)


def test_a_long_line_is_read_some_at_a_time(
    services: Services, vault: OpenVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a move a whole ledger waits: at once it would take gigabytes. A freeze jumps it all the same."""
    monkeypatch.setattr(pushing, "PAGE", 3)
    with vault.database.write(Topic.OUTBOX) as session:
        for number in range(30):
            enqueue(session, "redeem@1", aggregate="batch:1", body={"d": str(number)})
        for name in ("batch:1", "batch:2"):
            enqueue(session, "batch.freeze@1", aggregate=name, body={}, lane="freeze")
    pusher = services.cloud._pusher(SyncClient("http://127.0.0.1"))
    loaded: list[weakref.ref[OutboxOp]] = []

    def note(op: OutboxOp, _context: Any) -> None:
        loaded.append(weakref.ref(op))

    event.listen(OutboxOp, "load", note)
    sent, most = [], 0
    for op in pusher._freezes_first(pusher._waiting(None)):
        sent.append(op.id)
        most = max(most, sum(one() is not None for one in loaded))
    assert sent == [32, *range(1, 32)]
    assert most <= 2 * pushing.PAGE
    loaded.clear()
    assert [op.id for op in pusher._freezes_first(pusher._waiting(frozenset({"batch:2"})))] == [32]
    assert len(loaded) <= 2, "the rest of the line is not looked at"
    event.remove(OutboxOp, "load", note)


def test_a_product_that_is_not_used_in_parts_any_more_keeps_nothing_of_its_batches_away(
    moving: Services, other: EmbeddedEndpoint
) -> None:
    """What was used in part was refused there, and the batch stayed shut behind it."""
    made = sealed_batch(moving)
    code, fresh = a_code(moving, made), a_code(moving, made, 1)
    moving.redemptions.redeem(code, 5_000)
    assert_level(moving)
    (product,) = moving.catalog.products()
    whole = ProductSpec(product.name, product.kind, product.form, face_minor=product.face_minor, partial=False)
    moving.catalog.change(product.id, whole)
    pair_with(moving, other)
    assert_level(moving)
    assert moving.redemptions.look(code).remaining_minor == 15_000
    assert moving.redemptions.redeem(fresh, 1_000).remaining_minor == 19_000
    moving.leases.take(made, until=now() + EVENING)
    assert moving.redemptions.redeem(fresh, 1_000).remaining_minor == 18_000
    assert_level(moving)
