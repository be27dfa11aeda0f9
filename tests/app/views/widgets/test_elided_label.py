"""A label that ends with an ellipsis looks like one with shorter words, and tells the whole to whoever asks."""

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QHelpEvent
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.views.theme import theme
from app.views.widgets.elided_label import ElidedLabel
from app.views.widgets.pieces import label, row

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
LONG = "Mid-Autumn gift card for the whole family"


def shown(bot: QtBot, made: QLabel, width: int) -> QLabel:
    made.resize(width, 24)
    bot.addWidget(made)
    with bot.waitExposed(made):
        made.show()
    return made


def tip_over(bot: QtBot, made: QLabel) -> str:
    QToolTip.hideText()
    bot.waitUntil(lambda: not QToolTip.isVisible(), timeout=5_000)
    spot = QPoint(2, 2)
    QApplication.sendEvent(made, QHelpEvent(QEvent.Type.ToolTip, spot, made.mapToGlobal(spot)))
    return QToolTip.text() if QToolTip.isVisible() else ""  # one that was closed keeps its words until it is deleted


def test_words_that_do_not_fit_are_painted_with_an_ellipsis(qtbot: QtBot) -> None:
    theme().choose("light")
    made = ElidedLabel(LONG, "label")
    assert isinstance(shown(qtbot, made, 100), ElidedLabel)
    short = made.fontMetrics().elidedText(LONG, Qt.TextElideMode.ElideRight, 100)
    assert short.endswith("\u2026")
    assert made.grab().toImage() == shown(qtbot, label(short, "label"), 100).grab().toImage()
    assert made.grab().toImage() != shown(qtbot, label(LONG, "label"), 100).grab().toImage()


def test_the_whole_of_them_is_in_the_tooltip_and_spoken(qtbot: QtBot) -> None:
    made = ElidedLabel(LONG)
    shown(qtbot, made, 100)
    assert made.text() == LONG
    assert QAccessible.queryAccessibleInterface(made).text(QAccessible.Text.Name) == LONG
    assert tip_over(qtbot, made) == LONG
    made.resize(2_000, 24)
    assert tip_over(qtbot, made) == "", "it says no more than the label"


def test_it_gives_way_to_what_stands_beside_it_and_no_further_than_was_said(qtbot: QtBot) -> None:
    place, made, short, beside = QWidget(), ElidedLabel(LONG, least=60), ElidedLabel("--", least=60), QLabel(LONG)
    place.setLayout(row(made, short, beside))
    qtbot.addWidget(place)
    place.resize(place.minimumSizeHint())
    with qtbot.waitExposed(place):
        place.show()
    assert made.width() == 60
    assert beside.width() >= beside.sizeHint().width()
    assert not short.cut, "two signs do not ask for the room of many"
