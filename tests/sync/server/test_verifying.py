"""`sync.server verify`: a database full of real work is whole, and each kind of damage is told by its name."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sync.protocol import new_op_id
from sync.server.database import Store
from sync.server.transaction import Row, Transaction
from sync.server.verifying import FINDINGS, Verdict, verify
from tests.drivers.endpoint import ROOT, new_merchant, paired, running
from tests.drivers.postgres import new_database
from tests.drivers.quick import quick_python
from tests.sync.server.test_leases import decided, take

DAMAGE = {
    "entries": "UPDATE card SET entries = entries + 1 WHERE entries = 0",
    "balance": "UPDATE card SET balance_minor = balance_minor + 1 WHERE entries = 1 AND balance_minor > 0",
    "uses": "UPDATE card SET uses_left = uses_left + 1 WHERE balance_minor IS NULL",
    "state": "UPDATE card SET state = 'active' WHERE balance_minor = 0",
    "stray-entry": "DELETE FROM card WHERE entries = 1",
    "kind": "UPDATE redemption SET kind = 'refunded' WHERE kind = 'topped_up'",
    "reversal": "UPDATE redemption SET reverses = 'another' WHERE kind = 'reversed'",
    "entry-outcome": "DELETE FROM op WHERE op_id IN (SELECT op_id FROM redemption)",
    "entry-event": "UPDATE feed SET op_id = 'another' WHERE type = 'reversed@1'",
    "event-entry": "DELETE FROM redemption WHERE kind = 'redeemed'",
    "op-twice": "UPDATE feed SET op_id = 'the same' WHERE seq IN (2, 3)",
    "leased": """UPDATE feed SET body = replace(body, '"lease_id":"', '"lease_id":"x') WHERE type = 'redeemed@1'""",
    "lease": "UPDATE batch SET leases = leases + 1",
    "flags": "UPDATE batch SET frozen = 1 - frozen",
    "head": "UPDATE merchant SET feed_seq = feed_seq - 1",
    "gap": "DELETE FROM feed WHERE seq = 2",
    "chain": "UPDATE feed SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 2",
    "sealed-count": "UPDATE batch SET count = count + 1",
    "unsealed": "UPDATE batch SET sealed_ms = NULL",
    "place": "UPDATE card SET no = no + 500",
}
"""Kind → what does it, to a database whose guards are gone."""
EVENT = ("merchant_id", "seq", "type", "op_id", "at", "body", "hash")
PAGE = 4_096
"""Bytes of the file that are damaged at once."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of an endpoint that did every kind of work and was stopped."""
    folder = tmp_path_factory.mktemp("lived")
    if request.param == "sqlite":
        database = str(folder / "endpoint.db")
    else:
        database = new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}")
    with running(database, folder / "secrets.json") as url:
        for _ in range(2):
            desktop = paired(url, new_merchant(database))
            money, uses = desktop.batch(700), desktop.batch(3, face_minor=None)
            desktop.batch(2, seal=False).upload(desktop.client)
            first = desktop.redeem(money.records[0], 700).json()["op_id"]
            desktop.redeem(money.records[0], 800)
            desktop.redeem(money.records[1])
            desktop.redeem(uses.records[0])
            desktop.push("reverse@1", {"redemption_id": first, "reason": "mistake"})
            for type_, card_no in (("card.topup@1", 4), ("card.topup@1", 3), ("card.refund@1", 3)):
                body = {"batch_id": money.uid, "card_no": card_no, "amount_minor": 500, "reason": "x"}
                assert desktop.push(type_, body).status == "applied"
            desktop.push("batch.freeze@1", {"batch_id": money.uid})
            assert desktop.redeem(money.records[2]).status_code == 409
            desktop.push("batch.thaw@1", {"batch_id": money.uid})
            assert desktop.redeem(money.records[2], 100).status_code == 200
            lease = take(desktop, money, 600)
            desktop.push("batch.freeze@1", {"batch_id": money.uid})
            assert decided(desktop, lease, money.records[600], 100).status == "applied"
            desktop.push("batch.void@1", {"batch_id": uses.uid}, new_op_id())
            desktop.client.close()
    return database


@pytest.fixture
def copied(lived: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if lived.startswith("postgresql"):
        url = request.getfixturevalue("postgres_url")
        return new_database(url, f"kaxia_{uuid4().hex[:12]}", like=lived.rpartition("/")[2])
    return str(shutil.copy(lived, tmp_path / "endpoint.db"))


@pytest.fixture
def store(copied: str) -> Iterator[Store]:
    made = Store(copied)
    made.start()
    yield made
    made.stop()


def looked(store: Store) -> Verdict:
    return store.read_now(lambda transaction: verify(transaction, deep=True))


def test_a_database_full_of_work_is_whole(store: Store) -> None:
    verdict = looked(store)
    assert verdict.ok, [str(finding) for finding in verdict.findings]
    assert verdict.checked["card"] == 1_406
    assert verdict.checked["redemption"] == 20


@pytest.mark.parametrize("kind", DAMAGE)
def test_every_kind_of_damage_is_told_by_its_name(store: Store, kind: str) -> None:
    def damage(transaction: Transaction) -> None:
        for table in ("redemption", "feed", "op"):
            _unguard(transaction, table)
        transaction.run(DAMAGE[kind])

    store.write_now(damage)
    found = {finding.what for finding in looked(store).findings}
    assert kind in found
    assert found <= set(FINDINGS)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE card SET voided = 1 WHERE state = 'active'", {"state", "flags"}),
        ("UPDATE card SET voided = 1 WHERE state = 'spent'", {"flags"}),
        ("UPDATE card SET state = 'voided' WHERE state = 'active'", {"state"}),
        ("UPDATE batch SET frozen = 2 WHERE frozen = 1", {"flags"}),
    ],
)
def test_what_nobody_voided_or_closed_is_told(store: Store, damage: str, named: set[str]) -> None:
    store.write_now(lambda transaction: transaction.run(damage))
    assert {finding.what for finding in looked(store).findings} == named


def test_twice_the_work_is_looked_through_in_some_twice_the_steps(tmp_path: Path) -> None:
    """An endpoint with a million entries is verified, too: no two tables are held against each other row by row."""
    store = Store(str(tmp_path / "endpoint.db"))
    store.migrate()
    store.start()
    merchant = "INSERT INTO merchant (id, name, phone, slug, feed_seq, feed_hash, created_ms) "
    store.write_now(lambda transaction: transaction.run(merchant + "VALUES ('m', '', '', '', 0, '', 1)"))
    steps = []
    for begin, end in ((0, 600), (600, 1_200)):
        store.write_now(lambda transaction, span=range(begin, end): _entries(transaction, span))
        steps.append(store.read_now(_steps))
    store.stop()
    assert steps[1] < 2.5 * steps[0]


class _Noting(Transaction):
    """Keeps what it was asked."""

    def all(self, sql: str, *values: Any) -> list[Row]:
        if not values:
            self.said.append(sql)
        return super().all(sql, *values)

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction._connection, transaction.dialect)
        self.said: list[str] = []


def test_postgresql_does_not_hold_each_card_of_a_batch_against_each_entry(postgres_url: str) -> None:
    """As it did once it had counted the rows, for the sake of the few that are asked for: 45 s for each question about
    a batch of 25,000 cards."""
    store = Store(new_database(postgres_url, f"kaxia_{uuid4().hex[:12]}"))
    store.migrate()
    store.start()
    store.write_now(_a_large_batch)
    store.write_now(lambda transaction: transaction.run("ANALYZE"))

    def plans(transaction: Transaction) -> list[str]:
        noting = _Noting(transaction)
        verify(noting)
        return ["\n".join(str(row[0]) for row in transaction.all(f"EXPLAIN {sql}")) for sql in noting.said]

    found = store.read_now(plans)
    store.stop()
    assert any("redemption" in plan for plan in found)
    assert not [plan for plan in found if "Join Filter: (redemption.card_no" in plan]


def _a_large_batch(transaction: Transaction) -> None:
    transaction.run(
        "INSERT INTO batch (id, merchant_id, uid, name, kind, money, currency, face_minor, uses, partial, count, "
        "frozen, voided, sealed_ms, created_ms) VALUES (1, 'm', 'b', '', '', 1, 'CNY', 2, 1, 1, 5000, 0, 0, 1, 1)"
    )
    _entries(transaction, range(5_000))


def _entries(transaction: Transaction, numbers: range) -> None:
    names = ("merchant_id", "op_id", "batch_id", "card_no", "use_no", "kind", "amount_minor", "uses", "reason", "entry")
    entries = [("m", f"o{n}", 1, n, 1, "redeemed", 1, 0, "", "", "", 1) for n in numbers]
    transaction.put("redemption", (*names, "place", "at_ms"), entries)
    events = [("m", n + 1, "redeemed@1", f"o{n}", "", '{"card_no":1}', b"") for n in numbers]
    transaction.put("feed", ("merchant_id", "seq", "type", "op_id", "at", "body", "hash"), events)
    cards = [(f"{n}".encode(), 1, n, "active", 0, 1, 1, 1) for n in numbers]
    columns = ("verifier", "batch_id", "no", "state", "frozen", "balance_minor", "uses_left", "entries")
    transaction.put("card", columns, cards)


def _steps(transaction: Transaction) -> int:
    """Hundreds of SQLite's instructions for a verification."""
    taken = [0]

    def step() -> int:
        taken[0] += 1
        return 0

    transaction._connection.set_progress_handler(step, 100)
    verify(transaction, deep=True)
    transaction._connection.set_progress_handler(None, 0)
    return taken[0]


def test_a_redemption_between_freeze_and_thaw_is_told(store: Store) -> None:
    def damage(transaction: Transaction) -> None:
        _unguard(transaction, "feed")
        transaction.run("UPDATE feed SET type = 'frozen@1' WHERE seq = 4")

    store.write_now(damage)
    assert "frozen" in {finding.what for finding in looked(store).findings}


def test_what_is_undone_or_refunded_while_another_endpoint_decides_is_told(store: Store) -> None:
    """The freeze before it becomes a closing."""

    def damage(transaction: Transaction) -> None:
        _unguard(transaction, "feed")
        frozen = "(SELECT min(seq) FROM feed WHERE type = 'frozen@1' AND merchant_id = m.id)"
        done = "(SELECT min(seq) FROM feed WHERE type IN ('reversed@1', 'refunded@1') AND merchant_id = m.id)"
        for merchant_id, seq, before in transaction.all(f"SELECT m.id, {frozen}, {done} FROM merchant m"):
            assert before < seq
            body = """replace(body, '}', ',"closed":true}')"""
            closing = f"UPDATE feed SET type = 'frozen@1', body = {body} WHERE merchant_id = ? AND seq = ?"
            first = "SELECT min(seq) FROM feed WHERE merchant_id = ? AND type = 'redeemed@1'"
            transaction.run(closing, merchant_id, transaction.one(first, merchant_id)[0])

    store.write_now(damage)
    assert "closed" in {finding.what for finding in looked(store).findings}


@pytest.mark.parametrize(("type_", "named"), [("topped_up@1", "frozen"), ("refunded@1", "leased")])
def test_a_top_up_of_what_is_frozen_and_a_refund_of_what_is_leased_are_told(
    store: Store, type_: str, named: str
) -> None:
    """The last event of each merchant becomes one: behind a freeze, and a lease that is still open."""

    def damage(transaction: Transaction) -> None:
        _unguard(transaction, "feed")
        last = "(SELECT max(f.seq) FROM feed f WHERE f.type = 'redeemed@1' AND f.merchant_id = feed.merchant_id)"
        body = "replace(body, 'lease_id', 'x')"
        transaction.run(f"UPDATE feed SET type = '{type_}', body = {body} WHERE seq = {last}")

    store.write_now(damage)
    found = {finding.what for finding in looked(store).findings}
    assert named in found
    assert not found & {"frozen", "leased"} - {named}


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "endpoint.db"))
    store.migrate()
    store.start()
    rows = [(f"k{number}", "v") for number in range(900)]
    store.write_now(lambda transaction: transaction.many("INSERT INTO instance (key, value) VALUES (?, ?)", rows))
    store.stop()
    raw = bytearray((tmp_path / "endpoint.db").read_bytes())
    place = raw.rindex(b"k899")
    raw[place : place + 4] = b"k000"
    (tmp_path / "endpoint.db").write_bytes(raw)
    assert "file" in {finding.what for finding in looked(Store(str(tmp_path / "endpoint.db"))).findings}


def test_of_a_file_that_cannot_be_read_to_its_end_it_is_said_that_it_is_damaged(tmp_path: Path) -> None:
    """And not that nothing can be stored at the moment."""
    store = Store(str(tmp_path / "endpoint.db"))
    store.migrate()
    store.start()
    rows = [("m", number, "opened@1", f"op{number}", "", "{}", b"") for number in range(1, 9_000)]
    store.write_now(lambda transaction: transaction.put("feed", EVENT, rows))
    store.stop()
    raw = bytearray((tmp_path / "endpoint.db").read_bytes())
    place = raw.rindex(b"op4500") // PAGE * PAGE
    raw[place : place + PAGE] = bytes(PAGE)
    (tmp_path / "endpoint.db").write_bytes(raw)
    for deep in ((), ("--deep",)):
        told = said(str(tmp_path / "endpoint.db"), *deep, code=1)
        assert told.startswith("the database file is damaged\nNOT WHOLE: the rest cannot be read.")


def test_at_the_command_line_it_names_what_it_found_and_ends_with_one(copied: str) -> None:
    assert said(copied, "--deep").startswith("whole: 2 merchant")
    store = Store(copied)
    store.start()
    store.write_now(lambda transaction: transaction.run(DAMAGE["balance"]))
    store.stop()
    assert "a card does not hold its face value less its ledger" in said(copied, code=1)
    document = json.loads(said(copied, "--json", code=1))
    assert (document["ok"], document["findings"][0]["what"]) == (False, "balance")


def test_a_database_that_is_none_is_refused_with_words(tmp_path: Path) -> None:
    assert said(str(tmp_path / "nothing.db"), code=1) == ""
    assert list(tmp_path.iterdir()) == []


def said(database: str, *more: str, code: int = 0) -> str:
    command = [quick_python(), "-m", "sync.server", "verify", "--database", database, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def _unguard(transaction: Transaction, table: str) -> None:
    """What a thief of the database file would do first."""
    for act in ("update", "delete"):
        where = f" ON {table}" if transaction.dialect.on_postgres else ""
        transaction.run(f"DROP TRIGGER {table}_no_{act}{where}")
