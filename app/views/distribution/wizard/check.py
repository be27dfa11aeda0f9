"""检查: what is wrong with the list, one click for each kind, one cell for each row; warnings never block."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFileDialog, QWidget

from app.services.people import Stored
from app.services.people.roster import FAULT, Checked, Group, Place
from app.services.progress import Progress
from app.views.distribution.draft import Draft
from app.views.distribution.parts import Parts
from app.views.distribution.tiles import Tiles
from app.views.distribution.wizard.duplicates import DuplicateCards
from app.views.distribution.wizard.faults import FaultGroups, FaultTable
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.bin_acts import back_words
from app.views.widgets.pieces import Card, button, label, row
from app.views.widgets.toast import toast
from app.words import ntr, tr

MOST_UNDONE = 100


class CheckStep(Step):
    """Every decision (an edit, an undone repair, a choice on a duplicate) can be taken back with Ctrl+Z."""

    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Check"), tr("Only the faulty rows; everything else is fine"), parts, jobs=jobs)
        self._go_to: Place | None = None
        self.tiles = Tiles()
        self.groups = FaultGroups()
        self.groups.undo_wanted.connect(self.undo_repair)
        self.groups.repair_wanted.connect(self.repair_again)
        self.groups.look_wanted.connect(self.show_group)
        self.duplicates = DuplicateCards()
        self.duplicates.decided.connect(self.decide)
        self.table = FaultTable()
        self.table.edited.connect(self.edit)
        self.problems_button = button(tr("Save the faulty rows"), self.choose_problem_file, compact=True)
        self.all_button = button(tr("Back to the faulty rows"), self._show_faults, kind="text", compact=True)
        self.rows_title = label(tr("Faulty rows"), "card-title")
        self.hint = label(tr("Type into a cell to mend it; F8 goes to the next fault"), "note", wrap=True)
        self.rows_card = Card()
        self.rows_card.body.addLayout(row(self.rows_title, 0, self.all_button, self.problems_button))
        self.rows_card.body.addWidget(self.hint)
        self.rows_card.body.addWidget(self.table)
        self.fine = label(tr("Nothing to mend: every row is fine"), "ok")
        for part in (self.tiles, self.fine, self.rows_card, self.duplicates, self.groups):
            self.body.addWidget(part)
            part.hide()
        self.body.addStretch(1)
        back = QAction(tr("Undo"), self)
        back.setShortcut(QKeySequence(QKeySequence.StandardKey.Undo))
        back.triggered.connect(lambda _=False: self.take_back())
        self.addAction(back)

    # --- what the frame asks ---

    def take(self, draft: Draft) -> None:
        super().take(draft)
        if draft.checked is None:
            if draft.history:  # of another list
                self.change(history=())
            self._check()
        else:
            self._show(draft.checked)

    @property
    def lack(self) -> str:
        checked = self.draft.checked
        if checked is None:
            return tr("The list is being read; a moment.")
        return "" if checked.counts.good else tr("Not one row can be sent. Mend a row first.")

    @property
    def totals(self) -> str:
        checked = self.draft.checked
        if checked is None:
            return ""
        words = ntr("{count} person can be sent to", "{count} people can be sent to", checked.counts.good)
        if not checked.counts.faulty:
            return words
        left = ntr("{count} row stays out", "{count} rows stay out", checked.counts.faulty)
        return f"{words} · {left}"

    @property
    def verb(self) -> str:
        checked = self.draft.checked
        if checked is not None and checked.counts.faulty and checked.counts.good:
            return tr("Send to {count} first", count=f"{checked.counts.good:,}")
        return tr("Next")

    @property
    def first(self) -> QWidget | None:
        return self.table if self.table.isVisible() else None

    @property
    def is_faulty(self) -> bool:
        return bool(self.draft.checked and self.draft.checked.counts.faulty)

    def finish(self, then: Callable[[], object]) -> None:
        """Bring the good rows into the address book: that is where their ids come from."""
        checked = self.draft.checked
        assert checked is not None, "asked for after the check"
        if self.draft.person_ids:
            then()
            return

        def work(progress: Progress) -> Stored:
            return self.parts.people.store(checked, progress=progress)

        def done(stored: Stored) -> None:
            if not stored.is_nothing_new:
                toast(self, " · ".join(filter(None, (_stored_words(stored), back_words(stored.restored)))))
            self.change(person_ids=tuple(dict.fromkeys(stored.person_ids.values())))
            then()

        self.jobs.start(work, on_done=done, on_refused=self.refused.emit, owner=self, watch=True)

    # --- decisions ---

    def edit(self, line: int, field: str, text: str) -> None:
        """A cell was typed into; the next fault is where the caret goes."""
        edits = {**self.draft.edits, (line, field): text}
        self._go_to = self.table.after(line, field)
        self._decide(edits=edits)

    def undo_repair(self, group: Group) -> None:
        self._decide(undone=self.draft.undone | {(line, group.field) for line in group.lines})

    def repair_again(self, group: Group) -> None:
        self._decide(undone=self.draft.undone - {(line, group.field) for line in group.repairable})

    def decide(self, lines: tuple[int, ...], choice: str) -> None:
        """On lines that repeat an earlier one: merge, keep or drop."""
        self._decide(choices={**self.draft.choices, **dict.fromkeys(lines, choice)})

    def take_back(self) -> None:
        if self.draft.history:
            *earlier, (edits, undone, choices) = self.draft.history
            self.change(edits=edits, undone=undone, choices=choices, history=tuple(earlier), person_ids=())
            self._check()

    def go_to_next_fault(self) -> None:
        self.table.go_to_next()

    def _decide(self, **changed: object) -> None:
        draft = self.draft
        history = (*draft.history, (draft.edits, draft.undone, draft.choices))[-MOST_UNDONE:]
        self.change(**changed, history=history, person_ids=())
        self._check()

    # --- looking ---

    def show_group(self, group: Group) -> None:
        """The rows of one kind instead of the faulty ones."""
        checked = self.draft.checked
        if checked is not None:
            wanted = set(group.lines or group.repairable)
            self.table.show_rows(checked, [one for one in checked.rows if one.line in wanted])
            self._head_rows(tr("Rows of this kind"), all_of=group.sort == FAULT)
            self.rows_card.show()
            self.table.setFocus()
            self.reveal_wanted.emit(self.table)

    def choose_problem_file(self) -> None:
        dialog = QFileDialog(
            self, tr("Save the faulty rows"), tr("To be mended") + ".xlsx", "XLSX (*.xlsx);;CSV (*.csv)"
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("xlsx")
        dialog.fileSelected.connect(self.save_problems)
        dialog.open()

    def save_problems(self, path: str) -> None:
        checked = self.draft.checked
        if checked is None:
            return
        self.jobs.start(
            self.parts.people.problem_rows,
            checked,
            Path(path),
            on_done=lambda count: toast(self, ntr("{count} row saved", "{count} rows saved", count)),
            on_refused=self.refused.emit,
            owner=self,
        )

    def _check(self) -> None:
        draft = self.draft
        assert draft.roster is not None, "a list was loaded before"

        def work() -> Checked:
            assert draft.roster is not None, "looked at above"
            return self.parts.people.check(draft.roster, draft.edits, undone=draft.undone, choices=draft.choices)

        def done(checked: Checked) -> None:
            now = (self.draft.roster, self.draft.edits, self.draft.undone, self.draft.choices)
            if now == (draft.roster, draft.edits, draft.undone, draft.choices):
                self.change(checked=checked)
                self._show(checked)

        self.jobs.start(work, on_done=done, on_refused=self.refused.emit, owner=self)

    def _show(self, checked: Checked) -> None:
        counts = checked.counts
        self.tiles.show_tiles(
            (
                (tr("Read"), f"{counts.read:,}", "neutral"),
                (tr("Can be sent"), f"{counts.good:,}", "ok"),
                (tr("To be mended"), f"{counts.faulty:,}", "error" if counts.faulty else "neutral"),
                (tr("Warnings"), f"{counts.warned:,}", "warn" if counts.warned else "neutral"),
            )
        )
        self.tiles.show()
        self.fine.setVisible(not counts.faulty and not checked.groups and not checked.duplicates)
        self.groups.show_groups(checked)
        self.duplicates.show_duplicates(checked, self.draft.choices)
        self._show_faults()
        self.looked.emit()

    def _show_faults(self) -> None:
        checked = self.draft.checked
        if checked is None:
            return
        faulty = [one for one in checked.rows if one.faults]
        self.table.show_rows(checked, faulty)
        self.rows_card.setVisible(bool(faulty))
        self._head_rows(tr("Faulty rows"), all_of=True)
        if self._go_to is not None:
            place, self._go_to = self._go_to, None
            QTimer.singleShot(0, self, lambda: self.table.go_to(place))

    def _head_rows(self, title: str, *, all_of: bool) -> None:
        self.rows_title.setText(title)
        self.all_button.setVisible(not all_of)


def _stored_words(stored: Stored) -> str:
    return tr(
        "Address book: {created} new, {updated} changed", created=f"{stored.created:,}", updated=f"{stored.updated:,}"
    )
