"""The drawer at the right edge of a page: one record, its state, two acts, its story. Esc closes, arrows go on."""

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.views.widgets.pieces import column, icon_button, label, line, row
from app.views.widgets.state_mark import StateLabel, StateMark
from app.words import tr

WIDTH = 420
SLIDE_MS = 140
MARGIN, GAP = 16, 8


class Drawer(QFrame):
    """Lies over the right edge of its page. `stepped` asks for the record above (-1) or below (+1)."""

    closed = Signal()
    stepped = Signal(int)

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self._page = page
        self.setProperty("role", "drawer")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.heading = label("", "card-title", wrap=True)
        self._state = StateLabel(StateMark("neutral", ""))
        self._acts = column(spacing=8)
        self._shut = icon_button("x", tr("Close"), self.shut, shortcut="Esc")
        self._up = icon_button("chevron-up", tr("Previous record"), lambda: self.stepped.emit(-1))
        self._down = icon_button("chevron-down", tr("Next record"), lambda: self.stepped.emit(1))
        top = row(self.heading, self._up, self._down, self._shut, spacing=4)
        top.setStretch(0, 1)  # words that may wrap ask for the height of a narrow column otherwise
        head = column(top, self._state, spacing=4)
        head.setContentsMargins(16, 12, 12, 12)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = column(self._acts)
        foot.setContentsMargins(16, 12, 16, 12)
        self._foot = QFrame()
        self._foot.setProperty("role", "foot")
        self._foot.setLayout(foot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(line())
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self._foot)
        self._slide = QPropertyAnimation(self, b"geometry", self)
        self._slide.setDuration(SLIDE_MS)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._back: QWidget | None = None
        self.hide()

    def show_record(
        self, title: str, body: QWidget, *, state: StateMark | None = None, acts: tuple[QPushButton, ...] = ()
    ) -> None:
        """Open with a record, or put another one into the open drawer."""
        self.heading.setText(title)
        self._state.setVisible(state is not None)
        if state is not None:
            self._state.set_mark(state)
        holder = QWidget()
        holder.setProperty("role", "scrolled")
        inside = column(body, 0)
        inside.setContentsMargins(16, 12, 16, 16)
        holder.setLayout(inside)
        self._scroll.setWidget(holder)
        self._set_acts(acts)
        for part in (self, self._scroll):
            part.setAccessibleName(title)
        if self.isHidden():
            self._open()

    def shut(self) -> None:
        if not self.isHidden():
            self.hide()
            if self._back is not None and isValid(self._back):
                self._back.setFocus(Qt.FocusReason.OtherFocusReason)
            self.closed.emit()

    def stand_alone(self) -> None:
        """There is no list to go through beside it."""
        for step in (self._up, self._down):
            step.hide()

    def place(self) -> None:
        """Follow the page's size."""
        self._slide.stop()
        self.setGeometry(self._open_at())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        acts: dict[int, Callable[[], object]] = {
            Qt.Key.Key_Escape: self.shut,
            Qt.Key.Key_Up: lambda: self.stepped.emit(-1),
            Qt.Key.Key_Down: lambda: self.stepped.emit(1),
        }
        if event.key() in acts:
            acts[event.key()]()
        else:
            super().keyPressEvent(event)

    def _open_at(self) -> QRect:
        page = self._page.rect()
        width = min(WIDTH, page.width() - 40)
        return QRect(page.width() - width, 0, width, page.height())

    def _open(self) -> None:
        there = self._open_at()
        self._back = self.window().focusWidget()
        self.setGeometry(there)
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._slide.setStartValue(there.translated(24, 0))
        self._slide.setEndValue(there)
        self._slide.start()

    def _set_acts(self, acts: tuple[QPushButton, ...]) -> None:
        """Beside each other, and below where their words need more room."""
        for old in self._foot.findChildren(QPushButton):
            old.hide()
            old.deleteLater()
        while (item := self._acts.takeAt(0)) is not None:
            if (line := item.layout()) is not None:
                line.deleteLater()
        room, beside = 0, QHBoxLayout()
        for made in acts:
            made.setParent(self._foot)
            made.ensurePolished()
            if room < made.sizeHint().width():
                room, beside = self._open_at().width() - 2 * MARGIN, row(0, spacing=GAP)
                self._acts.addLayout(beside)
            beside.insertWidget(beside.count() - 1, made)
            room -= made.sizeHint().width() + GAP
        self._foot.setVisible(bool(acts))
