"""What is offered once several rows of a list are selected: this page, all that the filter matches, and the acts."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QPushButton, QWidget

from app.views.widgets.pieces import button, icon_button, label, row
from app.views.widgets.row_table import RowTable
from app.views.widgets.toast import Foot
from app.words import ntr, tr


@dataclass(frozen=True, slots=True)
class SelectionWords:
    """How a list counts what is selected, and what all of it is called."""

    selected: Callable[[int], str]
    everything: Callable[[int], str]


def _rows_selected(count: int) -> str:
    return ntr("{count} row selected", "{count} rows selected", count)


def _all_rows(count: int) -> str:
    return ntr("Select the {count} row", "Select all {count} rows", count)


OF_ROWS = SelectionWords(_rows_selected, _all_rows)


class SelectionBar(Foot):
    """Below its table, so that no row moves when it appears. An act is called with the ids of the selected rows."""

    def __init__(self, table: RowTable, words: SelectionWords = OF_ROWS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "selection")
        self._table, self._words = table, words
        self.words = label("")
        self.page_button = button("", table.select_page, kind="text", compact=True)
        self.all_button = button("", table.selectAll, kind="text", compact=True)
        self._line = row(
            self.words,
            self.page_button,
            self.all_button,
            0,
            icon_button("x", tr("Select nothing"), table.clearSelection),
            spacing=8,
        )
        self._line.setContentsMargins(12, 4, 8, 4)
        self.setLayout(self._line)
        self.hide()
        table.selection_changed.connect(self._follow)
        table.verticalScrollBar().valueChanged.connect(lambda _: self._follow_page())

    def add_act(
        self, text: str, call: Callable[["array[int]"], object], *, symbol: str = "", kind: str = "normal"
    ) -> QPushButton:
        made = button(text, lambda: call(self._table.selected_ids()), kind=kind, symbol=symbol, compact=True)
        self._line.insertWidget(self._line.count() - 1, made)
        return made

    def beyond_sight(self, ids: Sequence[int]) -> bool:
        """Whether these are more than the screen shows: then a question comes before an act."""
        return len(ids) > max(1, len(self._table.in_sight()))

    def _follow(self, count: int, _: object) -> None:
        self.words.setText(self._words.selected(count))
        self.all_button.setText(self._words.everything(self._table.count))
        self.all_button.setVisible(count < self._table.count)
        self._follow_page()
        self.setVisible(count > 1)

    def _follow_page(self) -> None:
        page = len(self._table.in_sight())
        self.page_button.setText(tr("Select this page ({count})", count=f"{page:,}"))
        self.page_button.setVisible(self._table.selected_count() != page)
