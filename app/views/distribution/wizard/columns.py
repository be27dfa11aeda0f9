"""对应列: our fields at the left, their columns with samples at the right; what is not used is listed."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from app.services.people.columns import CHOSEN, CONTACTS, FIELDS, GUESSED, KNOWN, column_name
from app.services.people.roster import Roster
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.theme import Tone
from app.views.widgets.banner import Banner
from app.views.widgets.pieces import Card, label
from app.views.widgets.state_mark import StateLabel, StateMark
from app.vocabulary import FIELDS as FIELD_WORDS
from app.vocabulary import word
from app.words import ntr, tr

NOT_USED = -1
BOX_PX = 200
FIELD_PX = 104
STATE_PX = 76


class ColumnsStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Match columns"), tr("Which column is what; next month it is known"), parts, jobs=jobs)
        self.damaged = Banner()
        self.boxes: dict[str, QComboBox] = {}
        self._headings: list[tuple[int, str]] = []
        self._samples: dict[str, QLabel] = {}
        self._states: dict[str, StateLabel] = {}
        card = Card(tr("Our fields and your columns"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(2, 1)
        for at, name in enumerate(FIELDS):
            self._add_field(grid, at, name)
        card.body.addLayout(grid)
        self.rule = label(tr("Needed: the name, and one of phone, e-mail or employee no."), "note", wrap=True)
        card.body.addWidget(self.rule)
        self.unused = label("", "muted", wrap=True)
        unused = Card(tr("Columns that are not read"))
        unused.body.addWidget(self.unused)
        self.body.addWidget(self.damaged)
        self.body.addWidget(card)
        self.body.addWidget(unused)
        self.body.addStretch(1)

    def take(self, draft: Draft) -> None:
        super().take(draft)
        roster = draft.roster
        if roster is None:
            return
        self._headings = names = _columns(roster)
        for name, box in self.boxes.items():
            box.blockSignals(True)
            box.clear()
            box.addItem(tr("Not used"), NOT_USED)
            for column, heading in names:
                box.addItem(heading, column)
            match = roster.mapping.get(name)
            box.setCurrentIndex(max(0, box.findData(match.column if match else NOT_USED)))
            box.blockSignals(False)
        self._say_damaged(roster)
        self._show_all()

    @property
    def chosen(self) -> dict[str, int]:
        """Field → column, as the boxes stand."""
        return {name: box.currentData() for name, box in self.boxes.items() if box.currentData() not in (None, -1)}

    @property
    def lack(self) -> str:
        if "name" not in self.chosen:
            return tr("Choose the column with the names.")
        if not any(name in self.chosen for name in CONTACTS):
            return tr("Choose a column with phones, e-mails or employee numbers.")
        return ""

    @property
    def totals(self) -> str:
        roster = self.draft.roster
        guessed = [name for name, match in roster.mapping.items() if match.state == GUESSED] if roster else []
        still = [name for name in guessed if self._is_untouched(name)]
        return ntr("{count} guess: have a look", "{count} guesses: have a look", len(still)) if still else ""

    @property
    def first(self) -> QWidget:
        return self.boxes["name"]

    @property
    def is_faulty(self) -> bool:
        return bool(self.draft.roster and self.draft.roster.missing)

    def finish(self, then: Callable[[], object]) -> None:
        """Keep the choice for lists with these headings; unchanged ones cost nothing."""
        roster, chosen = self.draft.roster, self.chosen
        assert roster is not None, "a list was loaded before"
        if chosen == {name: match.column for name, match in roster.mapping.items()}:
            then()
            return

        def work() -> Roster:
            assert self.draft.source is not None, "a list has a source"
            header = -1 if roster.header_row is None else roster.header_row
            return self.parts.people.stage(
                self.draft.source,
                sheet=roster.sheet,
                encoding=roster.encoding if roster.kind != "paste" and roster.encoding else None,
                header_row=header,
                mapping=chosen,
            )

        def done(staged: Roster) -> None:
            self.change(roster=staged, edits={}, undone=frozenset(), choices={}, checked=None, person_ids=())
            then()

        self.jobs.start(work, on_done=done, on_refused=self.refused.emit, owner=self)

    # --- inside ---

    def _add_field(self, grid: QGridLayout, at: int, name: str) -> None:
        caption = label(word(FIELD_WORDS, name) + (" *" if name == "name" else ""))
        caption.setMinimumWidth(FIELD_PX)
        box = QComboBox()
        box.setFixedWidth(BOX_PX)
        box.setAccessibleName(word(FIELD_WORDS, name))
        caption.setBuddy(box)
        samples = label("", "note")
        samples.setMinimumWidth(80)
        state = StateLabel(StateMark("neutral", ""))
        state.setMinimumWidth(STATE_PX)
        box.currentIndexChanged.connect(lambda _, name=name: self._choose(name))
        self.boxes[name], self._samples[name], self._states[name] = box, samples, state
        for column, part in enumerate((caption, box, samples, state)):
            grid.addWidget(part, at, column, Qt.AlignmentFlag.AlignVCenter)

    def _choose(self, name: str) -> None:
        """One column is one field: another field that had it lets it go."""
        column = self.boxes[name].currentData()
        for other, box in self.boxes.items():
            if other != name and column != NOT_USED and box.currentData() == column:
                box.setCurrentIndex(0)
        self._show_all()
        self.looked.emit()

    def _show_all(self) -> None:
        roster = self.draft.roster
        if roster is None:
            return
        for name, box in self.boxes.items():
            column = box.currentData()
            samples = roster.samples(column) if column is not None and column >= 0 else ()
            words = " · ".join(samples)
            self._samples[name].setText(self._samples[name].fontMetrics().elidedText(words, _RIGHT, self._room()))
            self._samples[name].setToolTip("\n".join(samples))
            self._states[name].set_mark(self._mark(name))
        used = set(self.chosen.values())
        rest = [heading for column, heading in self._headings if column not in used]
        roster = self.draft.roster
        if roster is not None:
            rest += [one.heading or column_name(roster.headings, one.column) for one in roster.refused]
        self.unused.setText(" · ".join(rest) if rest else tr("All columns are used"))

    def _room(self) -> int:
        """Px left for samples beside the other three columns."""
        return max(80, self.width() - FIELD_PX - BOX_PX - STATE_PX - 90)

    def _mark(self, name: str) -> StateMark:
        roster = self.draft.roster
        match = roster.mapping.get(name) if roster else None
        if self.boxes[name].currentData() == NOT_USED:
            return StateMark("neutral", tr("Not used"))
        state = match.state if match is not None and self._is_untouched(name) else CHOSEN
        tones: dict[str, tuple[Tone, str]] = {
            KNOWN: ("ok", tr("Recognised")),
            GUESSED: ("warn", tr("Guess")),
            CHOSEN: ("info", tr("Chosen")),
        }
        return StateMark(*tones[state])

    def _is_untouched(self, name: str) -> bool:
        roster = self.draft.roster
        match = roster.mapping.get(name) if roster else None
        return match is not None and match.column == self.boxes[name].currentData()

    def _say_damaged(self, roster: Roster) -> None:
        self.damaged.clear()
        if roster.refused:
            column = roster.refused[0]
            words = tr(
                "Column {column} is not read: Excel turned the last digits of {count} long numbers into zeros. "
                "Export the list again with that column as text if you need it.",
                column=column.heading or column_name(roster.headings, column.column),
                count=f"{column.count:,}",
            )
            self.damaged.say("warn", words)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt hands its own event
        self._show_all()


_RIGHT = Qt.TextElideMode.ElideRight


def _columns(roster: Roster) -> list[tuple[int, str]]:
    """(column, name) of every column with a heading or a cell; refused ones are left out."""
    refused = {column.column for column in roster.refused}
    width = max([len(roster.headings), *(len(cells) for _, cells in roster.body())], default=0)
    return [
        (column, column_name(roster.headings, column))
        for column in range(width)
        if column not in refused and (column < len(roster.headings) or roster.samples(column))
    ]
