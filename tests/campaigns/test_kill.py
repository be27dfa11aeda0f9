"""A short, seeded run of every kill campaign; the long ones and their figures are in CAMPAIGNS.md."""

import pytest

from tests.campaigns.jobs import JOBS
from tests.campaigns.kill import campaign


@pytest.mark.parametrize("name", JOBS)
def test_a_killed_job_leaves_nothing_half_done(name: str) -> None:
    outcome = campaign(JOBS[name], rounds=2, seed=7)
    assert outcome.cut + outcome.finished == 2
