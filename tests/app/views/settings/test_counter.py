"""The counter's settings: how much may wait for upload, and the PIN that goes beyond."""

from collections.abc import Callable

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services import Services
from app.views.jobs import JobRunner
from app.views.settings.counter import CounterSection
from app.views.settings.pin import PinDialog
from tests.app.conftest import PASSPHRASE


def test_the_limits_of_the_counter_are_kept_and_a_wrong_amount_says_so(qtbot: QtBot, services: Services) -> None:
    jobs = JobRunner()
    section = CounterSection(services.settings, services.leases, jobs=jobs)
    qtbot.addWidget(section)
    assert (section.uses.value(), section.amount.amount_minor) == (20, 200_000)
    section.place.setText(" 西湖店 ")
    section.uses.setValue(5)
    section.amount.setText("5OO")
    section.save()
    assert section.form.fields["amount"].error.text()
    assert services.settings.get("counter.offline_uses") == 20
    section.amount.setText("500")
    section.save()
    qtbot.waitUntil(lambda: jobs.idle, timeout=20_000)
    jobs.stop()
    kept = [services.settings.get(f"counter.{name}") for name in ("place", "offline_uses", "offline_minor")]
    assert kept == ["西湖店", 5, 50_000]
    assert services.leases.standing().most_minor == 50_000


def front(qtbot: QtBot, open_it: Callable[[], object]) -> PinDialog:
    open_it()
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), PinDialog), timeout=20_000)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, PinDialog)
    return dialog


def type_in(dialog: PinDialog, first: str, second: str, passphrase: str) -> None:
    dialog.first.setText(first)
    dialog.second.setText(second)
    dialog.passphrase.entry.setText(passphrase)
    dialog.verb_button.click()


def test_a_pin_is_set_with_the_passphrase_and_from_then_on_limits_are_raised_with_it(
    qtbot: QtBot, services: Services
) -> None:
    jobs = JobRunner()
    section = CounterSection(services.settings, services.leases, jobs=jobs)
    qtbot.addWidget(section)
    section.show()
    assert not section.pin.isVisible()
    assert not section.remove_button.isVisible()
    dialog = front(qtbot, section.set_pin)
    type_in(dialog, "270815", "270816", PASSPHRASE)
    assert dialog.form.fields["again"].error.text()
    type_in(dialog, "1111", "1111", PASSPHRASE)
    qtbot.waitUntil(lambda: bool(dialog.form.fields["pin"].error.text()), timeout=20_000)
    type_in(dialog, "270815", "270815", "not this one")
    qtbot.waitUntil(lambda: bool(dialog.form.fields["passphrase"].error.text()), timeout=20_000)
    type_in(dialog, "270815", "270815", PASSPHRASE)
    qtbot.waitUntil(section.pin.isVisible, timeout=20_000)
    section.uses.setValue(50)
    section.save()
    qtbot.waitUntil(lambda: bool(section.form.fields["pin"].error.text()), timeout=20_000)
    assert services.leases.standing().most_uses == 20
    section.pin.setText("270815")
    qtbot.waitUntil(section.save_button.isEnabled, timeout=20_000)
    section.save_button.click()
    section.save_button.click()
    qtbot.waitUntil(lambda: services.leases.standing().most_uses == 50, timeout=20_000)
    removing = front(qtbot, section.remove_pin)
    removing.passphrase.entry.setText(PASSPHRASE)
    removing.verb_button.click()
    qtbot.waitUntil(lambda: not section.pin.isVisible(), timeout=20_000)
    assert not services.leases.pin.is_set
    qtbot.waitUntil(lambda: jobs.idle, timeout=20_000)
    jobs.stop()
