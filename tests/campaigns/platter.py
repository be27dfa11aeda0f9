"""What a disk may hold after a power cut, made up from the notes of what was written to it and when it was flushed.

A file that was flushed holds everything up to then. Of what was written since, any part may be there: nothing, the
first so many, or whatever subset, each whole or torn at a sector. Names that were given, changed or taken since their
folder was flushed came to the disk in their order, up to some place.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD = struct.Struct("<cIqI")
SECTOR = 512
HOW = ("dropped", "torn", "reordered")


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: w write, t truncate, s sync, d sync of a folder, r rename (`data` is the new name), u unlink, m mark
    (`path` is its text)."""

    kind: str
    path: str
    at: int
    data: bytes


def read_notes(notes: Path) -> Iterator[Event]:
    raw, at = notes.read_bytes(), 0
    while at < len(raw):
        kind, named, offset, size = HEAD.unpack_from(raw, at)
        at += HEAD.size
        path, data = raw[at : at + named].decode(), raw[at + named : at + named + size]
        at += named + size
        if not path.endswith(" (deleted)"):
            yield Event(kind.decode(), path, offset, data)


@dataclass
class File:
    """`kept` is on the disk; `since` was written afterwards: (place, bytes), or (length, None) for a cut."""

    kept: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def flush(self) -> None:
        for change in self.since:
            _apply(self.kept, change)
        self.since = []

    def after_a_cut(self, how: str, draw: random.Random) -> bytes:
        found = bytearray(self.kept)
        some = self.since
        if how == "dropped":
            some = []
        elif how == "torn" and some:
            some = some[: draw.randint(0, len(some))]
            if some:
                some = [*some[:-1], _torn(some[-1], draw)]
        elif how == "reordered":
            some = [_torn(change, draw) if draw.random() < 0.3 else change for change in some if draw.random() < 0.5]
            draw.shuffle(some)
        for change in some:
            _apply(found, change)
        return bytes(found)


class Platter:
    """The disk below one folder; `begin` is what lay there, flushed."""

    def __init__(self, begin: Path) -> None:
        self._names = {
            str(path): File(bytearray(path.read_bytes())) for path in sorted(begin.rglob("*")) if path.is_file()
        }
        self._kept_names = dict(self._names)
        self._changes: list[tuple[str, str, File | None]] = []
        """Of names, since they were last flushed: (new or gone name, old name, file)."""
        self.marks: list[str] = []

    def happen(self, event: Event) -> None:
        if event.kind == "m":
            self.marks.append(event.path)
        elif event.kind == "d":
            self._flush_names(len(self._changes))
        elif event.kind == "u":
            if self._names.pop(event.path, None) is not None:
                self._changes.append((event.path, "", None))
        elif event.kind == "r":
            to, file = event.data.decode(), self._names.pop(event.path)
            self._names[to] = file
            self._changes.append((to, event.path, file))
        else:
            self._touch(event)

    def _touch(self, event: Event) -> None:
        file = self._names.get(event.path)
        if file is None:
            file = self._names[event.path] = File()
            self._changes.append((event.path, "", file))
        if event.kind == "s":
            file.flush()
            made = [at for at, change in enumerate(self._changes, 1) if change[2] is file and not change[1]]
            self._flush_names(made[-1] if made else 0)  # a flushed file has its first name
        else:
            file.since.append((event.at, event.data if event.kind == "w" else None))

    def after_a_cut(self, how: str, draw: random.Random) -> dict[str, bytes]:
        """Name → content."""
        names = dict(self._kept_names)
        for change in self._changes[: draw.randint(0, len(self._changes))]:
            _rename(names, change)
        return {name: file.after_a_cut(how, draw) for name, file in names.items()}

    def _flush_names(self, count: int) -> None:
        for change in self._changes[:count]:
            _rename(self._kept_names, change)
        del self._changes[:count]


def _rename(names: dict[str, File], change: tuple[str, str, File | None]) -> None:
    name, before, file = change
    names.pop(before, None)
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file


def _apply(content: bytearray, change: tuple[int, bytes | None]) -> None:
    at, data = change
    end = at + len(data or b"")
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:end] = data


def _torn(change: tuple[int, bytes | None], draw: random.Random) -> tuple[int, bytes | None]:
    """Only its first sectors came."""
    at, data = change
    if data is None or len(data) <= SECTOR:
        return change
    return at, data[: draw.randrange(0, len(data), SECTOR)]
