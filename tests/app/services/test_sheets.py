"""Files of rows as people have them: every way to save the same list gives the same rows."""

import csv
import io
import random
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
import xlsxwriter
import xlwt  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from odf.opendocument import OpenDocumentSpreadsheet  # type: ignore[import-untyped]
from odf.table import Table, TableCell, TableRow  # type: ignore[import-untyped]
from odf.text import P  # type: ignore[import-untyped]

from app.errors import FileUnreadable, InvalidInput
from app.messages import REASONS
from app.services.sheets import DateText, NumberText, Sheet, guess_header, read_pasted, read_sheet_file

HEADER = ["姓名", "手机号", "部门", "备注"]
NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
PEOPLE = [
    [f"{name}小明", f"1380013{n:04d}", "销售,华东" if n % 2 else "技术", f"第{n}位"] for n, name in enumerate(NAMES)
]
ROWS = [HEADER, *PEOPLE]


def as_text(rows: list[list[str]], delimiter: str = ",") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


def write_xls(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for at, row in enumerate(ROWS):
        for column, cell in enumerate(row):
            sheet.write(at, column, int(cell) if cell.isdecimal() else cell)
    book.save(str(path))


def write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append([int(cell) if cell.isdecimal() else cell for cell in row])
    book.save(path)


def write_ods(path: Path) -> None:
    book = OpenDocumentSpreadsheet()
    table = Table(name="名单")
    for row in ROWS:
        line = TableRow()
        for cell in row:
            shown = TableCell(valuetype="string")
            shown.addElement(P(text=cell))
            line.addElement(shown)
        table.addElement(line)
    book.spreadsheet.addElement(table)
    book.save(str(path))


def write_html(path: Path) -> None:
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in ROWS)
    path.write_text(f"<html><body><table border=1>{lines}</table></body></html>", encoding="gb18030")


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "kind"),
    [
        ("people.csv", "gb18030", ",", "csv"),
        ("people.csv", "utf-8-sig", ",", "csv"),
        ("people.csv", "utf-8", ";", "csv"),
        ("people.txt", "utf-16", "\t", "txt"),
        ("people.txt", "gb18030", "|", "txt"),
        ("people.xls", "gb18030", "\t", "txt"),
    ],
)
def test_text_of_any_encoding_and_delimiter_gives_the_same_rows(
    tmp_path: Path, name: str, encoding: str, delimiter: str, kind: str
) -> None:
    path = tmp_path / name
    path.write_bytes(as_text(ROWS, delimiter).encode(encoding))
    file = read_sheet_file(path)
    assert file.main.rows == ROWS
    assert (file.kind, file.delimiter) == (kind, delimiter)
    assert file.encoding.startswith(encoding)
    assert len(file.sha256) == 64


@pytest.mark.parametrize(
    ("name", "write", "kind"),
    [
        ("people.xls", write_xls, "xls"),
        ("people.xlsx", write_xlsx, "xlsx"),
        ("people.ods", write_ods, "ods"),
        ("people.xls", write_xlsx, "xlsx"),
        ("people.xls", write_html, "html"),
    ],
)
def test_a_workbook_is_read_by_what_it_holds(
    tmp_path: Path, name: str, write: Callable[[Path], None], kind: str
) -> None:
    path = tmp_path / name
    write(path)
    file = read_sheet_file(path)
    assert file.main.rows == ROWS
    assert file.kind == kind


def test_cells_pasted_from_a_spreadsheet_keep_quotes_and_line_breaks() -> None:
    pasted = '姓名\t备注\r\n张三\t"第一行\n第二行"\r\n李四\t他说""好""\r\n'
    file = read_pasted(pasted)
    assert (file.kind, file.delimiter) == ("paste", "\t")
    assert file.main.rows == [["姓名", "备注"], ["张三", "第一行\n第二行"], ["李四", '他说""好""']]


def test_numbers_and_dates_of_a_workbook_are_text_without_an_exponent(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    at = datetime.fromisoformat("2027-01-02T03:04:00")
    book.active.append([13800138000.0, 1.23e17, 0.1 + 0.2, -12.5, True, date(2027, 12, 31), at])
    book.save(tmp_path / "numbers.xlsx")
    (row,) = read_sheet_file(tmp_path / "numbers.xlsx").main.rows
    assert row == ["13800138000", "123000000000000000", "0.3", "-12.5", "TRUE", "2027-12-31", "2027-01-02 03:04:00"]
    assert [type(cell) for cell in row] == [NumberText] * 4 + [str] + [DateText] * 2


def hide_in_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["姓名", "张三"])
    last = book.create_sheet("去年")
    last.sheet_state = "hidden"
    for row in ROWS:
        last.append(row)
    book.save(path)


def hide_in_xls(path: Path) -> None:
    book = xlwt.Workbook()
    seen, last = book.add_sheet("今年"), book.add_sheet("去年")
    last.visibility = 1
    for at, cell in enumerate(("姓名", "张三")):
        seen.write(0, at, cell)
        last.write(0, at, cell)
        last.write(1, at, cell)
    book.save(str(path))


@pytest.mark.parametrize(("name", "write"), [("a.xlsx", hide_in_xlsx), ("a.xls", hide_in_xls)])
def test_the_main_sheet_is_one_that_is_seen(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    write(tmp_path / name)
    file = read_sheet_file(tmp_path / name)
    assert file.main.rows == [["姓名", "张三"]]
    assert [sheet.is_hidden for sheet in file.sheets] == [False, True]


def test_a_hidden_sheet_is_the_main_one_where_nothing_else_is_filled(tmp_path: Path) -> None:
    hide_in_xlsx(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    book.worksheets[0].delete_rows(1)
    book.save(tmp_path / "a.xlsx")
    assert read_sheet_file(tmp_path / "a.xlsx").main.name == "去年"


def test_line_numbers_stay_true_around_empty_rows_and_the_fullest_sheet_is_the_main_one(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active["A1"] = "请填写"
    sheet = book.create_sheet("名单")
    sheet["B3"], sheet["B5"], sheet["C5"] = "姓名", "张三", "  "
    book.save(tmp_path / "gaps.xlsx")
    file = read_sheet_file(tmp_path / "gaps.xlsx")
    assert [sheet.name for sheet in file.sheets] == ["说明", "名单"]
    assert file.main.rows == [[], [], ["", "姓名"], [], ["", "张三"]]


def test_short_gbk_rosters_are_never_taken_for_utf_8(tmp_path: Path) -> None:
    """Also those whose bytes happen to be valid UTF-8: the tie-break."""
    chance = random.Random(20261124)
    common = [chr(sign) for sign in range(0x4E00, 0x9FA5) if len(chr(sign).encode("gb2312", "ignore")) == 2]
    path = tmp_path / "short.csv"
    for _ in range(600):
        text = "\r\n".join(
            "".join(chance.choices(common, k=chance.choice((2, 3)))) for _ in range(chance.randint(1, 3))
        )
        path.write_bytes(text.encode("gb18030"))
        assert read_sheet_file(path).main.rows == [[line] for line in text.split("\r\n")]


@pytest.mark.parametrize("text", ["聋哑学校", "一氓", "谩骂", "络绎"])
def test_the_encoding_follows_the_signs_a_roster_can_have(tmp_path: Path, text: str) -> None:
    for encoding in ("gb18030", "utf-8"):
        (tmp_path / "a.txt").write_bytes(text.encode(encoding))
        assert read_sheet_file(tmp_path / "a.txt").main.rows == [[text]]


@pytest.mark.parametrize("end", ["", "\r\n"])
def test_a_quote_nobody_closed_swallows_no_rows(tmp_path: Path, end: str) -> None:
    lines = ["姓名,手机", "张三,1", '"李四,2', *(f"王{name},3" for name in NAMES)]
    (tmp_path / "a.csv").write_text("\r\n".join(lines) + end, encoding="utf-8", newline="")
    assert read_sheet_file(tmp_path / "a.csv").main.rows == [line.split(",") for line in lines]


def test_a_quoted_last_cell_of_several_lines_is_one_cell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('姓名,备注\n张三,"一\n二"', encoding="utf-8", newline="")
    assert read_sheet_file(tmp_path / "a.csv").main.rows == [["姓名", "备注"], ["张三", "一\n二"]]


def test_one_broken_byte_costs_one_sign_and_not_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes("姓名,部门\n张三,销售\n".encode() + b"\xff,x\n" + "李四,技术\n".encode())
    file = read_sheet_file(path)
    assert file.encoding == "utf-8"
    assert file.main.rows == [["姓名", "部门"], ["张三", "销售"], ["\ufffd", "x"], ["李四", "技术"]]


def test_a_chosen_encoding_is_used_and_an_unknown_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "big5.csv"
    path.write_bytes("姓名,部門\n張三,銷售\n".encode("big5"))
    assert read_sheet_file(path, encoding="big5").main.rows[0] == ["姓名", "部門"]
    with pytest.raises(InvalidInput):
        read_sheet_file(path, encoding="klingon")


def test_utf_16_without_a_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(as_text(ROWS, "\t").encode("utf-16-be"))
    assert read_sheet_file(tmp_path / "a.txt").main.rows == ROWS


def test_tabs_and_formulas_that_guard_digits_do_not_hide_the_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "guarded.csv"
    path.write_bytes('张三,\t0012\n李四,="0034"\n王五,\t0056\n'.encode())
    file = read_sheet_file(path)
    assert file.delimiter == ","
    assert [row[1].strip() for row in file.main.rows] == ["0012", "0034", "0056"]


def test_a_quote_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    lines = [f"名{n},备注{n}" for n in range(200)]
    lines[3] = '名3,"没有关上'
    (tmp_path / "a.csv").write_bytes("\n".join(lines).encode())
    rows = read_sheet_file(tmp_path / "a.csv").main.rows
    assert len(rows) == 200
    assert rows[3] == ["名3", '"没有关上']


def test_nul_is_dropped_from_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("张\0三,a\n李四,b\n".encode())
    assert read_sheet_file(tmp_path / "a.csv").main.rows == [["张三", "a"], ["李四", "b"]]


def locked_xls(path: Path) -> None:
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(900)
    )


def cut_xlsx(path: Path) -> None:
    write_xlsx(path)
    path.write_bytes(path.read_bytes()[:3000])


def cut_xls(path: Path) -> None:
    write_xls(path)
    path.write_bytes(path.read_bytes()[:2100])


def empty_xlsx(path: Path) -> None:
    openpyxl.Workbook().save(path)


def word_file(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")


def giant_grid(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "b")


def zip_bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/workbook.xml", "w") as member,
    ):
        for _ in range(1100):
            member.write(bytes(1 << 20))


def too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(201 * 1024 * 1024)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "file-missing"),
        (lambda path: path.mkdir(), "file-not-opened"),
        (lambda path: path.touch(), "file-empty"),
        (lambda path: path.write_bytes(b"\xef\xbb\xbf\r\n \r\n"), "file-empty"),
        (empty_xlsx, "file-empty"),
        (too_large, "file-too-large"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(3000)), "file-no-table"),
        (word_file, "file-no-table"),
        (lambda path: path.write_text("<html><body>404</body></html>"), "file-no-table"),
        (locked_xls, "file-locked"),
        (cut_xlsx, "file-damaged"),
        (cut_xls, "file-damaged"),
        (giant_grid, "file-bomb"),
        (zip_bomb, "file-bomb"),
    ],
)
def test_a_file_without_rows_is_refused_with_the_reason(
    tmp_path: Path, make: Callable[[Path], None], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.xlsx"
    make(path)
    with pytest.raises(FileUnreadable) as refused:
        read_sheet_file(path)
    assert refused.value.reason == reason
    assert reason in REASONS


def test_the_header_is_the_row_with_most_headings_of_the_first_twenty() -> None:
    sheet = Sheet(
        "", [["福利名单"], [], ["序号", "姓名"], ["序号", "姓名 ", "部门"], ["1", "姓名", "x"], ["2", "李四", "y"]]
    )
    assert guess_header(sheet, HEADER.__contains__) == 3
    assert guess_header(sheet, lambda cell: False) is None
    assert guess_header(Sheet("", [["x"]] * 20 + [HEADER]), HEADER.__contains__) is None


def test_what_is_printed_of_a_file_shows_no_cell() -> None:
    assert "张三" not in repr(read_pasted("姓名\t部门\n张三\t销售\n"))


letters = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5) | st.sampled_from('abcXYZ0189 "-.@')
tables = st.integers(2, 5).flatmap(
    lambda width: st.lists(
        st.lists(
            st.text(letters, min_size=1, max_size=8).filter(lambda cell: cell.strip()), min_size=width, max_size=width
        ),
        min_size=1,
        max_size=12,
    )
)


@given(rows=tables, delimiter=st.sampled_from(",\t;|"), encoding=st.sampled_from(["utf-8-sig", "gb18030", "utf-16"]))
def test_any_table_written_as_text_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    path.write_bytes(as_text(rows, delimiter).encode(encoding))
    assert read_sheet_file(path).main.rows == rows


@given(rows=tables)
def test_any_table_pasted_is_read_back(rows: list[list[str]]) -> None:
    assert read_pasted(as_text(rows, "\t")).main.rows == rows
