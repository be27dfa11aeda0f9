"""The counter over a real endpoint, by keyboard: look, redeem, part, undo, and every way a scanner misbehaves."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea
from pytestqt.qtbot import QtBot
from sqlalchemy import text

from app.services import Services
from app.services.batches import BatchSpec
from app.services.cards import CardFilter
from app.services.catalog import ProductSpec
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.counter.dialogs import UndoDialog
from app.views.theme import theme
from app.views.widgets.elided_label import ElidedLabel
from sync.server import epochs
from sync.server.database import opened
from sync.server.endpoint import now_ms
from tests.drivers.counter import LEAST_ROOM, Counter


def rename(vault: OpenVault, table: str, name: str) -> None:
    """What no program does: a fault that nobody thought of."""
    with vault.database.write(Topic.SETTINGS) as session:
        session.execute(text("PRAGMA legacy_alter_table=ON"))
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def batch_of(services: Services, kind: str = "fixed") -> int:
    fixed = kind == "fixed"
    form, face, uses = ("stored_value", 20_000, 1) if fixed else ("voucher", None, 3)
    spec = ProductSpec("中秋福利卡" if fixed else "月饼券", kind, form, face_minor=face, uses=uses)
    return services.batches.generate(BatchSpec(services.catalog.add(spec), 5, "STANDARD"))


@pytest.fixture
def counter(qtbot: QtBot, online: Services) -> Iterator[Counter]:
    made = Counter(qtbot, online)
    yield made
    made.jobs.stop()


@pytest.fixture
def card(counter: Counter) -> str:
    """The code of a card worth 200 yuan, at the endpoint."""
    batch_id = batch_of(counter.services)
    counter.services.cloud.sync()
    return counter.code(batch_id)


def test_a_scan_only_looks_and_the_next_enter_redeems(counter: Counter, card: str) -> None:
    counter.page.place = "西湖店"
    counter.scan(card)
    counter.says("可用", "¥200.00", "中秋福利卡")
    assert counter.services.redemptions.last() == []
    counter.later(1)
    counter.enter()
    counter.says("已核销", "¥200.00", "凭证号", "西湖店")
    assert len(counter.services.redemptions.last()) == 1
    assert counter.page.entry.hasFocus()


def test_enter_takes_what_the_button_says_or_nothing(counter: Counter, card: str) -> None:
    """Another till was quicker: the goods for ¥200 must not go over the counter for ¥150."""
    counter.scan(card)
    counter.says("可用", "¥200.00")
    counter.services.redemptions.redeem(card, 5_000)
    counter.later(1)
    counter.enter()
    counter.says("余额不足")
    assert [use.amount_minor for use in counter.services.redemptions.last()] == [5_000]


def test_a_code_is_forgiven_its_case_hyphens_and_look_alikes(counter: Counter, card: str) -> None:
    counter.scan(card.lower().replace("-", " ").replace("0", "o"))
    counter.says("可用")


def test_a_second_scan_within_three_seconds_changes_nothing(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    counter.scan(card)
    assert counter.jobs.idle
    counter.says("可用")
    assert counter.services.redemptions.last() == []
    counter.later(4)
    counter.scan(card)
    counter.says("可用")
    assert counter.services.redemptions.last() == []


def test_a_finger_that_rests_on_enter_does_not_redeem(counter: Counter, card: str) -> None:
    """The key repeats itself after half a second, long after the card was looked up."""
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    for _ in range(3):
        held = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", True)
        QApplication.sendEvent(counter.page.entry, held)
    assert counter.jobs.idle
    counter.enter()
    counter.says("已核销")


def test_the_enter_that_answers_a_question_twice_does_not_redeem(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    counter.page.name_place()
    counter.wait(lambda: QApplication.activeModalWidget() is not None)
    counter.bot.keyClick(QApplication.activeModalWidget(), Qt.Key.Key_Return)
    counter.page.activateWindow()
    counter.wait(counter.page.entry.hasFocus)
    counter.enter()
    counter.wait(lambda: counter.jobs.idle)
    assert counter.services.redemptions.last() == []
    counter.later(1)
    counter.enter()
    counter.says("已核销")


@pytest.mark.expects_log("a job crashed$")
def test_after_a_fault_the_counter_goes_on(counter: Counter, card: str, vault: OpenVault) -> None:
    crashes: list[Exception] = []
    counter.jobs.crashed.connect(crashes.append)
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    rename(vault, "card", "card_away")
    counter.enter()
    counter.wait(lambda: crashes)
    rename(vault, "card_away", "card")
    counter.later(4)
    counter.scan(card)
    counter.later(1)
    counter.says("可用")
    counter.enter()
    counter.says("已核销")


def test_a_scanner_that_ends_with_two_enters_does_not_redeem(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.enter()
    counter.says("可用")
    counter.enter()
    counter.wait(lambda: counter.jobs.idle)
    assert counter.services.redemptions.last() == []


def test_a_used_card_says_when_and_where(counter: Counter, card: str) -> None:
    used = counter.services.redemptions.redeem(card, place="前台")
    counter.scan(card)
    counter.says("已使用", "上次使用", "前台")
    assert used.remaining_minor == 0
    assert not counter.page.redeem_button.isVisible()
    counter.later(1)
    counter.enter()
    assert counter.jobs.idle


def test_a_part_is_asked_for_by_f4_and_leaves_the_rest(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_F4)
    assert counter.page.amount.hasFocus()
    counter.enter()
    assert counter.page.part_error.text()
    counter.bot.keyClicks(counter.page.amount, "88.5")
    counter.enter()
    counter.says("已核销", "¥88.50", "¥111.50")
    assert counter.page.entry.hasFocus()


def test_a_voucher_gives_one_use_and_says_how_many_are_left(counter: Counter) -> None:
    batch_id = batch_of(counter.services, "exchange")
    counter.services.cloud.sync()
    counter.scan(counter.code(batch_id))
    counter.says("可用", "3 次")
    counter.later(1)
    counter.enter()
    counter.says("已核销", "1 次", "还剩 2 次")


def test_frozen_voided_and_unknown_are_told_apart(counter: Counter) -> None:
    batch_id = batch_of(counter.services)
    ids = counter.services.cards.ids(CardFilter(batch_id=batch_id), descending=False)
    counter.services.cards.void(ids[1], reason="丢失")
    counter.services.cloud.sync()
    counter.services.batches.freeze(batch_id)
    counter.services.cloud.sync()
    shown = set()
    for typed, word in (
        (counter.code(batch_id), "已冻结"),
        (counter.code(batch_id, 1), "已作废"),
        ("NOPE", "查无此卡"),
        (last_sign_changed(counter.code(batch_id)), "卡密输错了"),
    ):
        counter.scan(typed)
        counter.says(word)
        band = counter.page.band.shown
        shown.add((band.word, band.symbol))
        assert not band.yes
    assert len(shown) == 4


def last_sign_changed(code: str) -> str:
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def test_a_batch_that_never_left_says_so(counter: Counter) -> None:
    counter.scan(counter.code(batch_of(counter.services)))
    counter.says("尚未上传")


def test_without_a_line_the_screen_says_that_nothing_can_be_redeemed(qtbot: QtBot, services: Services) -> None:
    counter = Counter(qtbot, services)
    counter.scan(counter.code(batch_of(services)))
    counter.says("离线", "租约", "中秋", "没有核销")
    assert "离线" in counter.page.bar.words.text()
    assert counter.page.bar.sync_button.isVisible()
    assert not counter.page.redeem_button.isVisible()
    counter.enter()
    counter.scan("0000-0000-0000-0000-0000")
    counter.says("离线，未知")
    counter.scan("0000-0000-0000-0000-0001")
    counter.says("输错", "校验位")
    counter.jobs.stop()


def test_while_the_endpoint_hears_what_it_missed_the_screen_says_so_and_nothing_is_queued(
    counter: Counter, card: str
) -> None:
    with opened(str(counter.services.cloud._embedded.database)) as store:
        store.write_now(lambda transaction: epochs.begin_anew(transaction, now_ms(), cause="operator"))
    counter.scan(card)
    counter.says("暂不能核销", "备份")
    assert "其他电脑上同步" in counter.page.banner.words.text()
    assert not counter.page.redeem_button.isVisible()
    assert counter.services.cloud.status().pending == 0


def test_the_last_use_is_undone_with_a_reason_by_keyboard(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    counter.enter()
    counter.says("已核销")
    counter.page._reload()
    counter.wait(lambda: counter.page.recent.undoable is not None)
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, UndoDialog)
    counter.bot.keyClick(dialog.reason, Qt.Key.Key_Return)
    assert dialog.form.fields["reason"].error.text()
    QApplication.clipboard().setText("wrong card " * 300)  # more than the endpoint takes
    dialog.reason.paste()
    counter.bot.keyClick(dialog.reason, Qt.Key.Key_Return)
    counter.says("已撤销")
    assert counter.services.redemptions.look(card).remaining_minor == 20_000
    counter.wait(lambda: counter.page.focusWidget() is counter.page.entry)
    counter.wait(lambda: counter.page.recent.undoable is None)


def test_typing_anywhere_on_the_page_lands_in_the_field(counter: Counter) -> None:
    counter.page.place_button.setFocus()
    counter.bot.keyClicks(counter.page.place_button, "ab")
    assert counter.page.entry.text() == "ab"
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_Escape)
    assert counter.page.entry.text() == ""


def test_the_place_has_a_name_that_is_kept(counter: Counter) -> None:
    counter.page.name_place()
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    dialog.place.setText("西湖店")  # type: ignore[attr-defined]
    dialog.accept()  # type: ignore[attr-defined]
    counter.wait(lambda: counter.services.settings.get("counter.place") == "西湖店")
    counter.page._ask_place()
    counter.wait(lambda: counter.page.place_button.text() == "西湖店")


def test_the_last_uses_say_whose_card_it_was_and_what_it_is_good_for(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.says("可用")
    counter.later(1)
    counter.enter()
    counter.says("已核销")
    counter.page.recent.stale.emit()
    counter.wait(lambda: counter.page.recent.uses)
    use = counter.page.recent.uses[0]
    assert (use.product, use.holder, use.amount_minor) == ("中秋福利卡", "", 20_000)
    labels = counter.page.recent.findChildren(QLabel)
    assert {one.property("role") for one in labels if one.text() in ("中秋福利卡", "已核销")} == {"label"}, "one size"
    words = [one.text() for one in labels]
    assert words[words.index("时间") :][:7] == ["时间", "卡号", "商品", "持有人", "金额", "类型", "地点"]
    assert {"中秋福利卡", "¥200.00", "已核销"} <= set(words)


def test_a_mistyped_part_marks_its_field_until_it_is_typed_again(counter: Counter, card: str) -> None:
    counter.scan(card)
    counter.says("可用")
    counter.page.take_part()
    counter.page.redeem()
    assert counter.page.part_error.text()
    assert counter.page.amount.property("kind") == "error"
    counter.bot.keyClicks(counter.page.amount, "0")
    assert not counter.page.part_error.text()
    counter.page.redeem()  # nothing is no amount either
    assert counter.page.part_error.text()
    assert counter.page.amount.property("kind") == "error"
    counter.bot.keyClicks(counter.page.amount, "5")
    assert not counter.page.part_error.text()
    assert counter.page.amount.property("kind") == ""


def test_long_names_in_the_last_uses_end_with_an_ellipsis_and_rows_stay_whole(counter: Counter) -> None:
    theme().choose("light")  # words are smaller than bare ones
    services, place = counter.services, "西湖文化广场店二楼前台靠窗的那一台"
    spec = ProductSpec("中秋团圆福利卡（含月饼券与茶礼）全国通用版", "fixed", "stored_value", face_minor=20_000)
    batch_id = services.batches.generate(BatchSpec(services.catalog.add(spec), 5, "STANDARD"))
    services.cloud.sync()
    for at in range(2):
        services.redemptions.redeem(counter.code(batch_id, at), place=place)
    counter.page.resize(*LEAST_ROOM)
    counter.page.recent.stale.emit()
    counter.wait(lambda: len(counter.page.recent.uses) == 2)
    QApplication.processEvents()
    long = [one for one in counter.page.recent.findChildren(ElidedLabel) if one.text() in (spec.name, place)]
    assert len(long) == 4
    assert all(one.cut and one.width() >= 64 for one in long)
    area = counter.page.recent.findChild(QScrollArea)
    assert area.horizontalScrollBar().maximum() == 0, "no column is pushed out"
    last = max(long, key=lambda one: one.mapTo(area, one.rect().bottomLeft()).y())
    assert last.mapTo(area, last.rect().bottomLeft()).y() < area.viewport().height(), "two rows are seen whole"


def test_a_column_of_the_last_uses_in_which_nothing_stands_keeps_no_room(counter: Counter) -> None:
    theme().choose("light")
    services = counter.services
    spec = ProductSpec("中秋团圆福利卡（全国通用）", "fixed", "stored_value", face_minor=20_000)
    batch_id = services.batches.generate(BatchSpec(services.catalog.add(spec), 5, "STANDARD"))
    services.cloud.sync()
    services.redemptions.redeem(counter.code(batch_id))
    counter.page.resize(*LEAST_ROOM)
    counter.page.recent.stale.emit()
    counter.wait(lambda: len(counter.page.recent.uses) == 1)
    QApplication.processEvents()
    (product,) = [one for one in counter.page.recent.findChildren(ElidedLabel) if one.text() == spec.name]
    assert not product.cut


def test_a_place_with_a_long_name_leaves_the_rest_of_the_head_its_room(counter: Counter) -> None:
    theme().choose("light")
    place = "西湖文化广场店二楼前台靠窗的那一台收银机旁边" * 2 + "R&D"
    counter.services.settings.put("counter.place", place)
    counter.page._ask_place()
    counter.wait(lambda: counter.page.place == place)
    counter.page.resize(*LEAST_ROOM)
    QApplication.processEvents()
    button, head = counter.page.place_button, counter.page.header
    assert button.text().endswith("\u2026")
    assert button.width() < LEAST_ROOM[0] / 2
    assert (button.toolTip(), button.accessibleName()) == (place, place)
    assert not head.line.cut
