"""The second half of the wizard: ways out, times, the receipt."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.batches import BatchSpec
from app.services.catalog import ProductSpec
from app.services.channels.letters import Template
from app.services.vault.vaults import OpenVault
from app.views.distribution.wizard.when import usual_time
from app.views.widgets.toast import Toasts
from app.words import zone
from tests.drivers.distribution import DistributionDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def test_mail_without_an_endpoint_says_so_and_where_to_go(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    driver.reach_channel(roster, card, out)
    driver.take_channel("email")
    channel = driver.wizard.channel
    assert channel.lacking.isVisible()
    with driver.bot.waitSignal(driver.page.page_wanted) as wanted:
        channel.lacking.act.click()
    assert wanted.args == ["sync", None]
    driver.go_on()
    assert driver.step == "渠道"
    assert driver.words


def test_a_planned_distribution_takes_the_cards_and_sends_nothing_yet(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    driver.reach_confirm(roster, card, out)
    driver.back()
    driver.wizard.when.later.setChecked(True)
    driver.go_on()
    driver.settled()
    assert driver.wizard.next_button.text() == "定时发放 27 张卡"
    driver.confirm()
    driver.sent()
    row = driver.services.distribution.distributions()[0]
    assert (row.prepared, row.sent) == (27, 0)
    assert row.scheduled_at is not None
    assert list(out.iterdir()) == []


def test_the_usual_time_is_a_working_day_off_the_hour() -> None:
    friday = datetime(2026, 9, 25, 4, tzinfo=UTC)
    there = usual_time(friday).astimezone(zone())
    assert (there.weekday(), there.hour, there.minute) == (0, 10, 5)


def test_a_protected_file_has_a_password_that_can_be_copied_and_cannot_wait(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    driver.reach_channel(roster, card, out)
    channel = driver.wizard.channel
    channel.protect.setChecked(True)
    driver.settled()
    assert len(channel.zip.entry.text()) == 23
    channel.zip.copy_button.click()
    assert QGuiApplication.clipboard().text() == channel.zip.entry.text()
    driver.go_on()
    assert not driver.wizard.when.later.isEnabled()
    driver.go_on()
    driver.confirm()
    driver.sent()
    assert [path.suffix for path in out.iterdir()] == [".zip"]
    assert driver.services.distribution.distributions()[0].protected


def test_the_receipt_is_written_as_xlsx_and_pdf(
    driver: DistributionDriver, roster: Path, card: int, out: Path, tmp_path: Path
) -> None:
    driver.reach_confirm(roster, card, out)
    driver.confirm()
    driver.sent()
    for ending in ("xlsx", "pdf"):
        driver.wizard.receipt.save(str(tmp_path / f"receipt.{ending}"))
        driver.settled()
        assert (tmp_path / f"receipt.{ending}").stat().st_size > 0
    toasts = driver.page.window().findChild(Toasts)
    assert toasts is not None


def test_a_folder_that_is_gone_stops_before_anything_is_taken(
    driver: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    driver.reach_channel(roster, card, out)
    driver.take_channel("file", out / "gone")
    driver.go_on()
    assert driver.step == "渠道"
    assert driver.words


@pytest.fixture
def mailing(qtbot, services, vault):  # type: ignore[no-untyped-def]
    made = DistributionDriver(qtbot, services, vault, url="https://card.example.cn")
    services.settings.put("mail.server", {"host": "smtp.example.com", "sender": "hr@example.com"})
    yield made
    made.close()


def test_the_mail_is_shown_as_each_person_gets_it(
    mailing: DistributionDriver, services: Services, roster: Path, card: int, out: Path
) -> None:
    mailing.reach_channel(roster, card, out)
    mailing.take_channel("email")
    form = mailing.wizard.channel.mail
    first = form.whose.text()
    assert first in form.letter.text()
    form.next_button.click()
    mailing.settled()
    assert form.whose.text() != first
    assert form.whose.text() in form.letter.text()
    assert "https://card.example.cn/c/" in form.letter.text()


def test_a_mail_without_a_way_to_the_card_is_refused(
    mailing: DistributionDriver, roster: Path, card: int, out: Path
) -> None:
    mailing.reach_channel(roster, card, out)
    mailing.take_channel("email")
    form = mailing.wizard.channel.mail
    form.text.setPlainText("Hello {name}")
    mailing.go_on()
    assert mailing.step == "渠道"
    form.text.setPlainText("Hello {nme} {link}")
    mailing.go_on()
    assert "{nme}" in mailing.words
    form.text.setPlainText("Hello {name} {link}")
    mailing.go_on()
    assert mailing.step == "时间"
    assert mailing.wizard.draft.template == Template(form.subject.text(), "Hello {name} {link}")


def test_where_nobody_can_be_reached_the_last_page_says_so_by_itself(
    mailing: DistributionDriver, card: int, out: Path, tmp_path: Path
) -> None:
    roster = tmp_path / "no-mail.csv"
    roster.write_text("姓名,手机\n张三,13800138000\n李四,13800138001\n", encoding="utf-8")
    mailing.reach_channel(roster, card, out)
    mailing.take_channel("email")
    mailing.go_on()
    mailing.go_on()
    mailing.wait(lambda: mailing.step == "确认" and mailing.wizard.confirm.plan is not None)
    assert mailing.wizard.next_button.text() == "发放"
    error = mailing.wizard.confirm.form.fields["typed"].error
    assert "没有人会收到卡" in error.text()
    mailing.confirm("0")
    assert mailing.step == "确认"
    assert "没有人会收到卡" in error.text()


def test_the_preview_says_until_when_the_card_is_good_that_is_taken_next(
    driver: DistributionDriver, services: Services, roster: Path, out: Path
) -> None:
    """The batch has an end of its own; the product has none."""
    services.settings.put("mail.server", {"host": "smtp.example.com", "sender": "hr@example.com"})
    product_id = services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    end = datetime(2031, 3, 4, 15, 59, 59, tzinfo=UTC)
    services.batches.generate(BatchSpec(product_id, 40, valid_until=end))
    driver.reach_channel(roster, product_id, out)
    driver.take_channel("email")
    form = driver.wizard.channel.mail
    assert "有效至：2031-03-04 23:59:59" in form.letter.text()


def test_what_was_lacking_is_no_longer_asked_for_once_it_is_there(
    driver: DistributionDriver, roster: Path, card: int
) -> None:
    driver.check(roster)
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.settled()
    driver.go_on()
    assert (driver.step, driver.wizard.banner.isVisible()) == ("分配", True)
    assert "7" in driver.words, "cards are missing"
    driver.wizard.assign.limits.shortage.act.click()
    driver.settled()
    assert not driver.wizard.banner.isVisible()


def test_a_product_made_on_another_page_is_there_when_one_comes_back(driver: DistributionDriver, roster: Path) -> None:
    driver.check(roster)
    driver.go_on()
    driver.wait(lambda: driver.step == "分配")
    driver.settled()
    assert driver.wizard.assign.none_yet.isVisible()
    driver.page.hide()  # "New product" goes to the page of products
    product_id = driver.services.catalog.add(ProductSpec("中秋福利卡", "fixed", face_minor=20_000))
    driver.services.batches.generate(BatchSpec(product_id, 40))
    driver.page.show()
    driver.settled()
    assert not driver.wizard.assign.none_yet.isVisible()
    driver.go_on()
    assert driver.step == "渠道"


def test_a_mail_server_set_up_on_another_page_is_known_when_one_comes_back(
    qtbot: QtBot, services: Services, vault: OpenVault, roster: Path, card: int, out: Path
) -> None:
    driver = DistributionDriver(qtbot, services, vault, url="https://c.example.cn")
    try:
        driver.reach_channel(roster, card, out)
        driver.take_channel("email")
        assert driver.wizard.channel.lacking.isVisible()
        driver.page.hide()  # "Set up mail" goes to the settings
        services.settings.put("mail.server", {"host": "127.0.0.1", "port": 2525, "encryption": "none"})
        driver.page.show()
        driver.settled()
        assert not driver.wizard.channel.lacking.isVisible()
    finally:
        driver.close()


def test_products_that_are_all_put_away_are_not_told_as_none(
    driver: DistributionDriver, services: Services, roster: Path, card: int
) -> None:
    asked: list[tuple[str, object]] = []
    driver.wizard.assign.page_wanted.connect(lambda key, wanted: asked.append((key, wanted)))
    services.catalog.archive(card)
    driver.check(roster)
    driver.go_on()
    assign = driver.wizard.assign
    driver.wait(assign.all_away.isVisible)
    assert not assign.none_yet.isVisible()
    assign.all_away.act_button.click()
    assert asked == [("catalog", {"state": "away"})]
