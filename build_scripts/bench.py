"""Speed, as ratios against a floor measured in the same run: `python build_scripts/bench.py [NAME …]`.

Machines differ and are noisy, so a bar compares with the plainest thing that could do the same work here and now:
rounds in which ours and the floor take turns, medians. Every bench runs in a process of its own, so that none inherits
the memory of another. `--json` prints one JSON document and nothing else; `--list` names the benches.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")  # no keychain of whoever measures

from build_scripts.benches import Bench, Figure, Size, load  # noqa: E402

BENCHES = {
    "generate": "cards:generate",
    "onto": "cards:onto",
    "cancel": "cards:cancel",
    "lookup": "cards:look_up",
    "assign": "cards:assign",
    "export": "files:export",
    "roster": "files:roster",
    "pdf": "files:pdf",
    "redeem": "endpoint:redeem",
    "flat": "endpoint:flat",
    "postgres": "endpoint:postgres",
    "upload": "endpoint:upload",
    "pull": "endpoint:pull",
    "dashboard": "charts:dashboard",
    "scroll": "scrolling:scroll",
    "memory": "scrolling:memory",
    "gap": "window:gap",
    "start": "start:start",
    "home": "start:home",
}
"""Name → module of `benches` and the function in it."""
HEAD = ("", "what", "measured", "floor", "ratio", "bar", "")


def bench(name: str) -> Bench:
    module, _, function = BENCHES[name].partition(":")
    found: Bench = getattr(import_module(f"build_scripts.benches.{module}"), function)
    return found


def apart(name: str, size: Size) -> list[Figure]:
    """Its figures, from a process of its own."""
    command = [sys.executable, __file__, "--child", name, "--cards", str(size.cards), "--rounds", str(size.rounds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    return [Figure(**figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def cells(figure: Figure) -> tuple[str, ...]:
    """One line of the table."""
    mark = "" if figure.bar is None else "ok" if figure.kept else "MISS"
    bar = "" if figure.bar is None else f"{'≥' if figure.least else '≤'} {figure.bar:g}"
    bar += "×" if bar and figure.ratio is not None else f" {figure.unit}" if bar else ""
    bar += f" ({figure.wanted:g})" if figure.wanted is not None else ""
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}×"
    floor = "" if figure.floor is None else written(figure.floor, figure.unit)
    return mark, figure.name, written(figure.measured, figure.unit), floor, ratio, bar, figure.context


def written(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def line(row: Sequence[str]) -> str:
    mark, name, measured, floor, ratio, bar, context = row
    return f"{mark:4} {name:34} {measured:>12} {floor:>12} {ratio:>8}  {bar:15} {context}".rstrip()


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *BENCHES], metavar="NAME", help="all when left out")
    parser.add_argument("--cards", type=int, default=Size().cards, help="everything else shrinks with it")
    parser.add_argument("--rounds", type=int, default=Size().rounds)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--child", choices=BENCHES, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    asked = parsed(arguments)
    size = Size(asked.cards, asked.rounds)
    if asked.list:
        print("\n".join(BENCHES))
        return 0
    if asked.child:
        print(json.dumps([asdict(figure) for figure in bench(asked.child)(size)]))
        return 0
    found = []
    if not asked.json:
        print(line(HEAD))
    for name in asked.names or BENCHES:
        before = load()
        for figure in apart(name, size):
            found.append(asdict(figure) | {"bench": name, "kept": figure.kept, "load": [before, load()]})
            if not asked.json:
                print(line(cells(figure)), f"[load {before}, {load()}]", flush=True)
    if asked.json:
        print(json.dumps({"size": asdict(size), "cores": os.cpu_count(), "figures": found}, ensure_ascii=False))
    return 0 if all(figure["kept"] for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
