"""A sentence above the work it speaks of, with at most one action; it stays until it is closed or no longer true."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.views.theme import Tone, icon_pixmap, set_kind, theme
from app.views.widgets.pieces import button, icon_button, label, row
from app.words import tr

if TYPE_CHECKING:
    from app.errors import AppError

SYMBOLS: dict[str, str] = {"info": "info", "ok": "circle-check", "warn": "triangle-alert", "error": "circle-x"}


class Banner(QFrame):
    """Hidden until it has something to say; `shown` tells who stands around it."""

    shown = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self._tone: Tone = "info"
        self._call: Callable[[], object] | None = None
        self._symbol = QLabel()
        self._symbol.setFixedSize(20, 20)
        self.words = label("", wrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.act = button("", self._run, kind="text", compact=True)
        self.shut = icon_button("x", tr("Close"), self.clear)
        self.shut.setFixedSize(28, 28)
        line = row(self._symbol, self.words, self.act, self.shut, spacing=8)
        line.setContentsMargins(12, 6, 6, 6)
        line.setStretch(1, 1)
        self.setLayout(line)
        self.hide()
        theme().changed.connect(self._paint_symbol)

    def say(
        self, tone: Tone, words: str, *, action: tuple[str, Callable[[], object]] | None = None, closable: bool = True
    ) -> None:
        """Show one sentence; `action` is (verb, what it does)."""
        self._tone = tone
        self.words.setText(words)
        self._call = action[1] if action else None
        self.act.setText(action[0] if action else "")
        self.act.setVisible(action is not None)
        self.shut.setVisible(closable)
        set_kind(self, tone)
        self._paint_symbol()
        self.setAccessibleName(words)
        self.shown.emit(True)
        self.show()

    def show_error(self, error: AppError, *, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """The words of a refusal, perhaps with the way on; fits `on_refused` of a job."""
        from app.messages import complaint  # all its sentences: a gate that nobody refused shows without them

        self.say("error", complaint(error), action=action)

    def clear(self) -> None:
        self.hide()
        self.shown.emit(False)

    def _run(self) -> None:
        if self._call is not None:
            self._call()

    def _paint_symbol(self) -> None:
        ink = theme().tokens.ink(self._tone)
        self._symbol.setPixmap(icon_pixmap(SYMBOLS.get(self._tone, "info"), ink, ratio=self.devicePixelRatioF()))
