"""The way of the endpoint's database to the newest schema, on SQLite and on PostgreSQL."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from sync.server.batches import verifier_at
from sync.server.database import Store
from sync.server.migrations import FOLDER, HEAD, upgrade
from sync.server.tables import APPEND_ONLY, metadata
from tests.drivers.postgres import new_database
from tests.drivers.schema import assert_golden, schema_text

ROOT = Path(__file__).resolve().parents[3]
CARD = {"batch_id": 1, "state": "active", "frozen": 0, "balance_minor": 100, "uses_left": 0, "entries": 0}
OUTCOME = {"merchant_id": "m", "fingerprint": b"f", "outcome": "{}", "at_ms": 1}


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database that the endpoint has just made its own."""
    if request.param == "sqlite":
        database = str(tmp_path / "endpoint.db")
        address = f"sqlite:///{database}"
    else:
        database = new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}")
        address = "postgresql+psycopg" + database[database.index("://") :]
    Store(database).migrate()
    engine = create_engine(address, poolclass=NullPool)
    yield engine
    engine.dispose()


def test_the_migrated_schema_is_the_declared_one(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_checks_and_keys_are_the_declared_ones(engine: Engine) -> None:
    inspector = inspect(engine)
    for table in metadata.sorted_tables:
        keys = inspector.get_pk_constraint(table.name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key.columns_autoinc_first], table.name
        checks = {check["name"] for check in inspector.get_check_constraints(table.name)}
        assert checks == {part.name for part in table.constraints if part.name and str(part.name).startswith("ck_")}


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("act", ["UPDATE {table} SET merchant_id = 'other'", "DELETE FROM {table}"])
def test_what_was_written_down_cannot_be_rewritten(engine: Engine, table: str, act: str) -> None:
    with engine.connect() as connection:
        _put_one(connection, table)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(act.format(table=table))


def test_an_endpoint_that_is_up_to_date_loads_nothing_of_other_databases_and_old_schemas(tmp_path: Path) -> None:
    database = str(tmp_path / "endpoint.db")
    Store(database).migrate()
    look = (
        "import sys; import sync.server.__main__; from sync.server.database import Store;"
        f"Store({database!r}).migrate(); print(sorted({{'alembic', 'psycopg', 'sqlalchemy'}} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_newest_schema_is_the_one_that_a_start_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_second_start_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        before = sorted(inspect(connection).get_table_names())
        upgrade(connection)
        assert sorted(inspect(connection).get_table_names()) == before


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"])
def test_the_schemas_stay_as_they_are(revision: str) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        upgrade(connection, revision)
        assert_golden(f"endpoint_{revision}.sql", schema_text(connection))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Engine]]:
    """A database as the first version left it, with a card and what became of it."""
    if request.param == "sqlite":
        database = str(tmp_path / "endpoint.db")
        address = f"sqlite:///{database}"
    else:
        database = new_database(request.getfixturevalue("postgres_url"), f"kaxia_{uuid4().hex[:12]}")
        address = "postgresql+psycopg" + database[database.index("://") :]
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        upgrade(connection, "0001")
        for number in (2, 1):
            connection.execute(metadata.tables["card"].insert().values(**CARD, verifier=bytes([number]), no=number))
            connection.execute(metadata.tables["op"].insert().values(**OUTCOME, op_id=f"o{number}"))
    yield database, engine
    engine.dispose()


def test_an_old_database_keeps_its_cards_and_outcomes_and_finds_them_by_the_new_keys(old: tuple[str, Engine]) -> None:
    database, engine = old
    Store(database).migrate()
    with engine.connect() as connection:
        assert _kept(connection) == ([(b"\1", 1, "active", 100), (b"\2", 2, "active", 100)], ["o1", "o2"])
        assert inspect(connection).get_pk_constraint("op")["constrained_columns"] == ["op_id", "merchant_id"]
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql("DELETE FROM op")


def test_a_step_that_was_broken_off_leaves_the_old_database_and_is_done_the_next_time(old: tuple[str, Engine]) -> None:
    database, engine = old
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE op_next (x INTEGER)")  # in the way of the second half on SQLite
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE op RENAME CONSTRAINT op_pkey TO other")
        before = _said(connection)
    with pytest.raises(RuntimeError, match="cannot be used"):
        Store(database).migrate()
    with engine.begin() as connection:
        assert _said(connection) == before
        connection.exec_driver_sql("DROP TABLE op_next")
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE op RENAME CONSTRAINT other TO op_pkey")
    Store(database).migrate()
    with engine.connect() as connection:
        assert _kept(connection)[1] == ["o1", "o2"]


def test_cards_of_an_old_database_are_found_by_their_number_and_unsealed_ones_wait_again(
    old: tuple[str, Engine],
) -> None:
    database, engine = old
    with engine.begin() as connection:
        upgrade(connection, "0002")
        for batch_id, sealed_ms, count in ((7, 1, 502), (8, None, 3)):
            connection.exec_driver_sql(
                "INSERT INTO batch (id, merchant_id, uid, name, kind, money, currency, uses, partial, count, frozen, "
                f"voided, sealed_ms, created_ms) VALUES ({batch_id}, 'm', 'b{batch_id}', '', 'fixed', 1, 'CNY', 1, 1, "
                f"{count}, 0, 0, {sealed_ms or 'NULL'}, 1)"
            )
            for number in range(count):
                values = CARD | {"batch_id": batch_id, "verifier": _verifier(batch_id, number), "no": number}
                connection.execute(metadata.tables["card"].insert().values(values))
    Store(database).migrate()
    store = Store(database)
    for batch_id, number in ((7, 0), (7, 499), (7, 500), (7, 501), (8, 2)):
        found = store.read_now(lambda transaction, of=(batch_id, number): verifier_at(transaction, *of))
        assert found == _verifier(batch_id, number)
    counts = store.read_now(lambda t: t.all("SELECT batch_id, count(*) FROM card GROUP BY batch_id ORDER BY batch_id"))
    staged = store.read_now(lambda t: t.all("SELECT id, staged FROM batch ORDER BY id"))
    store.stop()
    assert [tuple(row) for row in counts] == [(1, 2), (7, 502)]
    assert [tuple(row) for row in staged] == [(7, 256), (8, 0)]


def test_a_device_of_an_old_database_has_had_the_life_it_had(old: tuple[str, Engine]) -> None:
    database, engine = old
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO device (id, merchant_id, name, public_key, role, state, incarnation, enrolled_ms) "
            "VALUES ('d', 'm', '', 'k', 'owner', 'active', 'first', 5)"
        )
    Store(database).migrate()
    with engine.connect() as connection:
        lives = connection.exec_driver_sql("SELECT device_id, incarnation, first_ms FROM incarnation").all()
        assert [tuple(life) for life in lives] == [("d", "first", 5)]
        assert connection.exec_driver_sql("SELECT seen_ms FROM device").scalar() is None


def test_the_ledger_of_an_old_database_stays_as_it_was_takes_top_ups_and_cannot_be_rewritten(
    old: tuple[str, Engine],
) -> None:
    database, engine = old
    columns = "merchant_id, op_id, batch_id, card_no, use_no, kind, amount_minor, uses, reason, entry, place, at_ms"
    with engine.begin() as connection:
        for number, kind in ((2, "redeemed"), (1, "reversed")):
            values = f"'m', 'o{number}', 1, 1, {number}, '{kind}', {5 - 3 * number}, 0, '', 'code', '', 7"
            connection.exec_driver_sql(f"INSERT INTO redemption ({columns}) VALUES ({values})")
        every = f"SELECT {columns} FROM redemption ORDER BY op_id"
        before = [tuple(row) for row in connection.exec_driver_sql(every)]
    Store(database).migrate()
    with engine.begin() as connection:
        assert [tuple(row) for row in connection.exec_driver_sql(every)] == before
        for number, kind in ((3, "topped_up"), (4, "refunded")):
            values = f"'m', 'n{number}', 1, 1, {number}, '{kind}', 1, 0, '', 'code', '', 7"
            connection.exec_driver_sql(f"INSERT INTO redemption ({columns}) VALUES ({values})")
    for refused in (
        f"INSERT INTO redemption ({columns}) VALUES ('m', 'n5', 1, 1, 5, 'given', 1, 0, '', 'code', '', 7)",
        f"INSERT INTO redemption ({columns}) VALUES ('m', 'n5', 1, 1, 4, 'refunded', 1, 0, '', 'code', '', 7)",
        "UPDATE redemption SET amount_minor = 0",
        "DELETE FROM redemption",
    ):
        with engine.connect() as connection, pytest.raises(DBAPIError):
            connection.exec_driver_sql(refused)


def test_an_old_database_remembers_by_its_feed_which_cards_were_voided(old: tuple[str, Engine]) -> None:
    """Also one that was used up since, and one that was given back what it had and was forgotten to be voided."""
    database, engine = old
    with engine.begin() as connection:
        upgrade(connection, "0007")
        connection.exec_driver_sql(
            "INSERT INTO batch (id, merchant_id, uid, name, kind, money, currency, uses, partial, count, frozen, "
            "voided, sealed_ms, created_ms, staged, leases) "
            "VALUES (7, 'm', 'b', '', 'fixed', 1, 'CNY', 1, 1, 4, 0, 0, 1, 1, 0, 0)"
        )
        table, columns = metadata.tables["card"], [name for name in CARD if name != "batch_id"]
        for number, state in enumerate(("spent", "active", "voided", "active")):
            values = CARD | {"state": state}
            connection.exec_driver_sql(
                f"INSERT INTO card (verifier, batch_id, no, {', '.join(columns)}) VALUES "
                f"({_hex(connection, _verifier(7, number))}, 7, {number}, "
                f"{', '.join(repr(values[name]) for name in columns)})"
            )
        block = b"".join(_verifier(7, number) for number in range(4))
        connection.execute(metadata.tables["card_block"].insert().values(batch_id=7, n=0, verifiers=block))
        for number in (0, 1):
            body = f'{{"batch_id":"b","card_no":{number}}}'
            event = {"merchant_id": "m", "seq": number + 1, "op_id": f"v{number}", "at": "", "body": body, "hash": b""}
            connection.execute(metadata.tables["feed"].insert().values(**event, type="card.voided@1"))
    Store(database).migrate()
    with engine.connect() as connection:
        kept = connection.execute(select(table.c.state, table.c.voided).where(table.c.batch_id == 7).order_by("no"))
        assert [tuple(row) for row in kept] == [("spent", 1), ("voided", 1), ("voided", 1), ("active", 0)]


def _hex(connection: Connection, value: bytes) -> str:
    return f"'\\x{value.hex()}'" if connection.dialect.name == "postgresql" else f"x'{value.hex()}'"


def _verifier(batch_id: int, number: int) -> bytes:
    return hashlib.sha256(f"{batch_id} {number}".encode()).digest()


def _said(connection: Connection) -> object:
    return schema_text(connection) if connection.dialect.name == "sqlite" else inspect(connection).get_table_names()


def _kept(connection: Connection) -> tuple[list[tuple[object, ...]], list[str]]:
    cards = connection.exec_driver_sql("SELECT verifier, no, state, balance_minor FROM card ORDER BY no").all()
    ops = connection.exec_driver_sql("SELECT op_id FROM op ORDER BY op_id").scalars()
    return [(bytes(card[0]), *card[1:]) for card in cards], list(ops)


def _put_one(connection: Connection, table: str) -> None:
    """A row of zeros and empty texts."""
    columns = [column for column in metadata.tables[table].columns if not column.nullable]
    values = {column.name: _nothing(column.type.python_type) for column in columns}
    if table == "redemption":
        values["kind"] = "redeemed"
    connection.execute(metadata.tables[table].insert().values(values))


def _nothing(kind: type) -> object:
    return kind()
