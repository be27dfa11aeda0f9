"""The fault points of both ends and the movable clock: they do what they say, and nothing in a frozen program."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync import clock, points

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("said", ["desk.comit:1:kill", "desk.commit:0:kill", "desk.commit:1:die", "desk.commit", ","])
def test_a_fault_that_cannot_be_meant_ends_with_a_sentence(said: str) -> None:
    with pytest.raises(SystemExit, match=r"sync/points\.py"):
        points.read(said)


def test_a_point_acts_at_the_named_time_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "_armed", points.read("desk.commit:2:raise,desk.t3.commit:1:enospc"))
    points.passed("desk.commit")
    points.passed("desk.committed")
    with pytest.raises(points.Fault, match=r"desk\.commit"):
        points.passed("desk.commit")
    points.passed("desk.commit")
    with pytest.raises(OSError, match="No space left"):
        points.passed("desk.t3.commit")


def test_a_database_is_told_of_a_full_disk_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "_armed", points.read("desk.commit:1:enospc"))
    with pytest.raises(ValueError, match="disk is full"):
        points.passed("desk.commit", ValueError)


def test_a_killed_process_says_nothing_more() -> None:
    program = 'from sync import points; points.passed("desk.slots"); print("still here")'
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"KAXIA_FAULT": "desk.slots:1:kill"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, b"")


def test_a_frozen_program_knows_neither_faults_nor_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert points.read("desk.commit:1:kill") is not None
    assert clock.read("-5000") == -5000
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert points.read("desk.commit:1:kill") is None
    assert clock.read("-5000") == 0


def test_both_ends_go_by_the_moved_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.models.base import now
    from sync.protocol import new_op_id
    from sync.server.endpoint import now_ms

    year_ms = 365 * 86_400_000
    before = time.time_ns() // 1_000_000
    monkeypatch.setattr(clock, "_offset_ms", year_ms)
    assert before + year_ms <= now_ms() < before + 2 * year_ms
    assert before + year_ms <= now().timestamp() * 1000 < before + 2 * year_ms
    assert int(new_op_id().replace("-", "")[:12], 16) >= before + year_ms


def test_a_clock_that_is_no_number_ends_with_a_sentence() -> None:
    with pytest.raises(SystemExit, match="whole number"):
        clock.read("1.5h")
