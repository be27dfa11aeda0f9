"""The counter as the clerk has it: a scanner, a keyboard, and a clock that passes when a test says so."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services import Services
from app.services.cards import CardFilter
from app.services.vault.vaults import OpenVault
from app.views.changes import Changes
from app.views.counter.page import CounterPage
from app.views.jobs import JobRunner

PATIENCE_MS = 20_000
LEAST_ROOM = (968, 573)
"""Of a page in a window of 1024x680."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Counter:
    """The counter as the clerk has it, with codes to scan."""

    def __init__(self, bot: QtBot, services: Services, vault: OpenVault | None = None) -> None:
        """With `vault` the page hears what is written."""
        self.bot, self.services, self.clock = bot, services, Clock()
        self.jobs, self.changes = JobRunner(), Changes()
        if vault is not None:
            vault.database.subscribe(self.changes.tell)
        parts = (services.redemptions, services.settings, services.leases, services.slips)
        self.page = CounterPage(*parts, jobs=self.jobs, changes=self.changes, clock=self.clock)
        self.page.resize(1000, 700)
        self.page.show()
        bot.addWidget(self.page)
        bot.waitUntil(lambda: self.page.entry.hasFocus(), timeout=PATIENCE_MS)

    def code(self, batch_id: int, at: int = 0) -> str:
        ids = self.services.cards.ids(CardFilter(batch_id=batch_id), descending=False)
        return self.services.cards.reveal(ids[at], reason="test").reveal()

    @property
    def band(self) -> str:
        return self.page.band.shown.spoken

    def scan(self, code: str) -> None:
        """What a USB scanner does: every sign, then Enter."""
        self.bot.keyClicks(self.page.entry, code)
        self.enter()

    def enter(self) -> None:
        self.bot.keyClick(QApplication.focusWidget() or self.page.entry, Qt.Key.Key_Return)

    def says(self, *words: str) -> None:
        self.wait(lambda: all(word in self.band for word in words))

    def wait(self, condition: Callable[[], object]) -> None:
        self.bot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def later(self, seconds: float) -> None:
        self.clock.now += seconds
