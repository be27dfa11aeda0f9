"""One entry of the audit log in the drawer, with everything that is known of it."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.catalog import ProductSpec
from app.views.audit.page import AuditPage
from app.views.changes import Changes
from app.views.jobs import JobRunner

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def page(qtbot: QtBot, services: Services) -> Iterator[AuditPage]:
    services.settings.put("counter.place", "前台")
    services.settings.put("counter.place", "二楼")
    jobs = JobRunner()
    made = AuditPage(services.audit, jobs=jobs, changes=Changes())
    made.resize(1200, 700)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: made.table.rows.row_at(0) is not None, timeout=20_000)
    yield made
    jobs.stop()


def test_enter_shows_who_did_what_and_what_it_was_before_and_after(page: AuditPage, qtbot: QtBot) -> None:
    page.table.go_to_row(0)
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    qtbot.waitUntil(page.drawer.isVisible)
    assert page.drawer.heading.text() == "更改设置"
    words = [one.text() for one in page.drawer.findChildren(QLabel)]
    assert words[words.index("改前") + 1] == "前台"
    assert words[words.index("改后") + 1] == "二楼"
    page.drawer.stepped.emit(1)
    qtbot.waitUntil(lambda: "--" in [one.text() for one in page.drawer.findChildren(QLabel)])


def test_an_act_nobody_did_leaves_a_way_back(page: AuditPage, qtbot: QtBot) -> None:
    page.filters.action_box.setCurrentIndex(page.filters.action_box.findData("batch.voided"))
    qtbot.waitUntil(lambda: not page.table.count, timeout=20_000)
    page.table._empty.act_button.click()  # type: ignore[union-attr]  # there is one
    qtbot.waitUntil(lambda: bool(page.table.count), timeout=20_000)


def test_the_log_is_narrowed_by_what_it_was_about_and_when(page: AuditPage, qtbot: QtBot, services: Services) -> None:
    services.catalog.add(ProductSpec("中秋福利卡", "exchange"))
    services.catalog.add(ProductSpec("课程码", "exchange"))
    page.refresh()
    page.filters.subject_box.setText("商品 2")
    qtbot.keyClick(page.filters.subject_box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.table.count == 1, timeout=20_000)
    assert page.filters.chips.keys() == ["subject"]
    page.filters.days_box.box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.filters.chips.keys() == ["subject", "days"])
    assert page.question() == {"subject": "商品 2", "days": {"span": "1"}}
    page.filters.chips.remove("subject")
    qtbot.waitUntil(lambda: page.table.count > 1, timeout=20_000)
    assert page.filters.actor_box.isHidden(), "only the owner did anything"
