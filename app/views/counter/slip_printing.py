"""A slip on a printer. Loads Qt's printing, so it is imported by whoever prints."""

from collections.abc import Callable

from PySide6.QtCore import QMarginsF, QSizeF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter
from PySide6.QtPrintSupport import QPrintDialog, QPrinter, QPrinterInfo
from PySide6.QtWidgets import QDialog, QWidget

from app.services.slips import Layout
from app.views.counter.slip_view import draw_slip
from app.words import tr

MM_PER_INCH = 25.4


def has_printer() -> bool:
    return bool(QPrinterInfo.availablePrinterNames())


def printer_for(layout: Layout) -> QPrinter:
    """Set to paper as wide and as long as the slip; another one may be chosen in the dialog."""
    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setFullPage(True)
    size = QPageSize(QSizeF(layout.wide, layout.tall), QPageSize.Unit.Millimeter, tr("Receipt 80 mm"))
    printer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF()))
    return printer


def ask_and_print(owner: QWidget, layout: Layout, printed: Callable[[], object]) -> QPrintDialog:
    """The system's own question; the dialog is shown already. `printed` is called when the slip went to the printer."""
    printer = printer_for(layout)
    dialog = QPrintDialog(printer, owner)
    dialog.setWindowTitle(tr("Print the receipt"))

    def go() -> None:
        if print_on(printer, layout):
            printed()

    dialog.accepted.connect(go)
    QDialog.open(dialog)  # its own wants a slot by name
    return dialog


def print_on(printer: QPrinter, layout: Layout) -> bool:
    """Whether the printer took it."""
    painter = QPainter()
    if not painter.begin(printer):
        return False
    draw_slip(painter, layout, per_mm=printer.resolution() / MM_PER_INCH)
    return painter.end()
