"""Watches processes at work: every file they make, those they delete again too, and how they start their children."""

import ctypes
import os
import resource
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

POLL_S = 0.004
CREATED, MOVED_HERE, IS_FOLDER = 0x100, 0x80, 0x40000000
EVENT = struct.Struct("iIII")
NONBLOCK = os.O_NONBLOCK
OPEN_FILES = 65_536
NO_DUMP = b"Max core file size        0 "


@dataclass
class Seen:
    """`files`: path → descriptors of what had that name, one after the other; they can be read after a deletion, too.
    `children`: (command line, environment) of processes that ours started by themselves."""

    files: dict[str, list[int]] = field(default_factory=dict)
    children: set[tuple[bytes, bytes]] = field(default_factory=set)
    dumps: dict[int, tuple[bytes, bool]] = field(default_factory=dict)
    """Process → its command line, and whether at last a crash would have written its memory to the disk."""

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was ever in a file, as it was at last; each file is let go."""
        for path, descriptors in self.files.items():
            for descriptor in descriptors:
                with os.fdopen(descriptor, "rb") as file:
                    file.seek(0)
                    data = file.read()
                yield path, data
        self.files.clear()


@contextmanager
def watched(*folders: Path) -> Iterator[Seen]:
    """Watch these folders and whatever this process starts, until the block ends."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, OPEN_FILES), hard))
    dumps = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (dumps[1], dumps[1]))  # a program that forbids none would write one
    watch = _Watch(folders)
    thread = threading.Thread(target=watch.run, name="watch", daemon=True)
    thread.start()
    try:
        yield watch.seen
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, dumps)
        watch.stopped.set()
        thread.join()
        watch.close()


class _Watch:
    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.seen, self.stopped = Seen(), threading.Event()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._notify = self._libc.inotify_init1(NONBLOCK)
        self._folders: dict[int, str] = {}
        self._held: set[tuple[int, int]] = set()
        self._ours: dict[int, bool] = {os.getpid(): True}
        """Process → whether it descends from this one; a number that was used again would be lost, for minutes."""
        self._typed: set[int] = set()
        self._commands: set[tuple[bytes, bytes]] = set()
        for folder in folders:
            self._follow(str(folder))

    def run(self) -> None:
        while not self.stopped.wait(POLL_S):
            self._hear()
            self._look_at_processes()
        self._hear()

    def close(self) -> None:
        os.close(self._notify)

    # --- files ---

    def _follow(self, folder: str) -> None:
        """Watch a folder and hold what is in it already: it may be older than our look at it."""
        number = self._libc.inotify_add_watch(self._notify, os.fsencode(folder), CREATED | MOVED_HERE)
        if number < 0:
            return
        self._folders[number] = folder
        with suppress(OSError):
            for entry in os.scandir(folder):
                if entry.is_dir(follow_symlinks=False):
                    self._follow(entry.path)
                else:
                    self._hold(entry.path, entry.path)

    def _hear(self) -> None:
        while True:
            try:
                events = os.read(self._notify, 1 << 16)
            except BlockingIOError:
                return
            at = 0
            while at < len(events):
                number, mask, _, length = EVENT.unpack_from(events, at)
                name = os.fsdecode(events[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0"))
                at += EVENT.size + length
                path = f"{self._folders.get(number, '')}/{name}"
                if mask & IS_FOLDER:
                    self._follow(path)
                else:
                    self._hold(path, path)

    def _hold(self, path: str, name: str) -> None:
        """Keep a file open: what is written to it later, and what is deleted, stays readable."""
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            about = os.fstat(descriptor)
            mark = (about.st_dev, about.st_ino)
            if mark in self._held or not _is_plain(about.st_mode):
                os.close(descriptor)
                return
            self._held.add(mark)
            self.seen.files.setdefault(name, []).append(descriptor)

    # --- processes ---

    def _look_at_processes(self) -> None:
        for place in Path("/proc").glob("[0-9]*"):
            if self._is_ours(int(place.name)) and int(place.name) != os.getpid():
                self._look_at(int(place.name))

    def _is_ours(self, process: int) -> bool:
        known = self._ours.get(process)
        if known is None:
            parent = _parent(process)
            known = self._ours.get(parent, False)
            self._ours[process] = known
            if parent == os.getpid():
                self._typed.add(process)
        return known

    def _look_at(self, process: int) -> None:
        place = Path(f"/proc/{process}")
        with suppress(OSError):
            line, world = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
            if process in self._typed:
                self._commands.add((line, world))
            elif (line, world) not in self._commands and (line or world):  # else not yet what it will become
                self.seen.children.add((line, world))
            self._hold_nameless(place)
            if line:
                self.seen.dumps[process] = (line, NO_DUMP not in (place / "limits").read_bytes())

    def _hold_nameless(self, place: Path) -> None:
        """A temporary file that never had a name, or has lost it."""
        for entry in os.scandir(place / "fd"):
            with suppress(OSError):
                leads_to = str(Path(entry.path).readlink())
                if leads_to.endswith(" (deleted)") and leads_to.startswith("/") and "/memfd:" not in leads_to:
                    self._hold(entry.path, leads_to)


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _is_plain(mode: int) -> bool:
    return mode & 0o170000 == 0o100000
