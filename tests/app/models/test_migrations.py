"""The way of a vault file to the newest schema."""

import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as Config_
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

import app.models  # noqa: F401  # the tables register themselves
from app.bootstrap import build_services
from app.config import Config
from app.errors import VaultNewer
from app.messages import sentence
from app.models import migrations
from app.models.base import Base
from app.models.batch import number
from app.models.database import Database
from app.services.vault.vaults import NewVault, Vaults
from tests.app.conftest import CHEAP_KIB, PASSPHRASE
from tests.drivers.schema import GOLDEN, assert_golden, golden, schema_text

HEAD = migrations.HEAD
OLD_DELIVERY = {
    "person_id": 1,
    "distribution_id": 1,
    "no": 1,
    "card_id": 7,
    "amount_minor": 20000,
    "state": "claimed",
    "reason": None,
    "retryable": 0,
    "attempts": 1,
    "message_id": "<a@b>",
    "link_id": None,
    "link_secret": "s",
    "pickup_code": "p",
    "link_stored_at": 1,
    "sent_at": 2,
    "delivered_at": 3,
    "opened_at": 4,
    "claimed_at": 5,
    "recalled_at": None,
}
PERSON = {"id": 1, "name": "张三", "pinyin_key": "", "search": "", "department": "", "created_at": 1, "changed_at": 1}
OWN = (
    {"no": 1, "link_id": "x"},
    {"no": 2, "card_id": None, "amount_minor": None, "state": "failed", "reason": "no-email", "retryable": 1},
    {"distribution_id": 2, "amount_minor": 30000, "card_id": 9},
)
"""What differs between the three deliveries of the old file."""


def row_of(table: str, values: Mapping[str, object]) -> str:
    shown = ", ".join("NULL" if value is None else repr(value) for value in values.values())
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({shown})"


def _product(number: int, kind: str) -> str:
    values = {"id": number, "name": "卡", "kind": kind, "form": "voucher", "named": 0, "currency": "CNY", "uses": 1}
    return row_of("product", values | {"partial": 1, "description": "", "created_at": 1})


def _distribution(number: int, template: str) -> str:
    values = {"id": number, "uid": str(number), "name": "中秋", "product_id": number, "channel": "email", "note": ""}
    return row_of("distribution", values | {"template": template, "state": "finished", "created_at": 1})


OLD_ROWS = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('0001')",
    _product(1, "fixed"),
    _product(2, "variable"),
    row_of("person", PERSON),
    _distribution(1, '{"subject": "x", "amount_minor": null}'),
    _distribution(2, '{"subject": "x", "amount_minor": 30000}'),
    *(row_of("delivery", OLD_DELIVERY | {"id": at, **own}) for at, own in enumerate(OWN, 1)),
)


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


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005", "0006", "0007"])
def test_every_schema_stays_as_it_is(tmp_path: Path, revision: str) -> None:
    database = Database(tmp_path / "old.db", bytes(32))
    with database.schema_change() as connection:
        config = Config_()
        config.set_main_option("script_location", str(migrations.FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    with database.schema_change() as connection:
        assert_golden(f"vault_{revision}.sql", schema_text(connection))
    database.close()


def test_a_delivery_of_an_older_file_gets_the_product_and_the_face_of_its_distribution(tmp_path: Path) -> None:
    database = Database(tmp_path / "old.db", bytes(32))
    with database.schema_change() as connection:
        for statement in (*golden("vault_0001.sql").split(";\n\n")[:-1], *OLD_ROWS):
            connection.exec_driver_sql(statement)
        connection.commit()
    migrations.upgrade(database)
    with database.read() as session:
        rows = session.execute(text("SELECT * FROM delivery ORDER BY id")).mappings().all()
    assert [(row["product_id"], row["wanted_minor"]) for row in rows] == [(1, None), (1, None), (2, 30000)]
    assert [(row["channel"], row["change_to"], row["said"]) for row in rows] == [("email", None, None)] * 3
    kept = [{name: row[name] for name in ("id", *OLD_DELIVERY)} for row in rows]
    assert kept == [OLD_DELIVERY | {"id": at, **own} for at, own in enumerate(OWN, 1)]
    assert database.findings() == []
    database.close()


def test_a_card_of_an_older_file_was_ended_by_itself_unless_its_batch_was(tmp_path: Path) -> None:
    database = Database(tmp_path / "old.db", bytes(32))
    batch = dict.fromkeys(("code_length", "quantity", "made", "taken", "created_at"), 4) | {"uses": 1, "product_id": 1}
    texts = {"source": "", "format": "", "data_key": ""}
    with database.schema_change() as connection:
        for statement in golden("vault_0006.sql").split(";\n\n")[:-1]:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0006')")
        connection.exec_driver_sql(_product(1, "fixed"))
        for number, state in ((1, "published"), (2, "voided")):
            own = {"id": number, "uid": str(number), "serial": str(number), "first_card_id": number, "state": state}
            connection.exec_driver_sql(row_of("batch", batch | texts | own))
        for number, (batch_id, state) in enumerate(((1, "voided"), (1, "spent"), (2, "voided"))):
            card = {"id": number, "batch_id": batch_id, "state": state, "uses_left": 1, "changed_at": 5}
            connection.exec_driver_sql(row_of("card", card))
        connection.commit()
    migrations.upgrade(database)
    with database.read() as session:
        rows = session.execute(text("SELECT state, voided_at FROM card ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [("voided", 5), ("spent", None), ("voided", None)]
    database.close()


def test_a_vault_of_the_first_version_comes_along_whole(config: Config, vaults: Vaults) -> None:
    with zipfile.ZipFile(GOLDEN / "vault_0001.zip") as bundle:
        bundle.extractall(config.data)
    vault = vaults.open(PASSPHRASE)
    services = build_services(config, vault)
    assert migrations.revision(vault.database) == HEAD
    found = services.integrity.verify(deep=True).findings
    assert [one for one in found if one.code != "outbox"] == []  # the scene's endpoint answered without a time
    file, mailed = sorted(services.distribution.distributions(), key=lambda row: row.id)
    assert (file.channel, file.sent, file.protected) == ("file", 5, False)
    assert (mailed.channel, mailed.sent, mailed.failed, mailed.recalled, mailed.prepared) == ("email", 1, 1, 1, 2)
    rows = services.distribution.deliveries_of(services.distribution.delivery_ids(mailed.id))
    assert {(row.product, row.change_to, row.said, row.reminders) for row in rows} == {("中秋福利卡", None, "", 0)}
    vault.close()


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
    assert (before.findings(), migrations.revision(before)) == ([], HEAD)
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
    assert (left.findings(), migrations.revision(left)) == ([], HEAD)
    left.close()
    copied.close()


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes this program one that knows a further step, with this body."""

    def release(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(migrations.FOLDER, folder)
        step = "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = '9000'\n"
        step += f"down_revision = '{HEAD}'\n\n\n"
        (folder / "versions" / "9000_later.py").write_text(f"{step}def upgrade():\n    {body}\n", "utf-8")
        monkeypatch.setattr(migrations, "FOLDER", folder)
        monkeypatch.setattr(migrations, "HEAD", "9000")

    return release


def _statements(text: str) -> dict[str, list[str]]:
    """First line of each statement → its parts, sorted: the order of columns and constraints may differ, and a column
    that was added stands behind another on its line."""
    found = {}
    for statement in text.replace('"', "").split(";\n\n"):
        head, *lines = statement.splitlines() or [""]
        parts = [part for line in lines for part in re.split(r", (?=[a-z_]+ [A-Z])", line.strip())]
        found[head] = sorted(part.rstrip(", ") for part in parts)
    return found
