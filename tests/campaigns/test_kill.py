"""A short, seeded run of the kill campaigns; the long ones and their figures are in CAMPAIGNS.md."""

import pytest

from tests.campaigns.jobs import SHORT, jobs
from tests.campaigns.kill import campaign

JOBS = jobs(SHORT)
LONG_ONLY = ("upload", "mail-endpoint", "sync-endpoint", "ending")
"""`sync` uploads and ends as well, `upload-endpoint` kills the endpoint as well; each round starts four processes."""


@pytest.mark.parametrize("name", [name for name in JOBS if name not in LONG_ONLY])
def test_a_killed_job_leaves_nothing_half_done(name: str) -> None:
    assert campaign(name, JOBS[name], rounds=1, seed=7).cut == 1
