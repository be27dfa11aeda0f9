"""What the endpoint's events make of the vault does not depend on how the feed was cut into pages."""

import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import func, select, update

from app.bootstrap import build_services
from app.config import Config
from app.models.base import now
from app.models.batch import Batch, Card
from app.models.database import Database
from app.models.distribution import Delivery
from app.models.outbox import OutboxOp, RawEvent
from app.models.redemption import DailyFigure, Redemption
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.cloud import events
from app.services.cloud.events import TOPICS, apply
from app.services.recount import take_back_deliveries
from app.services.settings import store
from app.services.vault.vaults import OpenVault, Vaults
from app.topics import Topic
from sync.protocol import Event, to_wire
from tests.app.conftest import CHEAP_KIB, PASSPHRASE
from tests.drivers.feed import BEGIN, FeedBatch, History, pages
from tests.drivers.online import a_code, redeem_on_the_phone, sealed_batch
from tests.drivers.trade import HOUR, Trade

CARDS = 30
STATES = ("recalled", "uncertain", "failed", "prepared")
"""Of those deliveries that came no further than being issued; the first counts nowhere."""
FACTS = (
    "redeemed@1",
    "reversed@1",
    "topped_up@1",
    "refunded@1",
    "link.stored@1",
    "opened@1",
    "claimed@1",
    "batch.voided@1",
)
"""Events that add something; a freeze and a thaw told again would be a new freeze and a new thaw."""


def stocked(services: Services, vault: OpenVault) -> None:
    """Four batches: handed out with links; plain codes released; a voucher; one we ourselves have a freeze waiting
    for."""
    money = services.catalog.add(ProductSpec("福利卡", "fixed", "stored_value", face_minor=20_000))
    voucher = services.catalog.add(ProductSpec("月饼券", "exchange", "voucher", uses=3))
    other = services.catalog.add(ProductSpec("购书卡", "fixed", "stored_value", face_minor=5_000))
    for product in (money, other, voucher, other):
        services.batches.generate(BatchSpec(product, CARDS))
    services.batches.freeze(4)
    trade = Trade(vault.database)
    trade.hand_out(money, CARDS * 2 // 3, at=BEGIN - 9 * HOUR, steps=(CARDS // 2, CARDS // 3, 3, 1))
    trade.release(2, at=BEGIN - HOUR)
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        for delivery in session.scalars(select(Delivery)):
            delivery.link_id = f"link{delivery.no}"
            if delivery.sent_at is None:
                state = STATES[delivery.no % len(STATES)]
                if state == "recalled":
                    take_back_deliveries(session, [delivery.id])
                delivery.state = state


def history(database: Database, seed: int, count: int) -> list[Event]:
    with database.read() as session:
        batches = list(session.scalars(select(Batch).order_by(Batch.id)))
        links = list(session.scalars(select(Delivery.link_id).order_by(Delivery.no)))
    told = [FeedBatch(str(UUID(bytes=one.uid)), one.quantity, one.face_minor, one.uses) for one in batches]
    told[0] = FeedBatch(told[0].uid, told[0].count, told[0].face_minor, links=[str(link) for link in links])
    return History(Random(seed), told).drawn(count)


def told(database: Database, events: list[Event], size: int) -> None:
    for page in pages(events, size):
        with database.write(*TOPICS) as session:
            apply(session, page)


def books(database: Database) -> dict[str, Any]:
    """Every row of every table that events change. When an untouched card's life began is the clock's affair."""
    found: dict[str, Any] = {}
    with database.read() as session:
        for model in (Batch, Card, Redemption, DailyFigure, Delivery, RawEvent, OutboxOp):
            rows = session.execute(select(*model.__table__.columns)).mappings()
            found[model.__tablename__] = sorted((dict(row) for row in rows), key=repr)
    entered = {row["card_id"] for row in found["redemption"]}
    for row in found["card"]:
        if row["id"] not in entered:
            del row["changed_at"]
    found["daily_figure"] = [row for row in found["daily_figure"] if row["count"] or row["amount_minor"]]
    return found


@pytest.mark.parametrize("seed", range(2))
def test_pages_of_one_and_of_many_make_the_same_books(
    config: Config, vault: OpenVault, services: Services, tmp_path: Path, seed: int
) -> None:
    stocked(services, vault)
    vault.close()
    copy = Config(tmp_path / "copy")
    shutil.copytree(config.data, copy.data)
    found = []
    for place, size in ((config, 1), (copy, 500)):
        opened = Vaults(place, memory_kib=CHEAP_KIB).open(PASSPHRASE)
        told(opened.database, history(opened.database, seed, 900), size)
        found.append(books(opened.database))
        assert build_services(place, opened).integrity.verify(deep=True).findings == ()
        opened.close()
    assert found[0] == found[1]
    assert len(found[0]["redemption"]) > 200


def test_a_page_told_twice_changes_nothing(vault: OpenVault, services: Services) -> None:
    stocked(services, vault)
    events = [event for event in history(vault.database, 9, 400) if event.type in FACTS]
    told(vault.database, events, 500)
    once = books(vault.database)
    told(vault.database, events, 7)
    assert books(vault.database) == once


def test_our_own_word_on_its_way_is_the_later_one(vault: OpenVault, services: Services) -> None:
    stocked(services, vault)
    with vault.database.read() as session:
        batch = session.get_one(Batch, 4)
    thawed = History(Random(0), [FeedBatch(str(UUID(bytes=batch.uid)), CARDS)])
    thawed.tell("thawed@1", batch_id=str(UUID(bytes=batch.uid)))
    told(vault.database, thawed.events, 500)
    with vault.database.read() as session:
        assert session.get_one(Batch, 4).frozen_at == batch.frozen_at


@pytest.mark.parametrize("word", ["card.voided@1", "batch.voided@1"])
@pytest.mark.parametrize("batch_id", [1, 2])
def test_who_ended_a_card_that_was_just_used_up_sees_it_as_everybody_does(
    config: Config, vault: OpenVault, services: Services, tmp_path: Path, word: str, batch_id: int
) -> None:
    """One desktop has ended it before it heard of the redemption, the other hears both in the endpoint's order."""
    stocked(services, vault)
    with vault.database.read() as session:
        batch = session.get_one(Batch, batch_id)
    vault.close()
    shutil.copytree(config.data, tmp_path / "other")
    feed = History(Random(0), [FeedBatch(str(UUID(bytes=batch.uid)), CARDS, batch.face_minor)])
    feed._left[feed.batches[0].uid, 0] = face = batch.face_minor or 0
    feed._entry("redeemed@1", feed.batches[0], 0, face, entry="code")
    feed.tell(word, batch_id=feed.batches[0].uid, **({"card_no": 0} if word == "card.voided@1" else {}))
    found = []
    for place, ends in ((config, True), (Config(tmp_path / "other"), False)):
        opened = Vaults(place, memory_kib=CHEAP_KIB).open(PASSPHRASE)
        there = build_services(place, opened)
        if ends and word == "card.voided@1":
            there.cards.void(batch.first_card_id, reason="x")
        elif ends:
            there.batches.void(batch_id, confirm=str(CARDS))
        told(opened.database, feed.events, 500)
        assert there.integrity.verify().findings == ()
        seen = books(opened.database)
        found.append(([row["state"] for row in seen["card"] if row["batch_id"] == batch_id], seen["daily_figure"]))
        opened.close()
    assert found[0] == found[1]
    assert found[0][0][0] == "spent"


def heard_of_batch_1(vault: OpenVault, *events: tuple[str, str, int]) -> bool:
    """Type, op id and number of each; whether the batch is frozen then."""
    with vault.database.read() as session:
        uid = str(UUID(bytes=session.get_one(Batch, 1).uid))
    body = msgspec.Raw(msgspec.json.encode({"batch_id": uid}))
    told(vault.database, [Event(seq, type_, op_id, to_wire(now()), body, "") for type_, op_id, seq in events], 1)
    with vault.database.read() as session:
        return session.get_one(Batch, 1).frozen_at is not None


def op_of(vault: OpenVault, type_: str) -> OutboxOp:
    with vault.database.read() as session:
        return session.scalars(select(OutboxOp).where(OutboxOp.type == type_, OutboxOp.aggregate == "batch:1")).one()


def test_a_word_on_its_way_about_something_else_makes_nobody_deaf(vault: OpenVault, services: Services) -> None:
    stocked(services, vault)
    services.cards.void(1, reason="x")
    services.cards.freeze(2)
    assert heard_of_batch_1(vault, ("frozen@1", "theirs", 1))


def test_a_word_of_ours_that_was_heard_lets_the_next_one_pass(vault: OpenVault, services: Services) -> None:
    """Its answer was lost, or it was sent in the life before a restore: it is still in the queue."""
    stocked(services, vault)
    services.batches.freeze(1)
    ours = op_of(vault, "batch.freeze@1")
    assert not heard_of_batch_1(vault, ("frozen@1", ours.op_id, 1), ("thawed@1", "theirs", 2))
    answered = op_of(vault, "batch.freeze@1")
    assert (answered.state, answered.seq) == ("applied", 1)
    assert services.integrity.verify().findings == ()


def test_a_word_of_ours_that_was_refused_is_not_the_later_one(vault: OpenVault, services: Services) -> None:
    stocked(services, vault)
    services.batches.freeze(1)
    with vault.database.write(Topic.OUTBOX) as session:
        refused = session.get_one(OutboxOp, op_of(vault, "batch.freeze@1").id)
        refused.state, refused.problem, refused.answered_at = "rejected", {"key": "forbidden"}, now()
    assert not heard_of_batch_1(vault, ("thawed@1", "theirs", 1))


def test_what_nobody_here_knows_is_kept_as_it_came(vault: OpenVault, services: Services) -> None:
    stocked(services, vault)
    strange = History(Random(0), [FeedBatch("x", 1)])
    while len(strange.events) < 40:
        strange.strange()
    told(vault.database, strange.events, 500)
    with vault.database.read() as session:
        kept = Counter(session.scalars(select(RawEvent.type)))
    assert kept == Counter(event.type for event in strange.events if event.type != "merchant.updated@1")


def test_what_was_kept_is_heard_once_a_version_knows_it(
    vault: OpenVault, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(services, vault)
    with vault.database.read() as session:
        batch = session.get_one(Batch, 2)
        uid, first = str(UUID(bytes=batch.uid)), batch.first_card_id
    body = {"batch_id": uid, "card_no": 3, "amount_minor": 700, "uses": 0, "remaining_minor": 4_300}
    raw = msgspec.Raw(msgspec.json.encode(body | {"remaining_uses": None}))
    with monkeypatch.context() as earlier:
        earlier.setattr(events, "ACTS", {name: act for name, act in events.ACTS.items() if name != "redeemed@1"})
        told(vault.database, [Event(1, "redeemed@1", "op", to_wire(now()), raw, "")], 1)
    for after, reached in ((0, 1), (1, None)):
        with vault.database.write(*TOPICS) as session:
            assert events.knows_more(session)
            assert events.apply_kept(session, "e1", after=after) == reached
    with vault.database.read() as session:
        assert not events.knows_more(session)
        assert session.get_one(Card, first + 3).balance_minor == 4_300
        assert session.scalars(select(RawEvent)).all() == []
    assert services.integrity.verify().findings == ()


def test_many_that_were_kept_are_heard_page_by_page(
    online: Services, vault: OpenVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A counter keeps every event of the owner's cards: after an update a million would not fit into memory."""
    monkeypatch.setattr(events, "KEPT", 3)
    online.cloud.pull()
    epoch, commits = online.cloud._cursor()[0], []
    with vault.database.write(Topic.CLOUD) as session:
        row = {"epoch": epoch, "type": "redeemed@1", "body": {"batch_id": "another's"}, "at": now()}
        session.add_all(RawEvent(seq=1_000 + number, op_id=f"op{number}", **row) for number in range(10))
        store(session, "cloud.events_known", "less")
    vault.database.subscribe(commits.append)
    online.cloud.pull()
    assert len(commits) == 5
    with vault.database.read() as session:
        assert not events.knows_more(session)
        assert len(session.scalars(select(RawEvent)).all()) == 10


def test_what_a_version_kept_that_did_not_keep_the_ops_of_events_is_asked_for_once_more(
    online: Services, vault: OpenVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the card is worth another sum here than there, for ever."""
    code = a_code(online, sealed_batch(online))
    with monkeypatch.context() as earlier:
        earlier.setattr(events, "ACTS", {name: act for name, act in events.ACTS.items() if name != "redeemed@1"})
        redeem_on_the_phone(online, code, 700)
        online.cloud.sync()
    with vault.database.write(Topic.CLOUD) as session:
        session.execute(update(RawEvent).values(op_id=None))
        store(session, "cloud.events_known", "less")
    for _ in range(2):
        done = online.cloud.sync()
        assert (done.rejected, done.pending, done.differences) == (0, 0, ())
    assert done.pulled == 0
    with vault.database.read() as session:
        assert session.scalars(select(Redemption.amount_minor)).all() == [700]
    assert online.integrity.verify(deep=True).findings == ()


@pytest.mark.parametrize(("number", "begun"), [(CARDS - 1, 1), (CARDS, 0), (2**53, 0)])
def test_a_link_to_a_card_that_no_batch_has_begins_no_card(
    vault: OpenVault, services: Services, number: int, begun: int
) -> None:
    """Whoever may make links at the endpoint may say any number."""
    stocked(services, vault)
    with vault.database.read() as session:
        batch = session.get_one(Batch, 2)
        body = {"link_id": "another's", "batch_id": str(UUID(bytes=batch.uid)), "card_no": number}
        assert batch.quantity == CARDS
        before = session.scalars(select(func.count(Card.id))).one()
    told(
        vault.database, [Event(1, "link.stored@1", "op", to_wire(now()), msgspec.Raw(msgspec.json.encode(body)), "")], 1
    )
    with vault.database.read() as session:
        assert session.scalars(select(func.count(Card.id))).one() == before + begun
    assert services.integrity.verify().findings == ()


def test_a_mail_that_is_to_go_once_more_stays_here_once_it_was_opened(services: Services, vault: OpenVault) -> None:
    """It was uncertain and put back in line; then the sync hears that it came."""
    stocked(services, vault)
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        waiting = session.scalars(select(Delivery).where(Delivery.state == "uncertain")).first()
        assert waiting is not None
        waiting.state, number, link = "released", waiting.id, waiting.link_id
        uid = str(UUID(bytes=session.get_one(Batch, 1).uid))
    body = msgspec.json.encode({"batch_id": uid, "link_id": link})
    event = Event(1, "opened@1", "op", to_wire(now()), msgspec.Raw(body), "")
    told(vault.database, [event], 1)
    with vault.database.read() as session:
        assert session.get_one(Delivery, number).state == "delivered"
