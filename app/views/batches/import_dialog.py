"""Import a supplier's codes: drop or paste, look at the columns, see what is wrong with which line, import the rest."""

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.errors import AppError
from app.messages import reason_sentence
from app.services.catalog import ProductRow
from app.services.progress import Progress, unwatched
from app.services.supplier_imports import ImportResult, Preview, Problem, SupplierImportService
from app.views.batches.import_columns import ImportColumns
from app.views.jobs import Job, JobRunner
from app.views.widgets.dialog import Dialog
from app.views.widgets.drop_zone import DropZone
from app.views.widgets.form import Form
from app.views.widgets.pieces import label
from app.views.widgets.progress_panel import ProgressPanel
from app.views.widgets.row_table import Column, Kind, RowTable
from app.views.widgets.row_table.arrangement import ROW_PX
from app.words import ntr, tr

WIDTH = 760
"""What is wrong with a line is read whole."""
MOST_SEEN = 4
"""Wrong lines seen without scrolling."""
ENDINGS = (".xlsx", ".xls", ".ods", ".csv", ".tsv", ".txt")


class ImportDialog(Dialog):
    """A trial run follows every change, so the button says how many codes it will bring. Closing cancels a job."""

    def __init__(
        self,
        parent: QWidget,
        imports: SupplierImportService,
        products: Sequence[ProductRow],
        *,
        jobs: JobRunner,
        product_id: int,
    ) -> None:
        super().__init__(parent, tr("Import supplier codes"), width=WIDTH)
        self._imports, self._jobs = imports, jobs
        self._source: Path | str = ""
        self._tried: ImportResult | None = None
        self._trial: Job | None = None
        self._job: Job | None = None
        self._build(products, product_id)
        self.cancel_button = self.add_cancel()
        self.verb_button = self.add_verb(tr("Import"), self.import_now)
        self.verb_button.setEnabled(False)

    # --- what a person does ---

    def look_at(self, source: Path | str) -> None:
        """A file, or pasted text."""
        self.banner.clear()

        def done(preview: Preview) -> None:
            self._source = source
            self._show_preview(preview)

        self._jobs.start(self._imports.preview, source, on_done=done, on_refused=self.banner.show_error, owner=self)

    def choose_file(self) -> None:
        dialog = QFileDialog(self, tr("Choose the supplier's file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(tr("Tables ({endings})", endings=" ".join(f"*{ending}" for ending in ENDINGS)))
        dialog.fileSelected.connect(lambda path: self.look_at(Path(path)))
        dialog.open()

    def try_out(self) -> None:
        """What would be imported with these columns; the button waits for the answer."""
        if self._trial is not None and self._trial.running:
            self._trial.cancel()
        self.verb_button.setEnabled(False)
        self._trial = self._jobs.start(
            self._run(dry_run=True), watch=True, on_done=self._show_trial, on_refused=self._refuse_trial, owner=self
        )

    def import_now(self) -> None:
        if self._tried is None or not self._tried.imported or self._job is not None:
            return
        self._job = self._jobs.start(
            self._run(dry_run=False),
            title=tr("Import supplier codes"),
            watch=True,
            describe=lambda done: ntr("{count} code imported", "{count} codes imported", done.imported),
            on_done=self._done,
            on_refused=self._refuse,
            on_cancelled=self._back,
            owner=self,
        )
        self.verb_button.setEnabled(False)
        self.columns.setEnabled(False)
        self.progress.watch(self._job)
        self.progress.cancel_button.hide()

    def reject(self) -> None:
        if self._job is not None and self._job.running:
            self._job.cancel()
            return
        super().reject()

    # --- what comes back ---

    def _show_preview(self, preview: Preview) -> None:
        self.zone.hide()
        self.columns.show_preview(preview)
        name = self._source.name if isinstance(self._source, Path) else tr("Pasted cells")
        found = ntr("{count} row", "{count} rows", preview.rows)
        self.found.setText(" · ".join(part for part in (name, found, preview.encoding.upper()) if part))
        for part in (self.found, self.columns, self.summary):
            part.show()
        self.try_out()

    def _show_trial(self, tried: ImportResult) -> None:
        self._tried = tried
        self.banner.clear()
        self.summary.setText(_counts(tried))
        self._show_problems(tried.problems)
        self.verb_button.setEnabled(tried.imported > 0)
        self.verb_button.setText(ntr("Import {count} code", "Import {count} codes", tried.imported))

    def _done(self, done: ImportResult) -> None:
        self.heading.setText(ntr("{count} code imported", "{count} codes imported", done.imported))
        for part in (self.form, self.columns, self.progress, self.found):
            part.hide()
        self.summary.setText(_counts(done, stored=True))
        self._show_problems(done.problems)
        self.verb_button.hide()
        self.cancel_button.setText(tr("Close"))
        self.cancel_button.setFocus()
        self.banner.say("ok", tr("The codes are sealed in the vault. The file itself is not kept."), closable=False)

    def _refuse_trial(self, error: AppError) -> None:
        self._tried = None
        self.summary.clear()
        self._show_problems(())
        self.banner.show_error(error)

    def _refuse(self, error: AppError) -> None:
        self._back()
        self.banner.show_error(error)

    def _back(self) -> None:
        self._job = None
        self.progress.hide()
        self.columns.setEnabled(True)
        self.verb_button.setEnabled(self._tried is not None and self._tried.imported > 0)

    # --- what is shown ---

    def _build(self, products: Sequence[ProductRow], product_id: int) -> None:
        self.product = QComboBox()
        for product in products:
            self.product.addItem(product.name, product.id)
        self.product.setCurrentIndex(max(0, self.product.findData(product_id)))
        self.form = Form()
        self.form.add("product", tr("Product"), self.product)
        self.zone = DropZone(
            tr("Drop the supplier's file here"),
            endings=ENDINGS,
            hint=tr("XLSX, XLS, ODS, CSV or text; or paste cells, or lines like number----password"),
        )
        self.zone.dropped.connect(lambda paths: self.look_at(paths[0]))
        self.zone.pasted.connect(self.look_at)
        self.zone.choose_wanted.connect(self.choose_file)
        self.zone.refused.connect(lambda words: self.banner.say("error", words))
        self.found, self.summary = label("", "label", wrap=True), label("", wrap=True)
        self.columns = ImportColumns()
        self.columns.changed.connect(self.try_out)
        self._problems: dict[int, Problem] = {}
        self.problems = RowTable(
            (
                Column("line", tr("Line"), 56, Kind.COUNT),
                Column("value_masked", tr("Value"), 88, Kind.CODE),
                Column("reason", tr("What is wrong"), 280, stretch=True, value=_reason),
            ),
            lambda ids: [self._problems[line] for line in ids if line in self._problems],
            jobs=self._jobs,
            name=tr("What is wrong"),
            id_of=attrgetter("line"),
        )
        self.progress = ProgressPanel()
        for part in (self.form, self.zone, self.found, self.columns, self.summary, self.problems, self.progress):
            self.body.addWidget(part)
        for hidden in (self.found, self.columns, self.summary, self.problems):
            hidden.hide()

    def _show_problems(self, problems: tuple[Problem, ...]) -> None:
        self._problems = {problem.line: problem for problem in problems}
        self.problems.setVisible(bool(problems))
        self.problems.setFixedHeight(ROW_PX["compact"] * (1 + min(MOST_SEEN, len(problems))) + 2)
        self.problems.show_ids(list(self._problems))

    def _run(self, *, dry_run: bool) -> "_Run":
        product_id = int(self.product.currentData() or 0)
        return _Run(self._imports, self._source, product_id, mapping=self.columns.mapping, dry_run=dry_run)


class _Run:
    """One import of a file or of pasted text, ready for a worker."""

    def __init__(
        self,
        imports: SupplierImportService,
        source: Path | str,
        product_id: int,
        *,
        mapping: dict[str, int],
        dry_run: bool,
    ) -> None:
        self._imports, self._source, self._product_id = imports, source, product_id
        self._mapping, self._dry_run = mapping, dry_run

    def __call__(self, progress: Progress = unwatched) -> ImportResult:
        kept, trial = self._mapping, self._dry_run
        if isinstance(self._source, Path):
            return self._imports.import_file(
                self._source, self._product_id, dry_run=trial, mapping=kept, progress=progress
            )
        return self._imports.import_text(self._source, self._product_id, dry_run=trial, mapping=kept, progress=progress)


def _reason(problem: Problem) -> str:
    return reason_sentence(problem.reason)


def _counts(result: ImportResult, *, stored: bool = False) -> str:
    """`100 read · 96 good · 1 known already · 3 wrong`; once they are stored the good ones are imported."""
    good = ntr("{count} good", "{count} good", result.imported)
    parts = [
        ntr("{count} row read", "{count} rows read", result.read),
        ntr("{count} imported", "{count} imported", result.imported) if stored else good,
    ]
    if result.duplicates:
        parts.append(ntr("{count} known already", "{count} known already", result.duplicates))
    if result.problems:
        parts.append(ntr("{count} wrong", "{count} wrong", len(result.problems)))
    return " · ".join(parts)
