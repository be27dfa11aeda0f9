"""A menu at the right edge of a window stays within it."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.views.theme import theme
from app.views.widgets.drop_menu import DropMenu
from app.views.widgets.page_header import PageHeader
from app.views.widgets.pieces import column, icon_button, row

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture(autouse=True)
def light(qapp: object) -> None:
    theme().choose("light")


def test_its_right_edge_is_that_of_the_button(qtbot: QtBot) -> None:
    window, button = QWidget(), icon_button("ellipsis", "More")
    window.setLayout(row(0, button))
    window.resize(600, 100)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    menu = DropMenu(button)
    menu.addAction("A name that is a good deal wider than the button")
    menu.popup(button.mapToGlobal(QPoint(0, button.height())))
    assert menu.geometry().right() == button.mapToGlobal(button.rect().topRight()).x()
    assert menu.width() > button.width()
    menu.close()


def test_the_head_of_a_page_has_one(qtbot: QtBot) -> None:
    window, head = QWidget(), PageHeader("Products")
    window.setLayout(column(head))
    qtbot.addWidget(window)
    head.add_more("Copy", lambda: None)
    menu: QMenu = head.more.menu()
    assert isinstance(menu, DropMenu)
    assert [act.text() for act in menu.actions()] == ["Copy"]
