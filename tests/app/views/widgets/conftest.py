"""The table every test of a list stands on."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.views.jobs import JobRunner
from tests.drivers.table import Table


@pytest.fixture
def jobs() -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.stop()


@pytest.fixture
def things(qtbot: QtBot, jobs: JobRunner) -> Table:
    made = Table(qtbot, jobs)
    made.show(1_000)
    return made
