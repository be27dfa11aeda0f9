"""The one door to the vault file."""

import shutil
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from app.errors import DiskFull, VaultDamaged
from app.models import migrations
from app.models.base import Base
from app.models.database import Database, _refusal
from app.models.setting import Setting
from app.topics import Topic

MANY = 3_000
PAGE, LOG_HEAD = 4096, 32
"""Bytes of a page, and of what stands before the first one in the write-ahead log, which then tells its number."""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "v.db", bytes(32))
    migrations.upgrade(database)
    return database


def keys(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Setting.key)))


def put(database: Database, key: str) -> None:
    with database.write(Topic.SETTINGS) as session:
        session.execute(insert(Setting).values(key=key, value=1))


def test_a_write_names_its_topics(database: Database) -> None:
    with pytest.raises(TypeError), database.write():
        pass


def test_writes_do_not_nest(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write(Topic.SETTINGS), database.write(Topic.SETTINGS):
        pass
    put(database, "afterwards the door opens again")


def test_listeners_hear_commits_only(database: Database) -> None:
    heard: list[frozenset[Topic]] = []
    database.subscribe(heard.append)
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(database)
    assert (heard, keys(database)) == ([], [])
    put(database, "kept")
    assert (heard, keys(database)) == ([frozenset({Topic.SETTINGS})], ["kept"])


def test_a_reader_sees_one_state_whatever_is_written(database: Database) -> None:
    with database.read() as session:
        before = list(session.scalars(select(Setting.key)))
        writer = threading.Thread(target=put, args=(database, "new"))
        writer.start()
        writer.join()
        assert list(session.scalars(select(Setting.key))) == before
    assert keys(database) == ["new"]


def test_writers_wait_for_each_other(database: Database) -> None:
    threads = [threading.Thread(target=put, args=(database, f"key {number}")) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(database)) == 16


def test_a_copy_is_whole_while_others_write(database: Database, tmp_path: Path) -> None:
    put(database, "before")
    database.copy_to(tmp_path / "copy.db")
    put(database, "after")
    copy = Database(tmp_path / "copy.db", bytes(32))
    assert (copy.findings(), keys(copy)) == ([], ["before"])


def test_a_copy_comes_to_its_end_though_somebody_goes_on_writing(database: Database, tmp_path: Path) -> None:
    """At a busy counter there is a write every second: a large file would be begun anew again and again."""
    with database.write(Topic.SETTINGS) as session:
        session.execute(insert(Setting), [{"key": f"large {n}", "value": "x" * 1_000_000} for n in range(40)])
    copied = threading.Event()
    written = 0

    def copy() -> None:
        database.copy_to(tmp_path / "copy.db")
        copied.set()

    copying = threading.Thread(target=copy)
    copying.start()
    while not copied.is_set() and written < MANY:
        put(database, f"meanwhile {written}")
        written += 1
    copying.join()
    assert written < MANY


def test_a_wrong_key_is_a_damaged_file_not_a_traceback(database: Database) -> None:
    with pytest.raises(VaultDamaged):
        keys(Database(database.path, bytes(31) + b"x"))


def test_every_flipped_bit_is_found_or_refused(database: Database, tmp_path: Path) -> None:
    for number in range(200):
        put(database, f"key {number} " + "x" * 200)
    database.copy_to(tmp_path / "whole.db")
    whole = (tmp_path / "whole.db").read_bytes()
    for place in range(0, len(whole), len(whole) // 40):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (tmp_path / "damaged.db").write_bytes(damaged)
        copy = Database(tmp_path / "damaged.db", bytes(32))
        with suppress(VaultDamaged):
            assert copy.findings() != []
        copy.close()


def test_a_full_disk_has_its_own_words() -> None:
    assert isinstance(_refusal("database or disk is full", Path("v.db")), DiskFull)


def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.schema_change() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def _write_and_fail(database: Database) -> None:
    with database.write(Topic.SETTINGS) as session:
        session.execute(insert(Setting).values(key="lost", value=1))
        raise ZeroDivisionError


def test_a_page_that_a_power_cut_tore_is_whole_again_from_the_log(database: Database, tmp_path: Path) -> None:
    put(database, "old")
    database.close()  # everything is in the file now
    put(database, "new")
    copy = tmp_path / "after.db"
    for end in ("", "-wal"):
        shutil.copy(f"{database.path}{end}", f"{copy}{end}")
    database.close()
    log = Path(f"{copy}-wal").read_bytes()
    page = int.from_bytes(log[LOG_HEAD : LOG_HEAD + 4], "big")
    with copy.open("rb+") as file:
        file.seek(page * PAGE - PAGE // 2)
        file.write(bytes(PAGE // 2))
    after = Database(copy, bytes(32))
    assert after.findings() == []
    assert {"old", "new"} <= set(keys(after))
    after.close()
