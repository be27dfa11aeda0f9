"""PySide6 6.12 loses a reference to None with every void call until the interpreter dies; this holds it off."""

import sys

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

CALLS = 10_000


@pytest.mark.usefixtures("qapp")
def test_ten_thousand_void_qt_calls_cost_no_reference_to_none(qtbot: QtBot) -> None:
    label = QLabel()
    qtbot.addWidget(label)
    label.setText("warm")

    before = sys.getrefcount(None)
    for _ in range(CALLS):
        label.setText("x")

    if sys.version_info < (3, 12):  # from 3.12 on None is immortal and the count says nothing
        assert abs(sys.getrefcount(None) - before) < CALLS // 100
    else:
        assert label.text() == "x"
