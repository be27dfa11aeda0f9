"""The mail settings over a real server: tried, kept, and the password never shown back or sent elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.channels.email import EmailChannel
from app.views.jobs import JobRunner
from app.views.settings.about import AboutSection, read_notices
from app.views.settings.mail import MailSection
from tests.app.services.mail_peer import mail_peer

PATIENCE_MS = 20_000
Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def wait(qtbot: QtBot) -> Wait:
    return lambda condition: qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.stop()


@pytest.fixture
def section(qtbot: QtBot, services: Services, jobs: JobRunner, wait: Wait) -> MailSection:
    made = MailSection(services.settings, test=EmailChannel().test_connection, jobs=jobs)
    qtbot.addWidget(made)
    made.show()
    wait(lambda: jobs.idle)
    return made


def fill(section: MailSection, host: str = "smtp.firm.example", password: str = "s3cret") -> None:
    section.host.setText(host)
    section.user.setText("hr@firm.example")
    section.password.entry.setText(password)


def test_forgetting_the_server_looks_like_what_it_is(section: MailSection) -> None:
    assert section.remove_button.property("kind") == "danger"


def test_a_server_is_kept_and_its_password_never_comes_back(
    section: MailSection, services: Services, wait: Wait
) -> None:
    fill(section)
    section.save()
    wait(lambda: services.settings.get("mail.server"))
    wait(lambda: not section.password.passphrase)
    assert section.password.entry.placeholderText()
    section.sender_name.setText("某某公司")
    section.save()
    wait(lambda: services.settings.get("mail.server")["sender_name"] == "某某公司")
    assert services.settings.get("mail.server")["password"] == "s3cret"


def test_a_kept_password_does_not_go_to_another_server(section: MailSection, services: Services, wait: Wait) -> None:
    fill(section)
    section.save()
    wait(lambda: services.settings.get("mail.server"))
    wait(lambda: not section.password.passphrase)
    section.host.setText("smtp.elsewhere.example")
    section.test_connection()
    assert section.form.fields["password"].error.text()
    assert section.test_button.isEnabled()


def test_keys_stay_on_the_test_of_the_connection(
    tmp_path: Path, section: MailSection, jobs: JobRunner, wait: Wait
) -> None:
    with mail_peer(tmp_path) as (_, setting, _):
        fill(section, host=str(setting["host"]))
        section.port.setValue(int(setting["port"]))
        section.activateWindow()
        section.test_button.setFocus()
        section.test_button.click()
        section.test_button.click()
        assert section.test_button.hasFocus()
        wait(lambda: jobs.idle)
    assert section.test_button.hasFocus()


def test_a_line_without_encryption_is_refused_under_its_field(
    section: MailSection, services: Services, wait: Wait
) -> None:
    fill(section)
    section.security.setCurrentIndex(section.security.findData("none"))
    assert section.port.value() == 25
    section.save()
    wait(lambda: section.form.fields["security"].error.text())
    assert services.settings.get("mail.server") == {}


def test_the_connection_is_tried_with_what_stands_in_the_form(
    qtbot: QtBot, services: Services, jobs: JobRunner, *, wait: Wait, tmp_path: Path
) -> None:
    with mail_peer(tmp_path) as (_, setting, trust):
        section = MailSection(services.settings, test=EmailChannel(trust).test_connection, jobs=jobs)
        qtbot.addWidget(section)
        section.show()
        wait(lambda: jobs.idle)
        section.host.setText(setting["host"])
        section.security.setCurrentIndex(section.security.findData(setting["security"]))
        section.port.setValue(setting["port"])
        section.user.setText(setting["user"])
        section.sender_address.setText("hr@firm.example")
        section.password.entry.setText(setting["password"])
        section.test_connection()
        wait(section.banner.isVisible)
        assert "登录成功" in section.banner.words.text()
        section.password.entry.setText("wrong")
        section.test_connection()
        wait(lambda: "登录成功" not in section.banner.words.text() and section.banner.isVisible())


def test_every_part_inside_is_listed_with_its_licence(qtbot: QtBot, jobs: JobRunner, wait: Wait) -> None:
    section = AboutSection(jobs=jobs)
    qtbot.addWidget(section)
    section.show()
    wait(lambda: section.list.count() == len(read_notices()))
    assert "PSF" in section.text.toPlainText()
    section.search.setText("lucide")
    wait(lambda: sum(not section.list.item(at).isHidden() for at in range(section.list.count())) == 1)
    assert "ISC" in section.text.toPlainText()
