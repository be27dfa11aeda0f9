"""How a list was read: its file, its columns, its counts, and every row that needs a hand."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QVBoxLayout,
    QWidget,
)

from app.services.people.columns import FIELDS, column_name
from app.services.people.problems import reasons
from app.services.people.roster import Checked, CheckedRow, Roster
from app.views.theme import Tone
from app.views.widgets.cells import ROW_PX, CellTable, cell, number_cell
from app.views.widgets.form import Form
from app.views.widgets.pieces import label, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.vocabulary import FIELDS as FIELD_WORDS
from app.vocabulary import word
from app.words import NO_DATA, ntr, tr

NOT_USED = -1
ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16")
MOST_SHOWN = 200
"""Faulty rows shown; the exported file has all of them."""


class Reading(QWidget):
    """`read_again` brings the chosen columns (field → column) and how to read the file otherwise."""

    read_again = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._roster: Roster | None = None
        self.facts = label("", "muted", wrap=True)
        self.boxes: dict[str, QComboBox] = {}
        self.form = Form(columns=3)
        self.sheet_box, self.encoding_box = QComboBox(), QComboBox()
        for name in FIELDS:
            self.boxes[name] = QComboBox()
            self.boxes[name].activated.connect(lambda _, name=name: self._choose(name))
            self.form.add(name, word(FIELD_WORDS, name), self.boxes[name])
        self.form.add("sheet", tr("Sheet"), self.sheet_box)
        self.form.add("encoding", tr("Encoding"), self.encoding_box)
        self.sheet_box.activated.connect(lambda _: self._ask({}))
        self.encoding_box.activated.connect(lambda _: self._ask({}))
        self.unused = label("", "note", wrap=True)
        self.marks = {tone: StateLabel(StateMark("neutral", "")) for tone in ("good", "faulty", "merged", "warned")}
        self.problems = _problem_table()
        self.more = label("", "note")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        for part in (self.facts, self.form, self.unused):
            layout.addWidget(part)
        layout.addLayout(row(*self.marks.values(), 0, spacing=24))
        layout.addWidget(self.problems)
        layout.addWidget(self.more)

    def show_roster(self, roster: Roster, checked: Checked | None) -> None:
        """`checked` is None while a column is missing."""
        self._roster = roster
        self.facts.setText(_facts(roster))
        self._fill_boxes(roster)
        self.unused.setText(tr("Columns not used: {columns}", columns=" · ".join(roster.unused)))
        self.unused.setVisible(bool(roster.unused))
        self._count(checked)
        faulty = [found for found in checked.rows if found.faults] if checked else []
        self._list(roster, faulty)

    # --- columns ---

    def _fill_boxes(self, roster: Roster) -> None:
        refused = {each.column for each in roster.refused}
        width = max([len(roster.headings), *(len(cells) for _, cells in roster.body())], default=0)
        for name, box in self.boxes.items():
            box.clear()
            box.addItem(tr("Not used"), NOT_USED)
            for column in range(width):
                if column not in refused and (column < len(roster.headings) or roster.samples(column)):
                    box.addItem(column_name(roster.headings, column), column)
            match = roster.mapping.get(name)
            box.setCurrentIndex(max(0, box.findData(match.column)) if match else 0)
        self.sheet_box.clear()
        self.sheet_box.addItems([name or str(no) for no, name in enumerate(roster.sheet_names, 1)])
        self.sheet_box.setCurrentIndex(roster.sheet)
        self.form.set_shown("sheet", len(roster.sheet_names) > 1)
        self._show_encoding(roster)

    def _show_encoding(self, roster: Roster) -> None:
        self.form.set_shown("encoding", bool(roster.encoding) and roster.kind != "paste")
        self.encoding_box.clear()
        known = roster.encoding.removesuffix("-sig")
        for name in ENCODINGS if known in ENCODINGS else (*ENCODINGS, known):
            self.encoding_box.addItem(name.upper(), name)
        self.encoding_box.setCurrentIndex(self.encoding_box.findData(known))

    def _choose(self, name: str) -> None:
        """One column is one field: another field that had it lets it go."""
        column = self.boxes[name].currentData()
        for other, box in self.boxes.items():
            if other != name and column != NOT_USED and box.currentData() == column:
                box.setCurrentIndex(0)
        self._ask({key: box.currentData() for key, box in self.boxes.items() if box.currentData() != NOT_USED})

    def _ask(self, mapping: dict[str, int]) -> None:
        """Another sheet or encoding is another list: its columns are guessed anew."""
        roster = self._roster
        if roster is None:
            return
        how: dict[str, object] = {}
        if len(roster.sheet_names) > 1:
            how["sheet"] = self.sheet_box.currentIndex()
        if roster.encoding and roster.kind != "paste":
            how["encoding"] = self.encoding_box.currentData()
        if mapping:
            how["header_row"] = -1 if roster.header_row is None else roster.header_row
        self.read_again.emit(mapping, how)

    # --- what is wrong ---

    def _count(self, checked: Checked | None) -> None:
        good, faulty, merged, warned = _counts(checked)
        shown: tuple[tuple[str, Tone, int, str], ...] = (
            ("good", "ok", good, ntr("{count} row is good", "{count} rows are good", good)),
            ("faulty", "error", faulty, tr("{count} faulty", count=f"{faulty:,}")),
            ("merged", "neutral", merged, tr("{count} repeated", count=f"{merged:,}")),
            ("warned", "warn", warned, tr("{count} to look at", count=f"{warned:,}")),
        )
        for key, tone, count, words in shown:
            self.marks[key].set_mark(StateMark(tone, words))
            self.marks[key].setVisible(bool(count))

    def _list(self, roster: Roster, faulty: list[CheckedRow]) -> None:
        self.problems.setRowCount(min(len(faulty), MOST_SHOWN))
        for at, found in enumerate(faulty[:MOST_SHOWN]):
            name = found.values.get("name") or NO_DATA
            self.problems.setItem(at, 0, number_cell(found.line))
            for place, text in enumerate((name, _written(roster, found), reasons(found)), 1):
                self.problems.setItem(at, place, cell(text))
        self.problems.fit()
        self.problems.setVisible(bool(faulty))
        rest = len(faulty) - MOST_SHOWN
        self.more.setText(ntr("{count} more row in the file", "{count} more rows in the file", max(0, rest)))
        self.more.setVisible(rest > 0)


def _counts(checked: Checked | None) -> tuple[int, int, int, int]:
    """Good, faulty, merged and warned rows."""
    if checked is None:
        return (0, 0, 0, 0)
    counts = checked.counts
    return counts.good, counts.faulty, counts.merged, counts.warned


def _problem_table() -> CellTable:
    table = CellTable(tr("Rows that need a hand"))
    table.setColumnCount(4)
    heads = (tr("Line"), word(FIELD_WORDS, "name"), tr("In the list"), tr("Reason"))
    table.set_heads(heads, numbers=(0,))
    table.setMinimumHeight(5 * ROW_PX)
    return table


def _written(roster: Roster, found: CheckedRow) -> str:
    """The cells its faults speak of, as the list has them."""
    cells = roster.rows[found.line - 1]
    texts = []
    for fault in found.faults:
        match = roster.mapping.get(fault.field)
        if match is not None and match.column < len(cells) and cells[match.column].strip():
            texts.append(str(cells[match.column]).strip())
    return " · ".join(dict.fromkeys(texts)) or NO_DATA


def _facts(roster: Roster) -> str:
    """`staff.csv · CSV · GB18030 · 30 rows · header in row 1`."""
    pasted = roster.kind == "paste"
    parts = [tr("Pasted cells")] if pasted else [roster.source, roster.kind.upper()]
    if roster.encoding and not pasted:
        parts.append(roster.encoding.upper())
    count = sum(1 for _ in roster.body())
    parts.append(ntr("{count} row", "{count} rows", count))
    header = roster.header_row
    parts.append(tr("no header") if header is None else tr("header in row {row}", row=header + 1))
    return " · ".join(parts)
