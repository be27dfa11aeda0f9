"""The counter with a lease, with a line and without one: what it says, what it redeems, what it takes back."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from sqlalchemy import update

from app.errors import EndpointUnreachable, RedemptionRefused
from app.models.base import now
from app.models.lease import Lease
from app.models.setting import Setting
from app.services import Services
from app.services.redemptions import Verdict
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.counter.dialogs import UndoDialog
from app.views.counter.lease_bar import NOTHING
from app.views.counter.lease_dialog import LeaseDialog
from app.views.counter.over_limit import OverLimitDialog
from app.views.counter.verdicts import error_shown, verdict_shown
from app.views.theme import theme
from app.views.widgets.dialog import ConfirmDialog
from app.words import set_language
from sync.client import new_incarnation
from tests.app.conftest import PASSPHRASE
from tests.drivers.counter import LEAST_ROOM, Counter
from tests.drivers.online import EVENING, a_code, leased_without_a_line, sealed_batch


@pytest.fixture
def batch(online: Services) -> int:
    """Sealed: twenty cards of 200 yuan."""
    return sealed_batch(online)


@pytest.fixture
def counter(qtbot: QtBot, online: Services, vault: OpenVault, batch: int) -> Iterator[Counter]:
    made = Counter(qtbot, online, vault)
    yield made
    made.jobs.stop()


@pytest.fixture
def leased(counter: Counter, batch: int) -> str:
    """Over the first ten cards, and no line any more."""
    lease = counter.services.leases.take(batch, until=now() + EVENING, count=10)
    counter.services.cloud.stop_embedded()
    bar_says(counter, "10 张")
    return lease.id


def bar_says(counter: Counter, *words: str) -> None:
    counter.wait(lambda: all(word in counter.page.bar.words.text() for word in words))


def recent(counter: Counter) -> list[str]:
    return [one.text() for one in counter.page.recent.findChildren(QLabel)]


def redeem(counter: Counter, code: str) -> None:
    counter.scan(code)
    counter.says("可用")
    counter.later(1)
    counter.enter()
    counter.says("已核销")
    counter.later(4)


def test_cards_are_leased_and_given_back_by_keyboard(counter: Counter, batch: int) -> None:
    bar_says(counter, "没有租用的卡")
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_L, keys)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, LeaseDialog)
    counter.wait(lambda: dialog.verb_button.text() == "租用 20 张")
    assert dialog.batch.hasFocus()
    counter.bot.keyClick(dialog.batch, Qt.Key.Key_Tab)
    counter.bot.keyClick(dialog.which, Qt.Key.Key_Down)
    counter.wait(dialog.first.isVisible)
    counter.bot.keyClick(dialog.which, Qt.Key.Key_Tab)
    assert dialog.first.hasFocus()
    dialog.first.selectAll()
    counter.bot.keyClicks(dialog.first, "6")
    counter.bot.keyClick(dialog.first, Qt.Key.Key_Tab)
    dialog.count.selectAll()
    counter.bot.keyClicks(dialog.count, "12")
    assert "6 至 17" in dialog.consequence.text()
    counter.bot.keyClick(dialog.count, Qt.Key.Key_Return)
    bar_says(counter, "12 张", "租约至")
    (row,) = counter.services.leases.leases()
    assert (row.first_no, row.cards) == (6, 12)
    counter.page.activateWindow()
    counter.wait(counter.page.entry.hasFocus)
    counter.page.bar.back_button.setFocus()
    counter.bot.keyClick(counter.page.bar.back_button, Qt.Key.Key_Space)
    counter.wait(lambda: isinstance(QApplication.activeModalWidget(), ConfirmDialog))
    counter.bot.keyClick(QApplication.activeModalWidget(), Qt.Key.Key_Return)
    bar_says(counter, "没有租用的卡")
    counter.wait(lambda: counter.services.leases.leases() == [])


def test_a_lease_that_is_refused_says_why_and_the_dialog_stays(counter: Counter, batch: int) -> None:
    counter.page.bar.take()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, LeaseDialog)
    counter.wait(lambda: dialog.verb_button.isEnabled())
    counter.services.leases.take(batch, until=now() + EVENING, count=1)  # somebody was quicker
    dialog.take()
    counter.wait(dialog.banner.isVisible)
    assert "租" in dialog.banner.words.text()
    counter.wait(dialog.verb_button.isEnabled)
    dialog.which.setCurrentIndex(1)
    dialog.first.setValue(2)
    dialog.count.setValue(20)
    assert "只到第 20 张" in dialog.consequence.text(), "cards that are not there are not promised"
    dialog.take()
    assert "20" in dialog.form.fields["count"].error.text()
    dialog.count.setValue(19)
    dialog.how_long.setCurrentIndex(2)
    dialog.time.setMaximumDateTime(dialog.time.dateTime().addDays(30))
    dialog.time.setDateTime(dialog.time.dateTime().addDays(9))
    dialog.take()
    assert "7 天" in dialog.form.fields["time"].error.text()
    counter.services.cloud.stop_embedded()
    dialog.how_long.setCurrentIndex(1)
    dialog.take()
    counter.wait(lambda: "连不上" in dialog.banner.words.text())
    dialog.reject()


def test_only_cards_that_are_free_are_offered(counter: Counter, batch: int) -> None:
    counter.services.leases.take(batch, until=now() + EVENING, first_no=4, count=3)
    counter.page.bar.take()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, LeaseDialog)
    counter.wait(lambda: dialog.verb_button.text() == "租用 14 张")
    assert dialog.span == (7, 14)
    dialog.reject()


def test_a_leased_card_is_redeemed_without_a_line_and_waits_for_upload(
    counter: Counter, batch: int, leased: str
) -> None:
    counter.scan(counter.code(batch))
    counter.says("可用", "¥200.00", "租约在本机", "离线可核销")
    counter.later(1)
    counter.enter()
    counter.says("已核销", "凭证号", "待上传")
    counter.wait(lambda: "已核销 · 待上传" in recent(counter))
    bar_says(counter, "9 张", "1 笔待上传 ¥200")
    counter.services.cloud.start_embedded()
    counter.services.cloud.sync()
    counter.wait(lambda: "已核销" in recent(counter))
    counter.wait(lambda: "待上传" not in counter.band)
    assert "凭证号" in counter.band
    counter.wait(lambda: "待上传" not in counter.page.bar.words.text())


def test_the_last_use_is_undone_without_a_line_by_keyboard(counter: Counter, batch: int, leased: str) -> None:
    redeem(counter, counter.code(batch))
    counter.wait(lambda: counter.page.recent.undoable is not None)
    counter.bot.keyClick(counter.page.entry, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, UndoDialog)
    dialog.reason.setText("扫错")
    counter.bot.keyClick(dialog.reason, Qt.Key.Key_Return)
    counter.says("已撤销", "¥200.00", "待上传")
    counter.wait(lambda: "已撤销 · 待上传" in recent(counter))
    bar_says(counter, "10 张")


def test_without_a_line_the_screen_says_which_of_three_it_is(counter: Counter, batch: int, leased: str) -> None:
    counter.scan(counter.code(batch, 15))
    counter.says("离线", "不在本机租约内", "没有核销")
    bar_says(counter, "离线", "可离线核销 10 张", "本班已用 0/20 笔 ¥0/¥2,000")
    assert not counter.page.redeem_button.isVisible()
    counter.scan("0000-0000-0000-0000-0000")
    counter.says("离线，未知")
    counter.services.leases.give_back(leased)
    bar_says(counter, "离线", "没有租约")
    counter.scan(counter.code(batch))
    counter.says("离线", "本机没有租约")


def test_a_sync_that_fails_turns_the_bar_and_one_that_works_turns_it_back(counter: Counter, leased: str) -> None:
    with pytest.raises(EndpointUnreachable):
        counter.services.cloud.sync()
    bar_says(counter, "离线")
    counter.services.cloud.start_embedded()
    counter.services.cloud.sync()
    bar_says(counter, "已租用 10 张")
    assert not counter.page.bar.sync_button.isVisible()


def test_beyond_the_limit_the_counter_refuses_and_shows_the_way(counter: Counter, batch: int, leased: str) -> None:
    counter.services.settings.put("counter.offline_uses", 1)
    redeem(counter, counter.code(batch))
    counter.scan(counter.code(batch, 1))
    counter.says("额度已满", "联网")
    assert not counter.page.redeem_button.isVisible()
    counter.wait(counter.page.bar.sync_button.isVisible)
    wanted: list[str] = []
    counter.page.page_wanted.connect(lambda key, _: wanted.append(key))
    counter.page.bar.sync_button.click()
    assert wanted == ["sync"]


def over_limit(counter: Counter) -> OverLimitDialog:
    """The question for the manager's PIN that stands in front."""
    counter.wait(lambda: isinstance(QApplication.activeModalWidget(), OverLimitDialog))
    front = QApplication.activeModalWidget()
    assert isinstance(front, OverLimitDialog)
    return front


def test_beyond_the_limit_a_manager_goes_on_with_the_pin(counter: Counter, batch: int, leased: str) -> None:
    counter.services.leases.pin.put("270815", passphrase=PASSPHRASE)
    counter.services.leases.limit(uses=1, minor=200_000, pin="270815")
    counter.wait(lambda: counter.page.bar.standing.pin and counter.page.bar.standing.most_uses == 1)
    redeem(counter, counter.code(batch))
    counter.scan(counter.code(batch, 1))
    counter.says("额度已满", "管理员 PIN")
    counter.later(1)
    counter.enter()
    dialog = over_limit(counter)
    counter.bot.keyClicks(dialog.pin, "1234")
    counter.bot.keyClick(dialog.pin, Qt.Key.Key_Return)
    counter.wait(lambda: "4" in dialog.form.fields["pin"].error.text())
    assert dialog.pin.text() == ""
    counter.bot.keyClicks(dialog.pin, "270815")
    counter.bot.keyClick(dialog.pin, Qt.Key.Key_Return)
    counter.says("已核销", "¥200.00", "待上传")
    counter.wait(lambda: counter.page.focusWidget() is counter.page.entry)


def test_an_amount_beyond_the_limit_asks_for_the_pin_and_esc_redeems_nothing(
    counter: Counter, batch: int, leased: str
) -> None:
    counter.services.leases.limit(uses=20, minor=10_000)
    counter.services.leases.pin.put("270815", passphrase=PASSPHRASE)
    counter.wait(lambda: counter.page.bar.standing.pin)
    counter.scan(counter.code(batch))
    counter.says("可用")
    counter.later(1)
    counter.enter()
    dialog = over_limit(counter)
    counter.bot.keyClick(dialog.pin, Qt.Key.Key_Escape)
    counter.wait(lambda: counter.page.focusWidget() is counter.page.entry)
    assert counter.services.leases.standing().uses == 0
    counter.says("可用")


def test_a_lease_that_ran_out_is_given_back_with_one_press(
    counter: Counter, vault: OpenVault, batch: int, leased: str
) -> None:
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).values(until=now()))
    bar_says(counter, "租约已到期")
    counter.services.cloud.start_embedded()
    counter.scan(counter.code(batch))
    counter.says("租约已到期", "归还")
    counter.page.bar.back_button.click()
    bar_says(counter, "没有租用的卡")
    counter.later(4)
    redeem(counter, counter.code(batch))
    assert "待上传" not in counter.band


def test_a_card_that_somebody_else_has_leased_leads_to_the_leases(
    counter: Counter, vault: OpenVault, batch: int, leased: str
) -> None:
    with vault.database.write(Topic.LEASES) as session:
        session.merge(Setting(key="vault.incarnation", value=new_incarnation()))
    counter.services.cloud.start_embedded()
    counter.scan(counter.code(batch))
    counter.says("租给别处", "还原之前的本机")
    wanted: list[str] = []
    counter.page.page_wanted.connect(lambda key, _: wanted.append(key))
    counter.page.bar.leases_button.click()
    assert wanted == ["leases"]
    counter.scan(counter.code(batch, 15))
    counter.says("可用")
    assert not counter.page.bar.leases_button.isVisible()


def test_every_verdict_has_an_icon_and_a_word_of_its_own() -> None:
    reasons = ("no-lease", "shift-limit", "lease-over", "card-leased", "card-spent", "card-expired", "card-frozen")
    shown = [error_shown(RedemptionRefused(reason)) for reason in reasons]
    assert len({one.word for one in shown}) == len({(one.tone, one.symbol) for one in shown}) == len(reasons)
    assert all(one.lines[0] for one in shown)


def test_a_verdict_without_a_word_of_its_own_says_why() -> None:
    verdict = Verdict("forbidden", "", "", 100, 100, None, None, "", None, "", leased=True)
    assert verdict_shown(verdict, NOTHING).lines == ("本设备的角色不能这样做。请找所有者。",)


def test_nothing_overlaps_in_the_smallest_window(counter: Counter) -> None:
    theme().choose("light")  # parts are larger than bare ones
    page = counter.page
    page.resize(*LEAST_ROOM)
    page.banner.say("info", "x")
    counter.wait(page.banner.isVisible)
    QApplication.processEvents()
    parts = [page.bar, page.banner, page.entry, page.band, page.acts, page.recent]
    edges = [(one.geometry().top(), one.geometry().bottom()) for one in parts]
    assert all(above[1] < below[0] for above, below in pairwise(edges)), edges
    assert page.size().toTuple() == LEAST_ROOM, "a window of its own would grow where parts need more"


def test_without_a_line_and_at_the_limit_the_bar_says_all_of_it_on_one_line_in_the_smallest_window(
    qtbot: QtBot, online: Services, vault: OpenVault
) -> None:
    theme().choose("light")
    set_language("en")
    batch = sealed_batch(online, 120)
    leased_without_a_line(online, batch, count=120)
    online.redemptions.redeem(a_code(online, batch))
    online.settings.put("counter.offline_uses", 1)
    with pytest.raises(EndpointUnreachable):
        online.cloud.sync()
    counter = Counter(qtbot, online, vault)
    counter.page.resize(*LEAST_ROOM)
    bar_says(counter, "119 cards", "until", "1/1 uses", "limit")
    QApplication.processEvents()
    words = counter.page.bar.words
    assert words.heightForWidth(words.width()) < 2 * words.fontMetrics().lineSpacing()
    counter.jobs.stop()


def test_a_clock_that_was_set_back_is_named_as_such_with_what_to_do(
    counter: Counter, vault: OpenVault, batch: int, leased: str
) -> None:
    with vault.database.write(Topic.LEASES) as session:
        session.execute(update(Lease).where(Lease.id == leased).values(taken_at=now() + EVENING))
    counter.scan(counter.code(batch))
    counter.says("时钟不对", "校准")
