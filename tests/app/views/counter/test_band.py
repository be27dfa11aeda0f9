"""The band of the counter: what is read at two metres."""

from pytestqt.qtbot import QtBot

from app.views.counter.band import LEAST_PX, LINE_PX, VerdictBand
from app.views.counter.verdicts import Shown

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
