"""Numbers for records that are called by a text: tables hold ids that are numbers."""

from array import array
from collections.abc import Sequence
from threading import Lock


class Numbers:
    """A number for every entry ever listed; it stays the same, so that a refresh finds its place again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, int] = {}
        self._texts: list[str] = []

    def of(self, texts: Sequence[str]) -> "array[int]":
        with self._lock:
            numbers = array("q")
            for text in texts:
                number = self._known.setdefault(text, len(self._texts))
                if number == len(self._texts):
                    self._texts.append(text)
                numbers.append(number)
            return numbers

    def texts(self, numbers: Sequence[int]) -> list[str]:
        return [self._texts[number] for number in numbers]
