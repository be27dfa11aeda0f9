"""Forms and dialogs: no holes, mistakes where they were typed, as high as what is in them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.errors import InvalidInput, WrongPassphrase
from app.views.widgets.dialog import Dialog, ask
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField
from app.views.widgets.pieces import column, label
from app.words import set_language


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    made.resize(900, 700)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def shown(window: QWidget, form: Form) -> None:
    form.setParent(window)
    form.resize(600, 400)
    form.show()


def place(form: Form, key: str) -> tuple[int, int]:
    at = form._grid.indexOf(form.fields[key])
    return form._grid.getItemPosition(at)[:2]  # type: ignore[index,return-value]  # PySide calls it object


def test_a_hidden_field_leaves_no_hole(window: QWidget) -> None:
    form = Form(columns=2)
    for key in ("kind", "face", "uses", "validity", "days"):
        form.add(key, key, QLineEdit())
    form.add("note", "note", QLineEdit(), wide=True)
    shown(window, form)
    form.set_shown("uses", shown=False)
    assert [place(form, key) for key in ("kind", "face", "validity", "days", "note")] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 0),
    ]
    form.set_shown("uses", shown=True)
    assert (place(form, "uses"), place(form, "validity"), place(form, "note")) == ((1, 0), (1, 1), (3, 0))
    assert form.fields["uses"].isVisible()


def test_a_mistake_marks_the_part_that_is_typed_into(window: QWidget) -> None:
    form, phrase = Form(), PassphraseField("口令")
    form.add("phrase", "口令", phrase)
    shown(window, form)
    form.set_error("phrase", "不对")
    assert phrase.entry.property("kind") == "error"
    assert phrase.entry.accessibleDescription() == "不对"
    form.clear_errors()
    assert phrase.entry.property("kind") == ""


def test_a_refusal_under_its_field_is_a_sentence_without_the_fields_inner_name(window: QWidget) -> None:
    form = Form()
    form.add("url", "地址", QLineEdit())
    shown(window, form)
    assert form.show_error(InvalidInput("url", "not-https"))
    assert form.fields["url"].error.text().startswith("网址必须")
    set_language("en")
    form.show_error(InvalidInput("url", "not-https"))
    assert form.fields["url"].error.text() == "The address must begin with https://."
    assert not form.show_error(WrongPassphrase(0))


def test_a_dialog_grows_and_shrinks_with_what_is_in_it(window: QWidget, qtbot: QtBot) -> None:
    dialog = Dialog(window, "标题")
    more = label("一句很长的话。" * 40, wrap=True)
    dialog.body.addWidget(label("短"))
    dialog.body.addWidget(more)
    more.hide()
    dialog.open()
    low = dialog.height()
    more.show()
    qtbot.waitUntil(lambda: dialog.height() > low + 60)
    assert dialog.height() == dialog.layout().totalHeightForWidth(dialog.width())  # type: ignore[union-attr]
    more.hide()
    qtbot.waitUntil(lambda: dialog.height() == low)


def test_what_cannot_be_undone_begins_with_the_caret_on_the_way_back(window: QWidget, qtbot: QtBot) -> None:
    done: list[bool] = []
    dialog = ask(window, "停止？", consequence="……", verb="停止", then=lambda: done.append(True))
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    assert dialog.cancel_button.hasFocus()
    qtbot.keyClick(dialog.cancel_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not dialog.isVisible())
    assert done == []


def test_a_control_of_several_parts_is_called_by_its_caption_where_the_keys_go(window: QWidget) -> None:
    form, parts = Form(), QWidget()
    entry = QLineEdit(parts)
    parts.setFocusProxy(entry)
    form.add("file", "Backup", parts)
    assert entry.accessibleName() == "Backup"


def test_a_long_mistake_in_a_narrow_form_gets_the_lines_it_needs(qtbot: QtBot) -> None:
    form = Form()
    field = form.add("typed", "Type 0 to confirm", QLineEdit())
    page = QWidget()
    qtbot.addWidget(page)
    page.setLayout(column(form.within(200), QLabel("below"), 0))
    page.resize(700, 400)
    page.show()
    field.set_error("Nobody would get a card. Go back and change the list or the channel.")
    qtbot.waitUntil(lambda: field.error.width() <= 200 and field.error.height() > 0)
    assert field.error.height() >= field.error.heightForWidth(field.error.width())
    assert field.error.height() > 1.5 * field.error.fontMetrics().height()
