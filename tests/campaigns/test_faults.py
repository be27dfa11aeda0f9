"""Short, seeded runs of what is done to both ends and the line between them; long ones are in CAMPAIGNS.md.

Each is a process of its own: it forks, and would take along whatever the tests before it left in this one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHORT = {
    "points": ("--rounds", "3"),
    "cuts": ("--rounds", "16"),
    "disk": ("--rounds", "2"),
    "power": ("--images", "8"),
    "clocks": ("--rounds", "4"),
}


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_doubled_or_damaged(name: str) -> None:
    command = [sys.executable, "-m", f"tests.campaigns.{name}", "--seed", "7", *SHORT[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
