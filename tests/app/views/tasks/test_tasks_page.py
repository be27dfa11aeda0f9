"""The task centre narrowed to what runs, what is done, what was not."""

import pytest
from pytestqt.qtbot import QtBot

from app.errors import NotFound
from app.views.jobs import JobRunner
from app.views.tasks.page import TasksPage

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def refuse() -> None:
    raise NotFound("batch", "7")


def test_tasks_are_narrowed_by_how_they_ended(qtbot: QtBot) -> None:
    jobs = JobRunner()
    page = TasksPage(jobs=jobs)
    qtbot.addWidget(page)
    assert page.state_box.isHidden(), "there is nothing to narrow"
    jobs.start(lambda: None, title="one")
    jobs.start(refuse, title="other", on_refused=lambda _: None)
    qtbot.waitUntil(lambda: jobs.idle and len(page._rows) == 2, timeout=20_000)
    for key, titles in (("done", ["one"]), ("not-done", ["other"]), ("running", []), ("", ["other", "one"])):
        page.state_box.setCurrentIndex(page.state_box.findData(key))
        assert sorted(task._job.title for task in page._rows) == sorted(titles)
    assert not page.state_box.isHidden()
    jobs.stop()
