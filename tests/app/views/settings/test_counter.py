"""The counter's settings: how much may wait for upload."""

from pytestqt.qtbot import QtBot

from app.services import Services
from app.views.jobs import JobRunner
from app.views.settings.counter import CounterSection


def test_the_limits_of_the_counter_are_kept_and_a_wrong_amount_says_so(qtbot: QtBot, services: Services) -> None:
    jobs = JobRunner()
    section = CounterSection(services.settings, jobs=jobs)
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
