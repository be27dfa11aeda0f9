"""How a table looks on paper."""

from itertools import groupby
from pathlib import Path

import pypdfium2
import pytest

from app.services.writers.paper import MARGIN
from app.services.writers.receipts import ReceiptLine, ReceiptOut, ReceiptTotal, write_receipt_pdf
from app.words import LANGUAGES, set_language, tr

SCALE = 8
PIXELS = SCALE * 72 / 25.4
"""Of a millimetre."""


def test_totals_have_a_line_below_each(tmp_path: Path) -> None:
    """The shade of one does not lie over the line of the one before."""
    path = tmp_path / "receipt.pdf"
    lines = [
        ReceiptLine(n, "王伟", "研发部", "138****8888", f"{n:04d}", 20001, "已打开", "", "", "") for n in (1, 2, 3)
    ]
    totals = dict.fromkeys(("已发送", "未送达", "跳过", "合计"), (1, 20001))
    write_receipt_pdf(path, receipt=ReceiptOut("中秋福利", "某某公司", "中秋福利卡", "", lines, totals))
    with pypdfium2.PdfDocument(path) as document:
        picture = document[0].render(scale=SCALE).to_pil().convert("L")
    x = round(picture.width - (MARGIN + 5) * PIXELS)  # right of the words of the last column
    column = [picture.getpixel((x, y)) for y in range(round(picture.height - 20 * PIXELS))]
    widths = [len(list(run)) for dark, run in groupby(column, key=lambda ink: ink < 220) if dark]
    assert len(widths) == 1 + 3 + 4, "below the head, each line and each total"
    assert max(widths) - min(widths) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_titles_of_a_receipt_stand_on_one_line(tmp_path: Path, language: str) -> None:
    """Also where a column more names the product of each line."""
    set_language(language)
    path = tmp_path / "receipt.pdf"
    out = ReceiptOut("中秋福利", "某某公司", "中秋福利卡", "", [], {}, [ReceiptTotal("中秋福利卡", 0, 0)])
    write_receipt_pdf(path, receipt=out)
    with pypdfium2.PdfDocument(path) as document:
        shown = document[0].get_textpage().get_text_bounded()
    for title in ("Full name", "Card ends in", "Amount (yuan)", "Redeemed"):
        assert tr(title) in shown
