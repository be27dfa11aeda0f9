"""Charts for the dashboard, painted with Qt itself: a few hundred points need no library and no time to import one."""

from app.views.widgets.charts.bars import BarChart, Bars, Funnel, Stage
from app.views.widgets.charts.frame import Chart
from app.views.widgets.charts.heat import HeatMap
from app.views.widgets.charts.trend import Line, TrendChart

__all__ = ["BarChart", "Bars", "Chart", "Funnel", "HeatMap", "Line", "Stage", "TrendChart"]
