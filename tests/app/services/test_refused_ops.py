"""What the endpoint refuses: only the op that is meant, in the order that is meant."""

from contextlib import closing
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import EndpointRefused, InvalidInput
from app.models.base import now
from app.models.batch import Batch
from app.models.outbox import OutboxOp
from app.services import Services
from app.services.cards import CardFilter
from app.services.cloud import EmbeddedEndpoint
from app.services.distribution import DistributionSpec
from app.services.outbox import enqueue
from app.services.progress import unwatched
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync.protocol import LONGEST_CIPHERTEXT, b64, to_wire
from tests.app.services.distribution.parts import added
from tests.drivers.online import a_batch, pair_with


def verdict_of(services: Services, batch_id: int) -> str | None:
    (card_id, *_) = services.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    return services.redemptions.look(services.cards.reveal(card_id, reason="test").reveal()).reason


def test_a_refused_thaw_that_is_tried_again_stays_before_the_freeze_behind_it(
    online: Services, vault: OpenVault
) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    online.batches.freeze(batch_id)
    online.cloud.sync()
    online.batches.thaw(batch_id)
    online.batches.freeze(batch_id)
    with vault.database.write(Topic.OUTBOX) as session:
        refused = update(OutboxOp).where(OutboxOp.type == "batch.thaw@1")
        session.execute(refused.values(state="rejected", problem={"key": "forbidden"}))
    online.cloud.sync()
    (row,) = online.cloud.queue(states=("rejected",))
    online.cloud.retry(row.id)
    assert [waiting.type for waiting in online.cloud.queue()] == ["batch.thaw@1", "batch.freeze@1"]
    assert online.cloud.sync().pending == 0
    assert verdict_of(online, batch_id) == "card-frozen"
    assert online.batches.batch(batch_id).frozen_at is not None
    with vault.database.read() as session:
        kept = session.execute(select(OutboxOp.op_id, OutboxOp.state).where(OutboxOp.type == "batch.thaw@1")).all()
    assert sorted(state for _, state in kept) == ["applied", "withdrawn"]
    assert dict(map(tuple, kept))[row.op_id] == "withdrawn"


def test_a_device_that_was_shut_out_keeps_everything_in_line(online: Services, config: Config) -> None:
    batch_id = a_batch(online)
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE device SET state = 'revoked'")
    with pytest.raises(EndpointRefused) as refused:
        online.cloud.push_links(1, unwatched)
    assert refused.value.reason == "device-revoked"
    assert (online.cloud.status().pending, online.cloud.status().rejected) == (2, 0)
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE device SET state = 'active'")
    assert online.cloud.sync().pending == 0
    assert verdict_of(online, batch_id) is None


def test_an_unreadable_op_does_not_take_its_neighbours_along(online: Services, vault: OpenVault) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    with vault.database.write(Topic.OUTBOX) as session:
        uid = str(UUID(bytes=session.get_one(Batch, batch_id).uid))
        enqueue(session, "reverse@1", aggregate="counter:x", body={"redemption_id": "x", "reason": "长" * 2_001})
        enqueue(session, "card.void@1", aggregate=f"batch:{batch_id}", body={"batch_id": uid, "card_no": 0})
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (1, 0)
    (row,) = online.cloud.queue(states=("rejected",))
    assert (row.type, row.problem) == ("reverse@1", "invalid")
    assert verdict_of(online, batch_id) == "card-voided"


def test_a_card_with_too_much_text_for_a_link_is_refused_and_holds_nothing_up(
    online: Services, vault: OpenVault
) -> None:
    """Every sync ended in a fault, and whatever waited behind it waited for ever."""
    people = added(vault, ["员工甲", "员工乙"])
    a_batch(online)
    (product,) = online.catalog.products()
    spec = DistributionSpec(product.id, tuple(people), "email", "中秋", note="节" * 500)
    online.distribution.prepare(spec)
    with vault.database.write(Topic.OUTBOX) as session:  # as the codes of a supplier can be
        link = session.scalars(select(OutboxOp).where(OutboxOp.lane == "link").limit(1)).one()
        link.body = link.body | {"ciphertext": "A" * (LONGEST_CIPHERTEXT + 1)}
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (1, 0)
    (row,) = online.cloud.queue(states=("rejected",))
    assert (row.type, row.problem) == ("link.put@1", "too-large")
    with pytest.raises(InvalidInput, match="too-long-for-a-note"):
        online.distribution.prepare(replace(spec, note="节" * 501))


def test_what_stands_behind_a_refused_op_is_not_asked_for_in_the_same_round(online: Services, vault: OpenVault) -> None:
    """Else a redemption that is moved here gets its refusal for ever when the seal before it was refused."""
    batch_id = a_batch(online)
    with vault.database.write(Topic.OUTBOX) as session:
        # what the endpoint gets to know of the batch is not what is uploaded
        created = session.scalars(select(OutboxOp).where(OutboxOp.type == "batch.create@1")).one()
        created.body = {**created.body, "count": 6}
        uid = created.body["batch_id"]
        enqueue(session, "card.void@1", aggregate=f"batch:{batch_id}", body={"batch_id": uid, "card_no": 0})
    other = a_batch(online)
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (1, 1)
    assert [(row.type, row.state, row.held_back) for row in online.cloud.queue()] == [
        ("batch.seal@1", "rejected", False),
        ("card.void@1", "waiting", True),
    ]
    assert verdict_of(online, other) is None


def test_what_was_withdrawn_while_a_sync_goes_on_is_not_sent_by_it(online: Services, vault: OpenVault) -> None:
    batch_id = a_batch(online)

    def withdraw(done: int, total: int) -> None:
        """After the first of two requests."""
        with vault.database.write(Topic.OUTBOX) as session:
            session.execute(update(OutboxOp).where(OutboxOp.type == "batch.seal@1").values(state="withdrawn"))

    assert online.cloud.sync(withdraw).pushed == 1
    assert verdict_of(online, batch_id) == "not-sealed"
    with vault.database.read() as session:
        assert session.scalars(select(OutboxOp.state).where(OutboxOp.type == "batch.seal@1")).all() == ["withdrawn"]


def put_role(config: Config, role: str) -> None:
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE device SET role = ?", (role,))


def test_a_freeze_that_was_tried_again_is_in_force_once_the_endpoint_took_it(online: Services, config: Config) -> None:
    """The refused one was called the last word, and the batch not frozen there, for ever."""
    batch_id = a_batch(online)
    online.cloud.sync()
    put_role(config, "auditor")
    online.batches.freeze(batch_id)
    assert online.cloud.sync().rejected == 1
    put_role(config, "owner")
    (row,) = online.cloud.queue(states=("rejected",))
    online.cloud.retry(row.id)
    assert online.batches.batch(batch_id).unheard
    assert (online.cloud.sync().pending, online.batches.batch(batch_id).unheard) == (0, False)


@pytest.mark.parametrize("given_up", [False, True])
def test_a_freeze_behind_a_thaw_refused_in_the_same_round_is_the_last_word(
    online: Services, config: Config, given_up: bool
) -> None:
    """Else it is applied at once, and the thaw, tried again, undoes it."""
    batch_id = a_batch(online)
    ids = online.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    online.cards.freeze(ids[0])
    online.cloud.sync()
    online.cards.thaw(ids[0])
    online.cards.freeze(ids[0])
    online.cards.freeze(ids[1])
    put_role(config, "distributor")
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (1, 2)
    put_role(config, "owner")
    (row,) = online.cloud.queue(states=("rejected",))
    (online.cloud.withdraw if given_up else online.cloud.retry)(row.id)
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (0, 0)
    assert verdict_of(online, batch_id) == "card-frozen"
    assert online.cards.rows([ids[0]])[0].frozen


def test_a_card_is_not_frozen_before_an_entry_that_was_refused_is_in(online: Services, vault: OpenVault) -> None:
    """An endpoint cannot know which batch an unknown code belongs to: the desktop waits for the answer."""
    batch_id = a_batch(online)
    online.cloud.sync()
    with vault.database.write(Topic.OUTBOX) as session:
        uid = str(UUID(bytes=session.get_one(Batch, batch_id).uid))
        moved = {"d": b64(b"\1" * 32), "amount_minor": 100, "uses": None, "place": "", "at": to_wire(now())}
        enqueue(session, "redeem@1", aggregate=f"batch:{batch_id}", body=moved)
        enqueue(session, "card.freeze@1", aggregate=f"batch:{batch_id}", body={"batch_id": uid, "card_no": 0})
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (1, 1)
    assert verdict_of(online, batch_id) is None


def test_many_cards_of_a_batch_are_frozen_in_few_requests(online: Services) -> None:
    batch_id = a_batch(online, 150)
    online.cloud.sync()
    for card_id in online.cards.ids(CardFilter(batch_id=batch_id)):
        online.cards.freeze(card_id)
    heard: list[tuple[int, int]] = []
    online.cloud.sync(lambda done, total: heard.append((done, total)))
    assert [step for step in heard if step[1] == 150][:2] == [(100, 150), (150, 150)]


def test_what_the_endpoint_did_not_try_stays_in_line_and_goes_once_the_refusal_is_decided(
    online: Services, vault: OpenVault
) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    with vault.database.write(Topic.OUTBOX) as session:
        uid = str(UUID(bytes=session.get_one(Batch, batch_id).uid))
        for number in (99, 99, 0):  # the batch has no such card
            body = {"batch_id": uid, "card_no": number}
            enqueue(session, "card.freeze@1", aggregate=f"batch:{batch_id}", body=body)
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (1, 1)
    assert verdict_of(online, batch_id) == "card-frozen", "another card waits for nobody"
    assert [(row.state, row.held_back) for row in online.cloud.queue()] == [("rejected", False), ("waiting", True)]
    for _ in range(2):
        (row,) = online.cloud.queue(states=("rejected",))
        online.cloud.withdraw(row.id)
        online.cloud.sync()
    assert online.cloud.queue() == []


def test_what_stands_behind_an_op_that_was_not_tried_waits_with_it(online: Services, vault: OpenVault) -> None:
    """A seal without its batch was refused for good."""
    batch_id = a_batch(online)
    with vault.database.write(Topic.OUTBOX) as session:
        uid = str(UUID(bytes=session.get_one(Batch, batch_id).uid))
        odd = enqueue(session, "card.freeze@1", aggregate="another", body={"batch_id": uid, "card_no": 0})
        session.flush()
        session.execute(update(OutboxOp).where(OutboxOp.op_id == odd).values(id=0))
    assert online.cloud.sync().rejected == 1
    states = {row.type: row.state for row in online.cloud.queue()}
    assert states == {"card.freeze@1": "rejected", "batch.create@1": "waiting", "batch.seal@1": "waiting"}
    online.cloud.withdraw(0)
    outcome = online.cloud.sync()
    assert (outcome.rejected, outcome.pending) == (0, 0)
    assert verdict_of(online, batch_id) is None


def test_a_link_that_was_tried_again_is_told_once_to_another_endpoint(
    online: Services, vault: OpenVault, config: Config, cloud: EmbeddedEndpoint
) -> None:
    """The refused one came along, and was refused once more: what its delivery waited for seemed to have failed."""
    people = added(vault, ["员工甲", "员工乙"])
    a_batch(online)
    online.cloud.sync()
    (product,) = online.catalog.products()
    put_role(config, "auditor")
    online.distribution.prepare(DistributionSpec(product.id, tuple(people), "email", "中秋"))
    assert online.cloud.sync().rejected == 2
    put_role(config, "owner")
    for row in online.cloud.queue(states=("rejected",)):
        online.cloud.retry(row.id)
    assert online.cloud.sync().pending == 0
    pair_with(online, cloud)
    done = online.cloud.sync()
    assert (done.rejected, done.pending) == (0, 0)
