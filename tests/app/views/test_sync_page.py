"""The sync page over a real endpoint: what waits goes out, what is refused can be decided on, the endpoint moves."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QScrollArea
from pytestqt.qtbot import QtBot
from sqlcipher3 import dbapi2 as sqlite

from app.config import Config
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.settings import store
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.sync.connect_dialog import ConnectDialog
from app.views.sync.differences import DifferencesDialog
from app.views.sync.lifting import LiftDialog
from app.views.theme import theme
from app.views.widgets.dialog import ConfirmDialog
from app.words import set_language
from sync.protocol import b64
from sync.server import epochs
from sync.server.database import opened
from sync.server.endpoint import now_ms
from tests.drivers.counter import LEAST_ROOM
from tests.drivers.endpoint import new_merchant, paired
from tests.drivers.online import a_code, another_endpoint, close_there, redeem_on_the_phone
from tests.drivers.sync_page import Desk


@pytest.fixture
def services(services: Services) -> Iterator[Services]:
    yield services
    services.cloud.stop_embedded()


@pytest.fixture
def desk(qtbot: QtBot, services: Services) -> Iterator[Desk]:
    services.cloud.start_embedded()
    made = Desk(qtbot, services)
    yield made
    made.jobs.stop()


def a_batch(services: Services) -> int:
    product = services.catalog.add(ProductSpec("中秋福利卡", "fixed", "stored_value", face_minor=20_000))
    return services.batches.generate(BatchSpec(product, 5, "STANDARD"))


def test_sync_now_sends_what_waits_and_says_how_much(desk: Desk) -> None:
    a_batch(desk.services)
    desk.page.refresh()
    desk.wait(lambda: desk.page.table.count > 0)
    desk.page.sync_button.click()
    desk.wait(lambda: desk.page._syncing)
    desk.wait(lambda: not desk.page._syncing)
    desk.settled()
    assert desk.facts[3] == "0 条"
    assert desk.page.table.count == 0
    assert desk.services.cloud.status().last_sync_at is not None


def test_a_refused_entry_says_why_and_can_be_let_go(desk: Desk) -> None:
    refused = desk.refuse_one()
    assert desk.facts[4] == "1 条"
    desk.wait(lambda: desk.page.table.count == 1)
    desk.page.open_record(refused)
    assert desk.page.drawer.isVisible()
    desk.page.withdraw(refused)
    desk.confirm()
    desk.wait(lambda: desk.services.cloud.status().rejected == 0)
    desk.settled()


def test_a_thaw_of_what_another_endpoint_decides_about_can_be_decided_here_by_a_deliberate_word(desk: Desk) -> None:
    batch = a_batch(desk.services)
    close_there(desk.services, batch)
    desk.services.batches.thaw(batch)
    desk.page.sync()
    desk.wait(lambda: not desk.page._syncing and desk.page.table.count == 1)
    desk.settled()
    (refused,) = desk.page.table.rows.ids
    desk.page.open_record(refused)
    shown = [one.text() for one in desk.page.drawer.findChildren(QPushButton) if one.isVisible() and one.text()]
    assert [one for one in shown if one in ("再试", "改由这里核销", "不再发送")] == ["再试", "改由这里核销", "不再发送"]
    desk.page.open_here(refused)
    desk.confirm()
    desk.wait(lambda: desk.services.cloud.status().rejected == 0 and not desk.page._syncing)
    desk.settled()
    redeem_on_the_phone(desk.services, a_code(desk.services, batch))


def test_a_refused_entry_tried_again_goes_out_under_a_new_id(desk: Desk) -> None:
    refused = desk.refuse_one()
    before = {row.op_id for row in desk.services.cloud.queue()}
    desk.page.retry(refused)
    desk.wait(lambda: {row.op_id for row in desk.services.cloud.queue()} - before)
    desk.settled()
    desk.wait(lambda: not desk.page._syncing)


def test_the_endpoint_stops_only_after_a_question_and_starts_again(desk: Desk) -> None:
    assert desk.page.endpoint.stop_button.isVisible()
    desk.page.stop_embedded()
    desk.confirm()
    desk.wait(lambda: not desk.services.cloud.status().running)
    desk.wait(desk.page.endpoint.start_button.isVisible)
    desk.settled()
    desk.page.endpoint.start_button.click()
    desk.wait(desk.page.endpoint.stop_button.isVisible)
    assert desk.services.cloud.status().running


def test_the_pick_up_address_is_shown_and_copied(desk: Desk) -> None:
    desk.wait(lambda: "/p/" in desk.page.endpoint.pickup.url.text())
    desk.page.endpoint.pickup.copy()
    assert QGuiApplication.clipboard().text() == desk.page.endpoint.pickup.url.text()
    assert "本机" in desk.page.endpoint.pickup.words.text()


@pytest.mark.parametrize("spoken", ["zh_CN", "en"])
def test_what_is_to_be_known_of_the_pick_up_page_stands_beside_its_name_and_leaves_the_list_its_room(
    qtbot: QtBot, services: Services, spoken: str
) -> None:
    theme().choose("light")
    set_language(spoken)
    services.cloud.start_embedded()
    desk = Desk(qtbot, services)
    desk.page.resize(*LEAST_ROOM)
    desk.page.overview.line.unfold_button.click()
    desk.wait(lambda: desk.page.endpoint.pickup.url.text())
    QApplication.processEvents()
    pickup, status = desk.page.endpoint.pickup, desk.page.overview.status.mark.parentWidget()
    assert not pickup.words.cut
    assert pickup.words.y() < pickup.line.y()
    assert status is not None
    assert status.height() - status.layout().sizeHint().height() < 40, "no dead space below the facts"
    before = pickup.words.text()
    desk.page.stop_embedded()
    desk.confirm()
    desk.wait(lambda: pickup.words.text() != before)
    desk.settled()
    desk.jobs.stop()


def test_a_cloud_address_must_be_encrypted_and_the_dialog_stays(desk: Desk) -> None:
    desk.page.connect_cloud()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConnectDialog)
    dialog.connect_now()
    assert dialog.form.fields["url"].error.text()
    dialog.url.setText("http://card.example.cn")
    dialog.code.setText("ABCD-EFGH")
    dialog.connect_now()
    desk.wait(lambda: "https" in dialog.form.fields["url"].error.text())
    assert dialog.verb_button.isEnabled()
    dialog.reject()


def test_without_an_endpoint_the_page_says_so_and_offers_to_start_one(qtbot: QtBot, services: Services) -> None:
    desk = Desk(qtbot, services)
    assert desk.page.endpoint.start_button.isVisible()
    assert not desk.page.endpoint.pickup.line.isVisible()
    desk.page.sync()
    desk.wait(desk.page.banner.isVisible)
    desk.settled()
    desk.jobs.stop()


def test_a_cloud_endpoint_that_is_gone_is_left_by_typing_its_name(desk: Desk, tmp_path: Path) -> None:
    cloud = another_endpoint(tmp_path / "cloud")
    merchant, url = desk.services.settings.merchant(), cloud.start()
    host = url.removeprefix("http://")
    desk.services.cloud.pair(url, cloud.pairing_code(merchant.id, merchant.name))
    cloud.stop()
    desk.page.refresh()
    desk.page.start_embedded("")
    desk.wait(lambda: isinstance(QApplication.activeModalWidget(), ConfirmDialog))
    question = QApplication.activeModalWidget()
    assert isinstance(question, ConfirmDialog)
    question.entry.setText("gone")
    question.verb_button.click()
    assert question.isVisible()
    assert desk.services.cloud.status().mode == "cloud"
    question.entry.setText(host)
    question.verb_button.click()
    desk.wait(lambda: desk.services.cloud.status().mode == "embedded")
    desk.settled()


def test_the_way_past_a_silent_endpoint_shows_only_after_an_attempt(desk: Desk, tmp_path: Path) -> None:
    first, second = (another_endpoint(tmp_path / name) for name in ("first", "second"))
    merchant = desk.services.settings.merchant()
    old = first.start()
    desk.services.cloud.pair(old, first.pairing_code(merchant.id, merchant.name))
    first.stop()
    try:
        desk.page.connect_cloud()
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ConnectDialog)
        assert not dialog.leave_button.isVisible()
        dialog.url.setText(second.start())
        dialog.code.setText(second.pairing_code(merchant.id, merchant.name))
        dialog.connect_now()
        desk.wait(dialog.leave_button.isVisible)
        dialog.leave_button.click()
        question = QApplication.activeModalWidget()
        assert isinstance(question, ConfirmDialog)
        question.entry.setText(old.removeprefix("http://"))
        question.verb_button.click()
        desk.wait(lambda: desk.services.cloud.status().url == second.url())
        desk.settled()
    finally:
        second.stop()


def test_a_recovery_is_told_with_its_progress_and_an_owner_waits_no_longer_for_a_reason(desk: Desk) -> None:
    a_batch(desk.services)
    desk.services.cloud.sync()
    database, cloud = str(desk.services.cloud._embedded.database), desk.services.cloud
    merchant_id = UUID(desk.services.settings.merchant().id)
    other = paired(cloud.status().url, new_merchant(database, merchant_id=merchant_id))
    with opened(database) as store:
        store.write_now(lambda transaction: epochs.begin_anew(transaction, now_ms(), cause="operator"))
    desk.page.sync()
    desk.wait(lambda: not desk.page._syncing)
    desk.settled()
    told = desk.page.banner.words.text()
    assert "2 台电脑中已有 1 台补完" in told
    assert desk.page.overview.status.mark.accessibleName() == "正在补流水"
    assert [todo.key for todo in desk.services.home.today().todos if todo.page == "sync"] == ["recovering"]
    desk.page.banner.act.click()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, LiftDialog)
    dialog.verb_button.click()
    assert dialog.isVisible()
    dialog.reason.setText("另一台电脑坏了")
    dialog.verb_button.click()
    desk.wait(lambda: cloud.status().recovery is None)
    desk.wait(lambda: not desk.page._syncing and not desk.page.banner.isVisible())
    desk.settled()
    assert desk.page.overview.status.mark.accessibleName() != "正在补流水"
    assert desk.services.home.today().todos[0].key != "recovering"
    other.client.close()


def test_entries_in_which_the_ledgers_differ_are_shown(desk: Desk, config: Config) -> None:
    batch_id = a_batch(desk.services)
    desk.services.cloud.sync()
    for amount in (700, 800):
        redeem_on_the_phone(desk.services, a_code(desk.services, batch_id), amount)
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("DROP TRIGGER redemption_no_update")
        endpoint.execute("UPDATE redemption SET amount_minor = amount_minor + 1 WHERE amount_minor = 700")
        endpoint.execute("UPDATE redemption SET amount_minor = amount_minor - 1 WHERE amount_minor = 800")
    desk.page.sync()
    desk.wait(lambda: not desk.page._syncing)
    desk.wait(lambda: desk.page.banner.isVisible())
    desk.page.banner.act.click()
    desk.wait(lambda: isinstance(QApplication.activeModalWidget(), DifferencesDialog))
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    shown = [label.text() for label in dialog.findChildren(QLabel)]
    assert [text for text in shown if text.startswith("¥")] == ["¥7.00", "¥7.01", "¥8.00", "¥7.99"]
    theme().choose("light")
    (area,) = dialog.findChildren(QScrollArea)
    spot = area.mapTo(dialog, area.rect().bottomLeft())
    assert dialog.grab().toImage().pixelColor(spot) == QColor(theme().tokens.surface), "no box of another colour"
    dialog.close()


def unlike(desk: Desk, config: Config) -> None:
    """The ledgers differ, and the page has said so."""
    batch_id = a_batch(desk.services)
    desk.services.cloud.sync()
    redeem_on_the_phone(desk.services, a_code(desk.services, batch_id), 700)
    with closing(sqlite.connect(str(config.endpoint / "endpoint.db"))) as endpoint, endpoint:
        endpoint.execute("DROP TRIGGER redemption_no_update")
        endpoint.execute("UPDATE redemption SET amount_minor = amount_minor + 1")
    synced(desk)
    desk.wait(lambda: desk.page.overview.status.mark.accessibleName() == "发现差异")


def synced(desk: Desk) -> None:
    desk.page.sync()
    desk.wait(lambda: not desk.page._syncing)
    desk.settled()


def test_a_sync_that_fails_is_told_before_what_an_earlier_one_found_out(desk: Desk, config: Config) -> None:
    unlike(desk, config)
    desk.services.cloud.stop_embedded()
    synced(desk)
    banner = desk.page.banner
    assert "没有应答" in banner.words.text()
    desk.page.refresh()
    desk.settled()
    assert "没有应答" in banner.words.text(), "and stays so"
    assert banner.act.text() == "启动"
    banner.act.click()
    desk.wait(lambda: desk.services.cloud.status().running)
    desk.settled()
    synced(desk)
    assert "不一致" in banner.words.text()


def test_another_endpoint_in_its_place_says_so_and_leads_to_a_new_pairing(
    desk: Desk, config: Config, vault: OpenVault
) -> None:
    unlike(desk, config)
    with vault.database.write(Topic.CLOUD) as session:
        store(session, "cloud.public_key", b64(b"k" * 32))
    synced(desk)
    assert "另一个兑换端" in desk.page.banner.words.text()
    assert "拒绝" not in desk.page.banner.words.text(), "it did not refuse anything"
    assert desk.page.overview.status.mark.accessibleName() == "上次同步未完成"
    desk.page.banner.act.click()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConnectDialog)
    assert dialog.windowTitle() == "重新配对本设备"
    assert dialog.url.text() == desk.services.cloud.status().url
    dialog.reject()


def test_a_notice_goes_when_a_sync_in_the_background_came_through(desk: Desk) -> None:
    desk.services.cloud.stop_embedded()
    synced(desk)
    assert desk.page.banner.isVisible()
    desk.services.cloud.start_embedded()
    desk.services.cloud.sync()
    desk.page.refresh()
    desk.settled()
    assert not desk.page.banner.isVisible()


def test_from_the_cloud_to_this_machine_only_after_a_question(desk: Desk, tmp_path: Path) -> None:
    cloud = another_endpoint(tmp_path / "cloud")
    merchant = desk.services.settings.merchant()
    desk.services.cloud.pair(cloud.start(), cloud.pairing_code(merchant.id, merchant.name))
    try:
        desk.page.refresh()
        desk.wait(lambda: desk.page.endpoint.start_button.text() == "改用本机兑换端")
        assert desk.page.endpoint.start_button.property("kind") == "normal", "the page has one blue button"
        assert desk.page.endpoint.cloud_button.text() == "更换云端兑换端", "it is connected to one already"
        desk.page.endpoint.start_button.click()
        assert isinstance(QApplication.activeModalWidget(), ConfirmDialog)
        assert desk.services.cloud.status().mode == "cloud"
        desk.confirm()
        desk.wait(lambda: desk.services.cloud.status().mode == "embedded")
        desk.wait(lambda: desk.page.endpoint.start_button.property("kind") == "primary")
        desk.settled()
    finally:
        cloud.stop()
