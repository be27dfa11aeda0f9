"""What outlives a lock or a change of the language in the real window, and what must not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config import Config
from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.topics import Topic
from app.views.distribution.wizard.frame import CHECK, SEND, Wizard
from app.views.widgets.toast import Toast
from app.words import tr
from tests.drivers.desk import DeskDriver

STAFF = "姓名\t手机\n张三\t13800138000\n李四\t139"


@pytest.fixture
def desk(qtbot: QtBot, config: Config, tmp_path: Path) -> Iterator[DeskDriver]:
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    memory.setValue("language", "zh_CN")
    memory.setValue("theme", "light")
    driver = DeskDriver(qtbot, config, memory)
    driver.make_vault()
    driver.settled()
    yield driver
    driver.close()


def services(desk: DeskDriver) -> Services:
    assert desk.desk.services is not None
    return desk.desk.services


def lock_and_unlock(desk: DeskDriver) -> None:
    desk.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    desk.wait(lambda: desk.window.view is None)
    desk.settled()
    desk.unlock()
    desk.wait(lambda: desk.window.view is not None)
    desk.settled()


def speak_english(desk: DeskDriver) -> None:
    desk.window.choose_language("en")
    desk.settled()


def lock_and_unlock_at_once(desk: DeskDriver) -> None:
    """Without waiting for what runs."""
    desk.desk.lock()
    desk.unlock()
    desk.wait(lambda: desk.window.view is not None)


def speak_english_at_once(desk: DeskDriver) -> None:
    desk.window.choose_language("en")


def wizard(desk: DeskDriver) -> Wizard:
    desk.go("distribution")
    desk.settled()
    found: Wizard = desk.page.wizard
    return found


def begun(desk: DeskDriver) -> Wizard:
    """At the check, with one cell mended."""
    desk.go("distribution", ("list", STAFF))
    desk.settled()
    made = wizard(desk)
    for _ in range(2):
        made.go_on()
        desk.settled()
    assert made.at == CHECK
    made.check.edit(3, "phone", "13900139000")
    desk.settled()
    assert made.draft.edits == {(3, "phone"): "13900139000"}
    return made


def toasts(desk: DeskDriver) -> list[Toast]:
    return [toast for toast in desk.window.findChildren(Toast) if toast.isVisible()]


@pytest.mark.parametrize("interrupt", [lock_and_unlock, speak_english])
def test_a_list_that_was_mended_is_not_lost(desk: DeskDriver, interrupt: Callable[[DeskDriver], object]) -> None:
    """Ten quiet minutes lock the window, and five hundred people are mended for longer than that."""
    draft = begun(desk).draft
    interrupt(desk)
    again = wizard(desk)
    assert again.draft is draft
    assert tr("Continue") in desk.page.list.banner.act.text()
    desk.page.list.banner.act.click()
    assert again.isVisible()
    assert again.at == CHECK
    assert again.next_button.isVisible()
    again.go_on()
    desk.settled()
    assert again.step is again.assign
    again.visit(CHECK)
    assert again.at == CHECK


@pytest.mark.parametrize("interrupt", [lock_and_unlock, speak_english])
def test_what_was_decided_before_can_still_be_taken_back(
    desk: DeskDriver, interrupt: Callable[[DeskDriver], object]
) -> None:
    begun(desk)
    interrupt(desk)
    again = wizard(desk)
    desk.page.show_wizard()
    again.check.take_back()
    desk.settled()
    assert again.draft.edits == {}
    assert again.draft.checked is not None
    assert again.draft.checked.counts.faulty == 1


def test_a_draft_that_is_dropped_can_be_taken_up_again(desk: DeskDriver) -> None:
    """Hours of mending are one click away from being gone."""
    made = begun(desk)
    draft, reached = made.draft, made._reached
    desk.page.show_wizard()
    desk.press(tr("Start anew"))
    assert not made.draft.begun
    [toast] = toasts(desk)
    toast.take_back()
    assert made.draft is draft
    assert (made.at, made._reached) == (CHECK, reached)
    assert made.step.isVisible()
    made.go_on()
    desk.settled()
    assert made.step is made.assign


def test_a_draft_gives_way_to_another_list_and_can_be_taken_up_again(desk: DeskDriver) -> None:
    made = begun(desk)
    draft = made.draft
    desk.page.begin("姓名\t手机\n王五\t13700137000")
    desk.settled()
    assert made.draft.roster is not draft.roster
    [toast] = toasts(desk)
    toast.take_back()
    assert made.draft is draft
    assert made.at == CHECK


def test_an_empty_draft_goes_without_a_word(desk: DeskDriver) -> None:
    made = wizard(desk)
    made.load(STAFF)
    desk.settled()
    assert not toasts(desk)


@pytest.mark.parametrize("interrupt", [lock_and_unlock_at_once, speak_english_at_once])
def test_no_window_flashes_up_while_tasks_run(desk: DeskDriver, interrupt: Callable[[DeskDriver], object]) -> None:
    product = services(desk).catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    vault = desk.desk.locked_vault()
    with vault.database.write(Topic.CATALOG):
        desk.go("batches")
        job = desk.page.generate(BatchSpec(product, 3))
        interrupt(desk)
        assert job.running
        assert desk.window.view is not None
        assert desk.window.view.top.ring.isVisible()
        assert desk.flashes.seen == []
    desk.settled()


def test_what_was_sent_is_not_offered_again(desk: DeskDriver, tmp_path: Path) -> None:
    product = services(desk).catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    services(desk).batches.generate(BatchSpec(product, 3))
    made = begun(desk)
    made.go_on()
    desk.settled()
    made.assign.group.buttons()[0].click()
    made.assign.name.setText("中秋")
    desk.settled()
    made.go_on()
    desk.settled()
    made.channel.change(out_folder=tmp_path)
    for _ in range(2):
        made.go_on()
        desk.settled()
    made.confirm.entry.setText("2")
    made.go_on()
    assert made.at >= SEND
    desk.settled()
    assert services(desk).distribution.distributions()[0].sent == 2
    lock_and_unlock(desk)
    assert not wizard(desk).draft.begun


def test_a_file_that_is_chosen_takes_the_place_of_the_list_before(desk: DeskDriver, tmp_path: Path) -> None:
    """Also while the wizard stands at a later step of the other list."""
    made = begun(desk)
    made.close_wizard()
    other = tmp_path / "other.csv"
    other.write_text("姓名,手机\n王五,13700137000\n", encoding="utf-8")
    desk.page.choose_file()
    desk.dialog.fileSelected.emit(str(other))
    desk.dialog.reject()
    desk.settled()
    assert made.step is made.loading
    assert made.draft.title == "other.csv"
    made.go_on()
    made.go_on()
    desk.settled()
    assert made.check.draft.roster is made.draft.roster


def test_a_file_that_is_chosen_is_read_and_not_its_name(desk: DeskDriver, tmp_path: Path) -> None:
    staff = tmp_path / "staff.csv"
    staff.write_text("姓名,手机\n王五,13700137000\n", encoding="utf-8")
    desk.go("distribution", "new")
    desk.settled()
    desk.press(tr("Choose a file"), within=wizard(desk).loading)
    asked = desk.dialog
    asked.fileSelected.emit(str(staff))
    asked.reject()
    desk.settled()
    assert wizard(desk).draft.title == "staff.csv"


def test_a_lock_leaves_no_toast_that_names_or_undoes(desk: DeskDriver) -> None:
    freeze(desk)
    assert toasts(desk)
    desk.desk.lock()
    desk.settled()
    assert not toasts(desk)


@pytest.mark.parametrize("interrupt", [lambda desk: desk.desk.lock(), speak_english])
def test_no_question_of_a_page_stays_in_front_of_another(
    desk: DeskDriver, interrupt: Callable[[DeskDriver], object]
) -> None:
    for ask in (lambda: desk.page.tabs.ask_for_name(), desk.window.show_keys):
        desk.go("people")
        desk.settled()
        ask()
        assert desk.dialog
        interrupt(desk)
        desk.settled()
        desk.wait(lambda: QApplication.activeModalWidget() is None)
        if desk.window.view is None:
            desk.unlock()
            desk.wait(lambda: desk.window.view is not None)


def test_the_dialog_of_a_fault_comes_again_after_a_lock(desk: DeskDriver) -> None:
    desk.window.show_crash(ZeroDivisionError())
    assert desk.dialog
    desk.desk.lock()
    desk.wait(lambda: QApplication.activeModalWidget() is None)
    desk.window.show_crash(ZeroDivisionError())
    desk.dialog.reject()


def test_a_toast_does_not_outlive_the_page_it_would_undo_through(desk: DeskDriver) -> None:
    freeze(desk)
    speak_english(desk)
    for left in toasts(desk):
        desk.bot.mouseClick(left.undo_button, Qt.MouseButton.LeftButton)
    assert not toasts(desk)


def freeze(desk: DeskDriver) -> None:
    product = services(desk).catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20000))
    batch = services(desk).batches.generate(BatchSpec(product, 3))
    desk.go("batches")
    desk.settled()
    desk.page.freeze(batch)
    desk.settled()
