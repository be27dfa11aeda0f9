"""Bars: what stands beside them."""

import pytest
from pytestqt.qtbot import QtBot

from app.views.widgets.charts.bars import BarChart, Bars

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
