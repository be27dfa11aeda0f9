"""The trend: what stands beside its lines can be read, however low it is."""

from datetime import date

import pytest
from pytestqt.qtbot import QtBot

from app.views.widgets.charts import Line, TrendChart


@pytest.mark.parametrize(("height", "ticks"), [(200, [0, 20, 40, 60, 80]), (88, [0, 40, 80]), (60, [0, 80])])
def test_a_low_chart_names_fewer_heights(qtbot: QtBot, height: int, ticks: list[int]) -> None:
    chart = TrendChart()
    qtbot.addWidget(chart)
    chart.setMinimumHeight(height)
    chart.resize(600, height)
    chart.show_lines([date(2026, 11, 1), date(2026, 11, 2)], [Line("Issued", [0, 80])])
    assert chart.shown_ticks() == ticks
