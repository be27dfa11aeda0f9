"""A supplier's codes: dropped or pasted, wrong lines named, the good ones imported."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.messages import reason_sentence
from app.services import Services
from app.services.catalog import ProductSpec
from app.views.batches.import_dialog import ImportDialog
from app.views.jobs import JobRunner
from app.views.theme import font
from app.views.theme.fonts import LABEL_PX
from app.views.widgets.row_table.columns import PADDING
from app.words import LANGUAGES, set_language

PATIENCE_MS = 20_000
ROWS = "卡号,密码\n" + "".join(f"8800{at:08d},PW{at:06d}AB\n" for at in range(20)) + "880000000099,\n"


class Import:
    """The dialog over one supplier product."""

    def __init__(self, bot: QtBot, services: Services) -> None:
        self.bot, self.services, self.jobs = bot, services, JobRunner()
        services.catalog.add(ProductSpec("视频月卡", "supplier", "supplier_code"))
        self.window = QWidget()
        bot.addWidget(self.window)
        self.window.show()
        self.dialog = ImportDialog(
            self.window, services.supplier_imports, services.catalog.products(), jobs=self.jobs, product_id=0
        )
        self.dialog.open()

    def wait(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)


@pytest.fixture
def supplier(qtbot: QtBot, services: Services) -> Iterator[Import]:
    made = Import(qtbot, services)
    yield made
    made.jobs.stop()


def test_a_file_is_understood_and_its_good_rows_go_in(supplier: Import, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(ROWS.encode("gb18030"))
    supplier.dialog.look_at(path)
    supplier.wait(supplier.dialog.verb_button.isEnabled)
    assert supplier.dialog.columns.mapping == {"card_no": 0, "password": 1}
    assert "GB18030" in supplier.dialog.found.text()
    assert "20" in supplier.dialog.verb_button.text()
    assert supplier.dialog.problems.count == 1
    supplier.dialog.import_now()
    supplier.wait(lambda: "20" in supplier.dialog.heading.text())
    assert [row.quantity for row in supplier.services.batches.batches()] == [20]


def test_pasted_rows_that_are_known_already_are_counted(supplier: Import) -> None:
    product_id = supplier.services.catalog.products()[0].id
    supplier.services.supplier_imports.import_text(ROWS, product_id)
    supplier.dialog.look_at(ROWS)
    supplier.wait(lambda: "20 个已存在" in supplier.dialog.summary.text())
    assert not supplier.dialog.verb_button.isEnabled()


def test_without_a_code_column_nothing_can_be_imported(supplier: Import) -> None:
    supplier.dialog.look_at(ROWS)
    supplier.wait(supplier.dialog.verb_button.isEnabled)
    for box in supplier.dialog.columns._boxes.values():
        box.setCurrentIndex(0)
    supplier.dialog.columns.changed.emit()
    supplier.wait(supplier.dialog.banner.isVisible)
    assert not supplier.dialog.verb_button.isEnabled()


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_what_is_wrong_with_a_line_is_read_whole(qtbot: QtBot, services: Services, language: str) -> None:
    set_language(language)
    supplier = Import(qtbot, services)
    supplier.dialog.look_at("卡号,密码\n8800000001,PW1A\n8.80E+15,PW2B\n")
    table = supplier.dialog.problems
    supplier.wait(lambda: table.count and table.rows.row_at(0) is not None)
    words = reason_sentence(table.rows.row_at(0).reason)
    assert QFontMetrics(font(LABEL_PX)).horizontalAdvance(words) <= table.columnWidth(2) - 2 * PADDING
    supplier.jobs.stop()
