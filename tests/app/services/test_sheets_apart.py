"""Old workbooks: what would end the reader's process, or never end, becomes a sentence."""

import io
from datetime import date
from pathlib import Path

import pytest
import xlwt  # type: ignore[import-untyped]

from app.errors import FileUnreadable
from app.services.sheets import DateText, NumberText, read_sheet_file
from app.services.sheets.apart import sheets_apart
from app.services.sheets.workbook import UnreadableWorkbook, sheets_of

TEXT_CELL = b"\xfd\x00\x0a\x00"
"""The head of a BIFF record that holds a text; behind it stand row and column, 16 bits each."""


def workbook(*rows: list[object]) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(at, column, cell, DAY if isinstance(cell, date) else PLAIN)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


PLAIN, DAY = xlwt.Style.default_style, xlwt.easyxf(num_format_str="YYYY-MM-DD")


def far_corner(data: bytes) -> bytes:
    """A cell moved to row 65,536 of column 65,536: the reader asks for 100 GB and aborts."""
    at = data.rindex(TEXT_CELL) + len(TEXT_CELL)
    return data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]


LIST = (["姓名", "工号", "入职"], ["张三", 1001.5, date(2024, 2, 29)])


def test_a_damaged_old_workbook_is_a_sentence_and_not_the_end_of_the_program(tmp_path: Path) -> None:
    path = tmp_path / "名单.xls"
    path.write_bytes(far_corner(workbook(*LIST)))
    with pytest.raises(FileUnreadable) as refused:
        read_sheet_file(path)
    assert refused.value.reason == "file-damaged"


def test_an_old_workbook_that_takes_for_ever_is_given_up() -> None:
    with pytest.raises(UnreadableWorkbook) as refused:
        sheets_apart(workbook(*LIST), longest_s=0.001)
    assert refused.value.reason == "file-damaged"


def test_cells_come_back_from_the_other_process_as_they_are() -> None:
    data = workbook(*LIST, [True, 12345678901234567.0, "=1+1\n\0"])
    sheets = sheets_apart(data)
    assert sheets == sheets_of(data, "xls")
    ((_, row, _),) = (sheet.rows for sheet in sheets)
    assert row == ["张三", "1001.5", "2024-02-29"]
    assert [type(cell) for cell in row] == [str, NumberText, DateText]
