"""The bench at toy size: its parts give their figures, and its table says what is judged. Nothing is timed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from build_scripts.bench import BENCHES, bench, cells
from build_scripts.benches import Figure, Size, against

ROOT = Path(__file__).resolve().parents[2]
TOY = Size(cards=2_000, rounds=1)
QUICK = ("generate", "onto", "cancel", "lookup", "assign", "export", "roster", "pdf", "dashboard")


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_is_there(name: str) -> None:
    assert callable(bench(name))


@pytest.mark.parametrize("name", QUICK)
def test_a_bench_gives_figures(name: str) -> None:
    figures = bench(name)(TOY)
    assert figures
    assert all(figure.measured >= 0 for figure in figures)


def test_scrolling_paints_as_many_rows_as_its_floor() -> None:
    """In a process of its own, as it is meant to be run; the figures come as one document."""
    command = [sys.executable, str(ROOT / "build_scripts" / "bench.py"), "scroll", "--json", "--cards", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=500)
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert set(figures) >= {"scroll, wheel", "scroll, page", "scroll, drag", "scroll, last page"}
    painted, _, floor = figures["scroll, wheel"]["context"].partition(" against ")
    assert abs(int(painted.split()[-1]) - int(floor.split()[0])) <= 4
    assert done.returncode == (0 if all(figure["kept"] for figure in figures.values()) else 1)


def test_the_ratio_is_judged_where_there_is_a_floor() -> None:
    slow = against("slow", [(2.0, 1.0), (9.0, 3.0), (8.0, 2.0)], 2.5)
    assert (slow.ratio, slow.kept) == (3.0, False)
    many = against("many", [(300.0, 1000.0)], 0.2, unit="/s", least=True, wanted=0.35)
    assert many.kept
    assert cells(many)[2:6] == ("300 /s", "1,000 /s", "0.30×", "≥ 0.2× (0.35)")
    assert not Figure("late", 51, "ms", 50).kept
    assert Figure("told", 51, "ms", None).kept
