"""A screen of its own (Xvfb) and hands on it (xdotool): real windows, real keys, and a picture of what is seen."""

import os
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

WIDTH, HEIGHT = 1440, 900
PATIENCE_S = 60
POLL_S = 0.05
STILL_S = 0.4
Pixels = NDArray[np.uint32]
IDLE_TICKS = 3
CARET = 200
"""Pixels that a blinking caret changes; a page changes more."""


class Screen:
    """Without a window manager nobody hands out the focus: it is given to the window in front before each key."""

    def __init__(self, display: str, frame: Path) -> None:
        self.display = display
        self._frame = frame
        self.program: subprocess.Popen[bytes] | None = None

    def start(self, *command: str, cwd: Path, env: dict[str, str], said: Path) -> None:
        """Run a program on this screen; what it says on stderr goes to the file."""
        with said.open("wb") as stream:
            self.program = subprocess.Popen(command, cwd=cwd, env=env | {"DISPLAY": self.display}, stderr=stream)

    def ended(self) -> int:
        """The exit code, once the program has ended by itself."""
        assert self.program is not None, "started"
        code = self.program.wait(PATIENCE_S)
        self.program = None
        return code

    def end(self) -> None:
        if self.program is not None:
            self.program.kill()
            self.program.wait()

    # --- hands ---

    def press(self, *keys: str) -> None:
        """Keys as xdotool names them (`Return`, `ctrl+n`), to the window in front."""
        self._focus()
        self._do("key", "--clearmodifiers", *keys)

    def type(self, text: str) -> None:
        self._focus()
        self._do("type", "--clearmodifiers", "--delay", "5", text)

    # --- eyes ---

    def windows(self) -> list[str]:
        """Titles of what is open, the one in front last."""
        return [self._said("getwindowname", window) for window in self._visible()]

    def wait_for(self, what: str, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come; open: {self.windows()}"
            self._breathe()

    def wait_for_window(self, title: str) -> None:
        self.wait_for(f"the window {title!r}", lambda: self.windows()[-1:] == [title])
        self.settle()

    def settle(self) -> None:
        """Wait until nothing moves any more, a caret apart, and the program has nothing to do."""
        deadline, since = time.monotonic() + PATIENCE_S, time.monotonic()
        last, before, _ = self._pixels(), *self._work()
        while time.monotonic() - since < STILL_S:
            assert time.monotonic() < deadline, "the picture never comes to rest"
            self._breathe()
            seen, (used, at_it) = self._pixels(), self._work()
            if at_it or used - before > IDLE_TICKS or np.count_nonzero(last != seen) > CARET:
                since, last, before = time.monotonic(), seen, used

    def picture(self, path: Path) -> None:
        raw, (width, height, line, start) = self._frame.read_bytes(), self._shape()
        QImage(raw[start:], width, height, line, QImage.Format.Format_RGB32).save(str(path))

    # --- how ---

    def _visible(self) -> list[str]:
        """Windows with a title, from the back to the front."""
        return self._said("search", "--onlyvisible", "--name", ".").split()

    def _focus(self) -> None:
        window = self._visible()[-1]
        if self._said("getwindowfocus") != window:
            self._do("windowfocus", "--sync", window)

    def _said(self, *words: str) -> str:
        done = subprocess.run(["xdotool", *words], env=self._world(), capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def _do(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self._world(), check=True, timeout=PATIENCE_S)

    def _world(self) -> dict[str, str]:
        return os.environ | {"DISPLAY": self.display}

    def _breathe(self) -> None:
        assert self.program is not None, "started"
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the program ended by itself with {self.program.wait(POLL_S)}")

    def _work(self) -> tuple[int, bool]:
        """Hundredths of a second the program has worked so far, and whether it is at it or waits for its turn."""
        assert self.program is not None, "started"
        used, at_it = 0, False
        for thread in Path(f"/proc/{self.program.pid}/task").glob("*/stat"):
            with suppress(OSError):  # it ended meanwhile
                words = thread.read_text().rpartition(")")[2].split()
                used += int(words[11]) + int(words[12])
                at_it = at_it or words[0] in "RD"
        return used, at_it

    def _shape(self) -> tuple[int, int, int, int]:
        """Width, height, bytes of a line, and where the pixels begin in the server's frame (an XWD file)."""
        head = struct.unpack(">25I", self._frame.read_bytes()[:100])
        return head[4], head[5], head[12], head[0] + head[19] * 12

    def _pixels(self) -> Pixels:
        return np.frombuffer(self._frame.read_bytes(), np.uint32)


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    """A display that nobody else has; the server ends with the block."""
    size = ["-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
    no_repeats = ["-ardelay", "60000"]  # under load a key would count as held down
    command = ["Xvfb", "-displayfd", "1", *size, *no_repeats, "-nolisten", "tcp", "-fbdir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        number = server.stdout.readline().strip()
        assert number, "Xvfb did not start: run `python build_scripts/dev.py setup`"
        made = Screen(f":{number}", folder / "Xvfb_screen0")
        try:
            yield made
        except BaseException as error:
            made.picture(folder / "failure.png")
            error.add_note(f"on the screen then: {folder / 'failure.png'}")
            raise
        finally:
            made.end()
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
