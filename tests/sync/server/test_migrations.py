"""The way of the endpoint's database to the newest schema, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from sync.server.database import Store
from sync.server.migrations import upgrade
from sync.server.tables import APPEND_ONLY, metadata
from tests.drivers.postgres import new_database
from tests.drivers.schema import assert_golden, schema_text


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
        assert sorted(keys) == sorted(column.name for column in table.primary_key)
        checks = {check["name"] for check in inspector.get_check_constraints(table.name)}
        assert checks == {part.name for part in table.constraints if part.name and str(part.name).startswith("ck_")}


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("act", ["UPDATE {table} SET merchant_id = 'other'", "DELETE FROM {table}"])
def test_what_was_written_down_cannot_be_rewritten(engine: Engine, table: str, act: str) -> None:
    with engine.connect() as connection:
        _put_one(connection, table)
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql(act.format(table=table))


def test_a_second_start_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        before = sorted(inspect(connection).get_table_names())
        upgrade(connection)
        assert sorted(inspect(connection).get_table_names()) == before


def test_the_first_schema_stays_as_it_is() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        upgrade(connection)
        assert_golden("endpoint_0001.sql", schema_text(connection))
    engine.dispose()


def _put_one(connection: Connection, table: str) -> None:
    """A row of zeros and empty texts."""
    columns = [column for column in metadata.tables[table].columns if not column.nullable]
    values = {column.name: _nothing(column.type.python_type) for column in columns}
    if table == "redemption":
        values["kind"] = "redeemed"
    connection.execute(metadata.tables[table].insert().values(values))


def _nothing(kind: type) -> object:
    return kind()
