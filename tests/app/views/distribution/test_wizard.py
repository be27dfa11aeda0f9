"""The wizard, from a list with faults to the receipt."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.words import set_language
from tests.drivers.distribution import DistributionDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_a_gbk_list_with_faults_becomes_files_and_a_receipt_by_keyboard_alone(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    services = driver.services
    driver.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    driver.wait(lambda: driver.wizard.loading.zone.hasFocus())
    QGuiApplication.clipboard().setText(roster.read_bytes().decode("gb18030").replace(",", "\t"))
    driver.key(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    driver.go_on()
    assert driver.step == "对应列"
    driver.go_on()
    driver.key(Qt.Key.Key_F8)
    table = driver.wizard.check.table
    assert table.currentItem() is not None
    assert table.currentItem().text() == "1380013"
    driver.key(Qt.Key.Key_F2)
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    driver.type("13800138000")
    driver.key(Qt.Key.Key_Return)
    driver.wait(lambda: table.lines() == [6, 13])
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.wait(lambda: driver.wizard.draft.rest.product is not None)
    driver.wait(lambda: driver.wizard.assign.limits.shortage.isVisible())
    driver.tab_to(driver.wizard.assign.limits.shortage.act)
    driver.key(Qt.Key.Key_Space)
    driver.wait(lambda: driver.wizard.assign.plan is not None and not driver.wizard.assign.plan.missing)
    driver.go_on()
    driver.tab_to(driver.wizard.channel.folder)
    driver.wizard.channel.folder.selectAll()
    driver.type(str(out))
    driver.go_on()
    driver.go_on()
    driver.wait(lambda: driver.wizard.confirm.entry.hasFocus())
    driver.type("28")
    driver.key(Qt.Key.Key_Return)
    driver.sent()
    assert driver.step == "回执"
    row = services.distribution.distributions()[0]
    assert (row.people, row.sent, row.state) == (28, 28, "finished")
    assert len(list(out.glob("*.xlsx"))) == 1
    assert driver.wizard.receipt.files == [str(path) for path in out.glob("*.xlsx")]


def test_the_file_says_what_it_is_and_shows_its_first_rows(driver: DistributionDriver, roster: Path) -> None:
    driver.load(roster)
    assert driver.wizard.loading.file_facts.text() == "CSV · GB18030 · 30 行 · 表头在第 1 行"
    assert driver.wizard.loading.preview.rowCount() == 20


def test_another_encoding_is_read_again(driver: DistributionDriver, roster: Path) -> None:
    driver.load(roster)
    box = driver.wizard.loading.encoding_box
    box.setCurrentIndex(box.findData("big5"))
    box.activated.emit(box.currentIndex())
    driver.settled()
    assert driver.wizard.draft.roster is not None
    assert driver.wizard.draft.roster.encoding == "big5"


def test_a_file_that_cannot_be_read_is_refused_with_words(driver: DistributionDriver, tmp_path: Path) -> None:
    empty = tmp_path / "leer.csv"
    empty.write_bytes(b"")
    driver.load(empty)
    assert driver.wizard.loading.note.isVisible()
    assert not driver.wizard.draft.begun
    driver.go_on()
    assert driver.step == "导入"
    assert driver.words


def test_a_field_takes_its_column_away_from_another(driver: DistributionDriver, roster: Path) -> None:
    driver.load(roster)
    driver.go_on()
    boxes = driver.wizard.columns.boxes
    boxes["employee_no"].setCurrentIndex(boxes["employee_no"].findText("所属部门"))
    assert boxes["department"].currentData() == -1
    assert "备注" in driver.wizard.columns.unused.text()
    driver.go_on()
    assert driver.wizard.draft.roster is not None
    assert driver.wizard.draft.roster.mapping["employee_no"].column == 3


def test_a_list_without_a_name_column_does_not_go_on(driver: DistributionDriver, roster: Path) -> None:
    driver.load(roster)
    driver.go_on()
    driver.wizard.columns.boxes["name"].setCurrentIndex(0)
    driver.go_on()
    assert driver.step == "对应列"
    assert driver.words


def test_a_column_that_is_refused_is_listed_among_those_that_are_not_read(
    driver: DistributionDriver, tmp_path: Path
) -> None:
    path = tmp_path / "证件.csv"
    rows = [f"员工{n},138001380{n:02},1101011990030{n:02}000" for n in range(12)]
    path.write_text("\n".join(["姓名,手机,身份证号码", *rows]), encoding="utf-8")
    driver.load(path)
    driver.go_on()
    columns = driver.wizard.columns
    assert columns.damaged.isVisible()
    assert columns.unused.text() == "身份证号码"


def test_only_faulty_rows_are_listed_and_the_rest_may_go_first(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    check = driver.wizard.check
    assert check.table.lines() == [4, 6, 13]
    assert check.tiles.words() == "读到 30, 可发 27, 待修改 3, 提醒 0"
    assert driver.wizard.next_button.text() == "先发 27 人"


def test_f8_goes_round_the_faulty_cells(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    table = driver.wizard.check.table
    places = []
    for _ in range(4):
        driver.key(Qt.Key.Key_F8)
        places.append(table.lines()[table.currentRow()])
    assert places == [4, 6, 13, 4]


def test_a_mended_cell_leaves_the_list_and_can_be_taken_back(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    driver.mend(6, "name", "赵六")
    assert driver.wizard.check.table.lines() == [4, 13]
    driver.wizard.check.take_back()
    driver.settled()
    assert driver.wizard.check.table.lines() == [4, 6, 13]


def test_repairs_of_one_kind_are_undone_and_done_again(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    check = driver.wizard.check
    assert check.draft.checked is not None
    group = next(found for found in check.draft.checked.groups if found.sort == "repair")
    check.undo_repair(group)
    driver.settled()
    assert {8, 9} <= set(check.table.lines())
    again = next(found for found in check.draft.checked.groups if found.repairable)
    check.repair_again(again)
    driver.settled()
    assert check.table.lines() == [4, 6, 13]


def test_keys_stay_on_a_kind_of_repair_that_is_undone(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    acts = driver.wizard.check.groups.findChildren(QPushButton)
    driver.tab_to(next(act for act in acts if act.text() == "全部撤销"))
    driver.key(Qt.Key.Key_Space)
    here = QApplication.focusWidget()
    assert isinstance(here, QPushButton)
    assert here.text() == "全部应用"


def test_two_rows_with_one_phone_stand_side_by_side_and_both_may_stay(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    check = driver.wizard.check
    assert check.duplicates.isVisible()
    check.decide((13,), "keep")
    driver.settled()
    assert check.table.lines() == [4, 6]
    check.decide((13,), "drop")
    driver.settled()
    assert check.draft.checked is not None
    assert check.draft.checked.counts.dropped == 1


def test_the_faulty_rows_are_saved_and_import_again(driver: DistributionDriver, roster: Path, tmp_path: Path) -> None:
    driver.check(roster)
    path = tmp_path / "problems.xlsx"
    driver.wizard.check.save_problems(str(path))
    driver.settled()
    driver.load(path)
    assert driver.wizard.draft.roster is not None
    assert sum(1 for _ in driver.wizard.draft.roster.body()) == 3


def test_nothing_is_stored_before_the_check_is_left(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    assert driver.services.people.ids() == []
    driver.go_on()
    assert len(driver.services.people.ids()) == 27


def test_missing_cards_are_generated_in_place(driver: DistributionDriver, roster: Path, card: int) -> None:
    driver.check(roster)
    driver.go_on()
    driver.take_product(card)
    assert driver.wizard.assign.plan is not None
    assert driver.wizard.assign.plan.missing == 7
    driver.go_on()
    assert driver.step == "分配"
    assert "7" in driver.words
    driver.wizard.assign.generate()
    driver.settled()
    driver.go_on()
    assert driver.step == "渠道"


def test_a_variable_card_needs_an_amount_within_its_range(driver: DistributionDriver, roster: Path) -> None:
    services = driver.services
    spec = ProductSpec("生日礼金", "variable", min_minor=10_000, max_minor=50_000, step_minor=100)
    product_id = services.catalog.add(spec)
    services.batches.generate(BatchSpec(product_id, 40, face_minor=30_000))
    driver.check(roster)
    driver.go_on()
    assign = driver.wizard.assign
    for text, amount in (("900", None), ("300", 30_000)):
        assign.amount.setText(text)
        assign.amount.editingFinished.emit()
        driver.settled()
        assert driver.wizard.draft.rest.amount_minor == amount
    assert assign.plan is not None
    assert assign.plan.total_minor == 27 * 30_000


def test_the_same_list_again_gives_nobody_a_second_card_unless_wished(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    driver.reach_confirm(roster, card, out)
    driver.confirm()
    driver.sent()
    driver.go_on()
    driver.load(roster)
    assert "中秋福利卡" in driver.wizard.loading.note.words.text()
    driver.go_on()
    driver.go_on()
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.take_product(card)
    assign = driver.wizard.assign
    assert assign.plan is not None
    assert (assign.plan.people, len(assign.plan.skipped)) == (0, 27)
    driver.go_on()
    assert driver.step == "分配"
    assign.again.setChecked(True)
    driver.settled()
    assert assign.plan is not None
    assert assign.plan.people == 27


def test_a_wrong_count_sends_nothing(driver: DistributionDriver, roster: Path, card: int, out: Path) -> None:
    driver.reach_confirm(roster, card, out)
    assert driver.wizard.next_button.text() == "发放 27 张卡"
    driver.confirm("26")
    assert driver.step == "确认"
    assert driver.wizard.confirm.form.fields["typed"].error.text()
    assert driver.services.distribution.distributions() == []


def test_cards_that_are_gone_in_the_last_moment_lead_back_to_the_confirm_page(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    driver.reach_confirm(roster, card, out)
    for batch in driver.services.batches.batches():
        driver.services.batches.freeze(batch.id)
    driver.confirm()
    driver.wait(lambda: driver.step == "确认" and driver.words)
    assert driver.services.distribution.distributions() == []
    driver.back()
    assert driver.step == "时间"


def test_going_back_keeps_what_was_chosen(driver: DistributionDriver, roster: Path, card: int, out: Path) -> None:
    driver.reach_confirm(roster, card, out)
    for step in ("时间", "渠道", "分配", "检查", "对应列", "导入"):
        driver.back()
        assert driver.step == step
    for _ in range(6):
        driver.go_on()
    driver.wait(lambda: driver.step == "确认")
    assert driver.wizard.draft.out_folder == out


def test_the_draft_waits_while_somebody_looks_elsewhere(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    driver.mend(6, "name", "赵六")
    driver.wizard.close_wizard()
    assert driver.page.front is driver.page.list
    assert "员工名单.csv" in driver.page.list.banner.words.text()
    driver.page.list.banner.act.click()
    assert driver.page.front is driver.wizard
    assert driver.wizard.check.table.lines() == [4, 13]


def test_people_of_the_address_book_skip_the_columns_and_the_check(
    driver: DistributionDriver, roster: Path, card: int
) -> None:
    services = driver.services
    services.people.store(services.people.check(services.people.stage(roster)))
    driver.page.begin(None)
    driver.wizard.loading.take_book()
    driver.settled()
    driver.go_on()
    assert driver.step == "分配"
    assert len(driver.wizard.draft.person_ids) == 27
    driver.wizard.visit(2)
    assert driver.step == "分配"
    driver.back()
    assert driver.step == "导入"


def test_english_leaves_no_chinese_of_ours(qtbot, services: Services, vault, roster: Path) -> None:  # type: ignore[no-untyped-def]
    set_language("en")
    driver = DistributionDriver(qtbot, services, vault)
    driver.load(roster)
    driver.go_on()
    driver.go_on()
    assert driver.wizard.check.tiles.words() == "Read 30, Can be sent 27, To be mended 3, Warnings 0"
    assert driver.wizard.next_button.text() == "Send to 27 first"
    driver.close()
