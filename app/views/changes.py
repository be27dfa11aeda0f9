"""Carry the topics of finished writes onto the GUI thread, gathered for a moment so that a burst repaints once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.topics import Topic

GATHER_MS = 50


class Changes(QObject):
    """`tell` may be called on any thread; `changed` comes on the GUI thread with a frozenset of topics."""

    changed = Signal(object)
    _told = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = Lock()
        self._gathered: set[Topic] = set()
        self._timer = QTimer(self, interval=GATHER_MS, singleShot=True)
        self._timer.timeout.connect(self._announce)
        self._told.connect(self._wait, Qt.ConnectionType.QueuedConnection)

    def tell(self, topics: Iterable[Topic]) -> None:
        """The listener to give to `Database.subscribe`."""
        with self._lock:
            self._gathered.update(topics)
        self._told.emit()

    def follow(self, owner: QWidget, *topics: Topic, then: Callable[[], object]) -> None:
        """Call `then` when a topic changed and `owner` is on the screen; a hidden one catches up when shown."""
        self.changed.connect(_Follower(owner, frozenset(topics), then=then).hear)

    def _wait(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _announce(self) -> None:
        with self._lock:
            topics, self._gathered = frozenset(self._gathered), set()
        if topics:
            self.changed.emit(topics)


class _Follower(QObject):
    """Lives and dies with its widget, so nothing is told to a page that is gone."""

    def __init__(self, owner: QWidget, topics: frozenset[Topic], *, then: Callable[[], object]) -> None:
        super().__init__(owner)
        self._owner, self._topics, self._then = owner, topics, then
        self._behind = False
        owner.installEventFilter(self)

    def hear(self, topics: frozenset[Topic]) -> None:
        if not topics & self._topics:
            return
        if self._owner.isVisible():
            self._then()
        else:
            self._behind = True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._behind and event.type() == QEvent.Type.Show:
            self._behind = False
            QTimer.singleShot(0, self, self._then)
        return False
