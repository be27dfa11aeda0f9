"""The detail page after a day of trouble: each failure with its words and its repair, reminders, protected files."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pyzipper
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from sqlalchemy import update

from app.models.base import now
from app.models.distribution import Delivery
from app.models.people import Person
from app.services import Services
from app.services.distribution import DeliveryRow, DistributionSpec
from app.services.vault.vaults import OpenVault
from app.topics import Topic
from app.views.distribution.address_dialog import AddressDialog
from app.views.distribution.change_dialog import ChangeChannelDialog
from app.views.distribution.remind_dialog import RemindDialog
from app.views.distribution.runs import DueRuns
from app.views.distribution.trial_dialog import TrialDialog
from app.views.distribution.zip_password import ZipPasswordDialog
from tests.app.services.mail_peer import MailPeer
from tests.drivers.distribution import DistributionDriver
from tests.drivers.focus import faults

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def staff(services: Services, roster: Path) -> tuple[int, ...]:
    services.people.store(services.people.check(services.people.stage(roster)))
    return tuple(services.people.ids()[:8])


def addresses(services: Services, staff: tuple[int, ...]) -> list[str]:
    return [str(services.people.contact(person).email) for person in staff]


def rows(driver: DistributionDriver, run: int) -> list[DeliveryRow]:
    service = driver.services.distribution
    return service.deliveries_of(service.delivery_ids(run))


def show(driver: DistributionDriver, run: int) -> None:
    driver.page.show_detail(run)
    driver.settled()
    driver.wait(lambda: driver.page.detail.table.rows.row_at(0) is not None)


def in_drawer(driver: DistributionDriver, delivery: int) -> tuple[set[str], dict[str, QPushButton]]:
    """Words and buttons of one delivery."""
    drawer = driver.page.detail.drawer
    driver.page.detail.open_record(delivery)
    driver.settled()
    driver.wait(drawer.isVisible)
    buttons = {made.text(): made for made in drawer.findChildren(QPushButton) if made.isVisible()}
    return {label.text() for label in drawer.findChildren(QLabel) if label.isVisible()}, buttons


@pytest.fixture
def run(mailing: DistributionDriver, mails: MailPeer, card: int, staff: tuple[int, ...]) -> int:
    """Eight mails: the third address does not exist, the fifth line broke."""
    third, fifth = addresses(mailing.services, staff)[2], addresses(mailing.services, staff)[4]
    mails.at_rcpt[third] = "550 5.1.1 no such user"
    mails.hangs_up_for.add(fifth)
    run = mailing.services.distribution.prepare(DistributionSpec(card, staff, "email", "中秋"))
    mailing.services.distribution.deliver(run)
    return run


def test_a_refused_address_is_told_in_the_servers_words_and_mended_in_place(
    mailing: DistributionDriver, mails: MailPeer, run: int, staff: tuple[int, ...]
) -> None:
    show(mailing, run)
    failed = rows(mailing, run)[2]
    words, buttons = in_drawer(mailing, failed.id)
    assert any("邮件服务器原话：550 5.1.1 no such user" in text for text in words)
    buttons["改邮箱"].click()
    asked = mailing.asked(AddressDialog)
    assert asked.entry.text() == addresses(mailing.services, staff)[2]
    asked.entry.setText("nobody")
    asked.verb_button.click()
    mailing.settled()
    assert asked.form.fields["email"].error.text()
    asked.entry.setText("right@corp.example")
    asked.verb_button.click()
    mailing.settled()
    mailing.wait(lambda: mails.receivers[-1] == "right@corp.example")
    mailing.wait(lambda: mailing.services.distribution.distribution(run).sent == 7)
    assert mailing.services.people.contact(staff[2]).email == "right@corp.example"


def test_a_run_that_lacks_a_mail_server_leads_to_where_it_is_set_up(mailing: DistributionDriver, run: int) -> None:
    mailing.services.settings.put("mail.server", {})
    show(mailing, run)
    wanted: list[tuple[str, object]] = []
    mailing.page.page_wanted.connect(lambda key, what: wanted.append((key, what)))
    (again,) = (made for made in mailing.page.detail.findChildren(QPushButton) if made.text() == "重发失败的")
    QTest.mouseClick(again, Qt.MouseButton.LeftButton)
    mailing.settled()
    banner = mailing.page.detail.banner
    mailing.wait(banner.isVisible)
    assert banner.act.text() == "设置邮件"
    QTest.mouseClick(banner.act, Qt.MouseButton.LeftButton)
    assert wanted == [("settings", "mail")]


def test_chosen_ones_go_on_paper_with_the_letter_m(
    mailing: DistributionDriver, mails: MailPeer, run: int, out: Path
) -> None:
    show(mailing, run)
    table = mailing.page.detail.table
    table.setFocus()
    table.go_to_row(2)
    mailing.key(Qt.Key.Key_M)
    asked = mailing.asked(ChangeChannelDialog)
    assert list(asked.choices) == ["print", "file"]
    asked.folder.setText(str(out / "gone"))
    asked.verb_button.click()
    assert asked.form.fields["out_folder"].error.text()
    asked.folder.setText(str(out))
    asked.verb_button.click()
    mailing.settled()
    mailing.wait(lambda: mailing.services.distribution.distribution(run).sent == 7)
    assert sorted(path.suffix for path in out.iterdir()) == [".pdf", ".pdf"]
    assert rows(mailing, run)[2].channel == "print"
    assert mailing.services.distribution.distribution(run).channels == ("print", "email")


def test_a_doubtful_mail_is_sent_again_only_after_a_question(
    mailing: DistributionDriver, mails: MailPeer, run: int, staff: tuple[int, ...]
) -> None:
    show(mailing, run)
    mails.hangs_up_for.clear()
    words, buttons = in_drawer(mailing, rows(mailing, run)[4].id)
    assert any("可能已送到" in text for text in words)
    buttons["重发"].click()
    mailing.dialog.verb_button.click()
    mailing.settled()
    mailing.wait(lambda: mailing.services.distribution.distribution(run).uncertain == 0)
    assert mails.receivers.count(addresses(mailing.services, staff)[4]) == 2


def test_what_is_held_back_is_only_put_in_line(
    mailing: DistributionDriver, mails: MailPeer, card: int, staff: tuple[int, ...]
) -> None:
    """A pause is a pause: mending one does not send the others."""
    service, all_of_them = mailing.services.distribution, addresses(mailing.services, staff)
    mails.at_rcpt[all_of_them[0]] = "550 5.1.1 no such user"
    run = service.prepare(DistributionSpec(card, staff, "email", "中秋"))
    mails.on_data = lambda receiver: service.pause(run) if receiver == all_of_them[2] else None
    service.deliver(run)
    mails.at_rcpt.clear()
    show(mailing, run)
    mailing.page.detail.retry_button.click()
    mailing.settled()
    row = service.distribution(run)
    assert (row.sent, row.prepared, row.failed) == (2, 6, 0)
    mailing.page.detail.panel.go_on_button.click()
    mailing.settled()
    mailing.wait(lambda: service.distribution(run).sent == 8)
    assert Counter(mails.receivers) == Counter(all_of_them)


def test_a_mistake_in_the_reason_filter_finds_its_rows(mailing: DistributionDriver, run: int) -> None:
    show(mailing, run)
    detail = mailing.page.detail
    assert [detail.reason_box.itemData(at) for at in range(detail.reason_box.count())] == [
        "",
        "connection-lost",
        "recipient-refused",
    ]
    detail.reason_box.setCurrentIndex(2)
    mailing.settled()
    assert (detail.table.count, detail.chips.keys()) == (1, ["reason"])
    detail.chips.remove("reason")
    mailing.settled()
    assert detail.table.count == 8


def test_everybody_who_has_not_opened_it_is_reminded_from_one_dialog(
    mailing: DistributionDriver, vault: OpenVault, mails: MailPeer, run: int
) -> None:
    show(mailing, run)
    detail = mailing.page.detail
    assert not detail.remind_button.isVisible()
    with vault.database.write(Topic.DISTRIBUTIONS) as session:
        sent = update(Delivery).where(Delivery.sent_at.is_not(None))
        session.execute(sent.values(sent_at=now() - timedelta(days=4)))
    mailing.wait(detail.remind_button.isVisible)
    assert detail.remind_button.text() == "催领 6"
    detail.remind_button.click()
    asked = mailing.asked(RemindDialog)
    mailing.wait(lambda: asked.verb_button.text() == "催领 6 人")
    asked.activateWindow()
    mailing.wait(asked.isActiveWindow)
    asked.subject.setFocus()
    assert faults(asked) == []
    asked.text.setPlainText("{nme}")
    assert not asked.verb_button.isEnabled()
    assert asked.flaws.isVisible()
    asked.text.setPlainText("{name}，{product}还在等你：{link}")
    before = len(mails.receivers)
    asked.verb_button.click()
    mailing.settled()
    assert len(mails.receivers) - before == 6
    assert mails.arrived[-1]["In-Reply-To"]
    mailing.wait(lambda: not detail.remind_button.isVisible())
    words, _ = in_drawer(mailing, rows(mailing, run)[0].id)
    assert "催领 1 次" in words


def test_a_protected_file_asks_for_its_password_when_it_goes_on(
    driver: DistributionDriver, services: Services, card: int, staff: tuple[int, ...], out: Path
) -> None:
    spec = DistributionSpec(card, staff, "file", "中秋", out_folder=out, protected=True)
    run = services.distribution.prepare(spec)
    driver.page.show_detail(run)
    driver.settled()
    panel = driver.page.detail.panel
    assert panel.heading.text() == "等待输入文件密码"
    panel.go_on_button.click()
    asked = driver.asked(ZipPasswordDialog)
    asked.field.entry.setText("abc")
    asked.verb_button.click()
    assert asked.mistake.isVisible()
    asked.field.entry.setText("松柏之茂-7K3Q")
    asked.verb_button.click()
    driver.settled()
    driver.wait(lambda: services.distribution.distribution(run).sent == 8)
    (made,) = out.iterdir()
    with pyzipper.AESZipFile(made) as bundle:
        bundle.setpassword("松柏之茂-7K3Q".encode())
        assert bundle.testzip() is None


def test_a_planned_file_without_its_password_waits_and_says_so_once(
    driver: DistributionDriver, services: Services, card: int, staff: tuple[int, ...], out: Path
) -> None:
    soon = datetime.now(UTC) - timedelta(minutes=1)
    spec = DistributionSpec(card, staff, "file", "中秋", out_folder=out, protected=True, scheduled_at=soon)
    run = services.distribution.prepare(spec)
    refused: list[object] = []
    driver.jobs.refused.connect(refused.append)
    due = DueRuns(services.distribution, driver.jobs)
    due.look()
    driver.settled()
    driver.wait(lambda: len(refused) == 1)
    due.look()
    driver.settled()
    told = [job for job in driver.jobs.jobs() if "中秋" in job.title]
    assert (len(told), len(refused)) == (1, 1)
    assert list(out.iterdir()) == []
    assert services.distribution.distribution(run).state == "prepared"
    assert [todo.key for todo in services.home.today().todos if todo.page == "distribution"] == ["password"]


def test_a_paused_distribution_stands_on_the_first_page(
    driver: DistributionDriver, services: Services, card: int, staff: tuple[int, ...], out: Path
) -> None:
    run = services.distribution.prepare(DistributionSpec(card, staff, "file", "中秋", out_folder=out))
    services.distribution.wake()
    todos = [todo for todo in services.home.today().todos if todo.page == "distribution"]
    assert [(todo.key, todo.count, todo.wanted) for todo in todos] == [("paused", 1, run)]


def test_a_mail_is_tried_out_before_anybody_gets_one(
    mailing: DistributionDriver, mails: MailPeer, roster: Path, card: int, out: Path
) -> None:
    mailing.reach_channel(roster, card, out)
    mailing.take_channel("email")
    form = mailing.wizard.channel.mail
    form.text.setPlainText("{nme} {link}")
    assert form.body_flaws.words == ["{nme}：没有这个字段：会原样发出去"]
    assert not form.trial_button.isEnabled()
    form.subject.setText("{link}")
    assert form.subject_flaws.isVisible()
    form.subject.setText("{merchant}：{product}")
    form.text.setPlainText("{name}，{link}")
    assert not form.body_flaws.isVisible()
    name = form.whose.text()
    mailing.key(Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    asked = mailing.asked(TrialDialog)
    assert asked.entry.text() == "cards@shop.example"
    asked.entry.setText("hr@corp.example")
    mails.at_rcpt["hr@corp.example"] = "550 5.7.1 relaying denied"
    asked.verb_button.click()
    mailing.settled()
    mailing.wait(asked.banner.isVisible)
    assert "550 5.7.1 relaying denied" in asked.banner.words.text()
    mails.at_rcpt.clear()
    asked.verb_button.click()
    mailing.settled()
    mailing.wait(lambda: mails.receivers == ["hr@corp.example"])
    assert mails.arrived[0]["Subject"].startswith("【试发】")
    assert name in mails.arrived[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mailing.services.distribution.distributions() == []
    mailing.wait(lambda: QApplication.activeModalWidget() is None)
    form.try_out()
    assert mailing.asked(TrialDialog).entry.text() == "hr@corp.example"
    mailing.dismiss()


def test_a_missing_phone_number_is_typed_where_it_lacks(
    mailing: DistributionDriver, vault: OpenVault, mails: MailPeer, card: int, staff: tuple[int, ...]
) -> None:
    with vault.database.write(Topic.PEOPLE) as session:
        session.get_one(Person, staff[0]).phone = None
    run = mailing.services.distribution.prepare(DistributionSpec(card, staff[:1], "email", "中秋"))
    show(mailing, run)
    _, buttons = in_drawer(mailing, rows(mailing, run)[0].id)
    buttons["改手机号"].click()
    asked = mailing.asked(AddressDialog)
    asked.entry.setText("13900139000")
    asked.verb_button.click()
    mailing.settled()
    mailing.wait(lambda: len(mails.receivers) == 1)
