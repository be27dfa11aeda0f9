"""安全: change the passphrase, renew the recovery key, remember on this machine, lock when idle."""

from collections.abc import Callable
from typing import Protocol

from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from app.errors import AppError, WrongPassphrase
from app.messages import sentence
from app.services.settings import SettingService
from app.views.jobs import JobRunner, hold
from app.views.settings.recovery import CheckDialog, RecoveryKeys, RenewDialog
from app.views.settings.sheet import card, no_wider, sheet
from app.views.widgets.form import Form
from app.views.widgets.passphrase_field import PassphraseField, Strength
from app.views.widgets.pieces import button, label, row
from app.views.widgets.toast import toast
from app.words import tr

IDLE_MINUTES = (2, 5, 10, 30, 60)


class Keys(RecoveryKeys, Protocol):
    """What the screen asks of the vault's keys; bootstrap joins it with the open vault."""

    def change_passphrase(self, current: str, new: str) -> None: ...
    def remember(self) -> bool: ...
    def forget(self) -> None: ...
    @property
    def remembered(self) -> bool: ...


class SecuritySection(QWidget):
    def __init__(
        self,
        keys: Keys,
        settings: SettingService,
        *,
        on_idle: Callable[[int], None],
        jobs: JobRunner,
        judge: Callable[[str], Strength],
    ) -> None:
        """`on_idle` hears at once after how many minutes the window shall lock."""
        super().__init__()
        self._on_idle = on_idle
        self._keys, self._settings, self._jobs = keys, settings, jobs
        self.current = PassphraseField(tr("Current passphrase"))
        self.new = PassphraseField(tr("New passphrase"), judge=judge)
        self.form = Form()
        self.form.add("current", tr("Current passphrase"), self.current)
        self.form.add("new", tr("New passphrase"), self.new)
        for field in (self.current, self.new):
            field.edited.connect(self.form.clear_errors)
        self.idle = self._minutes()
        self.remember = QCheckBox(tr("Open without passphrase on this machine (system keychain)"))
        self.remember.setChecked(keys.remembered)
        self.remember.clicked.connect(self._choose_remember)
        idle_form = Form()
        idle_form.add("idle", tr("Lock when idle for"), self.idle)
        worthless = label(tr("A new key makes the printed one worthless."), "muted", wrap=True)
        self.change_button = button(tr("Change passphrase"), self.change, kind="primary")
        check = button(tr("Check the printed one"), self.check, symbol="shield-check")
        renew = button(tr("Make a new recovery key"), self.renew, symbol="key-round")
        sheet(
            self,
            card(no_wider(self.form), row(self.change_button, 0), title=tr("Passphrase")),
            card(worthless, row(check, renew, 0), title=tr("Recovery key")),
            card(no_wider(idle_form), self.remember, title=tr("Lock")),
        )

    def _minutes(self) -> QComboBox:
        box = QComboBox()
        for minutes in IDLE_MINUTES:
            box.addItem(tr("{minutes} minutes", minutes=minutes), minutes)
        box.setCurrentIndex(max(0, box.findData(self._settings.get("lock.idle_minutes"))))
        box.activated.connect(self._choose_idle)
        return box

    def change(self) -> None:
        changing = self._jobs.start(
            self._keys.change_passphrase,
            self.current.passphrase,
            self.new.passphrase,
            on_done=self._changed,
            on_refused=self._refuse,
            owner=self,
        )
        hold(changing, self.change_button)

    def check(self) -> None:
        CheckDialog(self, self._keys, jobs=self._jobs).open()

    def renew(self) -> None:
        RenewDialog(self, self._keys, jobs=self._jobs).open()

    def _changed(self, _: object) -> None:
        self.current.clear()
        self.new.clear()
        toast(self, tr("Passphrase changed"))

    def _refuse(self, error: AppError) -> None:
        self.form.set_error("current" if isinstance(error, WrongPassphrase) else "new", sentence(error))

    def _choose_idle(self) -> None:
        minutes = self.idle.currentData()
        self._jobs.start(self._settings.put, "lock.idle_minutes", minutes)
        self._on_idle(minutes)

    def _choose_remember(self, chosen: bool) -> None:
        def done(kept: object) -> None:
            if chosen and not kept:
                self.remember.setChecked(False)
                toast(self, tr("This system has no keychain that answers."), tone="warn")

        self._jobs.start(self._keys.remember if chosen else self._keys.forget, on_done=done, owner=self)
