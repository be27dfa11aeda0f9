"""A short, seeded run of hostile requests; the long ones and their figures are in CAMPAIGNS.md."""

import asyncio
from pathlib import Path

import pytest

from sync.server import front
from tests.campaigns.hostile import campaign


def test_hostile_requests_are_answered_with_a_problem(tmp_path: Path) -> None:
    found = asyncio.run(campaign(tmp_path, requests=1_500, seed=3))
    assert found.total() == 1_500
    assert min(found["200"], found["422"], found["socket 400"]) > 0


def test_a_check_that_is_left_out_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "check_form", lambda body: None)
    monkeypatch.setattr(front, "unquote", lambda path: path)
    with pytest.raises(AssertionError, match="500"):
        asyncio.run(campaign(tmp_path, requests=20_000, seed=3))
