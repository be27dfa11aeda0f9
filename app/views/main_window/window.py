"""The window: a gate while the vault is shut, the workspace while it is open.

What a gate does not need is loaded when it is needed: the gate is what people wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QMenu, QStackedWidget, QWidget

from app.views.jobs import JobRunner
from app.views.main_window.menus import Menus
from app.views.theme import CHOICES, icon, theme
from app.views.widgets.pieces import GUTTER
from app.views.widgets.toast import Toasts, toast
from app.words import language, ntr, set_language, tr

if TYPE_CHECKING:
    from app.errors import AppError
    from app.views.main_window.crash import CrashDialog
    from app.views.main_window.idle import IdleWatch
    from app.views.main_window.palette import Entry, Palette
    from app.views.main_window.specs import Found, SyncStatus, Workspace
    from app.views.main_window.workspace_view import WorkspaceView

SMALLEST = QSize(1024, 680)
FIRST = QSize(1440, 900)
NARROW_PX = 1200


class MainWindow(QMainWindow):
    """Screens come in through `Workspace`; nothing here knows one of them.

    `memory` keeps where the window stood, whether the rail was folded, how tables are arranged: facts of the machine,
    not of the vault.
    """

    lock_wanted = Signal()
    sync_wanted = Signal()
    theme_chosen = Signal(str)
    language_chosen = Signal(str)
    leaving = Signal()  # the window is about to close: finish, then quit

    def __init__(self, jobs: JobRunner, *, log_folder: Path, memory: QSettings) -> None:
        super().__init__()
        self._jobs, self._log_folder, self._memory = jobs, log_folder, memory
        self._workspace: Workspace | None = None
        self._build_gate: Callable[[], QWidget] | None = None
        self._view: WorkspaceView | None = None
        self._palette: Palette | None = None
        self._menus = Menus(self)
        self._sync: SyncStatus | None = None
        self._badges: dict[str, int] = {}
        self._crash: CrashDialog | None = None
        self._may_close = False
        self._narrow = self._qt_was_told = False
        self._toasts = Toasts(self)
        self._stack = QStackedWidget()
        self.setCentralWidget(self._stack)
        self.setMinimumSize(SMALLEST)
        self.setWindowIcon(icon("logo", "primary"))
        self.setWindowTitle(tr("Kaxia"))
        jobs.refused.connect(self.show_refusal)
        jobs.crashed.connect(self.show_crash)
        jobs.listed.connect(self._call_attention)
        self._restore_place()

    # --- gate and workspace ---

    def open_gate(self, build: Callable[[], QWidget]) -> None:
        """Show the unlock screen or the first run. Pages are thrown away, so nothing of the vault stays in sight."""
        if self._workspace is not None:
            self.idle_watch.stop()
        self._tell_qt()
        self._build_gate, self._workspace = build, None
        self._put(build())
        self._view = None
        self._set_toasts()
        self._drop_palette()
        self._fill_menus()
        self.setWindowTitle(tr("Kaxia"))

    def _tell_qt(self) -> None:
        """Qt speaks English by itself: what tells it otherwise is loaded where it is needed."""
        if language() == "en" and not self._qt_was_told:
            return
        from app.views.main_window.qt_words import follow_language

        self._qt_was_told = True
        follow_language()

    @cached_property
    def idle_watch(self) -> IdleWatch:
        """Made with the first workspace: a gate has nothing to lock."""
        from app.views.main_window.idle import IdleWatch

        watch = IdleWatch(self)
        watch.idle.connect(self.lock_wanted)
        return watch

    def lock_after(self, minutes: int) -> None:
        """When nobody has touched anything for so long."""
        self.idle_watch.after_s = minutes * 60.0

    def open_workspace(self, workspace: Workspace) -> None:
        self._build_gate, self._workspace = None, workspace
        self._badges.clear()
        self.idle_watch.start()
        self._build_workspace(workspace.start or workspace.pages[0].key)

    def rebuild(self) -> None:
        """Make every text anew, in the language that is set now; the current page stays the current one.

        A gate that is about to open a vault stays as it is: only it hears the answer.
        """
        if self._workspace is not None and self._view is not None:
            self._build_workspace(self._view.current)
        elif self._build_gate is not None and not getattr(self._stack.widget(0), "is_busy", False):
            self.open_gate(self._build_gate)

    def go(self, key: str, wanted: object = None) -> None:
        """Show a page and what is wanted of it."""
        if self._view is not None:
            self._view.go(key, wanted)

    @property
    def view(self) -> WorkspaceView | None:
        return self._view

    @property
    def palette_box(self) -> Palette | None:
        return self._palette

    # --- what the window is told ---

    def set_sync(self, status: SyncStatus) -> None:
        self._sync = status
        if self._view is not None:
            self._view.set_sync(status)

    def set_badge(self, key: str, count: int) -> None:
        """A number at a page of the rail; nought takes it away."""
        self._badges[key] = count
        if self._view is not None and key in self._view.rail.items:
            self._view.rail.items[key].set_badge(count)

    def choose_theme(self, choice: str) -> None:
        for known in CHOICES:
            if known == choice:
                theme().choose(known)
                self.theme_chosen.emit(known)
        self._fill_menus()

    def choose_language(self, code: str) -> None:
        set_language(code)
        self.rebuild()
        self.language_chosen.emit(code)

    def show_refusal(self, error: AppError) -> None:
        """The sentence of a refusal that no page answers."""
        from app.messages import sentence

        if self._view is not None:
            self._view.banner.say("error", sentence(error))
        else:
            toast(self, sentence(error), tone="error")

    def show_crash(self, error: Exception) -> None:
        """One dialog at a time: a broken timer must not bury the window."""
        from app.views.main_window.crash import CrashDialog

        if self._crash is None:
            self._crash = CrashDialog(self, error, log_folder=self._log_folder)
            self._crash.finished.connect(self._forget_crash)
            self._crash.open()

    def show_keys(self) -> None:
        from app.views.main_window.keys import KeysDialog, keys_of

        page = keys_of(self._view.page_actions()) if self._view else []
        KeysDialog(self, page=page, window=keys_of(self._menus.actions)).open()

    def show_palette(self) -> None:
        if self._palette is not None:
            self._palette.pop_up()

    # --- inside ---

    def _build_workspace(self, current: str) -> None:
        workspace = self._workspace
        if workspace is None:
            return
        from app.views.main_window.palette import Palette
        from app.views.main_window.specs import SyncStatus
        from app.views.main_window.workspace_view import WorkspaceView

        self._tell_qt()
        view = WorkspaceView(workspace, self._jobs, self._memory)
        view.top.search_wanted.connect(self.show_palette)
        view.top.sync_wanted.connect(self.sync_wanted)
        view.top.lock_wanted.connect(self.lock_wanted)
        view.top.tasks_wanted.connect(lambda: self.go("tasks"))
        view.top.fold_wanted.connect(self._remember_fold)
        view.set_folded(self._folds_rail)
        self._view = view
        self._put(view)
        self._set_toasts()
        view.set_sync(self._sync or SyncStatus("neutral", ""))
        for key, count in self._badges.items():
            self.set_badge(key, count)
        self._drop_palette()
        self._fill_menus()
        self._palette = Palette(
            self, self._jobs, entries=self._entries(workspace), find=workspace.find, open_found=self._open_found
        )
        self.setWindowTitle(tr("{merchant} - Kaxia", merchant=workspace.merchant))
        view.go(current)

    def _put(self, widget: QWidget) -> None:
        """Toasts and questions go with the page they speak for: they name people, and act through it."""
        self._toasts.clear()
        for dialog in self.findChildren(QDialog, options=Qt.FindChildOption.FindDirectChildrenOnly):
            dialog.done(QDialog.DialogCode.Rejected)
        while (old := self._stack.widget(0)) is not None:
            self._stack.removeWidget(old)
            old.deleteLater()
        self._stack.addWidget(widget)

    def _drop_palette(self) -> None:
        if self._palette is not None:
            self._palette.deleteLater()
            self._palette = None

    def _entries(self, workspace: Workspace) -> list[Entry]:
        from app.views.main_window.palette import Entry

        pages = [Entry(spec.title(), tr("Page"), spec.symbol, partial(self.go, spec.key)) for spec in workspace.pages]
        commands = [
            Entry(one.title(), one.shortcut or tr("Command"), one.symbol or "command", one.call)
            for one in workspace.commands
        ]
        return [*commands, *pages]

    def _open_found(self, found: Found) -> None:
        self.go(found.page, found.wanted)

    def _fill_menus(self) -> None:
        self._menus = menus = Menus(self)
        commands = self._workspace.commands if self._workspace else ()
        file_menu = menus.menu(tr("File"))
        menus.add_commands(file_menu, commands, "file")
        if self._workspace:
            menus.add(file_menu, tr("Lock"), self.lock_wanted.emit, shortcut="Ctrl+L")
        menus.add(file_menu, tr("Quit"), self.close, shortcut="Ctrl+Q")
        menus.add_edits(menus.menu(tr("Edit")))
        view_menu = menus.menu(tr("View"))
        if self._workspace:
            self._fill_workspace_menus(menus, view_menu, self._workspace)
        menus.add_choices(view_menu, on_theme=self.choose_theme, on_language=self.choose_language)
        window_menu = menus.menu(tr("Window"))
        menus.add(window_menu, tr("Minimise"), self.showMinimized)
        menus.add(window_menu, tr("Full screen"), self._toggle_full_screen, shortcut="F11")
        help_menu = menus.menu(tr("Help"))
        menus.add(help_menu, tr("Keys of this page"), self.show_keys, shortcut="F1")
        menus.add_commands(help_menu, commands, "help")

    def _fill_workspace_menus(self, menus: Menus, view_menu: QMenu, workspace: Workspace) -> None:
        menus.add_pages(view_menu, workspace.pages, self.go)
        view_menu.addSeparator()
        menus.add(view_menu, tr("Fold the rail"), self._fold, shortcut="Ctrl+B")
        for title, key in ((tr("Cards"), "cards"), (tr("Distribution"), "distribution")):
            if any(command.menu == key for command in workspace.commands):
                menus.add_commands(menus.menu(title), workspace.commands, key)
        tools = menus.menu(tr("Tools"))
        menus.add(tools, tr("Search and commands"), self.show_palette, shortcut="Ctrl+K")
        menus.add(tools, tr("Sync now"), self.sync_wanted.emit, shortcut="F5")
        menus.add_commands(tools, workspace.commands, "tools")

    def _fold(self) -> None:
        if self._view is not None:
            self._view.fold()
            self._remember_fold()

    def _remember_fold(self) -> None:
        if self._view is not None:
            if not self._narrow:
                self._memory.setValue("rail/folded", self._view.folded)
            self._set_toasts()

    @property
    def _folds_rail(self) -> bool:
        """Whether the rail begins folded: in a narrow window, where lists need the room, or because somebody did it."""
        return self._narrow or bool(self._memory.value("rail/folded", False, bool))

    def _fit_rail(self) -> None:
        """When the window becomes narrow or wide; in between the rail is as somebody wants it."""
        narrow = self.width() < NARROW_PX
        if narrow != self._narrow:
            self._narrow = narrow
            if self._view is not None:
                self._view.set_folded(self._folds_rail)
                self._set_toasts()

    def _set_toasts(self) -> None:
        """They stand over the content, never over the rail."""
        self._toasts.left = (self._view.rail.width() if self._view is not None else 0) + GUTTER
        self._toasts.place()

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _forget_crash(self) -> None:
        self._crash = None

    def _call_attention(self) -> None:
        """A job of more than half a minute ended while somebody looked elsewhere."""
        ended = [job for job in self._jobs.jobs()[:1] if not job.running and job.elapsed_s > 30]
        if ended and not self.isActiveWindow():
            QApplication.alert(self)

    # --- where it stood ---

    def _restore_place(self) -> None:
        kept = self._memory.value(self._place_key())
        if not (isinstance(kept, QByteArray) and self.restoreGeometry(kept)):
            room = QGuiApplication.primaryScreen().availableGeometry().size()
            self.resize(FIRST.boundedTo(room).expandedTo(SMALLEST))

    def _place_key(self) -> str:
        """One place for each set of monitors."""
        screens = sorted(
            f"{screen.name()}-{screen.size().width()}x{screen.size().height()}" for screen in QGuiApplication.screens()
        )
        return "place/" + "+".join(screens).replace("/", "_")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_rail()
        if self._palette is not None and self._palette.isVisible():
            self._palette.place()

    def focusNextPrevChild(self, forward: bool) -> bool:
        from app.views.widgets.tab_order import go_by_tab  # not before the unlock screen is painted

        return go_by_tab(self, forward=forward)

    def closeEvent(self, event: QCloseEvent) -> None:
        running = len(self._jobs.running())
        if running and not self._may_close:
            from app.views.widgets.dialog import ask

            event.ignore()
            ask(
                self,
                ntr("{count} task is still running", "{count} tasks are still running", running),
                consequence=tr("They stop now. What is done so far is kept, and you can go on with it next time."),
                verb=tr("Stop and quit"),
                then=self._close_now,
            )
            return
        self._memory.setValue(self._place_key(), self.saveGeometry())
        self._memory.sync()
        self.leaving.emit()
        super().closeEvent(event)

    def _close_now(self) -> None:
        self._may_close = True
        self.close()
