"""Every list of the window keeps the laws of lists, and finds its columns again as they were left."""

from collections.abc import Callable, Iterator
from threading import current_thread, main_thread

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QComboBox, QDateEdit, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.config import Config
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.views.widgets.row_table import Kind, RowTable
from app.words import LANGUAGES, set_language
from tests.drivers.desk import DeskDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def desk(qtbot: QtBot, config: Config, memory: QSettings) -> Iterator[DeskDriver]:
    driver = DeskDriver(qtbot, config, memory)
    driver.make_vault()
    driver.settled()
    yield driver
    driver.close()


def tables(desk: DeskDriver) -> dict[str, RowTable]:
    """Every table of every page, by what its columns are remembered by."""
    view = desk.window.view
    assert view is not None
    found: dict[str, RowTable] = {}
    for key in list(view._specs):
        desk.go(key)
        desk.settled()
        for table in desk.page.findChildren(RowTable):
            assert table.objectName() not in found, "two tables would share a memory"
            found[table.objectName()] = table
    return found


def test_every_list_can_be_opened_counted_and_is_never_blank(desk: DeskDriver) -> None:
    found = tables(desk)
    assert len(found) == 14
    for name, table in found.items():
        assert name, "its columns are remembered by it"
        assert table.accessibleName(), name
        assert table.receivers("2opened(PyObject)"), f"{name}: Enter does nothing"
        assert table.receivers("2summary_changed(QString)"), f"{name}: the status bar says nothing"
        assert table.count or table._empty is not None, f"{name}: blank when empty"


READS = ((QComboBox, "currentData"), (QLineEdit, "text"), (QAbstractButton, "isChecked"), (QDateEdit, "date"))


def test_no_list_is_asked_for_by_a_worker_that_looks_at_widgets(
    desk: DeskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may be gone by then, and what is typed meanwhile belongs to the next question."""
    strays: list[str] = []

    def watched(kind: type, name: str) -> Callable[..., object]:
        read = getattr(kind, name)

        def look(self: QWidget, *args: object) -> object:
            if current_thread() is not main_thread():
                strays.append(f"{type(self).__name__}.{name}: {self.accessibleName()}")
            return read(self, *args)

        return look

    for kind, name in READS:
        monkeypatch.setattr(kind, name, watched(kind, name))
    assert tables(desk)
    assert strays == []


def test_every_button_of_every_page_says_what_it_is(desk: DeskDriver) -> None:
    """A sign alone tells nothing to a screen reader; the glass in a search field is a button, too."""
    view = desk.window.view
    assert view is not None
    for key in list(view._specs):
        desk.go(key)
        desk.settled()
        for made in desk.window.findChildren(QAbstractButton):
            if made.isVisible():
                spoken = QAccessible.queryAccessibleInterface(made).text(QAccessible.Text.Name)
                assert spoken, f"{key}: a {type(made).__name__} in a {type(made.parent()).__name__}"


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_money_has_its_unit_in_the_head(desk: DeskDriver, language: str) -> None:
    set_language(language)
    desk.window.rebuild()
    unit = {"zh_CN": "（元）", "en": "(yuan)"}[language]
    for name, table in tables(desk).items():
        for column in table.rows.columns:
            assert (column.kind is Kind.MONEY) == (unit in column.title), f"{name}: {column.title}"


def test_the_columns_of_a_list_are_as_they_were_left(desk: DeskDriver, memory: QSettings) -> None:
    desk.go("people")
    table = desk.table
    table.horizontalHeader().moveSection(2, 0)
    table.setColumnHidden(4, True)
    table.arrangement.set_density("comfortable")
    before = [column.key for column in table.arrangement.shown()]
    assert before[:2] == ["department", "name"]
    memory.sync()
    desk.window.rebuild()
    desk.settled()
    assert desk.table is not table, "made anew"
    assert [column.key for column in desk.table.arrangement.shown()] == before
    assert desk.table.verticalHeader().defaultSectionSize() == 44
    desk.go("cards")
    assert desk.table.verticalHeader().defaultSectionSize() == 36, "one list's look is not another's"


def test_a_narrow_window_folds_the_rail_and_a_wide_one_brings_it_back(desk: DeskDriver) -> None:
    view = desk.window.view
    assert view is not None
    assert not view.folded
    desk.window.resize(1024, 680)
    desk.wait(lambda: view.folded)
    desk.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert not view.folded, "somebody wants it all the same"
    desk.window.resize(1100, 680)
    assert not view.folded
    desk.window.resize(1440, 900)
    desk.wait(lambda: not view.folded)
    desk.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    desk.window.resize(1024, 680)
    desk.window.resize(1440, 900)
    assert view.folded, "as it was left in the wide window"


def test_records_are_copied_stopped_and_shown_by_key(desk: DeskDriver) -> None:
    services = desk.desk.services
    assert services is not None
    services.batches.generate(BatchSpec(services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000)), 3))
    ctrl, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    desk.go("catalog")
    desk.settled()
    desk.table.go_to_row(0)
    desk.key(Qt.Key.Key_D, ctrl)
    assert desk.dialog.name.text() == "中秋福利卡（副本）"
    desk.key(Qt.Key.Key_Return)
    desk.wait(lambda: [row.face_minor for row in services.catalog.products()] == [20_000, 20_000])
    desk.settled()
    desk.go("batches")
    desk.settled()
    desk.table.go_to_row(0)
    for state in ("frozen", "ready"):
        desk.key(Qt.Key.Key_F, ctrl | shift)
        desk.wait(lambda wanted=state: desk.table.current_row().state == wanted)
    assert [row.state for row in services.batches.batches()] == ["ready"]
    desk.go("cards")
    desk.settled()
    desk.table.go_to_row(1)
    desk.key(Qt.Key.Key_C, ctrl | shift)
    assert desk.dialog.isVisible()
    desk.dialog.reject()
