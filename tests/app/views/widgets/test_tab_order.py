"""Tab through a window: it leaves nothing behind that Qt deletes without telling Python."""

import shiboken6
from PySide6.QtWidgets import QLineEdit, QWidget, QWidgetItem
from pytestqt.qtbot import QtBot

from app.views.widgets.dialog import Dialog
from app.views.widgets.form import Form
from app.views.widgets.pieces import button, row


def known_items() -> int:
    return sum(isinstance(one, QWidgetItem) for one in shiboken6.getAllValidWrappers())


def test_tab_makes_no_item_of_a_layout_known_to_python(qtbot: QtBot) -> None:
    """Such an item stays known after Qt deleted it, here with every button that is hidden: see the rule layout-item."""
    window = QWidget()
    qtbot.addWidget(window)
    dialog = Dialog(window, "A question")
    form = Form(columns=2)
    for key in ("name", "phone", "city"):
        form.add(key, key, QLineEdit())
    dialog.body.addWidget(form)
    dialog.body.addLayout(row(button("Left"), button("Right"), 0))
    dialog.add_verb("Do it")
    dialog.add_cancel()
    with qtbot.waitExposed(dialog):
        dialog.open()
    before = known_items()
    for _ in range(8):
        assert dialog.focusNextPrevChild(True)
    assert known_items() == before
