"""The lines of the home page: one thing to do each, in words, with the verb that leads to it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.services.home import Step, Todo
from app.views.theme import Tone, icon_pixmap, theme
from app.views.widgets.pieces import button, label, row
from app.vocabulary import STEPS, word
from app.words import ntr, tr, yuan

Go = Callable[[str, object], object]
HEIGHT = 36
"""Px of a line, with a button or without."""
ICON = 18
TONES: dict[str, Tone] = {
    "failed": "error",
    "refused": "error",
    "conflicts": "error",
    "recovering": "error",
    "unfinished": "info",
    "paused": "info",
    "password": "warn",
}
SYMBOLS = {
    "unfinished": "layers",
    "paused": "pause",
    "password": "key-round",
    "failed": "send",
    "expiring": "clock",
    "refused": "cloud-off",
    "conflicts": "triangle-alert",
    "leases-over": "history",
    "recovering": "archive-restore",
    "backup": "archive-restore",
    "unsaved": "archive-restore",
    "recovery": "key-round",
}


class Sign(QLabel):
    """An icon in a tone that follows the theme."""

    def __init__(self, symbol: str, tone: Tone) -> None:
        super().__init__()
        self._symbol, self._tone = symbol, tone
        self.setFixedSize(ICON + 2, HEIGHT - 8)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme().changed.connect(self._paint)
        self._paint()

    def _paint(self) -> None:
        ink = theme().tokens.ink(self._tone)
        self.setPixmap(icon_pixmap(self._symbol, ink, size=ICON, ratio=self.devicePixelRatioF()))


def todo_line(todo: Todo, soon: int, go: Go) -> QWidget:
    """`soon` is how many of the cards that end do so within a week."""
    words = _words(todo.key, todo.count)
    if todo.key == "expiring" and soon:
        words = ntr("{words}, {count} within 7 days", "{words}, {count} within 7 days", soon, words=words)
    if todo.minor:
        words = f"{words} · {yuan(todo.minor)}"
    act = button(_verb(todo.key), lambda: go(todo.page, todo.wanted), compact=True)
    return _line(Sign(SYMBOLS[todo.key], TONES.get(todo.key, "warn")), words, act)


def step_line(step: Step, go: Go) -> QWidget:
    """Taken steps keep their place, so that the list does not jump."""
    words = word(STEPS, step.key)
    if step.done:
        return _line(Sign("circle-check", "ok"), words, label(tr("Done"), "note"), muted=True)
    act = button(tr("Begin"), lambda: go(step.page, step.wanted), compact=True)
    return _line(Sign("circle", "neutral"), words, act)


def _line(sign: QWidget, words: str, act: QWidget, *, muted: bool = False) -> QWidget:
    place = QWidget()
    place.setMinimumHeight(HEIGHT)
    if isinstance(act, QPushButton):  # five that are called "Begin" sound alike
        act.setAccessibleName(tr("{title}: {value}", title=act.text(), value=words))
    else:
        act.setAccessibleDescription(words)
    layout = row(sign, label(words, "muted" if muted else "", wrap=True), act, spacing=8)
    layout.setStretch(1, 1)
    place.setLayout(layout)
    return place


def _words(key: str, count: int) -> str:
    return {
        "unfinished": lambda: ntr("{count} unfinished batch", "{count} unfinished batches", count),
        "paused": lambda: ntr(
            "{count} distribution has not gone out whole", "{count} distributions have not gone out whole", count
        ),
        "password": lambda: ntr(
            "{count} planned file waits for its password", "{count} planned files wait for their passwords", count
        ),
        "failed": lambda: ntr("{count} card could not be delivered", "{count} cards could not be delivered", count),
        "expiring": lambda: ntr("{count} card ends within 30 days", "{count} cards end within 30 days", count),
        "conflicts": lambda: ntr("{count} conflict to settle", "{count} conflicts to settle", count),
        "leases-over": lambda: ntr(
            "{count} lease has run out and was not given back",
            "{count} leases have run out and were not given back",
            count,
        ),
        "recovering": lambda: ntr(
            "The endpoint was put back from a backup: {count} computer has to sync before it redeems again",
            "The endpoint was put back from a backup: {count} computers have to sync before it redeems again",
            count,
        ),
        "refused": lambda: ntr("The endpoint refused {count} entry", "The endpoint refused {count} entries", count),
        "backup": lambda: ntr("The last backup is {count} day old", "The last backup is {count} days old", count),
        "unsaved": lambda: ntr(
            "Cards for {count} day, and no backup yet", "Cards for {count} days, and no backup yet", count
        ),
        "recovery": lambda: tr("The recovery key was not confirmed"),
    }[key]()


def _verb(key: str) -> str:
    verbs = {
        "unfinished": lambda: tr("Continue"),
        "paused": lambda: tr("Continue"),
        "password": lambda: tr("Type it"),
        "conflicts": lambda: tr("Settle"),
        "backup": lambda: tr("Back up"),
        "unsaved": lambda: tr("Back up"),
        "recovery": lambda: tr("Confirm it"),
    }
    return verbs[key]() if key in verbs else tr("See")
