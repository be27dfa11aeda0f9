"""Bars: what stands beside them."""

import pytest
from pytestqt.qtbot import QtBot

from app.views.theme import theme
from app.views.widgets.charts.bars import BarChart, Bars, Funnel, Stage

NAMES = ("Mid-Autumn card", "Mooncake voucher", "Birthday gift card", "Video month pass", "月饼提货券", "新年福利卡")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_whole_where_there_is_room_for_it(qtbot: QtBot, name: str) -> None:
    chart = BarChart()
    qtbot.addWidget(chart)
    chart.resize(324, 200)
    chart.show_bars([Bars(1, name, 40, "40 times")])
    assert chart.shown_name(0) == name


def test_a_long_name_leaves_room_for_its_bar(qtbot: QtBot) -> None:
    chart = BarChart()
    qtbot.addWidget(chart)
    chart.resize(324, 200)
    chart.show_bars([Bars(1, "A very long name of a card that nobody can read at once", 40, "40 times")])
    assert "…" in chart.shown_name(0)


def test_the_counts_of_a_funnel_stand_to_the_right(qtbot: QtBot) -> None:
    """Their last digits are below each other, in the column left of the shares."""
    theme().choose("light")
    chart = Funnel()
    qtbot.addWidget(chart)
    chart.resize(400, 140)
    chart.show_stages([Stage("issued", "", 888), Stage("sent", "", 8)])
    picture = chart.grab().toImage()
    ends = []
    for area in (chart.place_rect(at).toRect() for at in range(2)):
        rows = range(area.top(), area.bottom())
        ink = [x for x in range(276, 338) for y in rows if picture.pixelColor(x, y).lightness() < 120]
        ends.append(max(ink))
    assert ends[0] == ends[1]
