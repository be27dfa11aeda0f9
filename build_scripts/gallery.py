"""Pictures of every shared widget and of the shell, with sample rows: `python build_scripts/gallery.py [folder]`.

For eyes, not for a machine: look for cut words, boxes instead of signs, things without style, dead space.
"""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import (
    QApplication,
    QWidget,
)

from app.views.jobs import JobRunner
from app.views.main_window import Command, Found, MainWindow, PageSpec, SyncStatus, Workspace
from app.views.main_window.crash import CrashDialog
from app.views.theme import Choice, theme
from app.views.widgets.kpi_card import FormulaPopover
from app.views.widgets.page import Page
from app.views.widgets.pieces import button
from app.views.widgets.toast import toast
from app.words import language, set_language
from build_scripts.gallery_samples import (
    DashboardPage,
    EmptyPage,
    ListPage,
    PiecesPage,
    said,
    sample_confirm,
    sample_figures,
    sample_form,
    sample_timeline,
    states,
)

SIZES = ((1440, 900), (1024, 680))
THEMES: tuple[Choice, ...] = ("light", "dark")
NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


class Studio:
    """Takes the pictures of one theme, language and size."""

    def __init__(self, application: QApplication, folder: Path, *, size: tuple[int, int]) -> None:
        self._application, self._folder, self._size = application, folder, size
        self._jobs = JobRunner()
        memory = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self._window = MainWindow(self._jobs, log_folder=folder, memory=memory)
        self._window.resize(*size)

    def take_all(self) -> None:
        self._window.open_workspace(self._workspace())
        self._window.set_sync(SyncStatus("ok", said("已同步 10:32", "Synced 10:32"), said("离线", "Offline")))
        self._window.set_badge("tasks", 3)
        self._window.show()
        for key in ("list", "empty", "board", "pieces"):
            self._window.go(key)
            self._shoot(self._window, f"shell_{key}")
        self._window.go("list")
        toast(self._window, said("已冻结批次 B261123-01", "Batch B261123-01 is frozen"), undo=self._window.update)
        toast(self._window, said("无法连接兑换端", "The endpoint cannot be reached"), tone="error")
        self._open_drawer()
        self._shoot(self._window, "drawer_and_toasts")
        self._window.show_palette()
        self._shoot(self._window, "palette")
        self._take_dialogs()
        self._jobs.stop()
        self._window.close()

    def _workspace(self) -> Workspace:
        jobs = self._jobs
        pieces: list[PiecesPage] = []

        def build_pieces() -> QWidget:
            pieces.append(PiecesPage(jobs))
            jobs.destroyed.connect(pieces[-1].done.set)
            return pieces[-1]

        pages = [
            PageSpec("board", lambda: said("看板", "Dashboard"), "chart-line", DashboardPage),
            PageSpec("list", lambda: said("卡密批次", "Batches"), "layers", lambda: ListPage(jobs)),
            PageSpec("empty", lambda: said("人员", "People"), "users", EmptyPage),
            PageSpec("pieces", lambda: said("部件", "Pieces"), "gift", build_pieces),
            PageSpec("tasks", lambda: said("任务", "Tasks"), "list-checks", EmptyPage, foot=True),
            PageSpec("settings", lambda: said("设置", "Settings"), "settings", EmptyPage, "Ctrl+,", foot=True),
        ]
        commands = [
            Command("new", lambda: said("新建商品", "New product"), self._window.update, "cards", "plus", "Ctrl+N")
        ]
        ribbon = (lambda: said("演示数据", "Demo data")) if self._size[0] < 1200 else None
        return Workspace(said("晨光商贸", "Morning Trade"), pages, (), commands, sample_found, "list", ribbon)

    def _open_drawer(self) -> None:
        page = self._window.view.page() if self._window.view else None
        if isinstance(page, Page):
            mark = states()[3]
            acts = button(said("补发", "Reissue"), kind="primary"), button(said("冻结", "Freeze"), kind="danger")
            page.drawer.show_record("B261123-01-000042", sample_timeline(), state=mark, acts=acts)

    def _take_dialogs(self) -> None:
        makers: Sequence[tuple[str, Callable[[], QWidget]]] = (
            ("form", lambda: sample_form(self._window)),
            ("confirm", lambda: sample_confirm(self._window)),
            ("crash", lambda: CrashDialog(self._window, ValueError(), log_folder=self._folder)),
            ("formula", lambda: FormulaPopover(sample_figures()[0], self._window)),
        )
        for name, make in makers:
            made = make()
            made.show()
            self._shoot(made, name)
            made.close()
        self._window.show_keys()
        keys = self._application.activeModalWidget()
        if keys is not None:
            self._shoot(keys, "keys")
            keys.close()

    def _shoot(self, widget: QWidget, name: str) -> None:
        until = monotonic() + 0.35
        while monotonic() < until:
            self._application.processEvents()
        widget.grab().save(str(self._folder / f"{name}_{theme().tokens.name}_{language()}_{self._size[0]}.png"))


def sample_found(scope: str, words: str) -> list[Found]:
    card = Found("B261123-01-000042", said("张* · 可用", "Z* · usable"), "credit-card", "list", 42)
    person = Found(said("张小丰", "Zhang Xiaofeng"), "138****8888", "user", "empty", 3)
    return [card, person]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "gallery")
    folder.mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    for choice in THEMES:
        theme().choose(choice)
        for code, size in (("zh_CN", SIZES[0]), ("en", SIZES[1])) if len(sys.argv) < 3 else every_pair():
            set_language(code)
            Studio(application, folder, size=size).take_all()


def every_pair() -> list[tuple[str, tuple[int, int]]]:
    return [(code, size) for code in ("zh_CN", "en") for size in SIZES]


if __name__ == "__main__":
    main()
