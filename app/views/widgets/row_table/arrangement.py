"""How the user arranged a table: order, widths and choice of columns, height of rows; kept as one line of JSON."""

import json
from collections.abc import Sequence
from math import ceil
from typing import Any

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHeaderView, QMenu, QTableView

from app.views.widgets.row_table.columns import Column, Kind
from app.views.widgets.row_table.painter import CellPainter
from app.words import tr

ROW_PX = {"compact": 36, "comfortable": 44}
LEAST_PX, MOST_PX = 96, 240
"""Of a column whose words are cut for want of room; and of one that takes room from others for its words."""


class Arrangement(QObject):
    changed = Signal()

    def __init__(
        self,
        view: QTableView,
        head: QHeaderView,
        *,
        columns: Sequence[Column],
        cells: CellPainter,
    ) -> None:
        super().__init__(view)
        self._view, self._head, self._columns = view, head, tuple(columns)
        self._needed, self._least = cells.needed, cells.head_needed
        self._sized_by_hand = False
        self._aside: set[int] = set()
        self._insisted: set[int] = set()
        self.density = "compact"
        for at, column in enumerate(self._columns):
            view.setColumnWidth(at, column.width)
            view.setColumnHidden(at, column.hidden)
        head.sectionResized.connect(self._note_resize)
        head.sectionMoved.connect(self.changed)
        head.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        head.customContextMenuRequested.connect(self._show_menu)

    def shown(self) -> list[Column]:
        """Visible columns from left to right."""
        order = [self._head.logicalIndex(place) for place in range(len(self._columns))]
        return [self._columns[at] for at in order if not self._view.isColumnHidden(at)]

    def saved(self) -> str:
        order = [self._columns[self._head.logicalIndex(place)].key for place in range(len(self._columns))]
        away = [at for at in range(len(self._columns)) if self._view.isColumnHidden(at) and at not in self._aside]
        hidden = [self._columns[at].key for at in away]
        widths = {column.key: self._head.sectionSize(at) for at, column in enumerate(self._columns)}
        kept = {key: width for key, width in widths.items() if key not in hidden} if self._sized_by_hand else {}
        return json.dumps({"order": order, "hidden": hidden, "widths": kept, "density": self.density})

    def restore(self, saved: str) -> None:
        state = _state(saved)
        keys = [column.key for column in self._columns]
        for place, key in enumerate(key for key in state.get("order", ()) if key in keys):
            self._head.moveSection(self._head.visualIndex(keys.index(key)), place)
        for at, key in enumerate(keys):
            if "hidden" in state:
                self._view.setColumnHidden(at, key in state["hidden"])
                self._aside.discard(at)
            if key in state.get("widths", {}):
                self._view.setColumnWidth(at, state["widths"][key])
        if "widths" in state:
            self._sized_by_hand = bool(state["widths"])
        self.set_density(state.get("density", self.density))
        self.fit()

    def set_density(self, density: str) -> None:
        """`compact` (36 px) or `comfortable` (44 px)."""
        self.density = density if density in ROW_PX else "compact"
        self._view.verticalHeader().setDefaultSectionSize(ROW_PX[self.density])
        self.changed.emit()

    def fit(self) -> None:
        """Make the columns as wide as the view, until somebody sets widths by hand.

        Words that need more than their column's usual width take what others do not need; what is left over goes to
        the columns that may stretch. Where room is short, every column gives what its head and the rows seen so far do
        not need, the roomiest the most; then words of columns that may stretch are cut; only then the table is scrolled
        sideways. Before all that, columns for wide windows stand aside. A state, a number or a date is never cut.
        """
        if self._sized_by_hand:
            return
        self._put_aside()
        shown = [at for at in range(len(self._columns)) if not self._view.isColumnHidden(at)]
        stretching = [at for at in shown if self._columns[at].stretch]
        widths = {at: self._wanted(at) for at in shown}
        spare = self._view.viewport().width() - sum(widths.values())
        if (short := _give(widths, max(0, -spare), self._slack(widths))) > 0:
            _give(widths, short, {at: max(0, widths[at] - max(LEAST_PX, self._least(at))) for at in stretching})
        spare = self._widen(widths, max(0, spare))
        for at in stretching:
            widths[at] += spare // len(stretching)
        for at, width in widths.items():
            self._view.setColumnWidth(at, width)

    def _widen(self, widths: dict[int, int], spare: int) -> int:
        """Show words whole with what is spare and what others do not need; what is still spare."""
        slack = self._slack(widths)
        unneeded = sum(slack.values())
        room = spare + unneeded
        for at in widths:
            more = min(max(0, self._words(at) - widths[at]), room)
            widths[at] += more
            room -= more
        _give(widths, max(0, unneeded - room), slack)
        return max(0, room - unneeded)

    def _slack(self, widths: dict[int, int]) -> dict[int, int]:
        return {at: max(0, width - self._needed(at)) for at, width in widths.items()}

    def _put_aside(self) -> None:
        """Columns that are shown only where there is room, the last ones first."""
        spare = whole = self._view.viewport().width()
        for at in range(len(self._columns)):
            if at in self._aside or not self._view.isColumnHidden(at):
                spare -= self._wanted(at)
                whole -= self._words(at)
        for at in reversed(range(len(self._columns))):
            if at in self._aside or (self._columns[at].roomy and not self._view.isColumnHidden(at)):
                aside = min(spare, whole) < 0 and at not in self._insisted
                spare += self._wanted(at) if aside else 0
                whole += self._words(at) if aside else 0
                (self._aside.add if aside else self._aside.discard)(at)
                self._view.setColumnHidden(at, aside)

    def _wanted(self, at: int) -> int:
        column = self._columns[at]
        return column.width if column.kind is Kind.TEXT else max(column.width, self._needed(at))

    def _words(self, at: int) -> int:
        """What shows the words seen so far whole, unless they are a whole sentence."""
        return min(self._needed(at), MOST_PX)

    def menu(self) -> QMenu:
        """Which columns are shown, how high the rows are."""
        menu = QMenu(self._view)
        shown = [at for at in range(len(self._columns)) if not self._view.isColumnHidden(at)]
        for at, column in enumerate(self._columns):
            act = menu.addAction(column.title)
            act.setCheckable(True)
            act.setChecked(at in shown)
            act.setEnabled(shown != [at])
            act.toggled.connect(lambda on, at=at: self._show_column(at, on))
        menu.addSeparator()
        for density, title in (("compact", tr("Compact rows")), ("comfortable", tr("Comfortable rows"))):
            act = menu.addAction(title)
            act.setCheckable(True)
            act.setChecked(self.density == density)
            act.triggered.connect(lambda _, density=density: self.set_density(density))
        return menu

    def _show_menu(self, where: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._head.mapToGlobal(where))

    def _show_column(self, at: int, on: bool) -> None:
        self._view.setColumnHidden(at, not on)
        self._aside.discard(at)
        (self._insisted.add if on else self._insisted.discard)(at)
        self.fit()
        self.changed.emit()

    def _note_resize(self) -> None:
        if QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._sized_by_hand = True
            self.changed.emit()


def _give(widths: dict[int, int], short: int, slack: dict[int, int]) -> int:
    """Take so many px from the columns in proportion to their slack, and to the pixel; what is still short."""
    rest = sum(slack.values())
    left = max(0, short - rest)
    short -= left
    for at, own in slack.items():
        given = ceil(short * own / rest) if rest else 0
        widths[at] -= given
        short, rest = short - given, rest - own
    return left


def _state(saved: str) -> dict[str, Any]:
    """What a settings file that somebody damaged says is nothing."""
    try:
        state = json.loads(saved)
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}
