"""Facts of a record: a caption stands on the base line of what is said beside it."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.views.theme import font
from app.views.theme.fonts import BODY_PX, LABEL_PX
from app.views.widgets.facts import facts


def base(words: QLabel, place: QWidget) -> int:
    """Where its first line stands."""
    top = words.mapTo(place, QPoint(0, 0)).y() + words.contentsRect().top()
    spare = words.contentsRect().height() - words.fontMetrics().height()
    centred = bool(words.alignment() & Qt.AlignmentFlag.AlignVCenter)
    return top + (max(0, spare) // 2 if centred else 0) + words.fontMetrics().ascent()


def test_captions_stand_on_the_line_of_their_values(qtbot: QtBot) -> None:
    place = facts([("Product", "Mooncakes"), ("Batch", "B261130-01")], codes=("B261130-01",))
    for words in place.findChildren(QLabel):
        small = words.property("role") == "label"
        if words.text() != "B261130-01":
            words.setFont(font(LABEL_PX if small else BODY_PX))
    qtbot.addWidget(place)
    place.resize(400, place.sizeHint().height())
    with qtbot.waitExposed(place):
        place.show()
    labels = place.findChildren(QLabel)
    captions = [words for words in labels if words.property("role") == "label"]
    assert len(captions) == 2
    for caption, value in zip(captions, [words for words in labels if words not in captions], strict=True):
        assert base(caption, place) == base(value, place)
