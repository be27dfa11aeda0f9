"""The task centre: what ended can be cleared, and only then."""

from collections.abc import Iterator
from threading import Event

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.errors import NoEndpoint
from app.messages import sentence
from app.views.jobs import JobRunner
from app.views.tasks.page import TasksPage
from app.words import moment

PATIENCE_MS = 60_000


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.stop()


def test_only_what_ended_can_be_cleared(qtbot: QtBot, jobs: JobRunner) -> None:
    gate = Event()
    page = TasksPage(jobs=jobs)
    qtbot.addWidget(page)
    assert not page.clear_button.isEnabled(), "there is nothing"
    jobs.start(lambda: gate.wait(PATIENCE_MS / 1_000), title="Make")
    assert not page.clear_button.isEnabled(), "it still runs"
    gate.set()
    qtbot.waitUntil(page.clear_button.isEnabled, timeout=PATIENCE_MS)
    page.clear_button.click()
    assert not jobs.jobs()
    assert not page.clear_button.isEnabled()


def test_a_job_that_was_refused_says_why_and_when(qtbot: QtBot, jobs: JobRunner) -> None:
    def refuse() -> None:
        raise NoEndpoint

    page = TasksPage(jobs=jobs)
    qtbot.addWidget(page)
    job = jobs.start(refuse, title="Sync", on_refused=lambda _: None)
    qtbot.waitUntil(lambda: not job.running, timeout=PATIENCE_MS)
    expected = f"{sentence(NoEndpoint())} · {moment(job.ended_at)}"
    qtbot.waitUntil(lambda: expected in {one.text() for one in page.findChildren(QLabel)}, timeout=PATIENCE_MS)
