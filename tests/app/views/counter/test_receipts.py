"""The receipt at the counter: offered after a use and its undoing, saved, printed, and scanned again."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.models.base import now
from app.services import Services
from app.services.slips import Receipt, SlipVerdict
from app.services.slips.rows import Booked, Said
from app.services.vault.vaults import OpenVault
from app.views.counter.dialogs import UndoDialog
from app.views.counter.ledger import LedgerPage
from app.views.counter.slip_printing import has_printer, print_on, printer_for
from app.views.counter.slip_view import SlipView
from app.views.counter.slip_words import checked_shown
from sync import slips
from tests.drivers.counter import Counter
from tests.drivers.online import leased_without_a_line, redeem_on_the_phone, sealed_batch

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def batch(online: Services) -> int:
    """Sealed: twenty cards of 200 yuan."""
    return sealed_batch(online)


@pytest.fixture
def counter(qtbot: QtBot, online: Services, vault: OpenVault, batch: int) -> Iterator[Counter]:
    """Ten of the cards are leased, and there is no line."""
    leased_without_a_line(online, batch)
    made = Counter(qtbot, online, vault)
    yield made
    made.jobs.stop()


def redeem(counter: Counter, code: str) -> None:
    counter.scan(code)
    counter.says("可用")
    counter.later(1)
    counter.enter()
    counter.says("已核销")
    counter.later(4)


def opened(counter: Counter) -> Receipt:
    """By keyboard, from the field."""
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_P, CONTROL)
    counter.wait(lambda: counter.page.receipts.shown is not None)
    assert counter.page.receipts.shown is not None
    return counter.page.receipts.shown[0]


def test_each_of_the_last_uses_has_its_receipt(counter: Counter, batch: int) -> None:
    for at in range(2):
        redeem(counter, counter.code(batch, at))
    counter.wait(lambda: len(counter.page.recent.uses) == 2)
    older = counter.page.recent.uses[1]
    (made,) = [
        one for one in counter.page.recent.findChildren(QToolButton) if one.accessibleName() == f"{older.serial} 的凭条"
    ]
    counter.bot.mouseClick(made, Qt.MouseButton.LeftButton)
    counter.wait(lambda: counter.page.receipts.shown is not None)
    assert counter.page.receipts.shown is not None
    assert counter.page.receipts.shown[0].redemption_id == older.id


def test_the_ledger_makes_the_receipt_of_the_entry_under_the_cursor(
    counter: Counter, online: Services, batch: int
) -> None:
    redeem(counter, counter.code(batch))
    online.cloud.start_embedded()
    online.cloud.sync()
    redeem_on_the_phone(online, counter.code(batch, 11))
    online.cloud.sync()
    parts = (online.ledger, online.catalog, online.slips)
    page = LedgerPage(*parts, jobs=counter.jobs, changes=counter.changes)
    counter.bot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    counter.wait(lambda: page.table.count == 2 and page.table.rows.row_at(1) is not None)
    page.table.setCurrentIndex(page.table.rows.index(0, 0))
    counter.bot.keyClick(page.table, Qt.Key.Key_P, CONTROL)
    counter.wait(lambda: "只有核销它的那台能出凭条" in page.banner.words.text())
    page.table.setCurrentIndex(page.table.rows.index(1, 0))
    counter.bot.keyClick(page.table, Qt.Key.Key_P, CONTROL)
    counter.wait(lambda: page.receipts.shown is not None)
    assert page.receipts.shown is not None
    assert page.receipts.shown[0].amount_minor == 20_000


def forged(text: str) -> str:
    slip, signature = slips.read(text)
    raw = msgspec.msgpack.encode(msgspec.structs.replace(slip, amount_minor=99_900)) + signature
    return slips.MARK + base64.b32encode(raw).decode().rstrip("=")


def test_a_use_without_a_line_offers_its_receipt_and_the_next_card_takes_the_offer_back(
    counter: Counter, batch: int
) -> None:
    assert not counter.page.receipts.button.isVisible()
    redeem(counter, counter.code(batch))
    counter.wait(counter.page.receipts.button.isVisible)
    assert counter.page.entry.hasFocus()
    receipt = opened(counter)
    assert (receipt.amount_minor, receipt.waits) == (20_000, True)
    assert counter.page.drawer.isVisible()
    says(counter, "待上传")
    counter.bot.keyClick(counter.page.drawer, Qt.Key.Key_Escape)
    counter.wait(lambda: not counter.page.drawer.isVisible())
    counter.says("已核销")
    counter.wait(counter.page.entry.hasFocus)
    opened(counter)
    counter.bot.keyClicks(counter.page.drawer, counter.code(batch, 1))  # the next customer is there already
    counter.enter()
    counter.says("可用")
    assert not counter.page.drawer.isVisible()
    assert not counter.page.receipts.button.isVisible()


def says(counter: Counter, word: str) -> None:
    counter.wait(lambda: word in [one.text() for one in counter.page.drawer.findChildren(QLabel)])


def test_an_open_receipt_says_when_it_was_uploaded(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    opened(counter)
    counter.services.cloud.start_embedded()
    counter.services.cloud.sync()
    says(counter, "已签名")


def test_a_use_that_is_confirmed_leaves_the_next_card_in_front(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    counter.scan(counter.code(batch, 1))
    counter.says("可用")
    counter.services.cloud.start_embedded()
    counter.services.cloud.sync()
    counter.wait(lambda: counter.page.recent.uses and not counter.page.recent.uses[0].unsent)
    counter.says("可用")
    assert counter.page.redeem_button.isVisible()


def test_an_undone_use_has_a_receipt_of_its_own(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    first = opened(counter)
    counter.wait(lambda: counter.page.recent.undoable is not None)
    counter.page.undo_last()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, UndoDialog)
    dialog.reason.setText("扫错")
    counter.bot.keyClick(dialog.reason, Qt.Key.Key_Return)
    counter.says("已撤销")
    assert not counter.page.drawer.isVisible()
    counter.page.receipts.open()
    counter.wait(lambda: counter.page.receipts.shown is not None)
    receipt, _ = counter.page.receipts.shown or (first, None)
    assert (receipt.kind, receipt.amount_minor) == ("reversed", -20_000)
    counter.page.start_over()
    counter.scan(first.text)
    counter.says("属实，但已撤销", "¥200.00")
    assert counter.page.band.shown.tone == "warn"
    counter.later(4)
    counter.scan(receipt.text)
    counter.says("撤销凭条属实", "¥200.00")


def test_a_receipt_that_is_scanned_is_told_genuine_and_redeems_nothing(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    text = opened(counter).text
    counter.page.start_over()
    before = counter.services.redemptions.last()
    counter.scan(text)
    counter.says("凭条属实", "¥200.00", "本机", "待上传", "没有核销")
    assert (counter.page.band.shown.tone, counter.page.band.shown.yes) == ("info", True)
    assert not counter.page.redeem_button.isVisible()
    counter.later(1)
    counter.enter()
    counter.wait(lambda: counter.jobs.idle)
    counter.says("凭条属实")
    assert counter.services.redemptions.last() == before


def test_a_receipt_that_was_tampered_with_is_told(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    text = opened(counter).text
    counter.page.start_over()
    counter.scan(forged(text))
    counter.says("凭条不实")
    assert counter.page.band.shown.tone == "error"
    assert "999" not in counter.band, "what a forger wrote is not read out"
    counter.scan(text[:80])
    counter.says("凭条读不出")


def test_a_use_of_a_phone_has_no_receipt_here_and_says_why(counter: Counter, batch: int) -> None:
    counter.services.cloud.start_embedded()
    redeem_on_the_phone(counter.services, counter.code(batch, 15))
    counter.services.cloud.sync()
    counter.wait(lambda: counter.page.recent.uses)
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_P, CONTROL)
    counter.wait(counter.page.banner.isVisible)
    assert "手机" in counter.page.banner.words.text()
    assert not counter.page.drawer.isVisible()


def test_a_receipt_is_saved_as_pdf(counter: Counter, batch: int, tmp_path: Path) -> None:
    redeem(counter, counter.code(batch))
    receipt = opened(counter)
    dialog = counter.page.receipts.save()
    assert isinstance(dialog, QFileDialog)
    path = tmp_path / "凭条.pdf"
    dialog.fileSelected.emit(str(path))
    dialog.close()
    counter.wait(lambda: "凭条已保存" in counter.page.banner.words.text())
    assert receipt.number in PdfReader(path).pages[0].extract_text()
    assert [row.subject for row in counter.services.audit.rows() if row.action == "slip.saved"] == [receipt.serial]


def test_a_receipt_goes_to_a_printer_as_it_is_shown(counter: Counter, batch: int, tmp_path: Path) -> None:
    redeem(counter, counter.code(batch))
    opened(counter)
    assert counter.page.receipts.shown is not None
    receipt, layout = counter.page.receipts.shown
    printer = printer_for(layout)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printer.setOutputFileName(str(tmp_path / "printed.pdf"))
    assert print_on(printer, layout)
    (page,) = PdfReader(tmp_path / "printed.pdf").pages
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    counter.page.receipts._note_printed(receipt)
    counter.wait(lambda: [row for row in counter.services.audit.rows() if row.action == "slip.printed"])


def test_printing_asks_on_which_printer_or_says_that_there_is_none(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    opened(counter)
    counter.page.receipts.print_button.click()
    if has_printer():
        counter.wait(lambda: isinstance(QApplication.activeModalWidget(), QPrintDialog))
        QApplication.activeModalWidget().reject()
    else:
        counter.wait(lambda: "没有打印机" in counter.page.banner.words.text())


def test_a_receipt_of_a_revoked_counter_that_never_came_is_no_good_news() -> None:
    said = Said("", "8AB1", "redeemed", "", 100, 0, 0, None, now(), "", leased=True)
    verdict = SlipVerdict(None, "1", "前台电脑", "revoked", said=said, booked=Booked("missing"))
    shown = checked_shown(verdict)
    assert (shown.tone, shown.yes, shown.word) == ("warn", False, "属实，但未入账")
    assert "前台电脑 (后来已停用)" in shown.spoken
    assert checked_shown(replace(verdict, device_state="active")).tone == "info"
    assert checked_shown(replace(verdict, booked=Booked("booked", 100, 0))).tone == "info"


def test_the_code_on_the_screen_is_the_one_that_was_signed(counter: Counter, batch: int) -> None:
    redeem(counter, counter.code(batch))
    opened(counter)
    view = counter.page.drawer.findChild(SlipView)
    assert counter.page.receipts.shown is not None
    _, layout = counter.page.receipts.shown
    picture = view.grab().toImage()
    scale = picture.width() / layout.wide
    cell = layout.code_side / layout.code.count
    stride = -(-layout.code.count // 8)
    wrong = [
        (x, y)
        for y in range(layout.code.count)
        for x in range(layout.code.count)
        if (QColor(picture.pixel(*at(layout.code_at, x, y, cell, scale))) == QColor(Qt.GlobalColor.black))
        != bool(layout.code.bits[y * stride + x // 8] >> (7 - x % 8) & 1)
    ]
    assert wrong == []


def at(code_at: tuple[float, float], x: int, y: int, cell: float, scale: float) -> tuple[int, int]:
    """The pixel in the middle of a square."""
    return round((code_at[0] + (x + 0.5) * cell) * scale), round((code_at[1] + (y + 0.5) * cell) * scale)
