"""Rows that share a phone, an e-mail or an employee number, side by side: keep one, or keep both."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.services.people.roster import DROP, KEEP, MERGE, Checked, CheckedRow, Duplicate
from app.views.widgets.pieces import Card, button, label, line, row
from app.vocabulary import FIELDS, word
from app.words import ntr, tr

MOST = 30
SIDE_BY_SIDE = 3


class DuplicateCards(Card):
    """`decided(lines, choice)`: what becomes of the later lines. The first one always stays."""

    decided = Signal(tuple, str)

    def __init__(self) -> None:
        super().__init__(tr("Rows that repeat each other"))
        self._list = QVBoxLayout()
        self._list.setSpacing(12)
        self.body.addLayout(self._list)
        self._made: list[QWidget] = []

    def show_duplicates(self, checked: Checked, choices: Mapping[int, str]) -> None:
        for old in self._made:
            old.hide()
            old.deleteLater()
        by_line = {one.line: one for one in checked.rows}
        shown = sorted(checked.duplicates, key=lambda found: (found.lines[1] in choices, found.same_name))
        self._made = []
        for at, found in enumerate(shown[:MOST]):
            self._put(*([line()] if at else []), self._one(found, by_line, choices))
        if len(shown) > MOST:
            self._put(label(ntr("{count} more like these", "{count} more like these", len(shown) - MOST), "note"))
        self.setVisible(bool(checked.duplicates))

    def _put(self, *parts: QWidget) -> None:
        for part in parts:
            self._made.append(part)
            self._list.addWidget(part)

    def _one(self, found: Duplicate, by_line: Mapping[int, CheckedRow], choices: Mapping[int, str]) -> QWidget:
        made = QWidget()
        sides = QHBoxLayout()
        sides.setSpacing(12)
        for no in found.lines[:SIDE_BY_SIDE]:
            sides.addWidget(_side(by_line[no], found.field), 1)
        later = found.lines[1:]
        chosen = choices.get(later[0]) or (MERGE if found.same_name else "")
        kinds = ((DROP, tr("Keep the first only")), (KEEP, tr("Keep both")), (MERGE, tr("One person: merge")))
        acts = [
            button(
                words,
                partial(self.decided.emit, later, key),
                kind="primary" if key == chosen else "normal",
                compact=True,
            )
            for key, words in kinds
            if key != MERGE or found.same_name
        ]
        title = label(tr("Same {field}", field=word(FIELDS, found.field)), "label")
        layout = QVBoxLayout(made)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row(title, 0, *acts))
        layout.addLayout(sides)
        return made


def _side(one: CheckedRow, field: str) -> QFrame:
    """One of the rows: its number and what tells the two apart."""
    side = QFrame()
    side.setProperty("role", "banner")
    layout = QVBoxLayout(side)
    layout.setContentsMargins(12, 8, 12, 8)
    layout.setSpacing(2)
    layout.addWidget(label(tr("Row {line}", line=one.line), "note"))
    layout.addWidget(label(one.values.get("name", "") or "--", "card-title"))
    for name in ("department", "employee_no", "phone", "email"):
        if value := one.values.get(name):
            layout.addWidget(label(value, "" if name == field else "label", wrap=True))
    return side
