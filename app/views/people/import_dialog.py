"""A list of people: how it was read, what is wrong with it, and bringing the good rows in."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from app.errors import AppError
from app.messages import sentence
from app.services.people import PeopleService, Stored
from app.services.people.roster import Checked, Roster
from app.services.progress import Progress
from app.views.jobs import JobRunner, hold
from app.views.people.reading import Reading
from app.views.widgets.dialog import Dialog
from app.views.widgets.drop_zone import DropZone
from app.words import ntr, tr

ENDINGS = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".txt")
WIDTH = 760


class ImportDialog(Dialog):
    """`stored` brings what came of it. While rows are faulty the dialog stays, so that they can be taken out."""

    stored = Signal(object)

    def __init__(self, parent: QWidget, people: PeopleService, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Import people"), width=WIDTH)
        self._people, self._jobs = people, jobs
        self._source: Path | str = ""
        self._asked = 0
        self.checked: Checked | None = None
        self.finished_with: Stored | None = None
        self.zone = DropZone(
            tr("Drop a list of people here"),
            endings=ENDINGS,
            hint=tr("Excel, CSV or text with a name and a phone, an e-mail or an employee no."),
        )
        self.zone.dropped.connect(lambda paths: self.read(paths[0]))
        self.zone.pasted.connect(self.read)
        self.zone.refused.connect(lambda words: self.banner.say("warn", words))
        self.zone.choose_wanted.connect(self.choose_file)
        self.reading = Reading()
        self.reading.read_again.connect(self._read_with)
        self.reading.hide()
        self.body.addWidget(self.zone)
        self.body.addWidget(self.reading)
        self.export_button = self.add_other(tr("Export the faulty rows"), self.ask_where)
        self.cancel_button = self.add_cancel()
        self.verb: QPushButton = self.add_verb(tr("Import"), self.store)
        self.export_button.hide()
        self.verb.setEnabled(False)

    # --- reading ---

    def choose_file(self) -> None:
        patterns = " ".join(f"*{ending}" for ending in ENDINGS)
        dialog = QFileDialog(self, tr("Import people"), "", f"{tr('Tables')} ({patterns})")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.read(Path(path)))
        dialog.open()

    def read(self, source: Path | str) -> None:
        """Look at a file or pasted cells; nothing is stored."""
        self._source = source
        self._look({})

    def _read_with(self, mapping: Mapping[str, int], how: Mapping[str, object]) -> None:
        self._look({"mapping": dict(mapping), **how} if mapping else dict(how))

    def _look(self, how: Mapping[str, object]) -> None:
        self._asked += 1
        asked, source = self._asked, self._source

        def look() -> tuple[Roster, Checked | None]:
            roster = self._people.stage(source, **how)  # type: ignore[arg-type]  # exactly its own names
            return roster, None if roster.missing else self._people.check(roster)

        def done(found: tuple[Roster, Checked | None]) -> None:
            if asked == self._asked:
                self._show(*found)

        self.banner.clear()
        self.verb.setEnabled(False)

        def refused(error: AppError) -> None:
            if asked == self._asked:
                self._refuse(error)

        self._jobs.start(look, on_done=done, on_refused=refused, owner=self)

    def _show(self, roster: Roster, checked: Checked | None) -> None:
        self.checked = checked
        self.zone.hide()
        self.reading.show_roster(roster, checked)
        self.reading.show()
        good = checked.counts.good if checked else 0
        faulty = checked.counts.faulty if checked else 0
        self.verb.setText(ntr("Import {count} person", "Import {count} people", good) if good else tr("Import"))
        self.verb.setEnabled(bool(good))
        self.export_button.setVisible(bool(faulty))
        if roster.missing:
            self.banner.say("warn", _lack(roster), closable=False)
        self.verb.setFocus()

    # --- storing ---

    def store(self) -> None:
        """The good rows, in one transaction; after that the button only closes."""
        checked = self.checked
        if self.finished_with is not None:
            self.accept()
            return
        if checked is None:
            return

        def work(progress: Progress) -> Stored:
            return self._people.store(checked, progress=progress)

        storing = self._jobs.start(work, on_done=self._done, on_refused=self._refuse, owner=self, watch=True)
        hold(storing, self.verb, self.reading)

    def _done(self, stored: Stored) -> None:
        self.finished_with = stored
        self.stored.emit(stored)
        checked = self.checked
        if checked is None or not checked.counts.faulty:
            self.accept()
            return
        self.cancel_button.hide()
        self.verb.setText(tr("Finish"))
        self.verb.setEnabled(True)
        words = ntr(
            "The good rows are in. {count} row was left out: export it, mend it, import it again.",
            "The good rows are in. {count} rows were left out: export them, mend them, import them again.",
            checked.counts.faulty,
        )
        self.banner.say("ok", words, closable=False)

    # --- what was left out ---

    def ask_where(self) -> None:
        name = Path(self._source).stem if isinstance(self._source, Path) else tr("Pasted cells")
        file_name = tr("{name} to be mended", name=name) + ".xlsx"
        dialog = QFileDialog(self, tr("Export the faulty rows"), file_name, "XLSX (*.xlsx);;CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("xlsx")
        dialog.fileSelected.connect(lambda path: self.export(Path(path)))
        dialog.open()

    def export(self, path: Path) -> None:
        """The faulty rows with their reasons; the file imports again once mended."""
        checked = self.checked
        if checked is None:
            return

        def done(_: int) -> None:
            self.banner.say("ok", tr("Saved to {path}", path=path))

        self._jobs.start(
            self._people.problem_rows, checked, path, on_done=done, on_refused=self.banner.show_error, owner=self
        )

    def _refuse(self, error: AppError) -> None:
        self.banner.say("error", sentence(error))


def _lack(roster: Roster) -> str:
    if "name" in roster.missing:
        return tr("Choose the column with the names.")
    return tr("Choose a column with phones, e-mails or employee numbers.")
