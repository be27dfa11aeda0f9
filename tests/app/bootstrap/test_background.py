"""What goes on by itself in the open window, and what a fault of one round does to the next."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot
from sqlalchemy import text

from app.bootstrap.background import Background
from app.config import Config
from app.models.base import now
from app.services import Services
from app.topics import Topic
from app.views.changes import GATHER_MS
from app.views.jobs import Job, JobState
from app.words import tr
from sync.client import Identity, SyncClient, new_incarnation
from sync.protocol import Op, new_op_id, to_wire
from tests.drivers.desk import DeskDriver


@pytest.fixture
def desk(qtbot: QtBot, config: Config, tmp_path: Path) -> Iterator[DeskDriver]:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue("language", "zh_CN")
    driver = DeskDriver(qtbot, config, memory)
    driver.make_vault()
    driver.settled()
    yield driver
    driver.close()


@pytest.fixture
def services(desk: DeskDriver) -> Services:
    assert desk.desk.services is not None
    return desk.desk.services


@pytest.fixture
def background(desk: DeskDriver, services: Services) -> Iterator[Background]:
    made = Background(desk.desk, services, parent=desk.desk)
    yield made
    made.stop()


def test_the_state_of_sync_is_said_anew_in_another_language(desk: DeskDriver, background: Background) -> None:
    background.sync()
    desk.settled()
    view = desk.window.view
    assert view is not None
    assert view.top.sync.status.words
    desk.window.choose_language("en")
    desk.settled()
    view = desk.window.view
    assert view is not None
    assert view.top.sync.status.words.isascii(), view.top.sync.status.words


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("cloud.twin_since", "2026-11-20T09:30:00+00:00", "金库有两份"),
        ("", "", "重新配对"),
    ],
)
def test_a_trouble_with_this_device_is_told_once_on_every_page_but_the_one_that_says_more(
    desk: DeskDriver, background: Background, services: Services, key: str, value: str, words: str
) -> None:
    background.sync()
    desk.settled()
    if key:
        services.settings.put(key, value)
    else:
        revoke_this_device(services)
    view = desk.window.view
    assert view is not None
    for told in (True, False):
        background.sync()
        desk.settled()
        assert view.top.sync.status.words == words
        assert view.banner.isVisible() is told
        if told:
            view.banner.act.click()
            assert view.current == "sync"
            desk.window.go("home")


def revoke_this_device(services: Services) -> None:
    """By another owner."""
    partner = services.devices.invite("owner", "合伙人")
    client, key = SyncClient(partner.url), Ed25519PrivateKey.generate()
    life = new_incarnation()
    made = client.enroll(partner.code.reveal(), device_name="", key=key, incarnation=life)
    other = SyncClient(partner.url, Identity(made.device_id, life, key))
    mine = services.cloud.status().device_id
    (result,) = other.push([Op(new_op_id(), "device.revoke@1", to_wire(now()), {"device_id": mine})]).results
    assert result.status == "applied"
    for one in (client, other):
        one.close()


def backups(desk: DeskDriver) -> list[Job]:
    return [job for job in desk.desk.jobs.jobs() if job.title == tr("Back up")]


def rename(desk: DeskDriver, table: str, name: str) -> None:
    """What no program does: a fault that nobody thought of."""
    with desk.desk.locked_vault().database.write(Topic.SETTINGS) as session:
        session.execute(text("PRAGMA legacy_alter_table=ON"))
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def test_a_backup_that_is_due_is_made_once(desk: DeskDriver, background: Background, services: Services) -> None:
    """A slow disk takes longer than until the next look."""
    background.do_what_is_due()
    background.do_what_is_due()
    desk.settled()
    assert [job.state for job in backups(desk)] == [JobState.DONE]
    assert len(services.backups.backups()) == 1


def test_a_folder_that_is_not_there_is_not_asked_for_every_minute(
    desk: DeskDriver, background: Background, services: Services, tmp_path: Path
) -> None:
    (tmp_path / "no folder").touch()
    services.settings.put("backup.folder", str(tmp_path / "no folder"))
    background.do_what_is_due()
    desk.settled()
    assert desk.window.view is not None
    assert desk.window.view.banner.isVisible()
    desk.window.view.banner.clear()
    background.do_what_is_due()
    desk.settled()
    assert [job.state for job in backups(desk)] == [JobState.REFUSED]
    assert not desk.window.view.banner.isVisible()
    services.settings.put("backup.folder", "")


def test_a_clock_set_back_does_not_hold_up_the_next_try(desk: DeskDriver, services: Services, tmp_path: Path) -> None:
    back = [timedelta(0)]
    made = Background(desk.desk, services, parent=desk.desk, clock=lambda: now() - back[0])
    (tmp_path / "no folder").touch()
    services.settings.put("backup.folder", str(tmp_path / "no folder"))
    made.do_what_is_due()
    desk.settled()
    back[0] = timedelta(hours=8)
    services.settings.put("backup.folder", "")
    made.do_what_is_due()
    desk.settled()
    assert [job.state for job in backups(desk)] == [JobState.DONE, JobState.REFUSED]
    made.stop()


def test_another_day_is_seen_where_nothing_was_written_overnight(desk: DeskDriver, services: Services) -> None:
    """Expired, today, in thirty days: all of it was true when the page was read."""
    at = [datetime(2027, 9, 14, 15, 59, tzinfo=UTC)]
    made = Background(desk.desk, services, parent=desk.desk, clock=lambda: at[0])
    services.settings.put("backup.every_hours", 0)
    desk.go("home")
    desk.settled()
    desk.bot.wait(2 * GATHER_MS)
    desk.settled()
    shown = desk.page.shown
    made.do_what_is_due()
    desk.settled()
    desk.bot.wait(2 * GATHER_MS)
    desk.settled()
    assert desk.page.shown is shown
    at[0] += timedelta(minutes=2)
    made.do_what_is_due()
    desk.wait(lambda: desk.page.shown is not shown)
    made.stop()


@pytest.mark.expects_log("a job crashed$")
def test_after_a_fault_the_next_round_is_tried(desk: DeskDriver, background: Background, services: Services) -> None:
    services.cloud.start_embedded()
    rename(desk, "outbox_op", "outbox_away")
    background.sync()
    desk.wait(lambda: desk.window._crash is not None)
    desk.dialog.reject()
    rename(desk, "outbox_away", "outbox_op")
    background.sync()
    desk.settled()
    assert desk.window.view is not None
    assert desk.window.view.top.sync.status.tone == "ok"
    services.cloud.stop_embedded()
