"""The kinds of faults, each with its one click, and the faulty rows, mended in their cells."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractItemView, QPushButton, QVBoxLayout, QWidget

from app.services.people.problems import reasons, told
from app.services.people.roster import FAULT, REPAIR, Checked, CheckedRow, Group, Place
from app.views.theme import Tone
from app.views.widgets.cells import CellTable, cell, number_cell
from app.views.widgets.pieces import Card, button, label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.vocabulary import FIELDS, ROW_FAULTS, ROW_REPAIRS, ROW_WARNINGS, word
from app.words import ntr, tr

MOST_ROWS = 300
"""Faulty rows shown at once: more are mended in the file, not here."""
SHOWN_IN_TABLE = 10
KIND_PX = 88
FIRST = 2
"""The first column that can be edited: before it stand the row's number and the reason."""


class FaultGroups(Card):
    """One line for each kind: what it is, how many rows, and what can be done about all of them."""

    undo_wanted = Signal(object)
    repair_wanted = Signal(object)
    look_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__(tr("What was found"))
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        self.body.addLayout(self._list)
        self._lines: list[QWidget] = []

    def show_groups(self, checked: Checked) -> None:
        """The lines are made anew; keys that were on one are then on the same kind, where what was done is undone."""
        held = next((act for act in self.findChildren(QPushButton) if act.hasFocus()), None)
        kind = held.accessibleDescription() if held is not None else None
        old = self._lines
        self._lines = [self._line(group) for group in checked.groups]
        for made in self._lines:
            self._list.addWidget(made)
        self.setVisible(bool(self._lines))
        if kind is not None:
            acts = [act for made in self._lines for act in made.findChildren(QPushButton)]
            same = (act for act in acts if act.accessibleDescription() == kind)
            next(same, acts[0] if acts else self).setFocus()
        for gone in old:
            gone.hide()
            gone.deleteLater()

    def _line(self, group: Group) -> QWidget:
        made = QWidget()
        tones: dict[str, tuple[Tone, str]] = {FAULT: ("error", tr("Fault")), REPAIR: ("ok", tr("Repaired"))}
        mark = StateLabel(StateMark(*tones.get(group.sort, ("warn", tr("Warning")))))
        mark.setFixedWidth(KIND_PX)
        lines = group.lines or group.repairable
        words = label(group_words(group), wrap=True)
        count = label(ntr("{count} row", "{count} rows", len(lines)), "label")
        look = button(tr("Look"), lambda: self.look_wanted.emit(group), kind="text", compact=True)
        acts: list[QWidget] = []
        if group.sort == REPAIR and group.lines:
            acts.append(button(tr("Undo all"), lambda: self.undo_wanted.emit(group), compact=True))
        if group.repairable:
            acts.append(button(tr("Repair all"), lambda: self.repair_wanted.emit(group), compact=True))
        for act in (*acts, look):
            act.setAccessibleDescription(words.text())
        line = row(mark, words, *acts, count, look)  # what every line has stands below each other
        line.setStretch(1, 1)
        made.setLayout(line)
        return made


class FaultTable(CellTable):
    """`edited(line, field, text)` says that somebody typed into a cell."""

    edited = Signal(int, str, str)

    def __init__(self) -> None:
        super().__init__(tr("Faulty rows"))
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.AnyKeyPressed
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._fields: list[str] = []
        self._rows: list[CheckedRow] = []
        self._filling = False
        self.itemChanged.connect(lambda item: self._tell(item.row(), item.column(), item.text()))

    def show_rows(self, checked: Checked, rows: Sequence[CheckedRow]) -> None:
        self._filling = True
        self._rows = list(rows[:MOST_ROWS])
        self._fields = list(checked.roster.mapping)
        self.clear()
        self.setColumnCount(len(self._fields) + 2)
        self.setRowCount(len(self._rows))
        titles = [word(FIELDS, name) for name in self._fields]
        self.set_heads([tr("Row"), tr("Reason"), *titles], numbers=(0,))
        for at, one in enumerate(self._rows):
            self._fill_row(at, one)
        self.fit()
        self.setMinimumHeight(36 + 36 * min(SHOWN_IN_TABLE, max(2, len(self._rows))) + 12)
        self._filling = False

    def lines(self) -> list[int]:
        return [one.line for one in self._rows]

    def faults(self) -> list[Place]:
        """(line, field) of every faulty cell, from top to bottom."""
        return [(one.line, fault.field) for one in self._rows for fault in one.faults]

    def go_to(self, place: Place) -> None:
        line, field = place
        if line in self.lines() and field in self._fields:
            self.setCurrentCell(self.lines().index(line), self._fields.index(field) + FIRST)
            self.setFocus()

    def go_to_next(self) -> None:
        """The next faulty cell after the current one; round again at the end."""
        places = self.faults()
        if not places:
            return
        now = (self.currentRow(), self.currentColumn())
        at = [(self.lines().index(line), self._fields.index(field) + FIRST) for line, field in places]
        self.go_to(places[next((no for no, spot in enumerate(at) if spot > now), 0)])

    def after(self, line: int, field: str) -> Place | None:
        """The faulty cell that follows one."""
        places = self.faults()
        if (line, field) not in places:
            return None
        at = places.index((line, field))
        return places[at + 1] if at + 1 < len(places) else None

    def type_into(self, line: int, field: str, text: str) -> None:
        """What typing into a cell does."""
        found = self.item(self.lines().index(line), self._fields.index(field) + FIRST)
        assert found is not None, "every cell has an item"
        found.setText(text)

    def _fill_row(self, at: int, one: CheckedRow) -> None:
        faults = {fault.field: word(ROW_FAULTS, fault.kind) for fault in one.faults}
        self.setItem(at, 0, number_cell(one.line))
        for place, name in enumerate(self._fields, FIRST):
            self.setItem(at, place, cell(one.values.get(name, ""), editable=True, fault=faults.get(name, "")))
        self.setItem(at, 1, cell(reasons(one) or notes(one)))

    def _tell(self, at: int, place: int, text: str) -> None:
        if not self._filling and FIRST <= place < FIRST + len(self._fields):
            self.edited.emit(self._rows[at].line, self._fields[place - FIRST], text)


def group_words(group: Group) -> str:
    words = {FAULT: ROW_FAULTS, REPAIR: ROW_REPAIRS}.get(group.sort, ROW_WARNINGS)
    return told(words, group.field, group.kind)


def notes(one: CheckedRow) -> str:
    """What was repaired (`before → after`) or is odd about a row."""
    found = [f"{repair.before} → {repair.after}" for repair in one.repairs]
    found += [word(ROW_WARNINGS, warning.kind) for warning in one.warnings]
    return "; ".join(found)
