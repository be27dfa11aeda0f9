"""The window's life, driven as a person drives it."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QMenuBar, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap.background import Background
from app.config import Config
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.distribution import DistributionSpec
from app.topics import Topic
from app.views.theme import theme
from app.views.widgets.pieces import GUTTER
from app.views.widgets.toast import toast
from app.words import tr
from tests.drivers.desk import PASSPHRASE, DeskDriver


def product(desk: DeskDriver) -> int:
    assert desk.desk.services is not None
    return desk.desk.services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))


def test_the_first_run_makes_a_vault_and_shows_the_workspace(open_desk: DeskDriver) -> None:
    assert "某某商户" in open_desk.window.windowTitle()
    assert open_desk.desk.services is not None
    assert open_desk.desk.services.audit.verify().ok


def test_a_weak_passphrase_stops_the_first_run_with_words(desk: DeskDriver) -> None:
    page = desk.page
    page.go_on()
    page.passphrase.entry.setText("password1")
    page.go_on()
    assert page.pages.currentIndex() == 1
    assert page.passphrase_form.fields["passphrase"].error.text()


def test_the_recovery_key_must_be_typed_again_or_put_off(desk: DeskDriver) -> None:
    page = desk.page
    page.go_on()
    page.passphrase.entry.setText(PASSPHRASE)
    page.go_on()
    page.groups[0].setText("XXXX")
    page.go_on()
    assert page.pages.currentIndex() == 2
    groups = [page._recovery_key[at : at + 4] for at in range(0, 28, 4)]
    for place, field in zip(page._asked, page.groups, strict=True):
        field.setText(groups[place].lower())
    page.go_on()
    assert page.pages.currentIndex() == 3


def test_lock_hides_everything_and_the_passphrase_shows_it_again(open_desk: DeskDriver) -> None:
    open_desk.go("catalog")
    open_desk.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    open_desk.wait(lambda: open_desk.window.view is None)
    open_desk.unlock("wrong")
    open_desk.wait(lambda: open_desk.page.field.error.text())
    assert open_desk.window.view is None
    open_desk.unlock()
    open_desk.wait(lambda: open_desk.window.view is not None)


def test_a_job_goes_on_while_the_window_is_locked(open_desk: DeskDriver) -> None:
    product_id = product(open_desk)
    open_desk.go("batches")
    job = open_desk.page.generate(BatchSpec(product_id, 60_000))
    open_desk.desk.lock()
    open_desk.wait(lambda: not job.running)
    open_desk.settled()
    assert open_desk.desk.services is not None
    assert [row.state for row in open_desk.desk.services.batches.batches()] == ["ready"]


def test_a_product_and_a_batch_are_made_by_keyboard(open_desk: DeskDriver) -> None:
    open_desk.go("catalog")
    open_desk.settled()
    open_desk.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = open_desk.dialog
    dialog.name.setFocus()
    open_desk.keys("Moon card")
    dialog.face.setFocus()
    open_desk.keys("200")
    open_desk.key(Qt.Key.Key_Return)
    open_desk.wait(lambda: open_desk.table.count == 1)
    open_desk.go("batches")
    open_desk.settled()
    open_desk.key(Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    dialog = open_desk.dialog
    dialog.quantity.setFocus()
    dialog.quantity.selectAll()
    open_desk.keys("1200")
    open_desk.settled()
    open_desk.press(dialog.generate_button.text(), within=dialog)
    open_desk.wait(lambda: open_desk.table.count == 1)
    open_desk.wait(lambda: open_desk.table.rows.row_at(0) is not None)
    open_desk.wait(lambda: open_desk.table.rows.row_at(0).state == "ready")


def test_a_mistyped_amount_is_marked_and_nothing_is_stored(open_desk: DeskDriver) -> None:
    open_desk.go("catalog")
    open_desk.page.add()
    dialog = open_desk.dialog
    dialog.name.setText("卡")
    dialog.face.setText("20O")
    dialog.save()
    assert dialog.form.fields["face_minor"].error.text()
    dialog.reject()
    assert open_desk.desk.services is not None
    assert open_desk.desk.services.catalog.products() == []


def test_cancel_leaves_nothing_behind(open_desk: DeskDriver) -> None:
    product_id = product(open_desk)
    open_desk.go("batches")
    job = open_desk.page.generate(BatchSpec(product_id, 500_000))
    open_desk.wait(lambda: job.done > 0)
    job.cancel()
    open_desk.wait(lambda: not job.running)
    assert open_desk.desk.services is not None
    assert open_desk.desk.services.batches.batches() == []


def test_the_window_stays_alive_while_cards_are_made(open_desk: DeskDriver) -> None:
    """How alive is measured by the bench; here they must wait for the vault while the window does not."""
    assert open_desk.desk.services is not None
    product_id = product(open_desk)
    open_desk.go("batches")
    with open_desk.desk.locked_vault().database.write(Topic.CATALOG):
        job = open_desk.page.generate(BatchSpec(product_id, 1_000))
        open_desk.go("settings")
        open_desk.wait(lambda: open_desk.page.accessibleName() == "设置")
        ticks: list[int] = []
        timer = QTimer(interval=10)
        timer.timeout.connect(lambda: ticks.append(1))
        timer.start()
        open_desk.wait(lambda: len(ticks) > 10)
        assert job.running
    open_desk.wait(lambda: not job.running)
    assert open_desk.desk.services.batches.batches()[0].made == 1_000


def test_search_finds_a_card_by_serial_and_opens_it(open_desk: DeskDriver) -> None:
    product_id = product(open_desk)
    assert open_desk.desk.services is not None
    open_desk.desk.services.batches.generate(BatchSpec(product_id, 10))
    serial = open_desk.desk.services.batches.batches()[0].serial
    open_desk.key(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = open_desk.window.palette_box
    assert palette is not None
    open_desk.wait(palette.isVisible)
    open_desk.keys(f"{serial}-000003")
    open_desk.wait(lambda: palette.titles()[:1] == [f"{serial}-000003"])
    open_desk.key(Qt.Key.Key_Return)
    open_desk.wait(lambda: open_desk.page.drawer.isVisible())
    assert open_desk.page.drawer.heading.text() == f"{serial}-000003"


def test_freeze_can_be_taken_back(open_desk: DeskDriver) -> None:
    product_id = product(open_desk)
    services = open_desk.desk.services
    assert services is not None
    batch_id = services.batches.generate(BatchSpec(product_id, 10))
    open_desk.go("batches")
    open_desk.settled()
    open_desk.page.freeze(batch_id)
    open_desk.wait(lambda: services.batches.batch(batch_id).state == "frozen")
    open_desk.page.thaw(batch_id)
    open_desk.wait(lambda: services.batches.batch(batch_id).state == "ready")


def test_void_needs_the_count(open_desk: DeskDriver) -> None:
    product_id = product(open_desk)
    services = open_desk.desk.services
    assert services is not None
    batch_id = services.batches.generate(BatchSpec(product_id, 1200))
    open_desk.go("batches")
    open_desk.settled()
    open_desk.page.void(services.batches.batch(batch_id))
    dialog = open_desk.dialog
    dialog.entry.setText("1000")
    open_desk.press("作废 1,200 张", within=dialog)
    assert services.batches.batch(batch_id).state == "ready"
    dialog.entry.setText("1,200")
    open_desk.press("作废 1,200 张", within=dialog)
    open_desk.wait(lambda: services.batches.batch(batch_id).state == "voided")


def test_languages_switch_live_and_leave_no_rest(open_desk: DeskDriver) -> None:
    open_desk.go("settings")
    chinese = _texts()
    open_desk.window.choose_language("en")
    open_desk.settled()
    english = _texts()
    assert chinese != english
    rest = [text for text in english if any("\u4e00" <= sign <= "\u9fff" for sign in text) and "某某商户" not in text]
    assert [text for text in rest if text != "简体中文"] == []


def test_themes_switch_live(open_desk: DeskDriver) -> None:
    light = open_desk.window.grab().toImage().pixelColor(700, 600).lightness()
    open_desk.window.choose_theme("dark")
    dark = open_desk.window.grab().toImage().pixelColor(700, 600).lightness()
    assert dark < light - 100
    assert theme().tokens.dark


def test_an_existing_vault_asks_for_its_passphrase(qtbot: QtBot, config: Config, memory: QSettings) -> None:
    first = DeskDriver(qtbot, config, memory)
    first.make_vault()
    first.settled()
    first.close()
    second = DeskDriver(qtbot, config, memory)
    second.unlock()
    second.wait(lambda: second.window.view is not None)
    second.settled()
    second.close()
    assert list(config.backups.glob("*.kaxia-backup")), "closing makes a backup"


def test_toasts_stand_beside_the_rail_folded_or_not(open_desk: DeskDriver) -> None:
    open_desk.go("batches")
    for _ in range(2):
        shown = toast(open_desk.page, "one")
        rail = open_desk.window.view.rail  # type: ignore[union-attr]  # the desk is open
        assert shown.mapTo(open_desk.window, QPoint(0, 0)).x() == rail.width() + GUTTER
        open_desk.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize(
    ("key", "marked"), [("ledger", "counter"), ("deliveries", "distribution"), ("cards", "cards"), ("bin", "")]
)
def test_the_rail_marks_where_a_list_belongs(open_desk: DeskDriver, key: str, marked: str) -> None:
    open_desk.go("dashboard")
    open_desk.go(key)
    rail = open_desk.window.view.rail  # type: ignore[union-attr]  # the desk is open
    assert [name for name, item in rail.items.items() if item.isChecked()] == [marked] * bool(marked)


def test_what_was_planned_goes_out_when_its_time_has_come(open_desk: DeskDriver, tmp_path: Path) -> None:
    desk, services = open_desk.desk, open_desk.desk.services
    assert services is not None
    product_id, out = product(open_desk), tmp_path / "out"
    out.mkdir()
    services.batches.generate(BatchSpec(product_id, 10))
    listed = services.people.check(services.people.stage("姓名\t手机\n张三\t13800138000\n李四\t13900139000\n"))
    staff = tuple(services.people.store(listed).person_ids.values())
    begun = datetime.now(UTC)
    soon, late = (
        services.distribution.prepare(
            DistributionSpec(
                product_id, staff, "file", "中秋", out_folder=out, scheduled_at=begun + wait, allow_again=True
            )
        )
        for wait in (timedelta(minutes=-1), timedelta(days=1))
    )
    background = Background(desk, services, parent=desk)
    background.do_what_is_due()
    open_desk.wait(lambda: services.distribution.distribution(soon).sent == 2)
    open_desk.settled()
    assert services.distribution.distribution(late).sent == 0
    background.stop()


def test_the_demo_says_that_it_is_one(open_desk: DeskDriver) -> None:
    words = tr("Demo data: nothing here is kept when Kaxia is closed")
    assert words not in _texts()
    open_desk.desk._throw_away = folder = tempfile.TemporaryDirectory()
    open_desk.desk.enter(open_desk.desk.locked_vault())
    open_desk.settled()
    assert words in _texts()
    folder.cleanup()


def _texts() -> set[str]:
    """Every text a person can see right now."""
    found: set[str] = set()
    for widget in QApplication.allWidgets():
        if widget.isVisible():
            for name in ("text", "title", "placeholderText", "windowTitle"):
                call = getattr(widget, name, None)
                if callable(call):
                    try:
                        found.add(str(call()))
                    except TypeError:
                        continue
    return found


def test_enter_in_the_search_acts_on_what_is_typed(open_desk: DeskDriver) -> None:
    """By its whole name before the commands that contain it, by pinyin, and before the pause that saves searches."""
    palette = open_desk.window.palette_box
    assert palette is not None
    for typed, page in (("同步", "sync"), ("kb", "dashboard"), ("renyuan", "people")):
        open_desk.key(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        open_desk.wait(palette.isVisible)
        open_desk.keys(typed)
        open_desk.key(Qt.Key.Key_Return)
        open_desk.wait(lambda page=page: open_desk.window.view.current == page)
        assert not palette.isVisible()


def test_enter_waits_for_the_record_that_is_still_looked_up(open_desk: DeskDriver) -> None:
    product_id = product(open_desk)
    assert open_desk.desk.services is not None
    open_desk.desk.services.batches.generate(BatchSpec(product_id, 10))
    serial = open_desk.desk.services.batches.batches()[0].serial
    open_desk.key(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    open_desk.keys(f"{serial}-000007")
    open_desk.key(Qt.Key.Key_Return)
    open_desk.wait(lambda: open_desk.window.view.current == "cards")
    open_desk.wait(lambda: open_desk.page.drawer.isVisible())
    assert open_desk.page.drawer.heading.text() == f"{serial}-000007"


def test_no_key_means_two_things(open_desk: DeskDriver) -> None:
    """Qt does neither of two acts with the same key: the window's and those of the page in front."""
    for key in open_desk.desk.page_keys():
        open_desk.go(key)
        open_desk.settled()
        keys = Counter(
            shortcut.toString()
            for act in set(alive_actions(open_desk.window))
            if act.isEnabled() and act.isVisible()
            for shortcut in act.shortcuts()
        )
        twice = [shortcut for shortcut, count in keys.items() if shortcut and count > 1]
        assert not twice, f"{key}: {twice}"


def test_menus_that_were_rebuilt_are_gone(open_desk: DeskDriver) -> None:
    bar = open_desk.window.menuBar()
    open_desk.window.choose_language("en")
    open_desk.wait(
        lambda: len(bar.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)) == len(bar.actions())
    )


def alive_actions(window: QMainWindow) -> Iterator[QAction]:
    """Of the menu bar, however deep, and of every widget in sight."""
    yield from in_menus(window.menuBar())
    for widget in window.findChildren(QWidget):
        if widget.isVisible() and not isinstance(widget, QMenu | QMenuBar):
            yield from widget.actions()


def in_menus(menu: QMenu | QMenuBar) -> Iterator[QAction]:
    for act in menu.actions():
        below = act.menu()
        if isinstance(below, QMenu):
            yield from in_menus(below)
        else:
            yield act


def test_a_list_is_pasted_on_the_page_of_people_by_keyboard(open_desk: DeskDriver) -> None:
    open_desk.go("people")
    open_desk.settled()
    QApplication.clipboard().setText("姓名\t手机\n王伟\t13800138000")
    open_desk.page.table.setFocus()
    open_desk.key(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    dialog = open_desk.dialog
    open_desk.wait(lambda: "1" in dialog.verb.text())
    dialog.reject()
