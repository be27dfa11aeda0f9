"""The first step of the wizard, by mouse and with files as offices send them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import xlsxwriter
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QSpinBox, QStyle, QStyleOptionSpinBox

from tests.drivers.distribution import DistributionDriver
from tests.drivers.rosters import people

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
HEADS = ("员工姓名", "联系电话", "Dept")


def press_up(box: QSpinBox) -> None:
    option = QStyleOptionSpinBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_SpinBoxUp
    place = box.style().subControlRect(QStyle.ComplexControl.CC_SpinBox, option, part, box)
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=place.center())


def click(driver: DistributionDriver, made: QAbstractButton) -> None:
    QTest.mouseClick(made, Qt.MouseButton.LeftButton)
    driver.settled()


def heads(driver: DistributionDriver) -> list[str]:
    preview = driver.wizard.loading.preview
    found = [preview.horizontalHeaderItem(at) for at in range(preview.columnCount())]
    return [item.text() for item in found if item is not None]


@pytest.fixture
def two_sheets(tmp_path: Path) -> Path:
    """Last year's list begins with its headings, this year's with a title above them."""
    path = tmp_path / "名单.xlsx"
    book = xlsxwriter.Workbook(str(path))
    before, now = book.add_worksheet("去年"), book.add_worksheet("今年")
    now.activate()
    now.write(0, 0, "某某科技 2026 中秋福利名单")
    for sheet, first in ((before, 0), (now, 1)):
        sheet.write_row(first, 0, HEADS)
        for at, person in enumerate(people(3), first + 1):
            sheet.write_row(at, 0, (person.name, person.phone, person.department))
    book.close()
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Three people below their headings."""
    path = tmp_path / "名单.csv"
    lines: Sequence[Sequence[str]] = [HEADS, *((one.name, one.phone, one.department) for one in people(3))]
    path.write_bytes("\r\n".join(",".join(cells) for cells in lines).encode("gb18030"))
    return path


def test_another_sheet_has_headings_of_its_own(driver: DistributionDriver, two_sheets: Path) -> None:
    driver.load(two_sheets)
    loading = driver.wizard.loading
    assert (loading.sheet_box.currentText(), loading.header_box.value()) == ("今年", 2)
    loading.sheet_box.setFocus()
    driver.key(Qt.Key.Key_Up)
    assert (loading.sheet_box.currentText(), loading.header_box.value()) == ("去年", 1)
    assert heads(driver) == list(HEADS)
    driver.key(Qt.Key.Key_Down)
    assert (loading.header_box.value(), heads(driver)) == (2, list(HEADS))


def test_an_arrow_of_the_header_row_reads_the_list_anew_at_once(driver: DistributionDriver, plain: Path) -> None:
    driver.load(plain)
    press_up(driver.wizard.loading.header_box)
    driver.settled()
    assert heads(driver)[0] == people(1)[0].name


def test_a_header_row_that_is_typed_counts_for_the_next_step(driver: DistributionDriver, plain: Path) -> None:
    driver.load(plain)
    box = driver.wizard.loading.header_box
    box.setFocus()
    box.selectAll()
    driver.type("2")
    click(driver, driver.wizard.next_button)
    driver.wait(lambda: driver.step == "对应列")
    roster = driver.wizard.columns.draft.roster
    assert roster is not None
    assert roster.header_row == 1
