"""Goes through a window by Tab, and hears what a screen reader says."""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QWidget

TYPED = (QLineEdit, QAbstractSpinBox, QComboBox)
MOST = 300


def faults(window: QWidget) -> list[str]:
    """Everything that is wrong with the way through what is in front."""
    stops = walked(window)
    ways_back = jumps(window, stops)
    return [
        *(f"no name: {one}" for one in nameless(window)),
        *(f"missed: {one}" for one in missed(window, stops)),
        *(f"jumps: {one}" for one in (ways_back if len(ways_back) > 1 else [])),
    ]


def spoken(widget: QWidget) -> str:
    """What a screen reader calls it; what is typed into an entry is no name of it."""
    if isinstance(widget, TYPED) and not widget.accessibleName():
        return ""
    told = QAccessible.queryAccessibleInterface(widget)
    return told.text(QAccessible.Text.Name).strip() if told is not None else ""


def nameless(window: QWidget) -> list[str]:
    """What takes the focus, in sight, and is called nothing."""
    return [
        called(part)
        for part in window.findChildren(QWidget)
        if part.isVisible() and _takes_focus(part) and not spoken(part)
    ]


def walked(window: QWidget) -> list[QWidget]:
    """Every stop of Tab, from the one after that which has the focus, until it comes by there again."""
    now = QApplication.focusWidget()
    assert now is not None, "nothing has the focus"
    assert now.window() is window, f"the focus is in {now.window()}"
    found: list[QWidget] = []
    for _ in range(MOST):
        QTest.keyClick(now, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        assert now is not None, "Tab leads nowhere"
        if found and now is found[0]:
            return found
        assert now not in found, f"Tab is trapped: {[called(one) for one in found[found.index(now) :]]}"
        found.append(now)
    raise AssertionError("Tab never comes back")


def jumps(window: QWidget, stops: list[QWidget]) -> list[str]:
    """Steps that go up or to the left, where no column begins that is more to the right. The way back is one, too."""
    found = []
    for before, after in zip(stops, [*stops[1:], stops[0]], strict=True):
        here, there = _place(window, before), _place(window, after)
        up = there.bottom() < here.top() and there.left() < here.right()
        left = there.right() < here.left() and there.top() <= here.bottom() and there.bottom() >= here.top()
        if up or left:
            found.append(f"{called(before)} {here.getRect()} -> {called(after)} {there.getRect()}")
    return found


def missed(window: QWidget, stops: list[QWidget]) -> list[str]:
    """What is in sight and takes the focus by Tab, and was not come by."""
    return [
        called(part)
        for part in window.findChildren(QWidget)
        if part.isVisible() and part.isEnabled() and part.window() is window and _takes_tab(part) and part not in stops
    ]


def called(widget: QWidget) -> str:
    words = widget.text() if isinstance(widget, QAbstractButton) else widget.accessibleName()
    above = widget.parentWidget()
    return f"{type(widget).__name__} {words!r} in {type(above).__name__}"


def _place(window: QWidget, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint()), widget.size())


def _takes_focus(widget: QWidget) -> bool:
    whole = isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox)
    return widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.focusProxy() is None and not whole


def _takes_tab(widget: QWidget) -> bool:
    return _takes_focus(widget) and bool(widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value)
