"""Frees what has become unreachable on the GUI thread only: a widget that dies on another thread can stop the program.

Python looks for unreachable circles on whatever thread happens to allocate. When that is a worker, it runs the
destructors of widgets there, which wait for locks that the GUI thread holds, while it waits for the interpreter.
"""

import gc
from time import monotonic

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

EVERY_MS = 1_000
YOUNG, ALL = 1, 2
"""Generations: what was made lately takes milliseconds; everything takes a fifth of a second, which a person feels."""
QUIET_S, AT_LATEST_S = 120, 1_800
"""Everything is looked through after so long while another program is in front, or at the latest after that."""


class Warden(QObject):
    """Takes the search away from the other threads for good and does it by a timer of the thread it lives on."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._looked = monotonic()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        in_front = QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
        if monotonic() - self._looked > (AT_LATEST_S if in_front else QUIET_S):
            gc.collect()
            self._looked = monotonic()
        else:
            sweep(YOUNG)


def sweep(oldest: int = ALL) -> None:
    """Look through the oldest generation that is due, as the interpreter would have done by itself."""
    due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)][: oldest + 1]
    if any(due):
        gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))
