"""The receipt of a use: a quiet button, a drawer with the slip as it will print, saving and printing."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QFrame

from app.errors import AppError
from app.services.slips import Layout, Receipt, SlipService, SlipVerdict
from app.views.counter.slip_view import SlipView
from app.views.counter.slip_words import checked_shown
from app.views.counter.verdicts import Shown
from app.views.jobs import JobRunner
from app.views.widgets.folders import documents
from app.views.widgets.page import Page
from app.views.widgets.pieces import button, column, native
from app.views.widgets.state_mark import StateMark
from app.words import tr

KEY = "Ctrl+P"


class Receipts(QObject):
    """Belongs to a page and uses its drawer, its banner and its menu. `asked` gives the entry that the key means while
    none stands in the band; an empty text is none."""

    def __init__(self, page: Page, slips: SlipService, *, jobs: JobRunner, asked: Callable[[], str]) -> None:
        super().__init__(page)
        self._asked = asked
        self._page, self._slips, self._jobs = page, slips, jobs
        self._entry = self._wanted = ""
        self.shown: tuple[Receipt, Layout] | None = None
        self.button = button(tr("Receipt ({key})", key=native(KEY)), self.open, symbol="printer")
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.setParent(page)
        self.button.hide()
        page.header.add_more(tr("Receipt for the customer"), self.open, symbol="printer", shortcut=KEY)
        page.drawer.stand_alone()
        page.drawer.closed.connect(self._let_go)

    def offer(self, redemption_id: str) -> None:
        """The entry that stands in the band; an empty one takes the offer back and shuts what is open."""
        if redemption_id != self._entry:
            self.shut()
        self._entry = self._wanted = redemption_id
        self.button.setVisible(bool(redemption_id))

    def shut(self) -> bool:
        """Whether there was anything to shut."""
        was, self.shown = self.shown is not None, None
        self._page.drawer.shut()
        return was

    def open(self) -> None:
        """Of what stands in the band, else of what is asked for."""
        wanted = self._entry or self._asked()
        if wanted:
            self.open_of(wanted)
        else:
            self._page.banner.say("info", tr("There is no use here to make a receipt of."))

    def open_of(self, redemption_id: str) -> None:
        """Says why, where the entry has none."""
        self._wanted = redemption_id
        self._jobs.start(
            self._made, redemption_id, on_done=self._show, on_refused=self._page.banner.show_error, owner=self._page
        )

    def follow(self) -> None:
        """What waited may be uploaded by now: an open slip says so."""
        if self.shown is not None and self.shown[0].waits:
            self._jobs.start(self._made, self._wanted, on_done=self._show_again, owner=self._page)

    def check(
        self,
        text: str,
        then: Callable[[Shown], object],
        refused: Callable[[AppError], None],
        *,
        still: Callable[[], bool],
    ) -> None:
        """A slip was scanned; `still` says whether it is the last that was."""

        def done(verdict: SlipVerdict) -> None:
            if still():
                then(checked_shown(verdict))

        self._jobs.start(self._slips.check, text, on_done=done, on_refused=refused, owner=self._page)

    # --- the drawer ---

    def _made(self, redemption_id: str) -> tuple[Receipt, Layout]:
        receipt = self._slips.receipt(redemption_id)
        return receipt, self._slips.layout(receipt)

    def _show(self, made: tuple[Receipt, Layout]) -> None:
        receipt, layout = made
        if receipt.redemption_id != self._wanted:
            return  # the next card is in front already
        self.shown = made
        name = tr("Receipt {number}", number=receipt.number)
        slip = column(SlipView(layout, name), margin=12)
        slip.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        table = QFrame()
        table.setProperty("role", "well")
        table.setLayout(slip)
        mark = StateMark("warn", tr("Waits for upload"), "upload") if receipt.waits else StateMark("ok", tr("Signed"))
        self.print_button = button(tr("Print"), self.print_out, kind="primary", symbol="printer")
        self.save_button = button(tr("Save as PDF"), self.save, symbol="file-down")
        self._page.drawer.show_record(
            tr("Receipt for the customer"), table, state=mark, acts=(self.print_button, self.save_button)
        )

    def _show_again(self, made: tuple[Receipt, Layout]) -> None:
        if self.shown is not None and made[0] != self.shown[0]:
            self._show(made)

    def save(self) -> QFileDialog | None:
        """Asks where; the dialog is shown already."""
        if self.shown is None:
            return None
        receipt = self.shown[0]
        name = f"{tr('Receipt for the customer')} {receipt.number.replace(' ', '')}.pdf"
        dialog = QFileDialog(self._page, tr("Save as PDF"), str(documents() / name), "PDF (*.pdf)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.fileSelected.connect(lambda path: self._save_to(receipt.redemption_id, Path(path)))
        dialog.open()
        return dialog

    def print_out(self) -> QDialog | None:
        """The system asks on which printer; the dialog is shown already."""
        from app.views.counter import slip_printing  # Qt's printing takes long to load and is seldom asked for

        if self.shown is None:
            return None
        if not slip_printing.has_printer():
            words = tr("There is no printer on this computer. Save the receipt as PDF instead.")
            self._page.banner.say("warn", words)
            return None
        receipt, layout = self.shown
        return slip_printing.ask_and_print(self._page, layout, lambda: self._note_printed(receipt))

    def _save_to(self, redemption_id: str, path: Path) -> None:
        def done(_: Receipt) -> None:
            self._page.banner.say("ok", tr("Receipt saved: {file}", file=path.name))

        self._jobs.start(
            self._slips.save,
            redemption_id,
            path,
            on_done=done,
            on_refused=self._page.banner.show_error,
            owner=self._page,
        )

    def _let_go(self) -> None:
        self.shown = None

    def _note_printed(self, receipt: Receipt) -> None:
        self._jobs.start(self._slips.note_printed, receipt, owner=self._page)
