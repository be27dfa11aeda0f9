"""Asking where the receipt of a distribution goes, and writing it there."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.errors import AppError
from app.services.distribution import DistributionRow, DistributionService
from app.views.jobs import JobRunner
from app.views.widgets.toast import toast
from app.words import day, tr


def choose_receipt_file(owner: QWidget, row: DistributionRow, ending: str, *, then: Callable[[str], object]) -> None:
    """`ending` is xlsx or pdf."""
    name = tr("{name} receipt {day}", name=row.name, day=day(datetime.now(UTC)))
    plain = "".join(sign for sign in name if sign not in '\\/:*?"<>|')
    dialog = QFileDialog(owner, tr("Save the receipt"), f"{plain}.{ending}", f"{ending.upper()} (*.{ending})")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(ending)
    dialog.fileSelected.connect(then)
    dialog.open()


def write_receipt(
    distribution: DistributionService,
    distribution_id: int,
    path: str,
    *,
    jobs: JobRunner,
    owner: QWidget,
    on_refused: Callable[[AppError], object],
) -> None:
    jobs.start(
        distribution.write_receipt,
        distribution_id,
        Path(path),
        on_done=lambda _: toast(owner, tr("Saved: {path}", path=path)),
        on_refused=on_refused,
        owner=owner,
    )
