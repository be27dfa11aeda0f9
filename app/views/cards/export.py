"""Asking where a list of cards goes, and writing it there: masked, as the list shows them."""

from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from app.services.exports import CardListOrder, Exported, ExportService
from app.services.progress import Progress, unwatched
from app.views.widgets.list_page import ListPage
from app.views.widgets.toast import toast
from app.words import day, ntr, tr


class ListExport:
    """`asked` says in words what narrows the list at the moment."""

    def __init__(self, page: ListPage, exports: ExportService, *, asked: Callable[[], str]) -> None:
        self._page, self._exports, self._asked = page, exports, asked

    def export_shown(self) -> None:
        """All cards of the filter, or those that are selected when it is more than one."""
        table = self._page.table
        chosen = table.selected_ids()
        self.choose_file(chosen if len(chosen) > 1 else table.rows.ids)

    def choose_file(self, ids: "Sequence[int] | array[int]") -> None:
        if not len(ids):
            self._page.banner.say("info", tr("There is no card to export. Take a filter away."))
            return
        name = tr("Cards {day}", day=day(datetime.now(UTC)))
        kinds = f"XLSX (*.xlsx);;{tr('CSV for Excel')} (*.csv)"
        dialog = QFileDialog(self._page, tr("Save the card list"), f"{name}.xlsx", kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("xlsx")
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix("csv" if "csv" in kind else "xlsx"))
        dialog.fileSelected.connect(partial(self.write, array("q", ids)))
        dialog.open()

    def write(self, ids: "array[int]", path: str) -> None:
        """In the task centre, for it may take a while."""
        out = Path(path)
        ending = "csv" if out.suffix.lower() == ".csv" else "xlsx"
        everything = len(ids) == self._page.table.count
        asked = self._asked() if everything else tr("Selected in the list")
        order = CardListOrder(ids, ending, out, asked or tr("All cards"))

        def export(progress: Progress = unwatched) -> Exported:
            return self._exports.export_list(order, progress)

        self._page.jobs.start(
            export,
            title=ntr("Export {count} card", "Export {count} cards", len(ids)),
            watch=True,
            describe=lambda done: tr("Saved: {path}", path=done.file),
            on_done=lambda done: toast(self._page, tr("Saved: {path}", path=done.file)),
            on_refused=self._page.banner.show_error,
            owner=self._page,
        )
