"""Words have the room they need: in a narrow form, in the foot of a drawer, in place of the rows of a low table."""

import pytest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.views.settings.sheet import card, no_wider, sheet
from app.views.widgets.empty_state import EmptyState
from app.views.widgets.form import Form
from app.views.widgets.page import Page
from app.views.widgets.passphrase_field import PassphraseField
from app.views.widgets.pieces import button

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
LONG = "The passphrase is not right. Try again, or open the vault with the recovery key that was printed. " * 3


def shown(bot: QtBot, widget: QWidget, width: int, height: int) -> None:
    widget.resize(width, height)
    bot.addWidget(widget)
    with bot.waitExposed(widget):
        widget.show()


def test_a_long_mistake_pushes_down_what_is_below_it(qtbot: QtBot) -> None:
    form, section, scroll = Form(), QWidget(), QScrollArea()
    form.add("first", "First", QLineEdit())
    form.add("second", "Second", QLineEdit())
    sheet(section, card(no_wider(form), title="Card"))
    scroll.setWidgetResizable(True)
    scroll.setWidget(section)
    shown(qtbot, scroll, 920, 300)
    form.set_error("first", LONG)
    words = form.fields["first"].error
    qtbot.waitUntil(lambda: words.height() >= words.heightForWidth(words.width()), timeout=5_000)
    assert form.fields["first"].control.height() >= form.fields["first"].control.sizeHint().height()


def test_a_mistake_of_a_passphrase_goes_as_soon_as_it_is_typed_anew(qtbot: QtBot) -> None:
    form, field = Form(), PassphraseField("Passphrase")
    form.add("passphrase", "Passphrase", field)
    shown(qtbot, form, 400, 200)
    form.set_error("passphrase", "Easy to guess")
    qtbot.keyClicks(field.entry, "correct horse")
    assert form.fields["passphrase"].error.text() == ""


def test_acts_of_a_drawer_that_do_not_fit_beside_each_other_stand_below(qtbot: QtBot) -> None:
    page = Page("Page")
    shown(qtbot, page, 900, 600)
    for words in (("Mend the address", "Send it another way", "Show the card that was given"), ("One", "Two")):
        acts = tuple(button(word, symbol="repeat") for word in words)
        page.drawer.show_record("Somebody", QLabel("body"), acts=acts)
        qtbot.waitUntil(lambda acts=acts: acts[-1].isVisible(), timeout=5_000)
        qtbot.waitUntil(lambda acts=acts: acts[0].width() >= acts[0].sizeHint().width(), timeout=5_000)
        assert all(act.width() >= act.sizeHint().width() for act in acts), "no word is cut"
        assert (acts[-1].y() == acts[0].y()) is (len(words) == 2)
        left = [made for made in page.drawer.findChildren(QPushButton) if made.isVisible()]
        assert len(left) == len(words), "those of the record before are gone"


def test_where_rows_have_little_room_the_drawing_gives_way_to_the_words(qtbot: QtBot) -> None:
    holder, empty = QWidget(), EmptyState("inbox", "Nothing waits", hint="Everything is sent")
    empty.setParent(holder)
    shown(qtbot, holder, 600, 400)
    empty.setGeometry(0, 0, 600, 120)
    assert not empty._drawing.isVisible()
    empty.setGeometry(0, 0, 600, 400)
    assert empty._drawing.isVisible()


def test_what_a_page_is_for_gives_way_to_its_buttons(qtbot: QtBot) -> None:
    page = Page(LONG, LONG)
    made = page.header.add_primary("Do what is done here", lambda: None)
    shown(qtbot, page, 600, 400)
    assert page.width() == 600
    assert made.width() >= made.sizeHint().width()
    assert page.header.line.cut, "with an ellipsis"
    assert page.header.heading.cut, "a distribution is called as people like"


def test_where_rows_have_hardly_any_room_the_reason_stands_there_whole(qtbot: QtBot) -> None:
    holder, empty = QWidget(), EmptyState("inbox", "Nothing waits", hint="Everything is sent")
    empty.setParent(holder)
    shown(qtbot, holder, 600, 400)
    for height, hinted in ((64, True), (36, False)):
        empty.setGeometry(0, 0, 600, height)
        qtbot.waitUntil(lambda: empty.reason.height() >= empty.reason.sizeHint().height(), timeout=5_000)
        assert empty.hint.isVisible() is hinted
        bottom = (empty.hint if hinted else empty.reason).geometry().bottom()
        assert empty.reason.y() >= 0
        assert bottom < height
        assert empty.toolTip() == ("" if hinted else "Everything is sent")
    empty.setGeometry(0, 0, 600, 400)
    assert empty._drawing.isVisible()
    assert empty.hint.isVisible()
