"""Where the recovery sheet goes: asked and written in one place, for the first run and for a new key."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.views.jobs import JobRunner
from app.views.widgets.banner import Banner
from app.words import tr


def offer_recovery_sheet(
    owner: QWidget, save: Callable[[Path, str], object], *, key: str, jobs: JobRunner, banner: Banner
) -> QFileDialog:
    """`save(path, key)` writes the PDF on a worker; `banner` tells how it went. The dialog is shown already."""
    dialog = QFileDialog(owner, tr("Save the recovery sheet"), tr("Kaxia recovery sheet") + ".pdf", "PDF (*.pdf)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("pdf")

    def write(path: str) -> None:
        jobs.start(
            save,
            Path(path),
            key,
            on_done=lambda _: banner.say("ok", tr("Saved. Print it and keep it away from this computer.")),
            on_refused=banner.show_error,
            owner=owner,
        )

    dialog.fileSelected.connect(write)
    dialog.open()
    return dialog
