"""Nobody who still waits is counted as done: after a pause, while links are pushed, while an old link ends."""

import threading
from pathlib import Path

import pytest

from app.errors import EndpointUnreachable
from app.services import Services
from app.services.distribution import DistributionSpec
from app.services.progress import Progress
from app.services.vault.vaults import OpenVault
from app.views.distribution.running import RunPanel
from app.views.distribution.runs import Run
from tests.app.services.distribution.parts import Door
from tests.app.services.mail_peer import MailPeer
from tests.drivers.distribution import DistributionDriver

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

FOUR = [f"p{n}@firm.example" for n in range(4)]


class SlowDoor(Door):
    """Tells how many links it has taken; holds the last answer back, or is away."""

    def __init__(self, vault: OpenVault) -> None:
        super().__init__(vault)
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.away = False

    def push_links(self, distribution_id: int, progress: Progress) -> None:
        if self.away:
            raise EndpointUnreachable("https://card.example.cn")
        for done in range(1, 5):
            progress(done, 4)
            threading.Event().wait(0.15)  # the job is looked at ten times a second
        assert self.may_answer.wait(60)
        super().push_links(distribution_id, progress)


@pytest.fixture
def door(vault: OpenVault) -> SlowDoor:
    return SlowDoor(vault)


@pytest.fixture
def four(tmp_path: Path) -> Path:
    path = tmp_path / "four.csv"
    lines = [f"员工{n},1380013800{n},{address}" for n, address in enumerate(FOUR)]
    path.write_text("\n".join(["姓名,手机,邮箱", *lines]), encoding="utf-8")
    return path


@pytest.fixture
def staff(services: Services, four: Path) -> tuple[int, ...]:
    services.people.store(services.people.check(services.people.stage(four)))
    return tuple(services.people.ids())


def test_a_wizard_that_was_paused_does_not_go_on_to_a_receipt_that_says_all_is_out(
    mailing: DistributionDriver, mails: MailPeer, card: int, four: Path
) -> None:
    service = mailing.services.distribution

    def pause_at_the_third(receiver: str) -> None:
        if receiver == FOUR[2]:
            service.pause(service.distributions()[0].id)

    mails.on_data = pause_at_the_third
    mailing.load(four)
    mailing.go_on()
    mailing.go_on()
    mailing.wait(lambda: mailing.wizard.step is mailing.wizard.check)
    mailing.go_on()
    mailing.take_product(card)
    mailing.go_on()
    mailing.take_channel("email")
    mailing.go_on()
    mailing.go_on()
    mailing.wait(lambda: mailing.wizard.step is mailing.wizard.confirm and mailing.wizard.confirm.plan is not None)
    mailing.confirm()
    panel = mailing.wizard.sending.panel
    mailing.wait(lambda: len(mails.receivers) == 3)
    mailing.settled()
    mailing.wait(panel.go_on_button.isVisible)
    assert mailing.wizard.step is mailing.wizard.sending
    assert panel.words.text() == "3 / 4"
    mailing.go_on()
    mailing.settled()
    receipt = mailing.wizard.receipt
    assert mailing.wizard.step is receipt
    assert receipt.result.text() == "还有 1 人待发。可回到上一页继续，或稍后在列表中继续。"
    away = threading.Event()
    mails.on_data = lambda receiver: away.wait(60)
    mailing.wizard.visit(mailing.wizard.steps.index(mailing.wizard.sending))
    panel.go_on_button.setFocus()
    panel.go_on_button.click()
    assert not panel.cancel_button.hasFocus()
    mailing.wait(panel.pause_button.isVisible)
    assert panel.pause_button.hasFocus(), "and not what cancels the rest"
    away.set()
    mailing.settled()
    mailing.wait(lambda: mailing.wizard.step is receipt)
    mailing.settled()
    assert receipt.result.text() == "全部发出"
    assert sorted(mails.receivers) == FOUR


def test_links_that_are_pushed_are_not_people_who_have_got_theirs(
    mailing: DistributionDriver, door: SlowDoor, card: int, staff: tuple[int, ...]
) -> None:
    service = mailing.services.distribution
    number = service.prepare(DistributionSpec(card, staff, "email", "中秋"))
    door.may_answer.clear()
    run = Run(service, mailing.jobs, title="中秋", distribution_id=number)
    panel = RunPanel(service, jobs=mailing.jobs)
    mailing.bot.addWidget(panel)
    panel.watch(run)
    run.go_on()
    mailing.wait(lambda: run.job is not None and run.job.done == 4 and run.job.speed)
    panel.look()
    mailing.wait(lambda: panel.row is not None)
    assert panel.words.text().startswith("0 / 4")
    door.may_answer.set()
    mailing.settled()
    mailing.wait(lambda: panel.words.text() == "4 / 4")


def test_whoever_waits_for_an_old_link_to_end_is_not_counted_as_done(
    mailing: DistributionDriver, door: SlowDoor, card: int, staff: tuple[int, ...]
) -> None:
    service = mailing.services.distribution
    run = service.prepare(DistributionSpec(card, staff, "email", "中秋"))
    service.deliver(run)
    first = service.delivery_ids(run)[0]
    assert service.readdress(first, "email", "better@firm.example").waiting == 1
    door.away = True
    with pytest.raises(EndpointUnreachable):
        service.deliver(run)
    panel = RunPanel(service, jobs=mailing.jobs)
    mailing.bot.addWidget(panel)
    panel.show()
    panel.show_row(service.distribution(run), None)
    assert (panel.words.text(), panel.heading.text(), panel.bar.value()) == ("3 / 4", "已暂停", 3)
    assert panel.go_on_button.isVisible()
    panel.cancel_rest()
    assert mailing.dialog.entry.isVisible()
    assert "1" in mailing.dialog._typed, "it would be taken back, too"
    mailing.dismiss()
    door.away = False
    assert service.deliver(run).left == 0
    panel.show_row(service.distribution(run), None)
    assert (panel.words.text(), panel.heading.text()) == ("4 / 4", "全部发出")
