"""A layout of our own: what it holds ends with it, and what was taken out of it is left alone."""

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.views.widgets.flow import Flow


def end(widget: QWidget) -> None:
    widget.deleteLater()
    QApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


def test_its_items_are_freed_with_it_and_those_of_widgets_that_went_before_only_once(qtbot: QtBot) -> None:
    for _ in range(50):
        holder, parts = QWidget(), [QLabel(str(number)) for number in range(6)]
        flow = Flow(*parts)
        holder.setLayout(flow)
        end(parts[0])
        flow.removeWidget(parts[1])
        items = list(flow._items)
        assert len(items) == 4
        end(holder)
        assert not isValid(flow)
        assert [isValid(item) for item in items] == [False] * 4


def test_what_has_no_room_on_a_line_goes_on_in_the_next(qtbot: QtBot) -> None:
    holder, parts = QWidget(), [QLabel("one"), QLabel("two"), QLabel("three")]
    for part in parts:
        part.setFixedSize(60, 20)
    flow = Flow(*parts)
    holder.setLayout(flow)
    qtbot.addWidget(holder)
    assert (flow.heightForWidth(400), flow.heightForWidth(140), flow.heightForWidth(70)) == (20, 48, 76)
    parts[1].hide()
    flow.invalidate()
    assert flow.heightForWidth(140) == 20
