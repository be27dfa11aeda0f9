"""Writers: nothing a spreadsheet runs, whole files or none, paper a printer takes."""

import csv
import errno
import gc
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import pyzipper
import reportlab
import segno
from python_calamine import CalamineWorkbook

from app.errors import DiskFull, JobCancelled, NotWritable
from app.services.secret import Secret
from app.services.vault.recovery import new_recovery_key, shown_recovery_key
from app.services.writers import atomically, making
from app.services.writers.cards_pdf import (
    HEIGHT,
    PER_PAGE,
    QR_BOTTOM,
    QR_SIDE,
    WIDTH,
    CardFace,
    corner,
    write_cards_pdf,
)
from app.services.writers.glyphs import BUNDLED, Glyphs
from app.services.writers.receipts import ReceiptLine, ReceiptOut, write_receipt_pdf, write_receipt_xlsx
from app.services.writers.recovery_sheet import write_recovery_sheet
from app.services.writers.sheets_pdf import write_control_sheet
from app.services.writers.tables import SheetOut, stream_xlsx, write_csv, write_xlsx, zip_member
from tests.drivers.disk import disk_of
from tests.drivers.work import calls_counted

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x"]
MARKUP = '<img src="http://127.0.0.1/x"/><b>&amp;</b>'
POINTS_PER_MM = 72 / 25.4


def texts(path: Path) -> list[str]:
    document = pypdfium2.PdfDocument(path)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def face(number: int, **other: object) -> CardFace:
    values = {
        "product": "中秋福利卡",
        "amount": "¥200.00",
        "serial": f"B260925-01-{number:06d}",
        "code": f"GYJN-8SQV-EHEZ-DSG3-{number:04d}",
        "valid": "2027-12-31",
        "holder": "喆堃玥",
        "qr": f"GYJN8SQVEHEZDSG3{number:04d}",
    }
    return CardFace(**{**values, **other})  # type: ignore[arg-type]


def print_cards(path: Path, faces: list[CardFace]) -> None:
    write_cards_pdf(
        path,
        faces,
        merchant="某某商户",
        total=len(faces),
        title="中秋福利卡 B260925-01",
        watermark="owner · 2026-09-25",
    )


def receipt(count: int) -> ReceiptOut:
    lines = [
        ReceiptLine(n, "喆堃玥", "研发部", "138****8888", f"{n:04d}", 20001, "已打开", "2026-09-25 14:08", "", "")
        for n in range(1, count + 1)
    ]
    totals = {"已发送": (count, 20001 * count), "失败": (0, 0)}
    return ReceiptOut("中秋发放回执", "某某商户", "中秋福利卡", "2026-09-25 14:08", lines, totals)


def test_a_csv_cell_never_starts_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_csv(path, ["姓名"], [[cell] for cell in HOSTILE] + [[None], [7], ["a=b"]])
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == len(HOSTILE) + 4
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [row[0] if row else "" for row in csv.reader(file)][1:]
    assert cells == [f"'{cell}" for cell in HOSTILE] + ["", "7", "a=b"]


def test_a_workbook_keeps_hostile_cells_and_long_numbers_as_text(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    rows: list[list[object]] = [[cell, None] for cell in HOSTILE]
    rows += [["440308199901011234", 20050], ["219E01BE", -1], [r"{=1+1}", 0], ["http://127.0.0.1/", None]]
    write_xlsx(path, [SheetOut("名单 [1]/2", ["内容", "金额"], rows, money_columns=frozenset({1}))])
    book = CalamineWorkbook.from_path(path)
    found = book.get_sheet_by_index(0).to_python()
    assert [row[0] for row in found[1:11]] == HOSTILE
    assert found[11:] == [
        ["440308199901011234", 200.5],
        ["219E01BE", -0.01],
        ["{=1+1}", 0.0],
        ["http://127.0.0.1/", ""],
    ]
    with pyzipper.ZipFile(path) as bundle:
        sheet = bundle.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert [found.name for found in tmp_path.iterdir()] == ["out.xlsx"]


def test_a_workbook_can_be_made_in_memory() -> None:
    made = BytesIO()
    stream_xlsx(made, [SheetOut("a", ["x"], [["1"]]), SheetOut("说明", ["y"], [])])
    assert CalamineWorkbook.from_filelike(BytesIO(made.getvalue())).sheet_names == ["a", "说明"]


def test_a_zip_is_aes_256_with_chinese_names(tmp_path: Path) -> None:
    path = tmp_path / "out.zip"
    with zip_member(path, "卡密.csv", Secret("口令 1")) as member:
        member.write(b"secret-")
        member.write(b"canary")
    assert b"secret-canary" not in path.read_bytes()
    with pyzipper.AESZipFile(path) as bundle:
        bundle.setpassword("口令 1".encode())
        assert bundle.read("卡密.csv") == b"secret-canary"
        info = bundle.infolist()[0]
        assert info.flag_bits & 0x801 == 0x801
        assert info.wz_aes_strength == 3


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (OSError(errno.ENOSPC, "full"), DiskFull),
        (PermissionError(errno.EACCES, "no"), NotWritable),
        (JobCancelled(), JobCancelled),
    ],
)
def test_an_error_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, raised: Exception, told: type[Exception]
) -> None:
    def rows() -> Iterator[list[str]]:
        yield ["1"]
        raise raised

    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    with pytest.raises(told):
        write_csv(path, ["a"], rows())
    with pytest.raises(told):
        write_xlsx(path, [SheetOut("a", ["a"], rows())])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("sheets", [1, 4], ids=["in a part", "in the whole"])
def test_a_workbook_on_a_full_disk_is_a_refusal_that_names_the_file(
    tmp_path: Path, sheets: int, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = [[os.urandom(30).hex()] for _ in range(1_600 // sheets)]
    path = tmp_path / "out.xlsx"
    with disk_of(64 * 1024), pytest.raises(DiskFull) as refused:
        write_xlsx(path, [SheetOut(f"{no}", ["a"], noise) for no in range(sheets)])
    assert refused.value.data["path"] == str(path)
    del refused  # with it goes the library's unfinished ZIP, which nobody must hear of
    gc.collect()
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_cannot_be_written_is_told_by_its_folder(tmp_path: Path) -> None:
    with disk_of(1024), pytest.raises(DiskFull) as refused, atomically(tmp_path / "all.zip") as beside:
        write_csv(beside, ["a"], [["x" * 4096]])
    assert refused.value.data["path"] == str(tmp_path)


def test_what_a_crash_left_of_the_same_file_goes_with_the_next_one(tmp_path: Path) -> None:
    path, other = tmp_path / "卡.xlsx", tmp_path / "other.xlsx"
    (tmp_path / f"{making(path)}abc.xlsx").write_text("half of the codes")
    parts = tmp_path / f"{making(path)}def"
    parts.mkdir()
    (parts / "sheet1.xml").write_text("the rest")
    beside = tmp_path / f"{making(other)}ghi.xlsx"
    beside.touch()
    write_xlsx(path, [SheetOut("卡", ["卡密"], [["AAAA"]])])
    assert sorted(tmp_path.iterdir()) == sorted((path, beside))


def test_a_folder_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(NotWritable), atomically(tmp_path / "nowhere" / "a.csv"):
        pass


@pytest.mark.parametrize("name", ["vault.db", "vault.db-wal", "vault.keys.json", "endpoint/endpoint.db"])
def test_a_vault_and_its_endpoint_are_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "endpoint").mkdir()
    for own in ("vault.keys.json", name):
        (tmp_path / own).write_text("precious")
    with pytest.raises(NotWritable), atomically(tmp_path / name) as beside:
        beside.write_text("codes")
    assert (tmp_path / name).read_text() == "precious"
    with atomically(tmp_path / "cards.csv") as beside:  # another file may lie there
        beside.write_text("codes")


def test_what_is_no_file_stays_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotWritable), atomically(tmp_path / "pipe") as beside:
        beside.write_text("codes")
    assert (tmp_path / "pipe").is_fifo()


def test_cards_stand_eight_to_a_page_with_everything_on_them(tmp_path: Path) -> None:
    path = tmp_path / "cards.pdf"
    print_cards(path, [face(number) for number in range(PER_PAGE + 1)])
    pages = texts(path)
    assert len(pages) == 2
    for part in ("喆堃玥", "中秋福利卡", "¥200.00", "B260925-01-000008", "GYJN-8SQV-EHEZ-DSG3-0008", "2027-12-31"):
        assert part in pages[1]
    assert "第 2 页，共 2 页" in pages[1]
    assert "某某商户" in pages[0]
    assert "owner" in pages[0]


def test_a_card_shows_supplier_fields_uses_and_no_qr_code(tmp_path: Path) -> None:
    path = tmp_path / "cards.pdf"
    fields = (("卡号", "1234567890123456"), ("卡密", "ABCD"), ("网址", "x.example"), ("备注", MARKUP))
    print_cards(path, [face(1, amount="3 次", qr=None, holder="", lines=fields), face(2, code="GYJN8SQVEHEZ")])
    text = texts(path)[0]
    for part in ("3 次", "1234567890123456", "x.example", "<img", "GYJN 8SQV EHEZ"):
        assert part in text


def test_a_code_is_never_cut_however_long(tmp_path: Path) -> None:
    """A code without its end is a lost card."""
    path = tmp_path / "cards.pdf"
    long = "-".join(f"KX{n:03d}" for n in range(16))
    fields = (("卡号", "V" * 60), ("网址", "https://shop.example/redeem?" + "c0de" * 90), ("密码", "88776655"))
    print_cards(path, [face(1, code=long), face(2, lines=fields), face(3, lines=fields, qr=None, amount="")])
    text = "".join(texts(path)[0].split())
    assert "".join(long.split()) in text
    assert text.count("".join(value for _, value in fields[1:2])) == 2
    assert text.count("88776655") == 2


def test_a_sign_no_font_has_is_replaced_and_said(tmp_path: Path) -> None:
    path = tmp_path / "cards.pdf"
    nobody_draws = "\U000f0000"
    print_cards(path, [face(n, holder=f"{nobody_draws}野家") for n in range(1, 10)])
    for page in texts(path):
        assert "\u3013野家" in page
        assert "U+F0000" in page
        assert "代替" in page
    with pypdfium2.PdfDocument(path) as document:
        foot = document[0].get_textpage()
        left = foot.get_charbox(foot.search("代替").get_next()[0] - 2, loose=True)[0]
    assert left == pytest.approx(corner(0)[0] * POINTS_PER_MM, abs=0.5), "below the cards"
    print_cards(path, [face(1)])
    assert "代替" not in texts(path)[0]


def test_a_font_of_the_computer_draws_what_the_bundled_one_lacks(tmp_path: Path) -> None:
    latin = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    fonts = Glyphs(latin, [tmp_path / "nowhere.ttf", Path(__file__), BUNDLED])
    assert list(fonts.runs("A中秋B")) == [("Vera", "A"), (BUNDLED.stem, "中秋"), ("Vera", "B")]
    assert fonts.missing("A中\U000f0000") == ["\U000f0000"]
    assert fonts.width("中秋", 10) == pytest.approx(20)


def test_the_printed_qr_code_is_the_one_of_its_content(tmp_path: Path) -> None:
    """Reads the modules back from the printed page, at their middle."""
    path = tmp_path / "cards.pdf"
    print_cards(path, [face(number) for number in range(3)])
    document = pypdfium2.PdfDocument(path)
    scale = 6
    image = document[0].render(scale=scale, grayscale=True).to_numpy()
    document.close()
    for place in range(3):
        matrix = segno.make(f"GYJN8SQVEHEZDSG3{place:04d}", micro=False, error="m", boost_error=False, mask=2).matrix
        left, bottom = corner(place)
        step = QR_SIDE / len(matrix)
        x0, top = left + WIDTH - 5 - QR_SIDE, bottom + QR_BOTTOM + QR_SIDE
        at = POINTS_PER_MM * scale
        seen = [
            [
                int(
                    image[
                        int(image.shape[0] - (top - (row + 0.5) * step) * at), int((x0 + (column + 0.5) * step) * at)
                    ].item()
                    < 128
                )
                for column in range(len(matrix))
            ]
            for row in range(len(matrix))
        ]
        assert seen == [list(row) for row in matrix]
        assert QR_SIDE >= 20


def test_cards_have_their_size_and_stay_inside_the_page() -> None:
    assert (WIDTH, HEIGHT) == (85.60, 53.98)
    places = [corner(place) for place in range(PER_PAGE)]
    assert len(set(places)) == PER_PAGE
    for x, y in places:
        assert 10 <= x <= 210 - WIDTH - 10
        assert 20 <= y <= 297 - HEIGHT - 20
    assert places[0][1] > places[-1][1]
    assert round(places[1][0] - places[0][0] - WIDTH, 2) == 4.0


def test_five_hundred_cards_are_printed_with_little_work(tmp_path: Path) -> None:
    path = tmp_path / "cards.pdf"
    print_cards(path, [face(0)])
    with calls_counted() as calls:
        print_cards(path, [face(number) for number in range(500)])
    assert sum(calls.values()) < 500 * 1_000, "450 for each card is what it takes"
    assert path.stat().st_size < 1_000_000
    assert len(texts(path)) == 63


def test_no_text_leaves_the_page_however_long(tmp_path: Path) -> None:
    path = tmp_path / "cards.pdf"
    long = "超长" * 80 + MARKUP
    print_cards(path, [face(n, product=long, holder=long, code="X" * 64, serial=long, valid=long) for n in range(8)])
    document = pypdfium2.PdfDocument(path)
    page = document[0].get_textpage()
    for number in range(page.count_rects()):
        left, bottom, right, top = page.get_rect(number)
        assert 28 < left < right < 210 * POINTS_PER_MM - 28
        assert 28 < bottom < top < 297 * POINTS_PER_MM - 28
    page.close()
    document.close()


def test_a_receipt_adds_up_to_the_fen_on_paper_and_in_the_workbook(tmp_path: Path) -> None:
    write_receipt_pdf(tmp_path / "r.pdf", receipt=receipt(45))
    pages = texts(tmp_path / "r.pdf")
    assert len(pages) == 3
    assert all("卡尾号" in page and "中秋发放回执" in page for page in pages)
    assert "¥9,000.45" in pages[-1]
    assert "第 3 页，共 3 页" in pages[-1]
    write_receipt_xlsx(tmp_path / "r.xlsx", receipt=receipt(45))
    book = CalamineWorkbook.from_path(tmp_path / "r.xlsx")
    rows = book.get_sheet_by_name("回执").to_python()
    assert len(rows) == 46
    assert round(sum(float(row[5]) for row in rows[1:]) * 100) == 20001 * 45
    assert book.get_sheet_by_name("合计").to_python()[1] == ["已发送", 45, 9000.45]


def test_a_receipt_of_vouchers_shows_no_money(tmp_path: Path) -> None:
    lines = [ReceiptLine(1, "喆堃玥", "研发部", "138****8888", "000001", None, "已发送", "2026-09-25 14:08", "", "")]
    out = ReceiptOut("门店月饼", "某某商户", "月饼提货券", "2026-09-25 14:08", lines, {"已发送": (1, None)})
    write_receipt_pdf(tmp_path / "r.pdf", receipt=out)
    text = texts(tmp_path / "r.pdf")[0]
    assert "0.00" not in text
    assert "--" in text
    write_receipt_xlsx(tmp_path / "r.xlsx", receipt=out)
    book = CalamineWorkbook.from_path(tmp_path / "r.xlsx")
    assert book.get_sheet_by_name("合计").to_python()[1] == ["已发送", 1, ""]


def test_an_empty_receipt_is_one_page(tmp_path: Path) -> None:
    write_receipt_pdf(tmp_path / "r.pdf", receipt=receipt(0))
    assert len(texts(tmp_path / "r.pdf")) == 1


def test_a_control_sheet_keeps_the_order_of_the_envelopes(tmp_path: Path) -> None:
    rows = [[str(n), f"喆堃玥{n}", "研发部" * 9, f"E{n:05d}", f"{n:04d}", ""] for n in range(1, 61)]
    write_control_sheet(
        tmp_path / "s.pdf",
        title="签收单",
        merchant="某某商户",
        columns=["序号", "姓名", "部门", "工号", "卡号尾 4", "签收"],
        rows=rows,
        note="信封顺序与名单一致",
    )
    pages = texts(tmp_path / "s.pdf")
    whole = "\n".join(pages)
    assert len(pages) == 3
    assert all("签收" in page and "信封顺序与名单一致" in page for page in pages)
    assert [whole.index(f"E{n:05d}") for n in range(1, 61)] == sorted(whole.index(f"E{n:05d}") for n in range(1, 61))


def test_the_recovery_sheet_shows_the_key_in_groups_on_one_page(tmp_path: Path) -> None:
    key = new_recovery_key()
    for typed in (key, shown_recovery_key(key)):
        write_recovery_sheet(tmp_path / "k.pdf", merchant="某某商户", recovery_key=typed, made_on="2026-09-25")
        pages = texts(tmp_path / "k.pdf")
        assert len(pages) == 1
        assert "应急单" in pages[0]
        assert all(group in pages[0] for group in shown_recovery_key(key).split("-"))
