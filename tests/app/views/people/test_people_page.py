"""The people page on the screen: bringing a list in, finding, letting go, forgetting."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sqlalchemy import text

from app.services import Services
from app.services.people import PersonFilter
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.people.import_dialog import ImportDialog
from app.views.people.page import PeoplePage
from app.views.widgets.dialog import ConfirmDialog
from app.views.widgets.toast import Toasts

LIST = """姓名\t手机\t部门\t工号
张三\t13800138000\t市场部\tA001
李四\t13900139000\t财务部\tA002
曾晓\t13700137111\t市场部\tA003
王五\t12345\t市场部\tA004
"""
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def rename(vault: OpenVault, table: str, name: str) -> None:
    """What no program does: a fault that nobody thought of."""
    with vault.database.write(Topic.SETTINGS) as session:
        session.execute(text("PRAGMA legacy_alter_table=ON"))
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


class Screen:
    def __init__(self, page: PeoplePage, bot: QtBot, services: Services) -> None:
        self.page, self.bot, self.people = page, bot, services.people

    def settled(self) -> None:
        self.bot.waitUntil(lambda: self.page.jobs.idle, timeout=20_000)

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.people.rows_of(list(self.page.table.rows.ids))]

    def shows(self, *names: str) -> None:
        self.bot.waitUntil(lambda: self.names == list(names), timeout=20_000)

    def one(self, name: str) -> int:
        return self.people.ids(PersonFilter(name))[0]

    def toast(self) -> str:
        toasts = self.page.window().findChild(Toasts)
        return toasts.toasts()[-1].words.text() if toasts and toasts.toasts() else ""

    def imported(self, source: Path | str = LIST) -> ImportDialog:
        """The dialog once the list is read."""
        dialog = self.page.import_list(source)
        self.bot.waitUntil(lambda: dialog.checked is not None, timeout=20_000)
        return dialog


@pytest.fixture
def screen(qtbot: QtBot, services: Services, vault: OpenVault) -> Iterator[Screen]:
    jobs, changes = JobRunner(), Changes()
    vault.database.subscribe(changes.tell)
    page = PeoplePage(services.people, services.removals, jobs=jobs, changes=changes)
    page.resize(1100, 700)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    made = Screen(page, qtbot, services)
    made.settled()
    yield made
    jobs.stop()


@pytest.mark.expects_log("a job crashed$")
def test_what_could_not_be_stored_can_be_tried_again(screen: Screen, vault: OpenVault) -> None:
    dialog = screen.imported()
    crashes: list[Exception] = []
    screen.page.jobs.crashed.connect(crashes.append)
    rename(vault, "person", "person_away")
    dialog.store()
    screen.bot.waitUntil(lambda: bool(crashes))
    rename(vault, "person_away", "person")
    assert dialog.verb.isEnabled()
    dialog.store()
    screen.bot.waitUntil(lambda: dialog.finished_with is not None)


@pytest.fixture
def staffed(screen: Screen) -> Screen:
    """曾晓, 李四 and 张三 are in; sorted by pinyin: Li, Zeng, Zhang."""
    dialog = screen.imported()
    dialog.store()
    screen.bot.waitUntil(lambda: dialog.finished_with is not None)
    dialog.store()
    screen.shows("李四", "曾晓", "张三")
    screen.settled()
    return screen


def test_the_good_rows_come_in_and_the_faulty_ones_can_be_taken_out(screen: Screen, tmp_path: Path) -> None:
    dialog = screen.imported()
    assert "4 行" in dialog.reading.facts.text()
    assert dialog.verb.text() == "导入 3 人"
    problems = dialog.reading.problems
    shown = [str(problems.model().index(0, place).data()) for place in range(4)]
    assert shown[:3] == ["5", "王五", "12345"]
    assert "不是手机号" in shown[3]
    dialog.store()
    screen.shows("李四", "曾晓", "张三")
    assert dialog.isVisible()
    dialog.export(tmp_path / "mend.csv")
    screen.bot.waitUntil(lambda: (tmp_path / "mend.csv").exists() and screen.page.jobs.idle)
    assert "王五" in (tmp_path / "mend.csv").read_text("utf-8-sig")
    dialog.store()
    assert not dialog.isVisible()


def test_the_same_list_again_changes_nothing_and_says_so(staffed: Screen) -> None:
    dialog = staffed.imported()
    dialog.store()
    staffed.bot.waitUntil(lambda: "没有改动" in staffed.toast())
    dialog.reject()


def test_columns_nobody_knows_are_chosen_by_hand(screen: Screen) -> None:
    dialog = screen.page.import_list("甲\t乙\n张三\tzhangsan@qq.com\n李四\tlisi@qq.com\n")
    screen.bot.waitUntil(lambda: dialog.reading.isVisible() and dialog.banner.isVisible())
    assert not dialog.verb.isEnabled()
    for field, place in (("name", 1), ("email", 2)):
        box = dialog.reading.boxes[field]
        box.setCurrentIndex(place)
        box.activated.emit(place)
        screen.settled()
    assert dialog.verb.text() == "导入 2 人"
    assert not dialog.banner.isVisible()
    dialog.reject()


def test_a_file_dropped_anywhere_on_the_page_is_read(screen: Screen, tmp_path: Path) -> None:
    path = tmp_path / "staff.csv"
    path.write_text(LIST.replace("\t", ","), encoding="gb18030")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(300, 300),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    screen.page.dropEvent(event)
    dialog = screen.page.findChild(ImportDialog)
    assert dialog is not None
    screen.bot.waitUntil(lambda: dialog.checked is not None)
    assert "GB18030" in dialog.reading.facts.text()
    dialog.reject()


def test_cells_copied_in_excel_are_pasted(screen: Screen) -> None:
    QGuiApplication.clipboard().setText(LIST)
    screen.page.paste()
    dialog = screen.page.findChild(ImportDialog)
    assert dialog is not None
    screen.bot.waitUntil(lambda: dialog.checked is not None)
    dialog.reject()


@pytest.mark.parametrize("text", ["曾", "zengxiao", "zx", "7111", "A003"])
def test_somebody_is_found_by_name_pinyin_initials_phone_tail_and_number(staffed: Screen, text: str) -> None:
    staffed.page.search.setText(text)
    staffed.shows("曾晓")


def test_half_typed_pinyin_does_not_filter(staffed: Screen) -> None:
    search = staffed.page.search
    search.setFocus()
    QApplication.sendEvent(search, QInputMethodEvent("zeng'x", []))
    QTest.qWait(300)
    assert len(staffed.names) == 3
    committed = QInputMethodEvent()
    committed.setCommitString("曾晓")
    QApplication.sendEvent(search, committed)
    staffed.shows("曾晓")


def test_a_click_on_a_head_sorts_by_pinyin_number_or_department(staffed: Screen) -> None:
    table = staffed.page.table
    head = table.horizontalHeader()
    seen = {}
    for column, key in enumerate(("name", "employee_no", "department")):
        for _ in range(2):
            spot = QPoint(table.columnViewportPosition(column) + 30, 18)
            staffed.bot.mouseClick(head.viewport(), Qt.MouseButton.LeftButton, pos=spot)
            staffed.settled()
            staffed.bot.waitUntil(lambda: table.rows.row_at(0) is not None)
            rows = [table.rows.row_at(at) for at in range(3)]
            down = head.sorted_by[1]  # type: ignore[attr-defined]  # the table's own head
            seen[key, down] = [getattr(row, key) for row in rows]
    assert seen["name", False] == ["李四", "曾晓", "张三"]
    assert seen["name", True] == ["张三", "曾晓", "李四"]
    for key in ("employee_no", "department"):
        assert seen[key, False] == sorted(seen[key, False])
        assert seen[key, True] == sorted(seen[key, True], reverse=True)
        assert len(set(seen[key, False])) > 1


def test_departments_and_those_who_left_narrow_the_list(staffed: Screen) -> None:
    page = staffed.page
    page.department_box.setCurrentIndex(page.department_box.findData("市场部"))
    staffed.shows("曾晓", "张三")
    page.let_go([staffed.one("张三")])
    staffed.shows("曾晓")
    page.left_box.setCurrentIndex(page.left_box.findData("left"))
    staffed.shows("张三")
    page.show_all()
    staffed.shows("李四", "曾晓", "张三")


def test_the_toast_takes_a_leaving_back(staffed: Screen) -> None:
    staffed.page.let_go([staffed.one("李四")])
    staffed.shows("曾晓", "张三")
    toasts = staffed.page.window().findChild(Toasts)
    assert toasts is not None
    toasts.toasts()[-1].take_back()
    staffed.shows("李四", "曾晓", "张三")


def test_the_toast_does_not_bring_back_who_had_left_before(staffed: Screen) -> None:
    page, chosen = staffed.page, [staffed.one("李四"), staffed.one("张三")]
    page.let_go(chosen[:1])
    staffed.shows("曾晓", "张三")
    page.show_all()
    staffed.shows("李四", "曾晓", "张三")
    page.let_go(chosen)
    page.left_box.setCurrentIndex(page.left_box.findData("left"))
    staffed.shows("李四", "张三")
    toasts = page.window().findChild(Toasts)
    assert toasts is not None
    toasts.toasts()[-1].take_back()
    staffed.shows("李四")


def test_the_drawer_shows_a_person_masked_and_leads_to_the_cards(staffed: Screen) -> None:
    person = staffed.one("张三")
    staffed.page.open_record(person)
    staffed.bot.waitUntil(staffed.page.drawer.isVisible)
    words = " ".join(each.text() for each in staffed.page.drawer.findChildren(type(staffed.page.drawer.heading)))
    assert "138****8000" in words
    assert "13800138000" not in words
    with staffed.bot.waitSignal(staffed.page.page_wanted) as asked:
        staffed.page._show_cards(person)
    assert asked.args == ["cards", {"person_id": person}]


def test_personal_data_goes_only_when_the_name_is_typed(staffed: Screen) -> None:
    page = staffed.page
    page.ask_to_forget([staffed.one("张三")], "张三")
    dialog = page.findChild(ConfirmDialog)
    assert dialog is not None
    dialog.verb_button.click()
    assert dialog.isVisible()
    dialog.entry.setText("张三")
    dialog.verb_button.click()
    staffed.shows("李四", "曾晓")
