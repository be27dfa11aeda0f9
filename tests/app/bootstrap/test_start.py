"""What is loaded before the unlock screen is painted: every module costs people time who only want to type."""

import os
import subprocess
import sys
from pathlib import Path

from app.config import Config
from app.services.vault.vaults import OpenVault
from tests.drivers.terminal import ROOT

FIRST_PAINT = """
import os, sys
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            told = [type(watched).__name__, " ".join(sys.modules)]
            QApplication.instance().setStyleSheet("")  # it hides the style below
            os.write(1, "\\n".join([QApplication.style().name(), *told]).encode())
            os._exit(0)
        return False
"""
OURS = (
    FIRST_PAINT
    + """
from app import bootstrap
from app.bootstrap import desk
class Seen(desk.MainWindow):
    def show(self):
        self.watch = Watch()
        self.centralWidget().currentWidget().installEventFilter(self.watch)
        super().show()
desk.MainWindow = Seen
bootstrap.run_window(["--data", sys.argv[1]])
"""
)
EMPTY = (
    FIRST_PAINT
    + """
application = QApplication(sys.argv[:1])
window, watch = QMainWindow(), Watch()
window.installEventFilter(watch)
window.show()
application.exec()
"""
)
NEEDED = {
    "app",
    "app.bootstrap",
    "app.bootstrap.desk",
    "app.bootstrap.logbook",
    "app.config",
    "app.views",
    "app.views.changes",
    "app.views.garbage",
    "app.views.jobs",
    "app.views.main_window",
    "app.views.main_window.menus",
    "app.views.main_window.window",
    "app.views.theme",
    "app.views.theme.fonts",
    "app.views.theme.icons",
    "app.views.theme.tokens",
    "app.views.vault",
    "app.views.vault.sheet",
    "app.views.vault.unlock",
    "app.views.widgets",
    "app.views.widgets.banner",
    "app.views.widgets.field",
    "app.views.widgets.passphrase_field",
    "app.views.widgets.pieces",
    "app.views.widgets.toast",
    "app.words",
    "sync",
    "sync.memory",
}
"""Whoever adds one here measures it first: `python build_scripts/bench.py start`."""
OF_THE_SYSTEM = {"gc", "resource", "PySide6.QtSvg"}
"""What else an empty window does not load."""


def seen(code: str, home: Path, *arguments: str) -> tuple[str, str, set[str]]:
    """Style, painted widget and modules of a process of its own at its first paint, in English, which has no files."""
    world = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "LC_ALL": "C.UTF-8"}
    world |= {"QT_QPA_PLATFORM": "offscreen", "QT_STYLE_OVERRIDE": "windows", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=world, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    style, painted, modules = done.stdout.splitlines()
    return style, painted, set(modules.split())


def test_the_unlock_screen_needs_nothing_but_what_it_shows(vault: OpenVault, config: Config, tmp_path: Path) -> None:
    style, painted, modules = seen(OURS, tmp_path, str(config.data))
    plain, _, known = seen(EMPTY, tmp_path)

    assert painted == "UnlockPage"
    assert (style, plain) == ("fusion", "windows"), "its style, whatever the system likes"
    own = {name for name in modules - known if name.partition(".")[0] in ("app", "sync")}
    assert own == NEEDED
    assert modules - known - own <= OF_THE_SYSTEM
