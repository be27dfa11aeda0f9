"""The assign page by department, the budget, mails in parts, and what the confirm page says of it all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.views.distribution.wizard.when import goes_at_night, span, usual_time
from app.words import zone
from tests.drivers.distribution import DistributionDriver, words_in

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

RESEARCH, MARKET, OFFICE = "研发部", "市场部", "行政部"
"""Nine, eight and ten people of the roster without its faulty rows."""


@pytest.fixture
def gift_card(services: Services) -> int:
    spec = ProductSpec("生日礼金", "variable", min_minor=10_000, max_minor=50_000, step_minor=10_000)
    product_id = services.catalog.add(spec)
    services.batches.generate(BatchSpec(product_id, 5, face_minor=30_000))
    return product_id


@pytest.fixture
def assigning(driver: DistributionDriver, roster: Path, card: int, gift_card: int) -> DistributionDriver:
    """On the assign page, with two products to give."""
    driver.check(roster)
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.settled()
    return driver


def at_confirm(driver: DistributionDriver, out: Path) -> None:
    driver.go_on()
    driver.take_channel("file", out)
    driver.go_on()
    driver.go_on()
    driver.wait(lambda: driver.step == "确认")
    driver.settled()


def test_departments_get_what_their_rules_say_and_the_receipt_adds_up(
    assigning: DistributionDriver, card: int, gift_card: int, out: Path
) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.add_rule((RESEARCH,), card)
    driver.add_rule((MARKET,), gift_card, "300")
    people = assign._known
    research, market, office = people[RESEARCH], people[MARKET], people[OFFICE]
    assert driver.notes() == [
        f"{research} 人 · 库存 20 张 · ¥{research * 200:,}.00",
        f"{market} 人 · 库存 5 张 · ¥{market * 300:,}.00",
        f"{office} 人",
    ]
    assert f"生日礼金 ¥300.00：库存 5 张，需要 {market} 张，还差 {market - 5} 张" in assign.limits.shortage.words.text()
    driver.go_on()
    assert (driver.step, str(market - 5) in driver.words) == ("分配", True)
    assign.limits.shortage.act.click()
    driver.settled()
    assert not assign.limits.isVisible()
    total = research * 200 + market * 300
    assert driver.wizard.totals.text() == f"{research + market} 人 · ¥{total:,}.00 · 2 种商品"
    at_confirm(driver, out)
    facts = driver.facts()
    assert facts["不发"] == f"{office} 人"
    assert facts["和上次相比"] == "第一次通过该渠道发这些商品"
    split = words_in(driver.wizard.confirm.split)
    assert split[1, 0] == "生日礼金 ¥300.00"
    assert split[1, 2] == f"¥{market * 300:,}.00"
    driver.confirm()
    driver.sent()
    row = driver.services.distribution.distributions()[0]
    assert [(one.product_id, one.people, one.total_minor) for one in row.products] == [
        (card, research, research * 20_000),
        (gift_card, market, market * 30_000),
    ]
    assert (row.sent, row.skipped, row.total_minor) == (research + market, office, total * 100)


def test_missing_cards_of_several_products_are_made_with_one_click(
    assigning: DistributionDriver, services: Services, card: int, gift_card: int
) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.add_rule((RESEARCH,), gift_card, "200")
    driver.add_rule((MARKET,), gift_card, "300")
    driver.choose_product(assign.editor.rest, card)
    assert "生日礼金 ¥200.00" in assign.limits.shortage.words.text()
    assert "生日礼金 ¥300.00" in assign.limits.shortage.words.text()
    assign.limits.shortage.act.click()
    driver.settled()
    assert assign.plan is not None
    assert (assign.plan.missing, assign.plan.people, assign.lack) == (0, 27, "")
    faces = [(batch.face_minor, batch.quantity) for batch in services.batches.batches(product_id=gift_card)]
    people = assign._known
    assert sorted(faces) == [(20_000, people[RESEARCH]), (30_000, people[MARKET] - 5), (30_000, 5)]


def test_a_suppliers_missing_codes_lead_to_their_import(assigning: DistributionDriver, services: Services) -> None:
    video = services.catalog.add(ProductSpec("视频会员", "supplier"))
    assigning.back()
    assigning.go_on()
    assigning.wait(lambda: assigning.step == "分配")
    assigning.settled()
    assigning.add_rule((RESEARCH,), video)
    limits = assigning.wizard.assign.limits
    assert not limits.shortage.isVisible()
    with assigning.bot.waitSignal(assigning.page.page_wanted) as wanted:
        limits.unmade.act.click()
    assert wanted.args == ["batches", None]


def test_a_rule_says_what_it_lacks_and_blocks_until_it_has_it(assigning: DistributionDriver, gift_card: int) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.add_rule((), gift_card)
    assert assign.lack == "请选择这条规则对应的部门。"
    line = assign.editor.lines[0]
    line.departments.tick(RESEARCH)
    driver.choose_product(line, gift_card, "250")
    assert "¥100.00" in assign.lack
    assert driver.notes()[0] == assign.lack
    driver.go_on()
    assert driver.step == "分配"
    driver.choose_product(line, gift_card, "300")
    assert assign.plan is not None
    assert assign.plan.groups[0].total_minor == assign._known[RESEARCH] * 30_000
    driver.choose_product(line, None)
    assert assign.lack == "还没有人能领到东西。请选择商品。"


def test_a_department_stands_in_one_rule_only(assigning: DistributionDriver, card: int, gift_card: int) -> None:
    driver, editor = assigning, assigning.wizard.assign.editor
    driver.add_rule((RESEARCH,), card)
    driver.add_rule((RESEARCH, MARKET), gift_card)
    assert [line.choice.departments for line in editor.lines] == [(RESEARCH,), (MARKET,)]
    editor.lines[0].drop_button.click()
    driver.settled()
    editor.lines[0].departments.tick(RESEARCH)
    assert set(editor.lines[0].choice.departments) == {RESEARCH, MARKET}


def test_departments_are_ticked_by_keyboard(assigning: DistributionDriver, card: int) -> None:
    driver = assigning
    driver.wizard.assign.by_department.click()
    driver.settled()
    box = driver.wizard.assign.editor.lines[0].departments
    driver.tab_to(box)
    QTest.keyClick(box, Qt.Key.Key_Space)
    driver.wait(lambda: box.view().isVisible())
    view = box.view()
    view.setCurrentIndex(view.model().index(0, 0))
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_Space):
        QTest.keyClick(view, key)
    assert view.isVisible()
    QTest.keyClick(view, Qt.Key.Key_Return)
    driver.wait(lambda: not view.isVisible())
    driver.settled()
    assert len(box.departments) == 2
    assert driver.wizard.draft.rules[0].departments == box.departments


def test_a_click_on_the_open_list_ticks_and_leaves_it_open(assigning: DistributionDriver) -> None:
    driver = assigning
    driver.wizard.assign.by_department.click()
    driver.settled()
    box = driver.wizard.assign.editor.lines[0].departments
    box.showPopup()
    driver.wait(lambda: box.view().isVisible())
    view = box.view()
    place = view.visualRect(view.model().index(1, 0)).center()
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=place)  # of the click that opened it
    assert box.departments == ()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert (len(box.departments), view.isVisible()) == (1, True)
    box.hidePopup()
    QApplication.processEvents()


def test_rules_wait_while_somebody_goes_back_and_forget_departments_that_are_gone(
    assigning: DistributionDriver, card: int, gift_card: int, tmp_path: Path
) -> None:
    driver = assigning
    driver.add_rule((RESEARCH, MARKET), card)
    driver.back()
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.settled()
    assert driver.wizard.assign.editor.lines[0].choice.departments == (RESEARCH, MARKET)
    other = tmp_path / "小名单.csv"
    other.write_text(f"姓名,手机号,邮箱,部门\n张三,13800138000,z@firm.example,{MARKET}\n", "utf-8-sig")
    driver.wizard.visit(0)
    driver.wizard.loading._stage(other)
    driver.settled()
    for _ in range(3):
        driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.settled()
    assert driver.wizard.assign.editor.lines[0].choice.departments == (MARKET,)
    assert driver.wizard.draft.rules[0].departments == (MARKET,)


def test_one_for_all_and_back_keeps_what_was_chosen(assigning: DistributionDriver, card: int, gift_card: int) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.take_product(card)
    driver.add_rule((RESEARCH,), gift_card, "300")
    assert assign.editor.rest.choice.product is not None
    assert assign.editor.rest.choice.product.id == card
    assign.one_for_all.click()
    driver.settled()
    assert assign.plan is not None
    assert (len(assign.plan.shares), assign.group.checkedId()) == (1, card)
    assign.by_department.click()
    driver.settled()
    assert assign.editor.lines[0].choice.departments == (RESEARCH,)


def test_a_sum_over_the_budget_blocks_until_it_is_accepted(assigning: DistributionDriver, card: int, out: Path) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.take_product(card)
    assign.generate()
    driver.settled()
    assign.budget.setFocus()
    driver.type("5000")
    driver.go_on()  # while the caret is still in the field
    assert (driver.step, "预算" in driver.words) == ("分配", True)
    driver.wait(assign.limits.over.isVisible)
    assert assign.limits.over.words.text() == "合计 ¥5,400.00，比预算 ¥5,000.00 多 ¥400.00"
    assign.limits.over.act.click()
    at_confirm(driver, out)
    assert driver.facts()["预算"] == "¥5,000.00，超出 ¥400.00，已确认"
    driver.confirm()
    driver.sent()
    assert driver.services.distribution.distributions()[0].total_minor == 540_000


def test_another_budget_takes_the_acceptance_back(assigning: DistributionDriver, card: int) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.take_product(card)
    assign.generate()
    driver.settled()
    for typed in ("5000", "4000"):
        assign.budget.setFocus()
        assign.budget.selectAll()
        driver.type(typed)
        assert "预算" in assign.lack
        driver.wait(assign.limits.over.isVisible)
        assign.accept_over()
        assert assign.lack == ""
    assign.budget.selectAll()
    driver.type("x")
    assign.budget.editingFinished.emit()
    assert "预算" in assign.lack
    assert assign.form.fields["budget"].error.text()


def test_an_amount_counts_while_the_caret_is_still_in_its_field(assigning: DistributionDriver, gift_card: int) -> None:
    driver, assign = assigning, assigning.wizard.assign
    driver.take_product(gift_card)
    assign.amount.setFocus()
    assign.amount.selectAll()
    driver.type("500")
    driver.go_on()
    assert driver.wizard.draft.rest.amount_minor == 50_000
    assert assign.amount.text() == "500"
    assert assign.plan is not None
    assert (assign.plan.total_minor, assign.plan.missing) == (27 * 50_000, 27)


def test_the_confirm_page_compares_with_the_last_run(
    driver: DistributionDriver, services: Services, roster: Path, card: int, out: Path
) -> None:
    driver.reach_confirm(roster, card, out)
    driver.confirm()
    driver.sent()
    driver.go_on()
    driver.check(roster)
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.take_product(card)
    driver.wizard.assign.again.setChecked(True)
    driver.settled()
    driver.wizard.assign.generate()
    driver.settled()
    at_confirm(driver, out)
    assert driver.facts()["和上次相比"].splitlines()[1] == "本次人员和金额都相同"


# --- when ---


@pytest.fixture
def mailing(qtbot, services, vault, roster: Path, card: int, out: Path):  # type: ignore[no-untyped-def]
    """On the page of times, by mail."""
    made = DistributionDriver(qtbot, services, vault, url="https://card.example.cn")
    services.settings.put("mail.server", {"host": "smtp.example.com", "sender": "hr@example.com"})
    made.reach_channel(roster, card, out)
    made.take_channel("email")
    made.go_on()
    made.settled()
    yield made
    made.close()


def test_where_nobody_has_an_address_no_last_mail_is_foretold(
    qtbot,  # type: ignore[no-untyped-def]
    services,
    vault,
    card: int,
    out: Path,
    tmp_path: Path,
) -> None:
    nobody = tmp_path / "phones.csv"
    nobody.write_text("姓名,手机\n王伟,13800000000\n李芳,13800010037\n", encoding="utf-8-sig")
    made = DistributionDriver(qtbot, services, vault, url="https://card.example.cn")
    services.settings.put("mail.server", {"host": "smtp.example.com", "sender": "hr@example.com"})
    made.reach_channel(nobody, card, out)
    made.take_channel("email")
    made.go_on()
    made.settled()
    assert made.wizard.when.end_words.text() == ""
    made.close()


def test_mails_in_parts_say_when_they_are_done_and_that_the_program_must_be_open(mailing: DistributionDriver) -> None:
    when = mailing.wizard.when
    when.later.click()
    when.in_parts.click()
    when.part.setValue(10)
    when.pause.setValue(15)
    mailing.settled()
    assert (mailing.wizard.draft.pace, mailing.wizard.draft.pace_minutes) == (10, 15)
    done = usual_time(datetime.now(UTC)) + timedelta(minutes=30, seconds=7)
    assert f"共 3 批。预计 {done.astimezone(zone()):%Y-%m-%d %H:%M} 发完，约需 30 分钟" in when.end_words.text()
    assert "保持程序打开" in when.end_words.text()
    assert not when.quiet.isVisible()
    mailing.go_on()
    mailing.settled()
    assert mailing.facts()["分批"] == "每 15 分钟 10 封"
    assert mailing.facts()["发件人"] == "hr@example.com"


def test_mails_at_night_are_warned_of_and_one_click_moves_them_to_the_day(mailing: DistributionDriver) -> None:
    when = mailing.wizard.when
    when.later.click()
    late = datetime.now(UTC).astimezone(zone()).replace(hour=23, minute=10) + timedelta(days=1)
    when.time.setDateTime(when.time.dateTime().fromString(f"{late:%Y-%m-%d %H:%M}", "yyyy-MM-dd HH:mm"))
    mailing.settled()
    assert when.quiet.isVisible()
    when.quiet.act.click()
    mailing.settled()
    assert mailing.wizard.draft.scheduled_at == usual_time(datetime.now(UTC))
    assert not when.quiet.isVisible()
    when.in_parts.click()
    when.part.setValue(1)
    when.pause.setValue(60)
    mailing.settled()
    assert (when.quiet.isVisible(), when.quiet.act.isVisible()) == (True, False)


def test_a_crowded_minute_is_told(mailing: DistributionDriver) -> None:
    when = mailing.wizard.when
    when.later.click()
    usual = when.form.fields["time"].hint.text()
    when.time.setDateTime(when.time.dateTime().addSecs(25 * 60))
    assert when.form.fields["time"].hint.text() != usual


def test_a_file_has_no_parts(driver: DistributionDriver, roster: Path, card: int, out: Path) -> None:
    driver.reach_confirm(roster, card, out)
    driver.back()
    assert not driver.wizard.when.parts_card.isVisible()


@pytest.mark.parametrize(
    ("begin", "hours", "night"),
    [(10, 1, False), (8, 13, False), (21, 1, True), (7, 0, True), (10, 24, True), (22, 0, True)],
)
def test_the_night_is_from_22_to_8(begin: int, hours: int, night: bool) -> None:
    first = datetime(2026, 9, 25, begin, tzinfo=zone()).astimezone(UTC)
    assert goes_at_night(first, first + timedelta(hours=hours)) is night


def test_a_span_is_told_in_whole_minutes() -> None:
    lengths = (timedelta(seconds=5), timedelta(minutes=42), timedelta(hours=2), timedelta(hours=3, minutes=20))
    assert [span(length) for length in lengths] == ["1 分钟", "42 分钟", "2 小时", "3 小时 20 分钟"]
