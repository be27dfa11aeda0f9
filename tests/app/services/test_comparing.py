"""Desktop and endpoint compare sums: a difference stays shown, and what an endpoint lost is told it anew."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import delete
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.errors import NotFound
from app.models.redemption import Redemption
from app.services import Services
from app.services.cloud import comparing
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from sync import tally
from sync.client import Refused, SyncClient
from sync.protocol import Problem, ReconcileAnswer, ReconcileRequest
from tests.drivers.online import a_batch, a_code, redeem_on_the_phone


def falsify(config: Config, batch: int) -> None:
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("UPDATE batch SET count = count + 1 WHERE id = ?", (batch,))


def test_a_difference_stays_shown_while_the_feed_is_moving(online: Services, vault: OpenVault, config: Config) -> None:
    batch_id = a_batch(online)
    online.cloud.sync()
    falsify(config, 1)
    known = online.cloud.sync().differences
    assert len(known) == 1
    redeem_on_the_phone(online, a_code(online, batch_id), 100)  # not heard of yet: nothing can be compared
    client = online.cloud._connection.client()
    assert client is not None
    with closing(client):
        assert comparing.compare(vault.database, client, at_seq=online.cloud._cursor()[1]) == known
    assert online.cloud.status().differences == known


def test_more_batches_than_one_question_takes_are_all_compared(
    online: Services, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "CLAIMS", 2)
    for _ in range(3):
        a_batch(online)
    online.cloud.sync()
    for batch in (1, 3):
        falsify(config, batch)
    assert len(online.cloud.sync().differences) == 2


def told(online: Services, config: Config, *statements: str) -> tuple[str, ...]:
    """What a sync says after somebody was at the endpoint's file."""
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        for statement in ("DROP TRIGGER redemption_no_update", "DROP TRIGGER redemption_no_delete", *statements):
            endpoint.execute(statement)
    return online.cloud.sync().differences


@pytest.fixture
def traded(online: Services) -> list[str]:
    """Op ids of forty redemptions of ten fen each, from one batch."""
    batch_id = a_batch(online)
    online.cloud.sync()
    for at in range(20):
        for _ in range(2):
            redeem_on_the_phone(online, a_code(online, batch_id, at), 10)
    assert online.cloud.sync().differences == ()
    return [use.id for use in online.redemptions.last(100)]


def test_an_entry_that_is_not_there_is_found_among_many(online: Services, config: Config, traded: list[str]) -> None:
    (serial,) = told(online, config, f"DELETE FROM redemption WHERE op_id = '{traded[7]}'")
    (difference,) = online.cloud.explain(serial)
    assert (difference.op_id, difference.here_minor, difference.there_minor) == (traded[7], 10, None)


def test_two_entries_that_change_no_sum_are_found(online: Services, config: Config, traded: list[str]) -> None:
    one, two = sorted(traded[3:5])
    change = "UPDATE redemption SET amount_minor = amount_minor {} 1 WHERE op_id = '{}'"
    (serial,) = told(online, config, change.format("+", one), change.format("-", two))
    found = [(one.op_id, one.here_minor, one.there_minor) for one in online.cloud.explain(serial)]
    assert found == [(one, 10, 11), (two, 10, 9)]


def test_an_entry_that_nobody_here_heard_of_is_found(
    online: Services, vault: OpenVault, config: Config, traded: list[str]
) -> None:
    with vault.database.write(Topic.REDEMPTIONS) as session:
        session.delete(session.get_one(Redemption, traded[0]))
    (serial,) = online.cloud.sync().differences
    (difference,) = online.cloud.explain(serial)
    assert (difference.op_id, difference.here_minor, difference.there_minor) == (traded[0], None, 10)
    with pytest.raises(NotFound):
        online.cloud.explain("nothing")


def test_with_many_entries_only_what_is_new_is_compared_until_the_day_is_over(
    online: Services, monkeypatch: pytest.MonkeyPatch, traded: list[str]
) -> None:
    hashed: list[str] = []
    real = tally._digest
    monkeypatch.setattr(tally, "_digest", lambda entry: hashed.append(entry.op_id) or real(entry))
    monkeypatch.setattr(comparing, "FEW", 10)
    online.cloud.sync()
    assert hashed == []
    redeem_on_the_phone(online, a_code(online, 1), 100)
    online.cloud.sync()
    assert hashed == [online.redemptions.last(1)[0].id]
    later = comparing.now() + comparing.WHOLE_EVERY + timedelta(minutes=1)
    monkeypatch.setattr(comparing, "now", lambda: later)
    online.cloud.sync()
    assert sorted(hashed[1:]) == sorted([*traded, hashed[0]])
    assert online.cloud.sync().differences == ()


@pytest.mark.parametrize("change", ["amount_minor = amount_minor + 1", "card_no = card_no + 1", "batch_id = 1"])
def test_what_is_new_and_differs_is_found(
    online: Services, config: Config, monkeypatch: pytest.MonkeyPatch, traded: list[str], change: str
) -> None:
    monkeypatch.setattr(comparing, "FEW", 10)
    other = a_batch(online)
    online.cloud.sync()
    redeem_on_the_phone(online, a_code(online, other), 100)
    online.cloud.pull()
    newest = online.redemptions.last(1)[0]
    found = told(online, config, f"UPDATE redemption SET {change}, use_no = 99 WHERE op_id = '{newest.id}'")
    assert newest.serial.rpartition("-")[0] in found
    assert len(found) == (2 if change.startswith("batch_id") else 1)  # and the batch that it went to
    assert online.cloud.status().differences == found


def test_the_only_new_entry_of_a_batch_that_is_not_here_is_found(
    online: Services, vault: OpenVault, monkeypatch: pytest.MonkeyPatch, traded: list[str]
) -> None:
    monkeypatch.setattr(comparing, "FEW", 10)
    other = a_batch(online)
    online.cloud.sync()
    redeem_on_the_phone(online, a_code(online, other), 100)
    online.cloud.pull()
    newest = online.redemptions.last(1)[0]
    with vault.database.write(Topic.REDEMPTIONS) as session:
        session.execute(delete(Redemption).where(Redemption.id == newest.id))
    (serial,) = online.cloud.sync().differences
    assert newest.serial.startswith(serial)


def test_a_long_ledger_is_asked_about_in_more_than_one_question(
    online: Services, config: Config, monkeypatch: pytest.MonkeyPatch, traded: list[str]
) -> None:
    other = a_batch(online)
    online.cloud.sync()
    redeem_on_the_phone(online, a_code(online, other), 100)
    monkeypatch.setattr(comparing, "AT_ONCE", 10)
    assert online.cloud.sync().differences == ()
    for batch in (1, 2):
        falsify(config, batch)
    assert len(online.cloud.sync().differences) == 2


def test_an_endpoint_of_before_is_asked_about_everything(
    online: Services, monkeypatch: pytest.MonkeyPatch, traded: list[str]
) -> None:
    asked: list[int] = []
    real = SyncClient.reconcile

    def of_before(client: SyncClient, request: ReconcileRequest) -> ReconcileAnswer:
        asked.append(request.since)
        if request.since:
            raise Refused(Problem("https://kaxia.example/problems/invalid", "", 422))
        return real(client, request)

    monkeypatch.setattr(SyncClient, "reconcile", of_before)
    monkeypatch.setattr(comparing, "FEW", 10)
    redeem_on_the_phone(online, a_code(online, 1), 100)
    assert online.cloud.sync().differences == ()
    assert (bool(asked[0]), asked[1:]) == (True, [0])


def test_after_a_difference_everything_is_compared_again(
    online: Services, config: Config, monkeypatch: pytest.MonkeyPatch, traded: list[str]
) -> None:
    monkeypatch.setattr(comparing, "FEW", 10)
    monkeypatch.setattr(comparing, "WHOLE_EVERY", timedelta())
    assert len(told(online, config, f"DELETE FROM redemption WHERE op_id = '{traded[7]}'")) == 1
    monkeypatch.setattr(comparing, "WHOLE_EVERY", timedelta(days=1))
    assert len(online.cloud.sync().differences) == 1
