"""How a table looks on paper."""

from itertools import groupby
from pathlib import Path

import pypdfium2

from app.services.writers.paper import MARGIN
from app.services.writers.receipts import ReceiptLine, ReceiptOut, write_receipt_pdf

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
