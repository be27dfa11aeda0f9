"""The window's life: first run or unlock, the workspace, lock, and the way out."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QWidget

from app.config import Config
from app.views.changes import Changes
from app.views.jobs import Job, JobRunner
from app.views.main_window import MainWindow
from app.views.theme import application, theme
from app.views.widgets.passphrase_field import Strength
from app.words import LANGUAGES, language, set_language, tr

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory
    from types import TracebackType

    from app.bootstrap.background import Background
    from app.services import Services
    from app.services.vault.vaults import NewVault, OpenVault, Vaults
    from app.views.distribution.draft import Shelf

log = logging.getLogger(__name__)
PAINTED_MS = 100
"""After this the unlock screen stands; what opening a vault needs is loaded behind it."""
DEMOS = "kaxia-demo-"


def open_desk(config: Config, *, passphrase: str = "") -> int:
    """Run the window until it is closed; the process's exit code. A known passphrase (demo data) opens at once."""
    running = application(sys.argv[0])
    running.setApplicationName("Kaxia")
    running.setOrganizationName("Kaxia")
    desk = Desk(config, QSettings("Kaxia", "Kaxia"))
    sys.excepthook = desk.crashed
    desk.window.show()
    if passphrase:
        desk.enter(desk.vaults().open(passphrase))
    return running.exec()


class Desk(QObject):
    """Holds what lives longer than a page: the window, the jobs, the open vault with its services."""

    def __init__(self, config: Config, memory: QSettings, *, alone: bool = False) -> None:
        """`alone`: nothing goes on by itself (pictures, tests of single pages)."""
        super().__init__()
        self.config, self._memory, self._alone = config, memory, alone
        self._background: Background | None = None
        self.jobs, self.changes = JobRunner(self), Changes(self)
        self.services: Services | None = None
        self._vault: OpenVault | None = None
        self._vaults: Vaults | None = None
        self._throw_away: TemporaryDirectory[str] | None = None
        self._making: Job | None = None
        self.key_was_typed = False
        """The recovery key has just opened the vault, or was copied off its sheet: it is there and right."""
        self._shelf: Shelf | None = None
        set_language(_first_language(memory))
        theme().choose(memory.value("theme", "system"))  # type: ignore[arg-type]  # an unknown word means system
        self.window = MainWindow(self.jobs, log_folder=config.logs, memory=memory)
        self.window.lock_wanted.connect(self.lock)
        self.window.leaving.connect(self.leave)
        self.window.theme_chosen.connect(self._keep_theme)
        self.window.language_chosen.connect(self._keep_language)
        self.show_gate()

    def crashed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """What a slot let through: Qt goes on, so the window does, too."""
        log.error("the window crashed", exc_info=(kind, error, trace))
        if isinstance(error, Exception):
            self.window.show_crash(error)

    # --- the gate ---

    def show_gate(self) -> None:
        self.window.open_gate(self._unlock_page if self.config.key_slots.exists() else self._first_run_page)

    def enter(self, vault: OpenVault) -> None:
        """A vault was opened or made: build the services and show the workspace."""
        from app.bootstrap import build_services

        if self._vault is not vault:
            self._vault, self._shelf = vault, None
            vault.database.subscribe(self.changes.tell)
            self.services = build_services(self.config, vault, autostart=True)
            chosen = self.services.settings.get("look.language")
            if chosen != language():
                self._memory.setValue("language", chosen)
                set_language(chosen)
        self._show_workspace("vault.opened")
        if self.key_was_typed and self.services is not None:
            self.key_was_typed = False
            self.jobs.start(self.services.settings.put, "recovery.confirmed", True)  # a value
        if self._background is None and self.services is not None and not self._alone:
            from app.bootstrap.background import Background

            self._background = Background(self, self.services, parent=self)
            self._background.start()

    def lock(self) -> None:
        """Nothing of the vault stays in sight; jobs go on."""
        if self.services is not None and self.window.view is not None:
            self.jobs.start(self.services.audit.note, "vault.locked")
            self.window.open_gate(self._locked_page)

    def leave(self) -> None:
        """Stop the jobs, back up if that is wished, close the vault."""
        if self._background is not None:
            self._background.stop()
            self._background = None
        self.window.hide()
        self.jobs.stop()
        if self._vault is not None and self.services is not None:
            if self._throw_away is None:
                self._back_up_on_exit()
            self._stop_endpoint()
            self._vault.close()
            self._vault = self.services = None

    def _stop_endpoint(self) -> None:
        """What the window started goes with it; an endpoint that phones reach over the LAN goes on."""
        assert self.services is not None, "called while open"
        if self._throw_away is not None or not self.services.settings.get("cloud.lan_address"):
            self.services.cloud.stop_embedded()

    # --- inside ---

    def vaults(self) -> Vaults:
        if self._vaults is None:
            from app.services.vault.vaults import Vaults

            self._vaults = Vaults(self.config)
        return self._vaults

    @property
    def is_demo(self) -> bool:
        return self._throw_away is not None

    def shelf(self) -> Shelf:
        """Where what is begun in this vault outlives a lock; nothing of it is ever written to a disk."""
        if self._shelf is None:
            from app.views.distribution.draft import Shelf

            self._shelf = Shelf()
        return self._shelf

    def judge(self, passphrase: str) -> Strength:
        """How good a passphrase is, in words."""
        from app.services.vault.vaults import passphrase_strength

        words = (tr("very easy to guess"), tr("easy to guess"), tr("still easy"), tr("good"), tr("very good"))
        score = passphrase_strength(passphrase).score
        return Strength(score, words[score])

    def _show_workspace(self, action: str) -> None:
        from app.bootstrap.workspace import workspace_of

        assert self.services is not None, "entered with services"
        assert self._vault is not None, "entered with a vault"
        self.window.lock_after(int(self.services.settings.get("lock.idle_minutes")))
        self.window.open_workspace(workspace_of(self, self.services, self._vault))
        self.jobs.start(self.services.audit.note, action)

    def _unlock_page(self) -> QWidget:
        from app.views.vault.unlock import UnlockPage

        page = UnlockPage(_ShutDoors(self), jobs=self.jobs, judge=self.judge)
        page.opened.connect(self.enter)
        QTimer.singleShot(0, page, page.setFocus)
        QTimer.singleShot(PAINTED_MS, page, lambda: page.open_by_itself(self._is_remembered, self._open_remembered))
        return page

    def _is_remembered(self) -> bool:
        return self.vaults().remembered

    def _open_remembered(self) -> OpenVault:
        return self.vaults().open_from_keychain()

    def _locked_page(self) -> QWidget:
        from app.views.vault.unlock import UnlockPage

        page = UnlockPage(_LockedDoors(self), jobs=self.jobs, judge=self.judge, locked=True)
        page.opened.connect(self.enter)
        QTimer.singleShot(0, page, page.setFocus)
        return page

    def _first_run_page(self) -> QWidget:
        from app.bootstrap.beginnings import beginnings_of
        from app.views.vault.first_run import FirstRunPage

        page = FirstRunPage(beginnings_of(self), jobs=self.jobs)
        page.made.connect(lambda vault: self._enter_new(vault, confirmed=page.key_confirmed))
        page.language_changed.connect(self.window.rebuild)
        page.restored.connect(self.show_gate, Qt.ConnectionType.QueuedConnection)
        QTimer.singleShot(0, page, page.focus_step)
        return page

    def create(self, new: NewVault) -> OpenVault:
        return self.vaults().create(new)[0]

    def restore(self, backup: Path, secret: str) -> None:
        """Put a backup into this data folder, then ask for its passphrase as for any vault."""
        from app.services.backups import restore

        restore(backup, self.config, secret=secret)

    def open_demo(self) -> Job:
        """A throw-away vault in a folder of its own, which goes with the program. One that cannot be made leaves all
        as it was; asked for again while it is made, it is that one."""
        if self._making is None or not self._making.running:
            self._making = self.jobs.start(_made_demo, title=tr("Make the demo"), on_done=self._enter_demo)
        return self._making

    def _enter_demo(self, made: tuple[TemporaryDirectory[str], OpenVault]) -> None:
        self._throw_away, vault = made
        self.config, self._vaults = Config(Path(self._throw_away.name)), None
        self.enter(vault)

    def page_keys(self) -> list[str]:
        """Pages of the rail, from top to bottom."""
        view = self.window.view
        return [] if view is None else view.keys()

    def _enter_new(self, vault: OpenVault, *, confirmed: bool) -> None:
        chosen = language()  # perhaps while the vault was made
        self.key_was_typed = confirmed
        self.enter(vault)
        if chosen != language():
            self.window.choose_language(chosen)

    def locked_vault(self) -> OpenVault:
        assert self._vault is not None, "locked with a vault"
        return self._vault

    def _keep_theme(self, choice: str) -> None:
        """A fact of this machine and its screen, not of the vault."""
        self._memory.setValue("theme", choice)

    def _keep_language(self, code: str) -> None:
        self._memory.setValue("language", code)
        if self.services is not None:
            self.jobs.start(self.services.settings.put, "look.language", code)

    def _back_up_on_exit(self) -> None:
        from app.errors import AppError

        assert self.services is not None, "called while open"
        if self.services.settings.get("backup.on_exit"):
            try:
                self.services.backups.create()
            except AppError as error:
                log.warning("no backup on exit: %s", error.code)


class _ShutDoors:
    """The vault is closed: opening it gives it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def open(self, passphrase: str) -> object:
        return self._desk.vaults().open(passphrase)

    def open_with_recovery_key(self, typed: str, new_passphrase: str) -> object:
        vault = self._desk.vaults().open_with_recovery_key(typed, new_passphrase)
        self._desk.key_was_typed = True
        return vault


class _LockedDoors:
    """The vault is open and only hidden: the passphrase shows it again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def open(self, passphrase: str) -> object:
        self._desk.vaults().check_passphrase(passphrase)
        return self._desk.locked_vault()

    def open_with_recovery_key(self, typed: str, new_passphrase: str) -> object:
        self._desk.vaults().reset_passphrase(typed, new_passphrase)
        self._desk.key_was_typed = True
        return self._desk.locked_vault()


def _made_demo() -> tuple[TemporaryDirectory[str], OpenVault]:
    """In a folder that goes with what is returned here. Raises AppError."""
    import tempfile

    from app.bootstrap.demo import make_demo, sweep
    from app.services.vault.vaults import file_refusals

    place = Path(tempfile.gettempdir())
    with file_refusals(place):
        folder = tempfile.TemporaryDirectory(prefix=DEMOS, ignore_cleanup_errors=True)
    sweep(place.glob(f"{DEMOS}*"))
    return folder, make_demo(Config(Path(folder.name)))


def _first_language(memory: QSettings) -> str:
    """What was chosen on this machine, else the system's language if we speak it."""
    kept = str(memory.value("language", ""))
    if kept in LANGUAGES:
        return kept
    return "zh_CN" if QLocale.system().language() == QLocale.Language.Chinese else "en"
