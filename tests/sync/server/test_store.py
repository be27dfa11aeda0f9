"""The queue of writes: nobody waits for nothing, and what one write does wrong is its own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from sync.protocol import Checkpoint
from sync.server import access, feed, limits
from sync.server.access import Device
from sync.server.database import Store
from sync.server.dialects import postgres
from sync.server.problems import Refusal
from sync.server.routes.desktop import _begun_anew
from sync.server.transaction import Transaction
from tests.drivers.postgres import new_database

PATIENCE_S = 60


@pytest.fixture
def on_postgres(request: pytest.FixtureRequest) -> Iterator[Store]:
    store = Store(new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}"))
    store.migrate()
    store.start()
    yield store
    store.stop()


def test_writes_that_block_each_other_are_written_again(on_postgres: Store) -> None:
    on_postgres.write_now(
        lambda t: t.many("INSERT INTO failure (bucket, theoretical_ms) VALUES (?, 0)", [[b"a"], [b"b"]])
    )
    begun, met = threading.Event(), threading.Barrier(2, timeout=PATIENCE_S)
    again: list[bytes] = []

    def count(first: bytes, second: bytes) -> int:
        tried: list[bytes] = []

        def work(transaction: Transaction) -> int:
            transaction.run("UPDATE failure SET theoretical_ms = theoretical_ms + 1 WHERE bucket = ?", first)
            if tried:
                again.append(first)
            else:
                tried.append(first)
                begun.set()
                met.wait()
            return transaction.run("UPDATE failure SET theoretical_ms = theoretical_ms + 1 WHERE bucket = ?", second)

        return on_postgres.write_now(work, first.decode())

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(count, b"a", b"b")
        assert begun.wait(PATIENCE_S)  # that writer is busy: the other one takes what comes now
        two = pool.submit(count, b"b", b"a")
        assert (one.result(PATIENCE_S), two.result(PATIENCE_S)) == (1, 1)
    assert again
    counted = on_postgres.read_now(lambda t: t.all("SELECT theoretical_ms FROM failure"))
    assert [row[0] for row in counted] == [2, 2]


def test_failures_counted_at_the_same_time_add_up(on_postgres: Store) -> None:
    tried, met = limits.attempt(b"pepper", address="192.0.2.1"), threading.Barrier(2, timeout=PATIENCE_S)
    begun = threading.Event()

    def count(merchant: str) -> None:
        def work(transaction: Transaction) -> None:
            failures = limits.Failures(transaction, [tried])
            begun.set()
            met.wait()
            failures.count(tried, 1_000_000)
            failures.write()

        on_postgres.write_now(work, merchant)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(count, "a")
        assert begun.wait(PATIENCE_S)
        two = pool.submit(count, "b")
        one.result(PATIENCE_S)
        two.result(PATIENCE_S)
    counted = on_postgres.read_now(lambda t: t.one("SELECT theoretical_ms FROM failure"))
    assert counted is not None
    assert counted[0] == 1_000_000 + 2 * limits.ADDRESS.every_ms


def test_of_two_desktops_that_find_a_backup_out_at_once_one_begins_a_new_epoch(on_postgres: Store) -> None:
    """The second one's took its place, and the word that was given for the first was the word of nobody."""
    on_postgres.write_now(lambda t: feed.begin(t, "pepper", "key"))
    made = on_postgres.write_now(lambda t: access.add_merchant(t, name="某某商户", at_ms=0))
    device, told = Device("d", made.merchant_id, "owner"), Checkpoint("fe_later", 5, "A" * 43, "", "")
    begun = threading.Event()

    def first(transaction: Transaction) -> str:
        verdict, pause = _begun_anew(transaction, device, told), threading.Event()
        begun.set()
        while transaction.one("SELECT 1 FROM pg_locks WHERE NOT granted") is None:
            pause.wait(0.01)
        return verdict

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(on_postgres.write_now, first)
        assert begun.wait(PATIENCE_S)
        two = pool.submit(on_postgres.write_now, lambda t: _begun_anew(t, device, told))
        assert (one.result(PATIENCE_S), two.result(PATIENCE_S)) == ("restored", "past")
    events = on_postgres.read_now(lambda t: t.all("SELECT type FROM feed"))
    assert [row[0] for row in events] == ["recovery.begun@1"]


def test_what_no_column_takes_is_refused_to_whoever_asked(on_postgres: Store) -> None:
    def wrong(transaction: Transaction) -> None:
        with transaction.step():
            transaction.one("SELECT 1 FROM merchant WHERE slug = ?", "a\0b")

    for work, key in ((wrong, "invalid"), (_twice, "stale-version")):
        with pytest.raises(Refusal, match=key):
            on_postgres.write_now(work)
    with pytest.raises(Refusal, match="invalid"):
        on_postgres.read_now(lambda t: t.one("SELECT 1 FROM merchant WHERE slug = ?", "a\0b"))
    assert on_postgres.write_now(lambda transaction: 1) == 1


def test_who_looks_sees_one_state_whatever_is_written_meanwhile(on_postgres: Store) -> None:
    """Else a redemption between two questions of a comparison is told as a difference."""
    count = "SELECT count(*) FROM instance"
    before = on_postgres.read_now(lambda t: t.one(count))

    def look(transaction: Transaction) -> object:
        first = transaction.one(count)
        on_postgres.write_now(lambda t: t.run("INSERT INTO instance (key, value) VALUES ('meanwhile', '1')"))
        return first, transaction.one(count)

    assert on_postgres.read_now(look) == (before, before)
    assert on_postgres.read_now(lambda t: t.one(count)) != before


def _twice(transaction: Transaction) -> None:
    transaction.many("INSERT INTO instance (key, value) VALUES (?, ?)", [("a", "1"), ("a", "2")])


def test_what_is_acknowledged_is_on_the_disk_however_the_server_is_set_up(request: pytest.FixtureRequest) -> None:
    url = new_database(request.getfixturevalue("postgres_url"), name := f"kaxia_{uuid4().hex[:12]}")
    found = []
    for setting in ("off", "remote_apply"):
        with postgres().connect(url) as connection:
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {setting}")
        store = Store(url)
        found.append(store.read_now(lambda transaction: transaction.one("SHOW synchronous_commit")))
        store.stop()
    assert [row[0] for row in found if row] == ["on", "remote_apply"]
