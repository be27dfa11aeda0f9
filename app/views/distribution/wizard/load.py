"""导入: a file, pasted cells or the address book becomes a staged list; nothing is stored."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QFileDialog, QSpinBox, QStackedWidget, QWidget

from app.errors import AppError
from app.messages import sentence
from app.services.distribution import DistributionRow
from app.services.people import PersonFilter
from app.services.people.roster import Roster
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.wizard.step import Step
from app.views.jobs import Job, JobRunner
from app.views.widgets.banner import Banner
from app.views.widgets.cells import CellTable
from app.views.widgets.drop_zone import DropZone
from app.views.widgets.field import Field
from app.views.widgets.pieces import Card, button, column, label, row
from app.views.widgets.spin import tidy_spin
from app.words import moment, ntr, tr

ENDINGS = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".txt")
ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16")
SHOWN_ROWS = 20
FIELD_PX = 152
EVERYBODY = ""


class LoadStep(Step):
    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Load"), tr("Drop the list; nothing is stored yet"), parts, jobs=jobs)
        self._job: Job | None = None
        self._then: Callable[[], object] | None = None
        self.note = Banner()
        self.stack = QStackedWidget()
        self.stack.addWidget(self._empty_side())
        self.stack.addWidget(self._loaded_side())
        self.body.addWidget(self.note)
        self.body.addWidget(self.stack, 1)
        jobs.start(parts.people.departments, on_done=self._fill_departments, owner=self)

    # --- what the frame asks ---

    def take(self, draft: Draft) -> None:
        super().take(draft)
        if not draft.begun:
            self.note.clear()
        self.stack.setCurrentIndex(1 if draft.begun else 0)
        if draft.begun:
            self._show_loaded()

    @property
    def lack(self) -> str:
        return "" if self.draft.begun else tr("Choose a list first: a file, pasted cells or the address book.")

    @property
    def totals(self) -> str:
        if self.draft.book:
            return ntr("{count} person", "{count} people", len(self.draft.person_ids))
        return ntr("{count} row", "{count} rows", _row_count(self.draft.roster)) if self.draft.roster else ""

    @property
    def first(self) -> QWidget:
        return self.other_button if self.draft.begun else self.zone

    # --- loading ---

    def load(self, source: object) -> None:
        """A path or pasted text."""
        self._stage(source if isinstance(source, str) else Path(str(source)))

    def choose_file(self, then: Callable[[Path], object] | None = None) -> None:
        """`then` gets the path in place of this step."""
        take = then or self.load
        patterns = " ".join(f"*{ending}" for ending in ENDINGS)
        dialog = QFileDialog(self, tr("Choose the list"), "", f"{tr('Tables')} ({patterns})")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: take(Path(path)))
        dialog.open()

    def take_book(self) -> None:
        """People of the address book who have not left, all or of one department."""
        department = self.department_box.currentData() or None
        chosen = PersonFilter(department=department, left=False)

        def done(ids: list[int]) -> None:
            if not ids:
                self.note.say("warn", tr("There is nobody there yet. Drop a list instead."))
                return
            self._begin(Draft(book=self.department_box.currentText(), person_ids=tuple(ids)))

        self.jobs.start(self.parts.people.ids, chosen, on_done=done, on_refused=self._refuse, owner=self)

    def finish(self, then: Callable[[], object]) -> None:
        """A header row that is just typed, or a file that is still being read, comes first."""
        self.header_box.interpretText()
        if self._job is not None and self._job.running:
            self._then = then
        else:
            then()

    def restage(self, header_row: int | None = None) -> None:
        """Read the same source as the boxes say. Another sheet or encoding is another list: its header is guessed."""
        roster = self.draft.roster
        if roster is None or self.draft.source is None:
            return
        self._stage(
            self.draft.source,
            sheet=self.sheet_box.currentIndex() if len(roster.sheet_names) > 1 else None,
            encoding=self.encoding_box.currentData() if roster.encoding else None,
            header_row=header_row,
        )

    def _stage(self, source: Path | str, **how: object) -> None:
        self.note.clear()
        self._then = None

        def work() -> tuple[Roster, list[DistributionRow]]:
            roster = self.parts.people.stage(source, **how)  # type: ignore[arg-type]  # exactly its own names
            rows = self.parts.distribution.distributions()
            return roster, [row for row in rows if row.roster_hash == roster.sha256]

        def done(found: tuple[Roster, list[DistributionRow]]) -> None:
            roster, before = found
            self._begin(Draft(source=source, roster=roster))
            self._say_what_is_odd(roster, before)
            if self._then is not None:
                self._then()

        self._job = self.jobs.start(work, on_done=done, on_refused=self._refuse, owner=self)

    def _begin(self, draft: Draft) -> None:
        kept = self.draft
        self.note.clear()
        self.change(**{name: getattr(draft, name) for name in _OF_THE_LIST})
        self.stack.setCurrentIndex(1)
        self._show_loaded()
        if not kept.begun:
            self.other_button.setFocus()
        self.looked.emit()

    def _refuse(self, error: AppError) -> None:
        self.note.say("error", sentence(error))

    def _say_what_is_odd(self, roster: Roster, before: list[DistributionRow]) -> None:
        """The same file was used before, or no name column was found."""
        if before:
            self.note.say(
                "warn",
                tr(
                    "This list was used on {time} for {name}. Who has the benefit already is left out.",
                    time=moment(before[0].created_at),
                    name=before[0].name,
                ),
            )

    # --- what is shown ---

    def _empty_side(self) -> QWidget:
        side = QWidget()
        self.zone = DropZone(
            tr("Drop the staff list here"),
            endings=ENDINGS,
            hint=tr("XLSX, XLS, ODS, CSV or TSV, up to 50,000 rows"),
        )
        self.zone.dropped.connect(lambda paths: self.load(paths[0]))
        self.zone.pasted.connect(self.load)
        self.zone.refused.connect(lambda words: self.note.say("warn", words))
        self.zone.choose_wanted.connect(lambda: self.choose_file())
        self.department_box = QComboBox()
        self.department_box.setAccessibleName(tr("Department"))
        self.department_box.setMinimumWidth(200)
        self.book_button = button(tr("Take these people"), self.take_book, symbol="users")
        book = Card(tr("Or from the address book"))
        book.body.addLayout(row(self.department_box, self.book_button, 0))
        side.setLayout(column(self.zone, book, spacing=12))
        side.layout().setStretch(0, 1)  # type: ignore[union-attr]  # set one line above
        return side

    def _loaded_side(self) -> QWidget:
        side = QWidget()
        self.file_name, self.file_facts = label("", "card-title"), label("", "label", wrap=True)
        self.other_button = button(tr("Another list"), self._choose_again, compact=True)
        card = Card()
        self.sheet_box, self.encoding_box, self.header_box = QComboBox(), QComboBox(), QSpinBox()
        for name in ENCODINGS:
            self.encoding_box.addItem(name.upper(), name)
        self.header_box.setSpecialValueText(tr("No header"))
        tidy_spin(self.header_box)
        self.fields = {
            "sheet": Field(tr("Sheet"), self.sheet_box),
            "encoding": Field(tr("Encoding"), self.encoding_box),
            "header_row": Field(tr("Header row"), self.header_box),
        }
        for field in self.fields.values():
            field.setFixedWidth(FIELD_PX)
        self.choices = QWidget()
        self.choices.setLayout(row(*self.fields.values(), 0, spacing=16))
        self.sheet_box.activated.connect(lambda _: self.restage())
        self.encoding_box.activated.connect(lambda _: self.restage())
        self.header_box.setKeyboardTracking(False)
        self.header_box.valueChanged.connect(lambda _: self._restage_if_header_moved())
        head = row(column(self.file_name, self.file_facts, spacing=2), self.other_button)
        head.setStretch(0, 1)
        card.body.addLayout(head)
        card.body.addWidget(self.choices)
        self.preview = CellTable(tr("First rows"))
        self.preview.setMinimumHeight(180)
        side.setLayout(column(card, self.preview, spacing=12))
        side.layout().setStretch(1, 1)  # type: ignore[union-attr]  # set one line above
        return side

    def _show_loaded(self) -> None:
        roster = self.draft.roster
        self.choices.setVisible(roster is not None)
        self.preview.setVisible(roster is not None)
        self.file_name.setText(self.draft.title or tr("Pasted cells"))
        if roster is None:
            people = ntr("{count} person", "{count} people", len(self.draft.person_ids))
            self.file_facts.setText(tr("Address book: {people}", people=people))
            return
        self.file_facts.setText(_facts(roster))
        self._show_choices(roster)
        body = [cells for _, cells in zip(range(SHOWN_ROWS), (cells for _, cells in roster.body()), strict=False)]
        self.preview.show_cells(roster.headings, body)

    def _show_choices(self, roster: Roster) -> None:
        self.sheet_box.clear()
        self.sheet_box.addItems([name or str(no) for no, name in enumerate(roster.sheet_names, 1)])
        self.sheet_box.setCurrentIndex(roster.sheet)
        self.fields["sheet"].setVisible(len(roster.sheet_names) > 1)
        self.fields["encoding"].setVisible(bool(roster.encoding) and isinstance(self.draft.source, Path))
        at = self.encoding_box.findData(roster.encoding.removesuffix("-sig"))
        if at < 0 and roster.encoding:
            self.encoding_box.addItem(roster.encoding.upper(), roster.encoding)
            at = self.encoding_box.count() - 1
        self.encoding_box.setCurrentIndex(max(0, at))
        with QSignalBlocker(self.header_box):
            self.header_box.setRange(0, min(len(roster.rows), SHOWN_ROWS))
            self.header_box.setValue(0 if roster.header_row is None else roster.header_row + 1)

    def _restage_if_header_moved(self) -> None:
        roster = self.draft.roster
        shown = 0 if roster is None or roster.header_row is None else roster.header_row + 1
        if roster is not None and self.header_box.value() != shown:
            self.restage(self.header_box.value() - 1)

    def _choose_again(self) -> None:
        self.stack.setCurrentIndex(0)
        self.zone.setFocus()

    def _fill_departments(self, names: list[str]) -> None:
        self.department_box.addItem(tr("Everybody"), EVERYBODY)
        for name in names:
            self.department_box.addItem(name, name)


_OF_THE_LIST = ("source", "roster", "book", "edits", "undone", "choices", "checked", "person_ids")
"""What a new list replaces in the draft; product and channel stay."""


def _row_count(roster: Roster) -> int:
    return sum(1 for _ in roster.body())


def _facts(roster: Roster) -> str:
    """`CSV · GB18030 · 30 rows · header in row 1`."""
    parts = [tr("Pasted") if roster.kind == "paste" else roster.kind.upper()]
    if roster.encoding and roster.kind != "paste":
        parts.append(roster.encoding.upper())
    parts.append(ntr("{count} row", "{count} rows", _row_count(roster)))
    if roster.header_row is None:
        parts.append(tr("no header"))
    else:
        parts.append(tr("header in row {row}", row=roster.header_row + 1))
    return " · ".join(parts)
