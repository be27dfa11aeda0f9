"""A passphrase field: an eye to see it, a word when Caps Lock is on, a meter of how hard it is to guess."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QLineEdit, QWidget

from app.views.theme import Tone, icon, theme
from app.views.widgets.pieces import column, label, row
from app.words import tr

PAUSE_MS = 150
STEPS = 4


class Strength(NamedTuple):
    """`score` 0 to 4, `words` what makes it weak or how long guessing takes."""

    score: int
    words: str


class _Meter(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.score = 0
        self.setFixedHeight(4)
        self.setMinimumWidth(120)
        theme().changed.connect(self.update)

    def paintEvent(self, event: object) -> None:
        tones: tuple[Tone, ...] = ("error", "error", "warn", "ok", "ok")
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = (self.width() - 4 * (STEPS - 1)) / STEPS
        for step in range(STEPS):
            on = step < self.score
            painter.setBrush(QColor(theme().tokens.ink(tones[self.score]) if on else theme().tokens.line))
            painter.drawRoundedRect(int(step * (width + 4)), 0, int(width), 4, 2, 2)
        painter.end()


class PassphraseField(QWidget):
    """`judge(text) -> Strength` feeds the meter after a pause; without it there is no meter."""

    submitted = Signal()
    edited = Signal()

    def __init__(self, name: str, *, judge: Callable[[str], Strength] | None = None) -> None:
        super().__init__()
        self._judge = judge
        self.entry = QLineEdit()
        self.entry.setAccessibleName(name)
        self.entry.setEchoMode(QLineEdit.EchoMode.Password)
        self.entry.setInputMethodHints(
            Qt.InputMethodHint.ImhHiddenText
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhSensitiveData
        )
        self._eye = self.entry.addAction(icon("eye"), QLineEdit.ActionPosition.TrailingPosition)
        self._eye.setToolTip(tr("Show the passphrase"))
        self._eye.triggered.connect(self._toggle)
        self.caps_words = label(tr("Caps Lock is on"), "warn")
        self.caps_words.hide()
        self._meter = _Meter()
        self.strength_words = label("", "note", wrap=True)
        self._meter_line = QWidget()
        meter_line = row(self._meter, self.strength_words, spacing=12)
        meter_line.setStretch(1, 1)
        self._meter_line.setLayout(meter_line)
        self._meter_line.hide()
        self.setLayout(column(self.entry, self.caps_words, self._meter_line, spacing=6))
        self.setFocusProxy(self.entry)
        self._pause = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._show_strength)
        self.entry.textChanged.connect(self._wait)
        self.entry.returnPressed.connect(self.submitted)
        self.entry.installEventFilter(self)

    @property
    def passphrase(self) -> str:
        return self.entry.text()

    def clear(self) -> None:
        """Also hides the letters again."""
        self.entry.clear()
        self.entry.setEchoMode(QLineEdit.EchoMode.Password)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            self._watch_caps(event)
        return False

    def _watch_caps(self, event: QKeyEvent) -> None:
        """Qt does not tell the state of the key: a capital without Shift, or the reverse, gives it away."""
        letter = event.text()
        if event.key() == Qt.Key.Key_CapsLock:
            self.caps_words.hide()
        elif len(letter) == 1 and letter.isascii() and letter.isalpha():
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.caps_words.setVisible(letter.isupper() != shift)

    def _toggle(self) -> None:
        hidden = self.entry.echoMode() == QLineEdit.EchoMode.Password
        self.entry.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)
        self._eye.setIcon(icon("eye-off" if hidden else "eye"))
        self._eye.setToolTip(tr("Hide the passphrase") if hidden else tr("Show the passphrase"))

    def _wait(self) -> None:
        self.edited.emit()
        if self._judge is not None:
            self._pause.start()

    def _show_strength(self) -> None:
        if self._judge is None or not self.entry.text():
            self._meter_line.hide()
            return
        strength = self._judge(self.entry.text())
        self._meter.score = min(max(strength.score, 0), STEPS)
        self._meter.update()
        self.strength_words.setText(strength.words)
        self._meter_line.show()
