"""Speed, as ratios against a floor measured in the same run: `python build_scripts/bench.py [NAME …]`.

Machines differ and are noisy, so each bar compares with the plainest thing that could do the same work here and now;
alternating runs, medians. Absolute figures are printed for context only. Every bench runs in a process of its own, so
that none inherits the memory of another.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from build_scripts.benches import Figure, Size, load  # noqa: E402

BENCHES = {
    "generate": "cards:generate",
    "lookup": "cards:look_up",
    "assign": "cards:assign",
    "files": "files:files",
    "pdf": "files:pdf",
    "redeem": "endpoint:redeem",
    "flat": "endpoint:flat",
    "postgres": "endpoint:postgres",
    "upload": "endpoint:upload",
    "scroll": "window:scroll",
    "memory": "window:memory",
    "responsive": "window:responsive",
    "start": "start:start",
    "home": "start:home",
}
"""Name → module of `benches` and the function in it."""


def measure(name: str, size: Size) -> list[Figure]:
    module, _, function = BENCHES[name].partition(":")
    figures: list[Figure] = getattr(import_module(f"build_scripts.benches.{module}"), function)(size)
    return figures


def apart(name: str, asked: argparse.Namespace) -> list[Figure]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--child", name, "--cards", str(asked.cards), "--rounds", str(asked.rounds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def told(figure: Figure) -> str:
    mark = "    " if figure.bar is None else "ok  " if figure.kept else "MISS"
    bar = "" if figure.bar is None else f"{'≥' if figure.least else '≤'} {figure.bar:g}"
    return f"{mark} {figure.name:36} {figure.value:9.2f} {figure.unit:22} {bar:8} {figure.context}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES])
    parser.add_argument("--cards", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=BENCHES, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps([asdict(figure) for figure in measure(asked.child, Size(asked.cards, asked.rounds))]))
        return 0
    missed = 0
    for name in asked.names or BENCHES:
        before = load()
        for figure in apart(name, asked):
            missed += not figure.kept
            print(told(figure), f"(load {before} → {load()})", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
