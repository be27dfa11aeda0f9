"""回执: the result in figures, the files that were written, and the receipt for Finance."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.services.distribution import DistributionRow
from app.views.distribution.parts import Parts
from app.views.distribution.receipt_files import choose_receipt_file, write_receipt
from app.views.distribution.runs import Run
from app.views.distribution.tiles import Tile, Tiles
from app.views.distribution.wizard.step import Step
from app.views.jobs import JobRunner
from app.views.widgets.pieces import Card, button, label, row
from app.words import moment, ntr, tr, yuan


class ReceiptStep(Step):
    detail_wanted = Signal(int)

    def __init__(self, parts: Parts, *, jobs: JobRunner) -> None:
        super().__init__(tr("Receipt"), tr("Adds up to the list, to the fen"), parts, jobs=jobs)
        self._run: Run | None = None
        self.row: DistributionRow | None = None
        self.result = label("", "card-title", wrap=True)
        self.tiles = Tiles(plain=True)
        self.detail_button = button(tr("Who got what"), self._show_detail, symbol="users")
        self.xlsx_button = button(tr("Receipt as XLSX"), lambda: self.choose_file("xlsx"), symbol="file-spreadsheet")
        self.pdf_button = button(tr("Receipt as PDF"), lambda: self.choose_file("pdf"), symbol="file-text")
        card = Card()
        card.body.addWidget(self.result)
        card.body.addWidget(self.tiles)
        card.body.addLayout(row(self.xlsx_button, self.pdf_button, self.detail_button, 0))
        self.files_card = Card(tr("Files that were written"))
        self._files = QVBoxLayout()
        self._files.setSpacing(4)
        self.files_card.body.addLayout(self._files)
        self.body.addWidget(card)
        self.body.addWidget(self.files_card)
        self.body.addStretch(1)

    def watch(self, run: Run) -> None:
        self._run, self.row = run, None
        run.ended.connect(self._read)

    @property
    def verb(self) -> str:
        return tr("Finish")

    @property
    def totals(self) -> str:
        return yuan(self.row.total_minor) if self.row else ""

    @property
    def first(self) -> QWidget:
        return self.xlsx_button

    @property
    def files(self) -> list[str]:
        delivered = self._run.delivered if self._run is not None else None
        return list(delivered.files) if delivered else []

    def choose_file(self, ending: str) -> None:
        if self.row is not None:
            choose_receipt_file(self, self.row, ending, then=self.save)

    def save(self, path: str) -> None:
        if self.row is not None:
            write_receipt(
                self.parts.distribution, self.row.id, path, jobs=self.jobs, owner=self, on_refused=self.refused.emit
            )

    def _read(self) -> None:
        run = self._run
        if run is not None and run.distribution_id is not None:
            service = self.parts.distribution
            self.jobs.start(service.distribution, run.distribution_id, on_done=self._show, owner=self)

    def _show(self, shown: DistributionRow) -> None:
        self.row = shown
        if shown.scheduled_at is not None and shown.prepared and shown.state == "prepared":
            words = tr("Planned for {time}. Nothing has gone out yet.", time=moment(shown.scheduled_at))
        elif shown.waits:
            words = ntr(
                "{count} person still waits. Continue on the page before, or later in the list.",
                "{count} people still wait. Continue on the page before, or later in the list.",
                shown.waits,
            )
        elif shown.failed or shown.uncertain:
            words = tr("Gone out, except for a few. Look at them, mend them, send again.")
        else:
            words = tr("Everything has gone out")
        waiting: list[Tile] = [(tr("Waiting"), f"{shown.waits:,}", "warn")] if shown.waits else []
        self.result.setText(words)
        self.tiles.show_tiles(
            (
                (tr("Number of people"), f"{shown.people:,}", "neutral"),
                (tr("Sent"), f"{shown.sent:,}", "ok"),
                (tr("Failed"), f"{shown.failed:,}", "error" if shown.failed else "neutral"),
                (tr("Uncertain"), f"{shown.uncertain:,}", "warn" if shown.uncertain else "neutral"),
                *waiting,
                (tr("Left out"), f"{shown.skipped:,}", "neutral"),
            )
        )
        self._show_files()
        self.looked.emit()

    def _show_files(self) -> None:
        while (item := self._files.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for path in self.files:
            line = QWidget()
            words = label(path, wrap=True)
            opened = button(tr("Open the folder"), partial(_open_folder, path), kind="text", compact=True)
            across = row(words, opened)
            across.setStretch(0, 1)
            line.setLayout(across)
            self._files.addWidget(line)
        self.files_card.setVisible(bool(self.files))

    def _show_detail(self) -> None:
        if self.row is not None:
            self.detail_wanted.emit(self.row.id)


def _open_folder(path: str) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))
