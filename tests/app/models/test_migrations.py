"""The way of a vault file to the newest schema."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

import app.models  # noqa: F401  # the tables register themselves
from app.config import Config
from app.errors import VaultNewer
from app.messages import sentence
from app.models import migrations
from app.models.base import Base
from app.models.batch import number
from app.models.database import Database
from app.services.vault.vaults import NewVault, Vaults
from tests.app.conftest import CHEAP_KIB, PASSPHRASE
from tests.drivers.schema import assert_golden, schema_text


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "v.db", bytes(32))
    migrations.upgrade(database)
    return database


def written_by(database: Database, revision: str) -> None:
    """As if another version had written the file."""
    with database.schema_change() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()


def test_the_migrated_schema_is_the_one_of_the_models(database: Database) -> None:
    with database.schema_change() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_checks_triggers_and_tables_without_rowid_are_those_of_the_models(database: Database) -> None:
    declared = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(declared)
    with database.schema_change() as connection, declared.connect() as wanted:
        assert _statements(schema_text(connection)) == _statements(schema_text(wanted))
    declared.dispose()


def test_the_first_schema_stays_as_it_is(database: Database) -> None:
    with database.schema_change() as connection:
        assert_golden("vault_0001.sql", schema_text(connection))


def test_the_numbers_of_a_chunk_are_there(database: Database) -> None:
    with database.read() as session:
        found = session.execute(select(func.count(), func.min(number.c.n), func.max(number.c.n))).one()
    assert tuple(found) == (20_480, 0, 20_479)


@pytest.mark.parametrize("act", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_checkpoint"])
def test_the_audit_log_cannot_be_rewritten(config: Config, vaults: Vaults, act: str) -> None:
    vault, _ = vaults.create(NewVault("某某商户", PASSPHRASE))
    with vault.database.schema_change() as connection:
        connection.exec_driver_sql(
            "INSERT INTO audit_entry (at, actor, action, subject, details, hash, mac) "
            "VALUES (1, '', '', '', '{}', x'', x'')"
        )
        connection.exec_driver_sql(
            "INSERT INTO audit_checkpoint (entry_id, at, hash, signature) VALUES (1, 1, x'', x'')"
        )
        with pytest.raises(DatabaseError, match="append-only"):
            connection.exec_driver_sql(act)
    vault.close()


def test_a_newer_file_is_refused_with_words(vaults: Vaults, config: Config) -> None:
    vault, _ = vaults.create(NewVault("某某商户", PASSPHRASE))
    written_by(vault.database, "9999")
    vault.close()
    with pytest.raises(VaultNewer) as refused:
        vaults.open(PASSPHRASE)
    assert "9999" in sentence(refused.value)
    with pytest.raises(VaultNewer):  # the refusal left no lock behind
        Vaults(config, memory_kib=CHEAP_KIB).open(PASSPHRASE)
    assert not config.backups.exists()


def test_an_up_to_date_file_is_left_alone(database: Database) -> None:
    called: list[str] = []
    migrations.upgrade(database, lambda: called.append("copied"))
    assert called == []


def test_a_copy_is_made_before_an_upgrade(config: Config, vaults: Vaults, next_version: Callable[[str], None]) -> None:
    vault, _ = vaults.create(NewVault("某某商户", PASSPHRASE))
    keys = vault.keys
    vault.close()
    next_version("op.create_table('later', sa.Column('id', sa.Integer, primary_key=True))")
    opened = vaults.open(PASSPHRASE)
    assert migrations.revision(opened.database) == "9000"
    opened.close()
    (copy,) = config.backups.glob("before-upgrade-*.db")
    before = Database(copy, keys.file)
    assert (before.findings(), migrations.revision(before)) == ([], "0001")
    before.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(
    config: Config, vaults: Vaults, next_version: Callable[[str], None]
) -> None:
    vault, _ = vaults.create(NewVault("某某商户", PASSPHRASE))
    vault.close()
    next_version("op.create_table('later', sa.Column('id', sa.Integer)); op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises(OperationalError, match="nowhere"):
        vaults.open(PASSPHRASE)
    (copy,) = config.backups.glob("before-upgrade-*.db")
    copied = Database(copy, vault.keys.file)
    left = Database(config.vault, vault.keys.file)
    with left.schema_change() as now, copied.schema_change() as before:
        assert schema_text(now) == schema_text(before)
    assert (left.findings(), migrations.revision(left)) == ([], "0001")
    left.close()
    copied.close()


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes this program one that knows a further step, with this body."""

    def release(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(migrations.FOLDER, folder)
        step = "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = '9000'\ndown_revision = '0001'\n\n\n"
        (folder / "versions" / "9000_later.py").write_text(f"{step}def upgrade():\n    {body}\n", "utf-8")
        monkeypatch.setattr(migrations, "FOLDER", folder)
        monkeypatch.setattr(migrations, "HEAD", "9000")

    return release


def _statements(text: str) -> dict[str, list[str]]:
    """First line of each statement → its parts, sorted: the order of columns and constraints may differ."""
    found = {}
    for statement in text.replace('"', "").split(";\n\n"):
        head, *parts = statement.splitlines() or [""]
        found[head] = sorted(part.strip().rstrip(",") for part in parts)
    return found
