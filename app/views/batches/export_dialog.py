"""Hand a batch over as a file: form, progress, result in one dialog; a ZIP's password is shown once."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QRadioButton, QWidget

from app.errors import AppError, NotWritable, ReasonMissing, WrongPassphrase
from app.messages import sentence
from app.services.batches import BatchRow
from app.services.exports import Exported, ExportOrder, ExportService
from app.services.secret import Secret
from app.views.batches.export_result import ExportResult
from app.views.jobs import Job, JobRunner
from app.views.widgets.dialog import WIDE, Dialog
from app.views.widgets.folders import documents
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField
from app.views.widgets.pieces import button, column, label, row
from app.views.widgets.progress_panel import ProgressPanel
from app.words import ntr, tr


@dataclass(frozen=True, slots=True)
class Choice:
    key: str
    title: str
    hint: str


class ExportDialog(Dialog):
    """Closing it while the file is written cancels the job: nobody would see the password any more."""

    def __init__(self, parent: QWidget, exports: ExportService, batch: BatchRow, *, jobs: JobRunner) -> None:
        super().__init__(parent, tr("Export batch {serial}", serial=batch.serial), width=WIDE)
        self._exports, self._batch, self._jobs = exports, batch, jobs
        self._job: Job | None = None
        self._named_by_hand = False
        self._build_form()
        self.progress = ProgressPanel()
        self.progress.cancel_button.hide()
        self.outcome = ExportResult()
        self.outcome.hide()
        for part in (self.form, self.consequence, self.progress, self.outcome):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.folder_button = self.add_other(tr("Open folder"), self._open_folder)
        self.folder_button.hide()
        self.cancel_button = self.add_cancel()
        self.verb_button = self.add_verb(tr("Export"), self.export)
        self._follow()

    # --- what a person does ---

    def export(self) -> None:
        if self._job is not None or not self._is_complete():
            return
        plain = self.plain.isChecked()
        order = ExportOrder(
            self._batch.id,
            str(self.format.currentData()),
            Path(self.path.text().strip()).expanduser(),
            plain=plain,
            reason=self.reason.text() if plain else "",
            passphrase=Secret(self.passphrase.passphrase if plain else ""),
        )
        self.banner.clear()
        self._job = self._jobs.start(
            self._exports.export,
            order,
            title=tr("Export batch {serial}", serial=self._batch.serial),
            watch=True,
            describe=lambda done: tr("Written to {file}", file=done.file),
            on_done=self._done,
            on_refused=self._refuse,
            on_cancelled=self._back_to_form,
            owner=self,
        )
        self._show_running(self._job)

    def choose_file(self) -> None:
        dialog = QFileDialog(self, tr("Export to"), self.path.text())
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(str(self.format.currentData()))
        dialog.fileSelected.connect(self._choose_path)
        dialog.open()

    def reject(self) -> None:
        if self._job is not None and self._job.running:
            self._job.cancel()
            self.cancel_button.setEnabled(False)
            return
        super().reject()

    # --- what comes back ---

    def _done(self, done: Exported) -> None:
        self.passphrase.clear()
        self.heading.setText(ntr("{count} card exported", "{count} cards exported", done.rows))
        self.progress.hide()
        self.outcome.show_result(done, left_out=self._batch.quantity - done.rows, plain=self.plain.isChecked())
        self.outcome.show()
        self.folder_button.show()
        self.verb_button.hide()
        self.cancel_button.setText(tr("Close"))
        self.cancel_button.setEnabled(True)

    def _refuse(self, error: AppError) -> None:
        self._back_to_form()
        if isinstance(error, WrongPassphrase):
            self.form.set_error("passphrase", sentence(error))
        elif isinstance(error, ReasonMissing):
            self.form.set_error("reason", sentence(error))
        elif isinstance(error, NotWritable):
            self.form.set_error("out", sentence(error))
        elif not self.form.show_error(error):
            self.banner.show_error(error)

    def _back_to_form(self) -> None:
        self._job = None
        self.progress.hide()
        for part in (self.form, self.consequence):
            part.show()
        for made in (self.verb_button, self.cancel_button):
            made.setEnabled(True)

    # --- what is shown ---

    def _build_form(self) -> None:
        self.format = QComboBox()
        for choice in _formats():
            self.format.addItem(choice.title, choice.key)
        self.masked = QRadioButton(tr("List: serial and the last four signs of each code"))
        self.plain = QRadioButton(tr("Whole codes, to hand them over"))
        self.masked.setChecked(True)
        kinds = QWidget()
        kinds.setLayout(column(self.masked, self.plain, spacing=4))
        self.reason = QLineEdit()
        self.passphrase = PassphraseField(tr("Passphrase"))
        self.path = QLineEdit()
        self.path.textEdited.connect(self._note_edited)
        where = QWidget()
        where.setLayout(row(self.path, button(tr("Choose"), self.choose_file, symbol="folder-open")))
        where.setFocusProxy(self.path)
        self.consequence = label("", "warn", wrap=True)
        self.form = Form()
        self.form.add("format", tr("File"), self.format)
        self.form.add("kind", tr("Content"), kinds)
        self.form.add("reason", tr("Reason (kept in the audit log)"), self.reason)
        self.form.add("passphrase", tr("Passphrase of the vault"), self.passphrase)
        self.form.add("out", tr("Export to"), where)
        self.passphrase.edited.connect(lambda: self.form.fields["passphrase"].set_error(""))
        self.passphrase.submitted.connect(self.export)
        for field in (self.reason, self.path):
            field.returnPressed.connect(self.export)
        self.path.textChanged.connect(self._tell_path)
        self.format.currentIndexChanged.connect(self._follow)
        self.plain.toggled.connect(self._follow)

    def _follow(self) -> None:
        """The fields, the name and the words follow the two choices."""
        plain, key = self.plain.isChecked(), str(self.format.currentData())
        self.form.set_shown("reason", shown=plain)
        self.form.set_shown("passphrase", shown=plain)
        hints = {choice.key: choice.hint for choice in _formats()}
        self.form.fields["format"].set_hint(hints[key])
        self.consequence.setVisible(plain)
        self.consequence.setText(
            tr("All cards of the batch count as handed out from then on and are no longer in stock.")
        )
        if self._named_by_hand:
            self.path.setText(str(Path(self.path.text()).with_suffix(f".{key}")))
        else:
            kind = tr("whole codes") if plain else tr("masked list")
            self.path.setText(str(documents() / f"{self._batch.serial} {kind}.{key}"))
        if plain:
            self.reason.setFocus()

    def _note_edited(self) -> None:
        self._named_by_hand = True

    def _choose_path(self, path: str) -> None:
        self._named_by_hand = True
        self.path.setText(path)

    def _tell_path(self) -> None:
        field = self.form.fields["out"]
        field.set_error("")
        there = Path(self.path.text().strip()).expanduser().is_file()
        field.set_hint(tr("A file of this name is there and will be replaced.") if there else "")

    def _is_complete(self) -> bool:
        if self.plain.isChecked() and not self.reason.text().strip():
            self.form.set_error("reason", tr("Give a reason first; it is kept in the audit log."))
            return False
        if self.plain.isChecked() and not self.passphrase.passphrase:
            self.form.set_error("passphrase", tr("Type the passphrase that opens this vault."))
            return False
        if not self.path.text().strip():
            self.form.set_error("out", tr("Choose where the file goes."))
            return False
        return True

    def _show_running(self, job: Job) -> None:
        for part in (self.form, self.consequence):
            part.hide()
        self.verb_button.setEnabled(False)
        self.progress.watch(job)
        self.progress.cancel_button.hide()

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self.path.text()).expanduser().parent)))


def _formats() -> tuple[Choice, ...]:
    return (
        Choice("xlsx", tr("Excel workbook (XLSX)"), tr("Long codes stay whole; opens in Excel and WPS")),
        Choice("csv", tr("Table as text (CSV)"), tr("For other programs; in Excel use XLSX instead")),
        Choice(
            "zip",
            tr("Encrypted ZIP with a CSV in it"),
            tr("A password is made for you. Windows cannot open it by itself: use 7-Zip or WPS"),
        ),
        Choice("pdf", tr("Cards on paper (PDF)"), tr("With a QR code on each card when the whole codes are exported")),
        Choice("txt", tr("One code a line (TXT)"), tr("For loading into another system")),
    )
