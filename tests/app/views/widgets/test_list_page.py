"""The drawer of a list: it shows the record that was asked for last."""

from collections.abc import Callable, Sequence
from threading import Event

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.views.changes import Changes
from app.views.jobs import JobRunner
from app.views.widgets.list_page import ListPage
from tests.drivers.table import PATIENCE_MS, columns, row


class Things(ListPage):
    """Ten rows; the answer about one of them comes when its gate is opened."""

    def __init__(self, jobs: JobRunner) -> None:
        self.gates = {record: Event() for record in range(1, 11)}
        super().__init__(
            "Things",
            jobs=jobs,
            changes=Changes(),
            topics=(),
            columns=columns(),
            load=lambda _sort, _descending: lambda: range(1, 11),
            fetch=lambda ids: [row(one) for one in ids],
        )
        self.table.opened.connect(self.open_record)
        self.reload()

    def open_record(self, record: int) -> None:
        self.look_up(self._read, record, then=lambda found: self.drawer.show_record(found, QLabel(found)))

    def _read(self, record: int) -> str:
        assert self.gates[record].wait(PATIENCE_MS / 1_000)
        return f"thing {record}"


Opened = tuple[Things, Callable[[Callable[[], object]], None]]


@pytest.fixture
def opened(qtbot: QtBot, jobs: JobRunner) -> Opened:
    """A page whose drawer shows the first row."""
    page = Things(jobs)
    page.resize(900, 500)
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()

    def wait(condition: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    wait(lambda: jobs.idle)
    page.table.setCurrentIndex(page.table.rows.index(0, 0))
    page.gates[1].set()
    page.open_record(1)
    wait(page.drawer.isVisible)
    return page, wait


def step_down(page: Things, records: Sequence[int]) -> None:
    for _ in records:
        QTest.keyClick(page.drawer, Qt.Key.Key_Down)


def test_an_answer_that_was_overtaken_is_left_unheard(opened: Opened) -> None:
    page, wait = opened
    step_down(page, (2, 3))
    page.gates[3].set()
    wait(lambda: page.drawer.heading.text() == "thing 3")
    page.gates[2].set()
    wait(lambda: page.jobs.idle)
    assert page.drawer.heading.text() == "thing 3"


def test_a_drawer_that_was_closed_stays_closed(opened: Opened) -> None:
    page, wait = opened
    step_down(page, (2,))
    QTest.keyClick(page.drawer, Qt.Key.Key_Escape)
    page.gates[2].set()
    wait(lambda: page.jobs.idle)
    assert page.drawer.isHidden()


def test_a_drawer_shuts_where_what_had_the_keys_before_is_gone(opened: Opened) -> None:
    """A chip that was pressed, a toast: neither outlives what it does."""
    page, wait = opened
    page.drawer.shut()
    passing = QPushButton("chip", page)
    passing.show()
    passing.setFocus()
    wait(passing.hasFocus)
    page.open_record(1)
    wait(page.drawer.isVisible)
    passing.deleteLater()
    wait(lambda: not isValid(passing))
    QTest.keyClick(page.drawer, Qt.Key.Key_Escape)
    assert page.drawer.isHidden()
    assert page.isAncestorOf(QApplication.focusWidget())
