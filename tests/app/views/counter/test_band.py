"""The band of the counter: what is read at two metres."""

from pytestqt.qtbot import QtBot

from app.views.counter.band import LEAST_PX, LINE_PX, WORD_PX, VerdictBand
from app.views.counter.verdicts import Shown
from app.views.theme import theme

LONG = "The endpoint was put back from a backup and first hears what it missed. Sync the other computers."


def test_the_lines_of_a_verdict_have_one_size_and_that_is_the_longest_ones(qtbot: QtBot) -> None:
    band = VerdictBand()
    qtbot.addWidget(band)
    for lines, room, size in (
        (("Nothing was redeemed.",), 700, LINE_PX),
        ((LONG, "Nothing was redeemed."), 2_000, LINE_PX),
        ((LONG * 3, "Nothing was redeemed."), 700, LEAST_PX),
    ):
        band.show_verdict(Shown("warn", "circle-x", "Not now", lines=lines))
        assert band.line_px(room) == size
    band.show_verdict(Shown("warn", "circle-x", "Not now", lines=(LONG, "Nothing was redeemed.")))
    assert LEAST_PX < band.line_px(780) < LINE_PX


def test_what_hangs_below_a_word_is_not_cut(qtbot: QtBot) -> None:
    theme().choose("light")
    band = VerdictBand()
    qtbot.addWidget(band)
    band.resize(900, 160)
    band.show_verdict(Shown("neutral", "scan-line", "gggg"))
    picture = band.grab().toImage()
    ground = picture.pixelColor(400, 4)
    bottom = (160 - WORD_PX - 16) // 2 + WORD_PX + 12
    below = [picture.pixelColor(x, y) for y in range(bottom, bottom + 6) for x in range(160, 320)]
    assert any(colour != ground for colour in below)
