"""Runs every check of the house: `python build_scripts/check.py`, or `--fast` without the tests.

One line a check with its seconds; only what failed shows its output. Other arguments go to pytest.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent

Check = tuple[str, list[str]]


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def script(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "build_scripts" / name), *arguments]


def checks(*, fast: bool, pytest_arguments: list[str]) -> list[Check]:
    """Cheap ones first, so that a slip is told at once."""
    listed: list[Check] = [
        ("format", module("ruff", "format", "--check", ".")),
        ("lint", module("ruff", "check", ".")),
        ("imports", [str(SCRIPTS / "lint-imports"), "--no-logo"]),
        ("rules", script("rules.py")),
        ("languages", script("translate.py", "--check")),
        ("notices", script("notices.py", "--check")),
        ("types", module("mypy")),
    ]
    if not fast:
        listed.append(("tests", module("pytest", "-n", "3", "-q", *pytest_arguments)))
    return listed


def passed(name: str, command: list[str]) -> bool:
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONUTF8": "1"},
        check=False,
    )
    good = done.returncode == 0
    print(f"{'ok    ' if good else 'FAILED'} {name:<10} {time.perf_counter() - began:6.1f} s", flush=True)
    if not good:
        print(done.stdout.decode("utf-8", "replace"), flush=True)
    return good


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="leave the tests out")
    asked, extra = parser.parse_known_args(arguments)
    results = [passed(name, command) for name, command in checks(fast=asked.fast, pytest_arguments=extra)]
    print(f"{sum(results)} of {len(results)} checks passed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
