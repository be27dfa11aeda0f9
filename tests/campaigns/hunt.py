"""The hunt for plain data: a whole day's work on marked data, then a look into every file that was ever written.

Run by hand: `python -m tests.campaigns.hunt --seed 1`; with `--plant NAME` a leak is built in and must be found.
No plain code, name, phone or secret may stand anywhere but in the files that were asked for; nor in the command line
or environment of a process that the program starts. CI runs a short day (test_hunt.py).
"""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.services.writers import making
from tests.campaigns.day import LONG, SHORT, Day, Size
from tests.campaigns.kill import end_what_is_left
from tests.campaigns.layers import layers
from tests.campaigns.needles import Finding, Magnet
from tests.campaigns.sandbox import Sandbox
from tests.campaigns.watch import Seen, watched

LEFTOVERS = (".making-*", ".scratch-*", ".restoring-*", "*.new", "kaxia-trial-*", "kaxia-demo-*")
"""What is there only while a program works."""
OWN = "own"
"""The person's own rosters and lists: not ours to hunt in."""


@dataclass(frozen=True, slots=True)
class Bag:
    """What a hunt looked at, and what it found."""

    files: int
    momentary: int
    bytes: int
    children: int
    needles: int
    patterns: int
    findings: tuple[Finding, ...]


def hunt(root: Path, size: Size, *, seed: int, plant: str = "") -> Bag:
    """One day below `root`, then the hunt."""
    box = Sandbox(root / "box", seed)
    box.write_own_files()
    if plant:
        box.desk.program = ("-m", "tests.campaigns.plants", plant)
        box.desk.more["KX_PLANT"] = box.people[0].phone
    day = Day(box, size, plant)
    try:
        with watched(*(path for path in box.root.iterdir() if path.name != OWN)) as seen:
            day.run()
    finally:
        box.send_clerk_home()
        end_what_is_left(root)
    return _Hunter(day, seen).bag()


class _Hunter:
    def __init__(self, day: Day, seen: Seen) -> None:
        self._day, self._box, self._seen = day, day.box, seen
        self._magnet = Magnet(dict.fromkeys(day.needles()))
        self._found: set[Finding] = set()
        self._bytes = 0

    def bag(self) -> Bag:
        children = len(self._seen.children)
        files = sum(self._look(path, data) for path, data in self._files(self._box.root))
        for place in self._day.snapshots:
            files += sum(self._look(path, data, cut=True) for path, data in self._files(place))
        momentary = sum(self._look(Path(path), data, cut=True) for path, data in self._seen.contents())
        self._look_at_children()
        self._look_at_words()
        self._look_for_leftovers()
        patterns = sum(map(len, self._magnet._known.values()))
        needles = len(self._magnet.needles)
        return Bag(files, momentary, self._bytes, children, needles, patterns, tuple(sorted(self._found)))

    def _files(self, root: Path) -> Iterator[tuple[Path, bytes]]:
        """Each with the path it has, or had, in the sandbox; names of folders and files are hunted, too."""
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if (Path(folder) / name) != root / OWN]
            for name in names:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    yield self._box.root / path.relative_to(root), path.read_bytes()

    def _look(self, path: Path, data: bytes, *, cut: bool = False) -> bool:
        """`cut`: a file that is being written may hold what the whole one may."""
        where = str(path.relative_to(self._box.root)) if path.is_relative_to(self._box.root) else str(path)
        may = self._may(path, cut=cut)
        self._bytes += len(data)
        stuck = self._magnet.pull(os.fsencode(where), f"{where} (its name)")
        known: set[tuple[str, str]] = set()
        for name, layer in layers(where, data):
            fresh = {one for one in self._magnet.pull(layer, name) if (one.what, one.label) not in known}
            known |= {(one.what, one.label) for one in fresh}
            stuck |= fresh
        self._found |= {finding for finding in stuck if finding.what not in may}
        return True

    def _may(self, path: Path, *, cut: bool) -> frozenset[str]:
        allowed = self._box.allowed
        if path in allowed or not cut:
            return allowed.get(path, frozenset())
        for whole, kinds in allowed.items():
            inside = path.is_relative_to(whole.parent) and path.relative_to(whole.parent).parts[0]
            if inside and inside.startswith(making(whole)):
                return kinds
        return frozenset()

    def _look_at_children(self) -> None:
        for line, world in self._seen.children:
            name = " ".join(os.fsdecode(line).split("\0")[1:3]) or "?"
            self._found |= self._magnet.pull(line, f"command line of {name}")
            self._found |= self._magnet.pull(world, f"environment of {name}")

    def _look_at_words(self) -> None:
        """Refusals may say again what was typed, and nothing else: many a script keeps stderr."""
        for typed, answer in self._box.said:
            found = self._magnet.pull(answer.said.encode(), f"stderr of {typed[0]}")
            known = {needle.what for needle in self._magnet.needles if str(needle.plain) in " ".join(map(str, typed))}
            self._found |= {finding for finding in found if finding.what not in known}

    def _look_for_leftovers(self) -> None:
        for pattern in LEFTOVERS:
            for path in self._box.root.rglob(pattern):
                self._found.add(Finding(str(path.relative_to(self._box.root)), "leftover", "", "a file or folder"))
        for line, dumps in self._seen.dumps.values():
            if dumps:
                words = " ".join(os.fsdecode(line).split("\0")[1:4])
                self._found.add(Finding("memory", "core dump", "", f"what a crash of this writes: {words}"))


def main() -> int:
    from tests.campaigns.plants import PLANTS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=PLANTS, default="", help="a leak to build in")
    parser.add_argument("--short", action="store_true", help="the day of CI")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bag = hunt(asked.keep or Path(scratch), SHORT if asked.short else LONG, seed=asked.seed, plant=asked.plant)
    groups = Counter((finding.where, finding.what, finding.spelled) for finding in bag.findings)
    for (where, what, spelled), count in sorted(groups.items()):
        print(f"{where}: {count} × {what} as {spelled}")
    print(
        f"seed {asked.seed}: {bag.files} files and {bag.momentary} seen while they were written, "
        f"{bag.bytes / 1e6:.0f} MB, {bag.children} child processes, {bag.needles} needles in {bag.patterns} spellings: "
        f"{len(bag.findings)} findings"
    )
    return 1 if bag.findings else 0


if __name__ == "__main__":
    sys.exit(main())
