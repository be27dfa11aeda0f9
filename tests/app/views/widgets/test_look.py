"""What the eye needs: sharp icons, a focus that shows whole, toasts that show every word beside the rail."""

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QRadioButton, QWidget
from pytestqt.qtbot import QtBot

from app.views.theme import AFTER_WORDS, BESIDE_WORDS, icon, theme
from app.views.theme.tokens import LIGHT
from app.views.widgets.pieces import column, label
from app.views.widgets.toast import Foot, Toasts, toast

RATIO = 1.5


@pytest.fixture(autouse=True)
def light(qapp: object) -> None:
    theme().choose("light")


@pytest.mark.parametrize("size", [QSize(20, 20), BESIDE_WORDS, AFTER_WORDS])
def test_an_icon_has_every_pixel_of_the_screen(qapp: object, size: QSize) -> None:
    drawn = icon("plus").pixmap(size, RATIO, QIcon.Mode.Normal, QIcon.State.Off)
    assert drawn.size() == (size.toSizeF() * RATIO).toSize()
    assert drawn.devicePixelRatio() == RATIO


def test_an_icon_keeps_its_distance_from_the_words(qapp: object) -> None:
    before = icon("layers").pixmap(BESIDE_WORDS).toImage()
    assert not columns_with_ink(before) & {16, 17, 18, 19}
    after = icon("layers").pixmap(AFTER_WORDS).toImage()
    assert not columns_with_ink(after) & {0, 1, 2, 3}


def columns_with_ink(image: QImage) -> set[int]:
    return {x for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y).alpha() > 16}


@pytest.mark.parametrize("kind", [QCheckBox, QRadioButton])
@pytest.mark.parametrize("checked", [False, True])
def test_the_focus_of_a_tick_is_a_whole_ring(qtbot: QtBot, kind: type[QAbstractButton], checked: bool) -> None:
    """Two pixels at each of its four sides, at the very edge of the widget."""
    window, tick, other = QWidget(), kind("one"), QCheckBox("two")
    window.setLayout(column(tick, other))
    qtbot.addWidget(window)
    tick.setChecked(checked)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    other.setFocus(Qt.FocusReason.TabFocusReason)
    tick.setFocus(Qt.FocusReason.TabFocusReason)
    ring = QColor(LIGHT.focus_on_primary if checked else LIGHT.primary)
    picture = tick.grab().toImage()
    middle = picture.height() // 2
    across = [picture.pixelColor(x, middle) == ring for x in range(18)]
    down = [picture.pixelColor(9, middle - 9 + y) == ring for y in range(18)]
    for line in (across, down):
        assert line[:2] == line[-2:] == [True, True]
        assert not any(line[3:-3])


def test_a_toast_is_as_high_as_its_words(qtbot: QtBot) -> None:
    window = QWidget()
    window.resize(900, 600)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    for letters in range(20, 90):
        shown = toast(window, ("i " * letters).strip())
        shown.layout().activate()  # type: ignore[union-attr]  # it has one
        assert shown.words.heightForWidth(shown.words.width()) <= shown.words.height(), letters
        shown.go()


def test_a_toast_stands_low_and_above_a_foot_for_as_long_as_that_is_shown(qtbot: QtBot) -> None:
    window, foot = QWidget(), Foot()
    window.resize(900, 600)
    foot.setLayout(column(label("totals"), margin=8))
    window.setLayout(column(0, foot, margin=44))  # a gutter and the status bar
    foot.hide()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    toast(window, "done")
    stack = window.findChild(Toasts)
    assert stack is not None
    low = stack.geometry()
    assert window.height() - 60 < low.bottom() < window.height() - 44, "over the last row of a list, not over its head"
    foot.show()
    window.layout().activate()  # type: ignore[union-attr]  # it has one
    assert stack.geometry().bottom() < foot.y()
    foot.hide()
    assert stack.geometry() == low
