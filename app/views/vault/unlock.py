"""解锁: open the vault with the passphrase, or with the recovery key and a new passphrase."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal

from app.views.jobs import JobRunner
from app.views.vault.sheet import Sheet
from app.views.widgets.field import Field
from app.views.widgets.passphrase_field import PassphraseField, Strength
from app.views.widgets.pieces import button, label, row
from app.words import tr

if TYPE_CHECKING:
    from app.errors import AppError
    from app.views.vault.doors import Doors

WIDTH = 420


class UnlockPage(Sheet):
    """`opened` carries what the door gave. The vault is never deleted, however often one mistypes."""

    opened = Signal(object)

    def __init__(
        self, doors: Doors, *, jobs: JobRunner, judge: Callable[[str], Strength], locked: bool = False
    ) -> None:
        super().__init__(width=WIDTH)
        self._doors, self._jobs, self._judge = doors, jobs, judge
        words = tr("Locked. Running jobs go on.") if locked else tr("Type the passphrase of your vault.")
        self.card.body.addWidget(label(words, "muted", wrap=True))
        self.passphrase = PassphraseField(tr("Passphrase"))
        self.field = Field(tr("Passphrase"), self.passphrase)
        self.passphrase.submitted.connect(self.unlock)
        self.passphrase.edited.connect(lambda: self.field.set_error(""))
        self.card.body.addWidget(self.field)
        self.unlock_button = button(tr("Unlock"), self.unlock, kind="primary")
        self.recovery_button = button(tr("Use the recovery key"), self.ask_recovery_key, kind="link")
        self.card.body.addLayout(row(self.recovery_button, 0, self.unlock_button))
        self.setFocusProxy(self.passphrase)
        self._wait_s = 0
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._count_down)

    def open_by_itself(self, is_remembered: Callable[[], bool], open_: Callable[[], object]) -> None:
        """Where this machine remembers the vault; the passphrase is asked for when its keychain is silent."""

        def go(remembered: bool) -> None:
            if remembered and self.unlock_button.isEnabled() and not self.passphrase.passphrase:
                self._set_busy(busy=True)
                self._jobs.start(open_, on_done=self._pass_on, on_refused=self._refuse, owner=self)

        self._jobs.start(is_remembered, on_done=go, on_refused=self._refuse, owner=self)

    def unlock(self) -> None:
        if not self.unlock_button.isEnabled():
            return
        self.banner.clear()
        self._set_busy(busy=True)
        self._jobs.start(
            self._doors.open,
            self.passphrase.passphrase,
            on_done=self._pass_on,
            on_refused=self._refuse,
            owner=self,
        )

    def ask_recovery_key(self) -> None:
        from app.views.vault.recovery_dialog import RecoveryDialog

        dialog = RecoveryDialog(self, self._doors, jobs=self._jobs, judge=self._judge)
        dialog.opened.connect(self._pass_on)
        dialog.open()

    def _pass_on(self, vault: object) -> None:
        self.passphrase.clear()
        self._set_busy(busy=False)
        self.opened.emit(vault)

    def _refuse(self, error: AppError) -> None:
        from app.errors import WrongPassphrase
        from app.messages import sentence

        self._set_busy(busy=False)
        if isinstance(error, WrongPassphrase):
            self.field.set_error(sentence(error))
            self.passphrase.entry.selectAll()
            self.passphrase.setFocus()
            self._wait(error.wait_s)
        else:
            self.banner.show_error(error)

    def _wait(self, wait_s: int) -> None:
        self._wait_s = wait_s
        if wait_s:
            self.unlock_button.setEnabled(False)
            self._clock.start()
            self._count_down()

    def _count_down(self) -> None:
        if self._wait_s <= 0:
            self._clock.stop()
            self._set_busy(busy=False)
            return
        self.unlock_button.setText(tr("Again in {seconds} s", seconds=self._wait_s))
        self._wait_s -= 1

    def _set_busy(self, *, busy: bool) -> None:
        self.is_busy = busy
        self.unlock_button.setEnabled(not busy)
        self.unlock_button.setText(tr("Opening…") if busy else tr("Unlock"))
