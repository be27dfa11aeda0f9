"""A table of any size: ids in order, rows by pages of 200 from a worker."""

from app.views.widgets.row_table.columns import Column, Kind
from app.views.widgets.row_table.view import RowTable

__all__ = ["Column", "Kind", "RowTable"]
